from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.rules.breaker import FAILURES_TO_OPEN, FIRST_REST, LONGEST_REST, Breaker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def opened(at: datetime = NOON) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker = breaker.failed(at, 1.0)
    return breaker


class TestBreaker:
    def test_it_opens_after_five_failures_in_a_row(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES_TO_OPEN):
            assert breaker.wait(NOON) == timedelta()
            breaker = breaker.failed(NOON, 1.0)

        assert breaker.state == "open"
        assert breaker.wait(NOON) == FIRST_REST

    def test_a_success_between_failures_keeps_it_closed(self) -> None:
        breaker = Breaker()
        for _ in range(10):
            for _ in range(FAILURES_TO_OPEN - 1):
                breaker = breaker.failed(NOON, 1.0)
            breaker = breaker.worked()

        assert breaker.state == "closed"

    def test_one_call_tries_it_and_the_others_wait(self) -> None:
        breaker = opened().tried()

        assert breaker.state == "half_open"
        assert breaker.wait(NOON + timedelta(days=1)) is None

    def test_a_success_closes_it(self) -> None:
        assert opened().tried().worked() == Breaker()

    def test_each_failed_trial_doubles_the_rest_up_to_five_minutes(self) -> None:
        breaker, now, rests = opened(), NOON, []
        for _ in range(10):
            wait = breaker.wait(now)
            assert wait is not None
            rests.append(wait)
            now += wait
            breaker = breaker.tried().failed(now, 1.0)

        assert rests[:3] == [FIRST_REST, FIRST_REST * 2, FIRST_REST * 4]
        assert rests[-1] == LONGEST_REST

    def test_calls_that_fail_after_it_opened_do_not_make_it_worse(self) -> None:
        breaker = opened()

        assert breaker.failed(NOON + timedelta(seconds=1), 1.0) == breaker

    @given(
        st.lists(
            st.tuples(st.sampled_from(["fail", "work", "try"]), st.floats(0, 600), st.floats(0, 1)),
            max_size=60,
        )
    )
    def test_it_never_rests_for_longer_than_five_minutes(
        self, events: list[tuple[str, float, float]]
    ) -> None:
        breaker, now = Breaker(), NOON
        for event, pause, jitter in events:
            now += timedelta(seconds=pause)
            match event:
                case "fail":
                    breaker = breaker.failed(now, jitter)
                case "work":
                    breaker = breaker.worked()
                case _ if breaker.wait(now) == timedelta():
                    breaker = breaker.tried()

            rest = breaker.wait(now)
            assert rest is None or rest <= LONGEST_REST
            assert (rest is None) is (breaker.state == "half_open")
