import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.budget import Budget, Limits
from actors.rules.fairness import (
    HALF_LIFE,
    LONGEST_BACKGROUND_WAIT,
    LONGEST_WAIT,
    PRUNED_AT,
    QUEUE_CAP,
    Request,
    Urgency,
    Usage,
    is_full,
    next_up,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_request(number: int = 1, **changes: object) -> Request:
    values: dict[str, object] = {
        "number": number,
        "urgency": Urgency.REPLY,
        "guild": 1,
        "user": 1,
        "tokens": 1_000,
        "since": NOON + timedelta(seconds=number),
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


def usage(*used: Request, at: datetime = NOON) -> Usage:
    made = Usage()
    for request in used:
        made.used(request, at)
    return made


class TestNextUp:
    def test_danger_goes_first_however_much_its_guild_used(self) -> None:
        crisis = a_request(9, urgency=Urgency.CRISIS, guild=2)

        assert next_up((a_request(1), crisis), usage(a_request(guild=2, tokens=10**6))) is crisis

    def test_replies_go_before_facts_and_facts_before_opinions(self) -> None:
        waiting = [a_request(n, urgency=u) for n, u in enumerate(reversed(Urgency))]

        order = []
        while waiting:
            chosen = next_up(waiting, Usage())
            assert chosen is not None
            waiting.remove(chosen)
            order.append(chosen.urgency)

        assert order == sorted(Urgency)

    def test_the_guild_that_used_least_goes_before_the_one_that_came_first(self) -> None:
        loud, quiet = a_request(1, guild=1), a_request(2, guild=2)

        assert next_up((loud, quiet), usage(loud)) is quiet

    def test_direct_messages_of_two_people_are_two_places(self) -> None:
        one, other = a_request(1, guild=-1, user=1), a_request(2, guild=-2, user=2)

        assert next_up((one, other), usage(one)) is other

    def test_within_a_guild_the_person_who_used_least(self) -> None:
        one, other = a_request(1, user=1), a_request(2, user=2)

        assert next_up((one, other), usage(one)) is other

    def test_otherwise_who_waits_longest(self) -> None:
        first, second = a_request(1), a_request(2)

        assert next_up((second, first), Usage()) is first

    def test_nobody_is_next_when_nobody_waits(self) -> None:
        assert next_up((), Usage()) is None

    @given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=40))
    def test_everybody_gets_a_turn(self, who: list[tuple[int, int]]) -> None:
        waiting = [a_request(n, guild=g, user=u) for n, (g, u) in enumerate(who)]
        used = Usage()
        order: list[int] = []

        while waiting:
            chosen = next_up(waiting, used)
            assert chosen is not None
            waiting.remove(chosen)
            used.used(chosen, NOON)
            order.append(chosen.guild)

        guilds = len({guild for guild, _ in who})
        assert len(set(order[:guilds])) == guilds, "no guild goes twice before all went once"


class TestUsage:
    def test_it_fades_by_half_every_five_minutes(self) -> None:
        used = usage(a_request(guild=1, tokens=1_000))

        assert used.of_guild(1, NOON) == pytest.approx(1_000)
        assert used.of_guild(1, NOON + HALF_LIFE) == pytest.approx(500)
        assert used.of_user(1, NOON + 10 * HALF_LIFE) == pytest.approx(1_000 / 1_024)

    @given(st.lists(st.tuples(st.integers(1, 5_000), st.floats(0, 3_600)), min_size=1, max_size=30))
    def test_it_is_the_sum_of_what_has_faded(self, calls: list[tuple[int, float]]) -> None:
        used, now = Usage(), NOON
        at: list[tuple[int, datetime]] = []
        for tokens, pause in calls:
            now += timedelta(seconds=pause)
            used.used(a_request(tokens=tokens), now)
            at.append((tokens, now))

        expected = sum(tokens * 0.5 ** ((now - then) / HALF_LIFE) for tokens, then in at)
        assert used.of_guild(1, now) == pytest.approx(expected, rel=1e-6)

    def test_yesterday_is_not_paid_for(self) -> None:
        loud_yesterday = usage(a_request(guild=1, tokens=100_000), at=NOON - timedelta(days=1))
        loud_yesterday.used(a_request(guild=2, tokens=10), NOON)

        chosen = next_up((a_request(1, guild=1), a_request(2, guild=2)), loud_yesterday)

        assert chosen is not None
        assert chosen.guild == 1

    def test_those_who_left_are_forgotten(self) -> None:
        used = Usage()
        for number in range(PRUNED_AT // 2):
            used.used(a_request(guild=number, user=number, tokens=9), NOON)

        used.used(a_request(guild=-1, user=-1), NOON + timedelta(hours=1))

        assert len(used) == 2


class TestIsFull:
    def test_a_guild_may_have_six_replies_waiting(self) -> None:
        waiting = [a_request(n) for n in range(QUEUE_CAP)]

        assert is_full(waiting, a_request(99))
        assert not is_full(waiting[1:], a_request(99))
        assert not is_full(waiting, a_request(99, guild=2))

    def test_danger_is_never_turned_away(self) -> None:
        waiting = [a_request(n) for n in range(50)]

        assert not is_full(waiting, a_request(99, urgency=Urgency.CRISIS))

    def test_background_work_does_not_take_the_place_of_replies(self) -> None:
        waiting = [a_request(n, urgency=Urgency.FACTS) for n in range(QUEUE_CAP)]

        assert not is_full(waiting, a_request(99))
        assert is_full(waiting, a_request(99, urgency=Urgency.FACTS))


class TestRequest:
    def test_a_reply_gives_up_sooner_than_background_work(self) -> None:
        reply, facts = a_request(0), a_request(0, urgency=Urgency.FACTS)

        assert reply.gives_up_at - reply.since == LONGEST_WAIT
        assert facts.gives_up_at - facts.since == LONGEST_BACKGROUND_WAIT


class TestAnEvening:
    """One loud guild and twenty quiet ones at a model of 8,000 tokens a minute."""

    NEED = 1_480
    MINUTES = 120

    def test_quiet_guilds_are_served_and_soon(self) -> None:
        served, waits, asked = self.evening(random.Random(7))

        quiet = [wait for guild, wait in waits if guild != 0]
        assert served["quiet"] / asked["quiet"] >= 0.93
        assert sorted(quiet)[len(quiet) // 2] <= 12
        assert max(quiet) <= LONGEST_WAIT.total_seconds()

    def test_what_is_left_goes_to_the_loud_one(self) -> None:
        served, _, asked = self.evening(random.Random(7))

        assert 0 < served["loud"] < asked["loud"]
        assert served["loud"] + served["quiet"] >= 0.95 * self.MINUTES * 8_000 / self.NEED

    def evening(
        self, dice: random.Random
    ) -> tuple[Counter[str], list[tuple[int, float]], Counter[str]]:
        """Play it by the rules, second by second; return who was served, after how long, of how
        many.
        """
        budget, usage, now = Budget.full(Limits(tokens_day=1e9), NOON), Usage(), NOON
        waiting: list[Request] = []
        served: Counter[str] = Counter()
        asked: Counter[str] = Counter()
        waits: list[tuple[int, float]] = []
        for second in range(self.MINUTES * 60):
            now = NOON + timedelta(seconds=second)
            budget = budget.filled(now)
            heard = [0] if dice.random() < 0.5 else []
            heard += [guild for guild in range(1, 21) if dice.random() < 1 / 450]
            for guild in heard:
                asked[self.kind(guild)] += 1
                request = a_request(
                    sum(asked.values()), guild=guild, user=guild, tokens=self.NEED, since=now
                )
                if not is_full(waiting, request):
                    waiting.append(request)
            waiting = [r for r in waiting if r.gives_up_at > now]
            chosen = next_up(waiting, usage)
            if chosen is not None and not budget.wait_for(self.NEED, chosen.urgency, now):
                waiting.remove(chosen)
                budget = budget.spent(self.NEED)
                usage.used(chosen, now)
                served[self.kind(chosen.guild)] += 1
                waits.append((chosen.guild, (now - chosen.since).total_seconds()))
        return served, waits, asked

    def kind(self, guild: int) -> str:
        return "quiet" if guild else "loud"
