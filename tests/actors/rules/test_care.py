"""Care is sticky: it outlasts its message, only rises, and decides when help is shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.care import (
    HOLD,
    SHOWN_FOR,
    SOFT_HOLD,
    SUSPENDED,
    asks_for_help,
    combined,
    heard,
    holds,
    resources_due,
    shown,
    suspended,
)
from actors.rules.sentinel import Label, Reading
from storage.records import CareState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

readings = st.builds(
    Reading,
    level=st.integers(0, 3),
    labels=st.frozensets(st.sampled_from(list(Label))),
    language=st.sampled_from((None, "en", "de")),
)
gaps = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=5))


def a_state(level: int = 2, *, shown_at: datetime | None = NOON) -> CareState:
    return CareState(level, (), NOON, NOON + HOLD, shown_at, "en")


class TestHeard:
    def test_nothing_serious_starts_nothing(self) -> None:
        assert heard(None, Reading(0), NOON) is None

    @pytest.mark.parametrize(("level", "span"), [(1, SOFT_HOLD), (2, HOLD), (3, HOLD)])
    def test_a_level_holds_for_its_span(self, level: int, span: timedelta) -> None:
        state = heard(None, Reading(level), NOON)

        assert state is not None
        assert holds(state, NOON + span - HOUR)
        assert not holds(state, NOON + span)

    def test_a_label_alone_holds_a_day(self) -> None:
        state = heard(None, Reading(0, frozenset({Label.OTHER})), NOON)

        assert state is not None
        assert (state.level, state.labels, state.until) == (0, ("other",), NOON + SOFT_HOLD)

    def test_a_calm_message_leaves_a_held_state_as_it_is(self) -> None:
        state = a_state()

        assert heard(state, Reading(0), NOON + HOUR) == state

    def test_a_calm_message_after_the_span_ends_it(self) -> None:
        assert heard(a_state(), Reading(0), NOON + HOLD) is None

    def test_a_lower_level_neither_lowers_nor_shortens(self) -> None:
        state = heard(a_state(3), Reading(1), NOON + HOUR)

        assert state is not None
        assert (state.level, state.until, state.since) == (3, NOON + HOLD, NOON)

    def test_an_expired_state_starts_anew_but_remembers_what_was_shown(self) -> None:
        late = NOON + timedelta(days=10)

        state = heard(a_state(3), Reading(1), late)

        assert state == CareState(1, (), late, late + SOFT_HOLD, NOON, None)

    @given(st.lists(st.tuples(readings, gaps), max_size=8))
    def test_while_it_holds_level_and_end_never_fall(
        self, turns: list[tuple[Reading, timedelta]]
    ) -> None:
        state, now = None, NOON
        for reading, gap in turns:
            now += gap
            before = state if holds(state, now) else None

            state = heard(state, reading, now)

            if before is not None:
                assert state is not None
                assert state.level >= before.level
                assert state.until >= before.until
                assert set(state.labels) >= set(before.labels)
            if reading.level:
                assert state is not None
                assert state.level >= reading.level


class TestCombined:
    @pytest.mark.parametrize(
        ("sentinel", "model", "level"),
        [(0, 0, 0), (0, 3, 3), (1, 0, 0), (1, 2, 2), (2, 0, 2), (2, 3, 3), (3, 0, 3), (0, 9, 3)],
    )
    def test_the_model_raises_all_and_lowers_only_level_1(
        self, sentinel: int, model: int, level: int
    ) -> None:
        assert combined(sentinel, model) == level

    @given(st.integers(-5, 9), st.integers(-5, 9))
    def test_never_below_a_serious_sentinel_nor_below_the_model(
        self, sentinel: int, model: int
    ) -> None:
        level = combined(sentinel, model)

        assert 0 <= level <= 3
        assert level >= min(max(model, 0), 3)
        assert sentinel < 2 or level >= min(sentinel, 3)


class TestResourcesDue:
    def test_first_serious_message_shows_them(self) -> None:
        assert resources_due(None, Reading(2), NOON)

    @pytest.mark.parametrize("level", [0, 1])
    def test_level_0_and_1_do_not(self, level: int) -> None:
        assert not resources_due(None, Reading(level), NOON)

    def test_not_again_within_a_day(self) -> None:
        assert not resources_due(a_state(), Reading(2), NOON + SHOWN_FOR - HOUR)

    def test_again_after_a_day(self) -> None:
        assert resources_due(a_state(), Reading(2), NOON + SHOWN_FOR)

    def test_again_when_the_level_rises(self) -> None:
        assert resources_due(a_state(2), Reading(3), NOON + HOUR)

    def test_on_request_always(self) -> None:
        assert resources_due(a_state(), Reading(0), NOON + HOUR, asked=True)

    def test_if_they_were_never_shown(self) -> None:
        assert resources_due(a_state(shown_at=None), Reading(2), NOON + HOUR)

    def test_once_for_a_label(self) -> None:
        reading = Reading(0, frozenset({Label.BEREAVED}))
        after = shown(heard(None, reading, NOON), NOON)

        assert resources_due(None, reading, NOON)
        assert not resources_due(after, reading, NOON + HOUR)

    def test_a_new_label_shows_its_own(self) -> None:
        assert resources_due(a_state(), Reading(0, frozenset({Label.VIOLENCE})), NOON + HOUR)

    def test_what_is_past_needs_none(self) -> None:
        assert not resources_due(None, Reading(0, frozenset({Label.PAST})), NOON)


class TestSuspended:
    def test_everything_light_rests_while_it_holds(self) -> None:
        assert suspended(a_state(1), NOON) == SUSPENDED
        assert suspended(a_state(1), NOON + HOLD) == frozenset()
        assert suspended(None, NOON) == frozenset()

    def test_showing_is_noted(self) -> None:
        state = a_state(shown_at=None)

        assert shown(state, NOON) == replace(state, resources_shown_at=NOON)
        assert shown(None, NOON) is None


class TestAsksForHelp:
    @pytest.mark.parametrize(
        "text",
        [
            "is there a hotline?",
            "What’s the number again",
            "who can I call",
            "where do i get help",
            "can you show me the resources",
            "gibt es eine Telefonseelsorge?",
            "il y a une ligne d'écoute ?",
            "hay una línea de ayuda",
        ],
    )
    def test_a_request_is_heard(self, text: str) -> None:
        assert asks_for_help(text)

    @pytest.mark.parametrize("text", ["help me with homework", "hello", "my number is up", ""])
    def test_other_talk_is_not(self, text: str) -> None:
        assert not asks_for_help(text)
