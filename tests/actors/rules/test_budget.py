import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.budget import (
    DAY,
    MINUTE,
    UNLIMITED,
    Bucket,
    Budget,
    Limits,
    Seen,
    need_of,
    retry_pause,
)
from actors.rules.fairness import Urgency

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = Limits()
REPLY, FACTS = Urgency.REPLY, Urgency.FACTS


def later(**by: float) -> datetime:
    return NOON + timedelta(**by)


class TestBucket:
    @given(st.floats(-5_000, 8_000), st.floats(0, 300), st.floats(0, 300))
    def test_two_waits_fill_as_much_as_one(self, left: float, first: float, second: float) -> None:
        bucket = Bucket(8_000, left, MINUTE, NOON)

        in_steps = bucket.filled(later(seconds=first)).filled(later(seconds=first + second))
        at_once = bucket.filled(later(seconds=first + second))

        assert in_steps.left == pytest.approx(at_once.left, abs=1e-3)

    def test_a_clock_that_goes_back_fills_nothing(self) -> None:
        bucket = Bucket(8_000, 100, MINUTE, NOON)

        assert bucket.filled(later(hours=-1)) == bucket

    @given(st.floats(-5_000, 8_000), st.floats(0, 20_000))
    def test_it_never_holds_more_than_its_capacity(self, left: float, gain: float) -> None:
        assert Bucket(8_000, left, MINUTE, NOON).less(-gain).left <= 8_000

    def test_a_limit_of_nothing_does_not_divide_by_it(self) -> None:
        assert Bucket(0, -1, DAY, NOON).wait_for(1) == DAY


class TestBudget:
    @given(st.lists(st.tuples(st.floats(1, 3_000), st.floats(0, 120)), max_size=60))
    def test_over_any_time_it_spends_no_more_than_flows_in(
        self, calls: list[tuple[float, float]]
    ) -> None:
        budget, now, spent, count = Budget.full(FREE, NOON), NOON, 0.0, 0

        for need, pause in calls:
            now += timedelta(seconds=pause)
            budget = budget.filled(now)
            if not budget.wait_for(need, REPLY, now):
                budget, spent, count = budget.spent(need), spent + need, count + 1

        minutes = (now - NOON) / MINUTE
        assert spent <= FREE.tokens_minute * (1 + minutes) + 1e-6
        assert count <= FREE.requests_minute * (1 + minutes) + 1e-6

    @given(st.floats(1, 7_999), st.floats(0, 16_000))
    def test_after_the_wait_the_call_may_go(self, need: float, debt: float) -> None:
        budget = Budget.full(FREE, NOON).spent(debt)

        now = NOON + budget.wait_for(need, REPLY, NOON) + timedelta(milliseconds=1)

        assert not budget.filled(now).wait_for(need, REPLY, now)

    def test_thirty_requests_go_in_a_minute_however_small(self) -> None:
        budget = Budget.full(FREE, NOON)
        for _ in range(30):
            assert not budget.wait_for(1, REPLY, NOON)
            budget = budget.spent(1)

        assert budget.wait_for(1, REPLY, NOON) == timedelta(seconds=2)
        assert budget.scarce(1) == "requests_minute"

    def test_the_day_binds_too(self) -> None:
        budget = Budget.full(Limits(tokens_day=1_000), NOON).spent(1_000)

        assert budget.filled(later(minutes=5)).wait_for(500, REPLY, later(minutes=5)) > timedelta(
            hours=11
        )
        assert budget.scarce(500) == "tokens_day"

    def test_a_call_larger_than_the_bucket_waits_for_a_full_one_but_not_for_ever(self) -> None:
        budget = Budget.full(FREE, NOON)

        assert not budget.wait_for(50_000, REPLY, NOON)
        assert budget.spent(4_000).wait_for(50_000, REPLY, NOON) == timedelta(seconds=30)

    def test_background_waits_for_half_of_the_minute(self) -> None:
        budget = Budget.full(FREE, NOON).spent(4_500)

        assert not budget.wait_for(1_000, REPLY, NOON)
        assert budget.wait_for(1_000, FACTS, NOON)
        assert not budget.filled(later(seconds=5)).wait_for(1_000, FACTS, later(seconds=5))

    def test_a_server_of_ones_own_has_no_limits(self) -> None:
        now = later(hours=1)
        budget = Budget.full(UNLIMITED, NOON).spent(1e9).filled(now)

        assert not budget.wait_for(1e9, REPLY, now)
        assert not budget.wait_for(10, FACTS, now)


class TestSettled:
    @given(st.integers(1, 8_000), st.integers(1, 8_000))
    def test_in_the_end_a_call_has_cost_what_it_used(self, need: int, used: int) -> None:
        full = Budget.full(FREE, NOON)

        settled = full.spent(need).settled(need, used)

        assert full.tokens_minute.left - settled.tokens_minute.left == used
        assert full.tokens_day.left - settled.tokens_day.left == used
        assert full.requests_day.left - settled.requests_day.left == 1


class TestCorrected:
    def test_headers_are_believed(self) -> None:
        budget = Budget.full(FREE, NOON).corrected(Seen(14_400, 14_000, 6_000, 12))

        assert budget.requests_day.capacity == 14_400
        assert budget.requests_day.left == 14_000
        assert budget.tokens_minute.left == 12
        assert budget.wait_for(100, REPLY, NOON)

    def test_they_may_say_that_more_is_left_than_we_thought(self) -> None:
        budget = Budget.full(FREE, NOON).spent(8_000).corrected(Seen(tokens_left=7_000))

        assert not budget.wait_for(5_000, REPLY, NOON)

    def test_what_is_still_under_way_is_held_back(self) -> None:
        seen = Seen(requests_left=10, tokens_left=3_000)

        budget = Budget.full(FREE, NOON).corrected(seen, under_way=(2, 2_500.0))

        assert (budget.requests_day.left, budget.tokens_minute.left) == (8, 500)

    def test_silence_changes_nothing(self) -> None:
        budget = Budget.full(FREE, NOON).spent(100)

        assert budget.corrected(Seen(), under_way=(3, 5_000.0)) == budget

    @given(
        st.builds(
            Seen,
            st.none() | st.integers(0, 10**11),
            st.none() | st.integers(0, 10**11),
            st.none() | st.integers(0, 10**11),
            st.none() | st.integers(0, 10**11),
        ),
        st.booleans(),
    )
    def test_no_header_makes_anybody_wait_for_ever(self, seen: Seen, own: bool) -> None:
        budget = Budget.full(UNLIMITED if own else FREE, NOON).corrected(seen)

        assert budget.wait_for(2_000, REPLY, NOON) <= DAY


class TestRefused:
    @pytest.mark.parametrize("limits", [FREE, UNLIMITED])
    def test_nothing_goes_out_before_the_time_that_was_named(self, limits: Limits) -> None:
        wait = timedelta(seconds=20)
        budget = Budget.full(limits, NOON).refused(wait, None, 1_000, NOON)

        assert budget.wait_for(10, REPLY, NOON) == wait
        assert budget.filled(later(seconds=5)).wait_for(10, REPLY, later(seconds=5))
        assert not budget.filled(later(seconds=20)).wait_for(10, REPLY, later(seconds=20))

    @pytest.mark.parametrize("bucket", ["requests_minute", "tokens_minute", "tokens_day"])
    def test_then_just_this_call_may_go(self, bucket: str) -> None:
        wait = timedelta(seconds=20)
        now = NOON + wait + timedelta(milliseconds=10)
        budget = Budget.full(FREE, NOON).refused(wait, bucket, 1_000, NOON)  # type: ignore[arg-type]

        open_again = budget.filled(now)

        assert not open_again.wait_for(1_000, REPLY, now)
        assert open_again.spent(1_000).wait_for(1_000, REPLY, now)

    def test_a_shorter_refusal_does_not_end_a_longer_one(self) -> None:
        budget = Budget.full(FREE, NOON).refused(timedelta(hours=1), "tokens_day", 10, NOON)

        budget = budget.refused(timedelta(seconds=2), "requests_minute", 10, NOON)

        assert budget.wait_for(10, REPLY, NOON) == timedelta(hours=1)


class TestNeed:
    def test_it_grows_with_words_pictures_and_the_room_for_an_answer(self) -> None:
        plain = need_of(["word " * 100], 0, 500)

        assert need_of(["word " * 200], 0, 500) > plain
        assert need_of(["word " * 100], 2, 500) == plain + 2_000
        assert need_of(["word " * 100], 0, 1_500) > plain

    def test_an_empty_prompt_costs_its_answer(self) -> None:
        assert need_of([], 0, 100) == math.ceil(35.0)


class TestRetryPause:
    @given(st.integers(1, 100), st.floats(0, 1))
    def test_it_grows_and_stays_bearable(self, attempt: int, jitter: float) -> None:
        pause = retry_pause(attempt, jitter)

        assert timedelta() < pause <= timedelta(seconds=8)
        assert pause <= retry_pause(attempt + 1, jitter)
