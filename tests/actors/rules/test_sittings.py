from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from actors.rules.sittings import TIMEOUT, Close, Open, is_over, spoken
from storage.ids import RowId
from storage.records import Conversation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_sitting() -> Conversation:
    return Conversation(RowId(7), NOON, NOON)


class TestSpoken:
    def test_the_first_word_opens_a_sitting(self) -> None:
        sitting, effects = spoken(None, NOON)

        assert sitting == Conversation(None, NOON, NOON)
        assert effects == (Open(sitting),)

    def test_a_word_within_the_hour_belongs_to_it(self) -> None:
        sitting, effects = spoken(a_sitting(), NOON + timedelta(minutes=59, seconds=59))

        assert sitting.row == 7
        assert sitting.message_count == 2
        assert effects == ()

    def test_after_an_hour_the_old_one_is_closed_before_a_new_one_opens(self) -> None:
        sitting, effects = spoken(a_sitting(), NOON + TIMEOUT)

        assert effects == (Close(a_sitting()), Open(sitting))
        assert sitting.row is None

    def test_a_late_word_does_not_turn_the_clock_back(self) -> None:
        sitting, _ = spoken(a_sitting(), NOON - timedelta(minutes=5))

        assert sitting.last_message_at == NOON

    @given(st.lists(st.floats(0, 180), max_size=40))
    def test_every_sitting_but_the_last_is_closed_once(self, gaps: list[float]) -> None:
        current, now, opened, closed = None, NOON, 0, 0

        for minutes in gaps:
            now += timedelta(minutes=minutes)
            current, effects = spoken(current, now)
            opened += sum(isinstance(effect, Open) for effect in effects)
            closed += sum(isinstance(effect, Close) for effect in effects)
            assert not is_over(current, now)

        assert opened - closed == (1 if gaps else 0)
