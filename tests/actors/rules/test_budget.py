from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.rules.budget import (
    FAILURES_TO_OPEN,
    UNLIMITED,
    Breaker,
    Budget,
    Limits,
    Request,
    Urgency,
    Usage,
    is_full,
    next_up,
    retry_pause,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = Limits()


def a_request(number: int = 1, **changes: object) -> Request:
    values: dict[str, object] = {
        "turn": f"t{number}",
        "urgency": Urgency.REPLY,
        "guild": 1,
        "user": 1,
        "tokens": 1_000,
        "since": NOON + timedelta(seconds=number),
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


class TestBudget:
    @given(st.lists(st.tuples(st.floats(1, 3_000), st.floats(0, 120)), max_size=60))
    def test_no_minute_ever_spends_more_than_twice_its_tokens(
        self, calls: list[tuple[float, float]]
    ) -> None:
        budget, now, spent = Budget.full(FREE, NOON), NOON, 0.0

        for tokens, pause in calls:
            now += timedelta(seconds=pause)
            budget = budget.filled(now)
            if not budget.wait_for(tokens, Urgency.REPLY):
                budget, spent = budget.spent(tokens), spent + tokens

        minutes = (now - NOON) / timedelta(minutes=1)
        assert spent <= FREE.tokens_minute * (1 + minutes) + 1e-6

    @given(st.floats(1, 7_999))
    def test_after_the_wait_the_call_may_go(self, tokens: float) -> None:
        budget = Budget.full(FREE, NOON).spent(7_999)

        wait = budget.wait_for(tokens, Urgency.REPLY)
        later = budget.filled(NOON + wait + timedelta(milliseconds=1))

        assert not later.wait_for(tokens, Urgency.REPLY)

    def test_a_call_larger_than_the_bucket_is_not_refused_for_ever(self) -> None:
        assert not Budget.full(FREE, NOON).wait_for(50_000, Urgency.REPLY)

    def test_background_waits_for_half_of_the_minute(self) -> None:
        budget = Budget.full(FREE, NOON).spent(4_500)

        assert not budget.wait_for(1_000, Urgency.REPLY)
        assert budget.wait_for(1_000, Urgency.FACTS)

    def test_headers_are_believed(self) -> None:
        budget = Budget.full(FREE, NOON).corrected(14_400, 14_000, 6_000, 12)

        assert budget.requests_day.capacity == 14_400
        assert budget.tokens_minute.left == 12
        assert budget.wait_for(100, Urgency.REPLY)

    def test_after_a_refusal_nothing_goes_out_for_so_long(self) -> None:
        budget = Budget.full(FREE, NOON).emptied(timedelta(seconds=20), daily=False)

        wait = budget.wait_for(10, Urgency.REPLY)

        assert timedelta(seconds=19) < wait < timedelta(seconds=21)

    def test_a_server_of_ones_own_has_no_limits(self) -> None:
        budget = Budget.full(UNLIMITED, NOON).spent(1e9).filled(NOON + timedelta(hours=1))

        assert not budget.wait_for(1e9, Urgency.REPLY)
        assert not budget.wait_for(10, Urgency.FACTS)


class TestNextUp:
    def test_danger_goes_first(self) -> None:
        crisis = a_request(9, urgency=Urgency.CRISIS, guild=2)

        assert next_up((a_request(1), crisis), Usage(NOON, {2: 1e6}, {})) is crisis

    def test_the_guild_that_used_least_goes_before_the_one_that_came_first(self) -> None:
        loud, quiet = a_request(1, guild=1), a_request(2, guild=2)

        assert next_up((loud, quiet), Usage(NOON, {1: 5_000.0}, {})) is quiet

    def test_within_a_guild_the_person_who_used_least(self) -> None:
        one, other = a_request(1, user=1), a_request(2, user=2)

        assert next_up((one, other), Usage(NOON, {}, {1: 100.0})) is other

    def test_otherwise_who_waits_longest(self) -> None:
        first, second = a_request(1), a_request(2)

        assert next_up((second, first), Usage(NOON, {}, {})) is first

    def test_nobody_is_next_when_nobody_waits(self) -> None:
        assert next_up((), Usage(NOON, {}, {})) is None

    def test_usage_fades(self) -> None:
        usage = Usage(NOON, {1: 1_000.0}, {}).faded(NOON + timedelta(minutes=5))

        assert usage.guilds[1] == 500.0
        assert usage.faded(NOON + timedelta(hours=2)).guilds == {}

    def test_a_guild_may_have_six_replies_waiting(self) -> None:
        waiting = tuple(a_request(n) for n in range(6))

        assert is_full(waiting, 1)
        assert not is_full(waiting, 2)
        assert not is_full(waiting[:5], 1)


class TestBreaker:
    def test_it_opens_after_five_failures_in_a_row(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES_TO_OPEN):
            assert breaker.wait(NOON) == timedelta()
            breaker = breaker.failed(NOON, 1.0)

        assert breaker.state == "open"
        assert breaker.wait(NOON)

    def test_one_call_tries_it_and_the_others_wait(self) -> None:
        breaker = opened().tried()

        assert breaker.state == "half_open"
        assert breaker.wait(NOON) is None

    def test_a_success_closes_it_a_failure_rests_longer(self) -> None:
        first = opened()
        again = first.tried().failed(NOON, 1.0)

        assert first.tried().worked() == Breaker()
        assert first.until is not None
        assert again.until is not None
        assert again.until > first.until

    @given(st.lists(st.sampled_from(["fail", "work", "try"]), max_size=60))
    def test_it_never_rests_for_ever(self, events: list[str]) -> None:
        breaker = Breaker()
        for event in events:
            match event:
                case "fail":
                    breaker = breaker.failed(NOON, 1.0)
                case "work":
                    breaker = breaker.worked()
                case _:
                    breaker = breaker.tried()

        if breaker.state == "open":
            assert breaker.wait(NOON + timedelta(minutes=6)) == timedelta()


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker = breaker.failed(NOON, 1.0)
    return breaker


class TestRetryPause:
    @given(st.integers(0, 100), st.floats(0, 1))
    def test_it_grows_and_stays_bearable(self, attempt: int, jitter: float) -> None:
        assert timedelta() < retry_pause(attempt, jitter) <= timedelta(seconds=8)
