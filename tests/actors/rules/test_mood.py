import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import mood as rules
from actors.rules.mood import Talk, at_rest, heard, label, settled
from storage.ids import GuildId, UserId
from storage.records import Mood

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, BEA = UserId(1), UserId(2)

unit = st.floats(-1, 1)
hours = st.floats(0, 2_000)
moods = st.builds(
    lambda v, a: Mood(GuildId(1), v, a, NOON),
    st.floats(*rules.VALENCE_RANGE),
    st.floats(*rules.AROUSAL_RANGE),
)


def a_mood(valence: float = 0.4, arousal: float = 0.2) -> Mood:
    return Mood(GuildId(1), valence, arousal, NOON)


class TestSettled:
    @given(moods, hours, hours)
    def test_two_halves_equal_the_whole(self, mood: Mood, one: float, two: float) -> None:
        middle, end = NOON + timedelta(hours=one), NOON + timedelta(hours=one + two)

        at_once, in_steps = settled(mood, end), settled(settled(mood, middle), end)

        assert in_steps.valence == pytest.approx(at_once.valence, abs=1e-9)
        assert in_steps.arousal == pytest.approx(at_once.arousal, abs=1e-9)

    @given(moods, hours)
    def test_silence_never_goes_past_rest(self, mood: Mood, silence: float) -> None:
        after = settled(mood, NOON + timedelta(hours=silence))

        low, high = sorted((mood.valence, rules.REST_VALENCE))
        assert low - 1e-12 <= after.valence <= high + 1e-12

    def test_half_of_the_way_takes_13_86_hours(self) -> None:
        after = settled(a_mood(valence=0.5), NOON + timedelta(hours=13.8629))

        assert after.valence == pytest.approx((0.5 + rules.REST_VALENCE) / 2, abs=1e-4)

    def test_no_silence_changes_nothing(self) -> None:
        assert settled(a_mood(), NOON) == a_mood()

    def test_a_clock_that_runs_behind_counts_as_no_silence(self) -> None:
        assert settled(a_mood(), NOON - timedelta(hours=5)) == a_mood()

    def test_a_naive_time_is_refused(self) -> None:
        with pytest.raises(TypeError):
            settled(a_mood(), NOON.replace(tzinfo=None))


class TestHeard:
    @given(st.lists(st.tuples(unit, unit, st.integers(0, 3), st.floats(0, 600)), max_size=80))
    def test_clamps_and_the_hourly_limit_always_hold(
        self, messages: list[tuple[float, float, int, float]]
    ) -> None:
        mood, talk, now = at_rest(1, NOON), Talk(NOON), NOON

        for valence, arousal, level, minutes in messages:
            now += timedelta(minutes=minutes)
            mood, talk = heard(
                mood, talk, ADA, now, valence=valence, arousal=arousal, care_level=level
            )

            assert rules.VALENCE_RANGE[0] <= mood.valence <= rules.VALENCE_RANGE[1]
            assert rules.AROUSAL_RANGE[0] <= mood.arousal <= rules.AROUSAL_RANGE[1]
            assert talk.moved <= rules.HOURLY_LIMIT + 1e-9

    @given(st.lists(st.tuples(st.floats(-1, 0), st.floats(0, 60)), max_size=100))
    def test_sadness_alone_never_goes_below_its_floor(
        self, messages: list[tuple[float, float]]
    ) -> None:
        mood, talk, now = at_rest(1, NOON), Talk(NOON), NOON

        for number, (valence, minutes) in enumerate(messages):
            now += timedelta(minutes=minutes)
            who = UserId(number % 7)
            mood, talk = heard(mood, talk, who, now, valence=valence, arousal=-0.3)

        assert mood.valence >= rules.SADDEST - 1e-12

    def test_two_hundred_grieving_messages_leave_it_steady(self) -> None:
        mood, talk, dice = at_rest(1, NOON), Talk(NOON), random.Random(1)

        for number in range(200):
            now = NOON + timedelta(minutes=number * 1.8)
            who = UserId(dice.randrange(10))
            mood, talk = heard(mood, talk, who, now, valence=-0.8, arousal=-0.2)

        assert -0.05 <= mood.valence <= 0.08

    def test_a_thousand_cheers_of_one_person_do_not_buy_it(self) -> None:
        mood, talk = at_rest(1, NOON), Talk(NOON)

        for number in range(1_000):
            now = NOON + timedelta(seconds=number)
            mood, talk = heard(mood, talk, ADA, now, valence=1.0, arousal=1.0)

        assert mood.valence <= 0.25

    def test_a_second_voice_weighs_more_than_a_repeated_one(self) -> None:
        first, talk = heard(at_rest(1, NOON), Talk(NOON), ADA, NOON, valence=-0.5, arousal=0)

        again, _ = heard(first, talk, ADA, NOON, valence=-0.5, arousal=0)
        other, _ = heard(first, talk, BEA, NOON, valence=-0.5, arousal=0)

        assert other.valence < again.valence < first.valence

    def test_a_crisis_calms(self) -> None:
        excited = a_mood(valence=0.5, arousal=0.35)

        after, _ = heard(excited, Talk(NOON), ADA, NOON, valence=-1, arousal=1, care_level=3)

        assert after.arousal < excited.arousal


class TestLabel:
    @pytest.mark.parametrize(
        ("valence", "arousal", "word"),
        [
            (0.10, -0.20, "steady"),
            (0.30, -0.20, "warm"),
            (0.30, 0.10, "bright"),
            (0.00, -0.20, "tender"),
            (0.10, -0.45, "tender"),
        ],
    )
    def test_each_corner_has_its_word(self, valence: float, arousal: float, word: str) -> None:
        assert label(a_mood(valence, arousal)) == word
