from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.relationship import band, grown, met, presence
from storage.ids import UserId
from storage.records import Relationship

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)


def a_stranger() -> Relationship:
    return Relationship(UserId(1), None)


def after_days(days: int, turns: int, every: int = 1) -> Relationship:
    known = a_stranger()
    for day in range(0, days, every):
        for turn in range(turns):
            now = MORNING + timedelta(days=day, minutes=turn)
            known = met(known, now, length=50, depth=turn + 1, valence=0.0)
    return known


class TestMet:
    @pytest.mark.parametrize(
        ("days", "name"),
        [(13, "New Face"), (31, "Familiar Face"), (55, "Regular"), (97, "Trusted Regular")],
    )
    def test_a_band_is_left_after_so_many_full_days(self, days: int, name: str) -> None:
        assert band(after_days(days - 2, turns=8).score) == name
        assert band(after_days(days + 1, turns=8).score) != name

    def test_a_spammer_is_still_a_new_face_after_a_week(self) -> None:
        assert after_days(7, turns=500).score == pytest.approx(11, abs=0.5)

    def test_two_quiet_turns_twice_a_week_make_a_friend_in_a_year(self) -> None:
        known = a_stranger()
        for week in range(52):
            for day in (1, 4):
                for turn in range(2):
                    now = MORNING + timedelta(weeks=week, days=day, minutes=turn)
                    known = met(known, now, length=40, depth=turn + 1, valence=0.0)

        assert known.score == pytest.approx(65, abs=1)

    @given(st.lists(st.tuples(st.floats(0, 90), st.floats(-1, 1), st.booleans()), max_size=60))
    def test_the_score_never_falls_and_stays_within_its_range(
        self, turns: list[tuple[float, float, bool]]
    ) -> None:
        known, now = a_stranger(), MORNING

        for gap, valence, hostile in turns:
            now += timedelta(hours=gap)
            before = known.score
            known = met(known, now, length=9, depth=1, valence=valence, hostile=hostile)

            assert before <= known.score < 100

    @given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
    def test_tone_weighs_nothing(self, tones: list[float]) -> None:
        sad, glad = a_stranger(), a_stranger()

        for tone in tones:
            sad = met(sad, MORNING, length=9, depth=1, valence=-abs(tone))
            glad = met(glad, MORNING, length=9, depth=1, valence=abs(tone))

        assert sad.score == glad.score

    def test_absence_is_not_punished(self) -> None:
        known = after_days(20, turns=8)

        later = met(known, MORNING + timedelta(days=400), length=5, depth=1, valence=0)

        assert later.score > known.score

    def test_hostility_pauses_that_day_only(self) -> None:
        hostile = met(a_stranger(), MORNING, length=5, depth=1, valence=-1, hostile=True)

        same_day = met(hostile, MORNING + timedelta(hours=2), length=5, depth=2, valence=0)
        next_day = met(same_day, MORNING + timedelta(days=1), length=5, depth=1, valence=0)

        assert same_day.score == 0
        assert next_day.score > 0

    def test_the_day_is_the_persons_own(self) -> None:
        late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
        after_midnight = late + timedelta(hours=1)
        there = timedelta(hours=-8)

        first = met(a_stranger(), late, length=5, depth=1, valence=0, offset=there)
        second = met(first, after_midnight, length=5, depth=2, valence=0, offset=there)

        assert second.turns_today == 2

    def test_averages_are_kept(self) -> None:
        known = met(a_stranger(), MORNING, length=10, depth=1, valence=0.5)
        known = met(known, MORNING, length=20, depth=2, valence=-0.5)

        assert known.avg_message_length == 15
        assert known.conversation_depth_avg == 1.5
        assert (known.positive_interactions, known.negative_interactions) == (1, 1)


class TestGrown:
    @given(st.floats(0, 99), st.floats(0, 1), st.floats(0, 1))
    def test_two_steps_equal_their_sum(self, score: float, one: float, two: float) -> None:
        assert grown(grown(score, one), two) == pytest.approx(grown(score, one + two), abs=1e-9)


class TestPresence:
    def test_it_is_worth_what_the_guide_says(self) -> None:
        assert [presence(n) for n in (0, 1, 2, 8, 500)] == [0.0, 0.25, 0.6, 1.0, 1.0]


class TestBand:
    @pytest.mark.parametrize(
        ("score", "name"),
        [
            (0, "New Face"),
            (20, "New Face"),
            (21, "Familiar Face"),
            (41, "Regular"),
            (61, "Trusted Regular"),
            (81, "Close Friend"),
            (99.9, "Close Friend"),
        ],
    )
    def test_the_five_bands(self, score: float, name: str) -> None:
        assert band(score) == name
