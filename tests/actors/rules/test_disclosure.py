"""Disclosure: said on time, never skipped, and honest when asked."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.disclosure import (
    HONEST_ANSWER,
    MINOR_NOTE,
    STATEMENT,
    TEXTS,
    Disclosure,
    asked_if_human,
    due,
    stated_age,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


def kind_of(disclosure: Disclosure | None) -> str | None:
    return disclosure.kind if disclosure else None


class TestDue:
    def test_the_very_first_reply_says_it_in_full_with_the_note_on_minors(self) -> None:
        disclosure = due(None, NOON, NOON, NOON)

        assert disclosure == Disclosure("first", f"{STATEMENT} {MINOR_NOTE}")

    def test_so_does_the_first_direct_message_of_somebody_met_in_a_guild(self) -> None:
        assert kind_of(due(NOON, NOON, NOON, NOON + HOUR, first_dm=True)) == "first"

    def test_not_twice_in_one_conversation(self) -> None:
        assert due(NOON, NOON, NOON, NOON + HOUR) is None

    def test_a_new_conversation_of_the_same_day_gets_one_small_line(self) -> None:
        later = NOON + 4 * HOUR

        disclosure = due(NOON, later, later, later)

        assert disclosure == Disclosure("conversation", TEXTS["conversation"], small=True)

    def test_the_first_reply_of_a_day_says_it_in_full(self) -> None:
        tomorrow = NOON + timedelta(days=1)

        assert kind_of(due(NOON, tomorrow, tomorrow, tomorrow)) == "daily"

    def test_the_day_is_the_persons_own(self) -> None:
        before, after = NOON.replace(hour=22), NOON.replace(hour=23)
        berlin = timedelta(hours=1)

        assert due(before, before, before, after) is None
        assert kind_of(due(before, before, before, after, local_offset=berlin)) == "daily"

    def test_a_day_that_begins_within_a_conversation_says_it_again(self) -> None:
        night = NOON.replace(hour=23, minute=30)

        assert kind_of(due(night, night, night, night + HOUR)) == "daily"

    @pytest.mark.parametrize(("minor", "span"), [(False, 3 * HOUR), (True, HOUR)])
    def test_continuous_talk_suggests_breaks(self, minor: bool, span: timedelta) -> None:
        start = NOON.replace(hour=1)
        almost = due(start, start, start, start + span - timedelta(minutes=1), minor=minor)
        first = due(start, start, start, start + span, minor=minor)
        after_first = due(
            start + span, start, start, start + span + timedelta(minutes=9), minor=minor
        )
        second = due(start + span, start, start, start + 2 * span, minor=minor)

        assert [kind_of(d) for d in (almost, first, after_first, second)] == [
            None,
            "break",
            None,
            "break",
        ]

    def test_a_clock_that_runs_back_owes_nothing(self) -> None:
        assert due(NOON, NOON - HOUR, NOON + HOUR, NOON - timedelta(minutes=1)) is None

    @given(
        st.lists(st.timedeltas(timedelta(minutes=1), timedelta(hours=30)), max_size=40),
        st.booleans(),
        st.integers(-12, 14),
    )
    def test_over_any_evening_no_day_conversation_or_long_talk_goes_without(
        self, gaps: list[timedelta], minor: bool, offset: int
    ) -> None:
        local = timedelta(hours=offset)
        span = HOUR if minor else 3 * HOUR
        now = started = NOON
        last: datetime | None = None
        for gap in [timedelta(0), *gaps]:
            now += gap
            if gap >= HOUR:
                started = now

            disclosure = due(last, started, started, now, local, minor)
            last = now if disclosure else last

            assert last is not None
            assert last >= started
            assert (last + local).date() == (now + local).date()
            assert now - max(last, started) < span

    def test_the_words_are_those_of_the_law(self) -> None:
        for kind in ("first", "daily", "break"):
            assert "computer program" in TEXTS[kind]
            assert "not a human being" in TEXTS[kind]
            assert "cannot feel human emotion" in TEXTS[kind]
        assert "may not be suitable for some minors" in TEXTS["first"]
        assert "break" in TEXTS["break"]


class TestAskedIfHuman:
    @pytest.mark.parametrize(
        "text",
        [
            "are you human?",
            "Are you a real person",
            "r u a bot",
            "are you really an AI?",
            "wait am i talking to a human",
            "is this a bot?",
            "are you real?",
            "you're not a real person, are you?",
            "do you have feelings",
            "do you actually feel anything?",
            "are you alive",
            "are you chatgpt",
            "bist du ein Mensch?",
            "bist du eine KI?",
            "es-tu humain ?",
            "t'es un robot ?",
            "¿eres humano?",
            "eres una persona real",
        ],
    )
    def test_the_question_is_heard(self, text: str) -> None:
        assert asked_if_human(text)

    @pytest.mark.parametrize(
        "text",
        [
            "are you ready",
            "are you there?",
            "is this seat taken",
            "you're a real person of taste",
            "i am human",
            "humans are strange",
            "are you open tonight",
            "is there a way home",
            "do you have coffee",
            "",
        ],
    )
    def test_other_questions_are_not(self, text: str) -> None:
        assert not asked_if_human(text)

    def test_the_answer_is_no(self) -> None:
        assert HONEST_ANSWER.startswith("No")
        assert "computer program" in HONEST_ANSWER

    @given(ANY_TEXT)
    def test_no_text_raises(self, text: str) -> None:
        assert asked_if_human(text) in (True, False)


class TestStatedAge:
    @pytest.mark.parametrize(
        ("text", "age"),
        [
            ("i'm 12", 12),
            ("I am 15 years old", 15),
            ("im only 11 lol", 11),
            ("I’m 16 and I hate school", 16),
            ("hi, i'm a 14 year old girl", 14),
            ("15f", 15),
            ("17 m here", 17),
            ("i just turned 13", 13),
            ("i turn 13 next week", 12),
            ("i'm turning 18 soon", 17),
            ("as a 15 year old I can't drive", 15),
            ("i'm 34", 34),
            ("ich bin 12 jahre alt", 12),
            ("ich bin erst 13.", 13),
            ("j'ai 14 ans", 14),
            ("tengo 12 años", 12),
            ("ho 15 anni", 15),
            ("ik ben 12 jaar", 12),
            ("mam 13 lat", 13),
            ("tenho 16 anos", 16),
        ],
    )
    def test_a_stated_age_is_read(self, text: str, age: int) -> None:
        assert stated_age(text) == age

    @pytest.mark.parametrize(
        "text",
        [
            "i'm 12 minutes late",
            "im 5 foot 8",
            "i'm 2 beers in",
            "i'm 10 km away",
            "i'm 100% sure",
            "when i was 12 we moved",
            "my son is 12",
            "she's 15",
            "i was 15",
            "i feel like i'm 12",
            "i wish i was 12",
            "i'm 7/10 today",
            "i'm 30th in line",
            "i'm 16 weeks pregnant",
            "i'm 3rd",
            "there are 12 of us",
            "i have 12 cats",
            "i'm 1 of 4",
            "i'm 500",
            "ich bin 12 minuten zu spät",
            "",
        ],
    )
    def test_other_numbers_are_no_age(self, text: str) -> None:
        assert stated_age(text) is None

    @given(ANY_TEXT)
    def test_no_text_raises(self, text: str) -> None:
        age = stated_age(text)

        assert age is None or 0 < age <= 120
