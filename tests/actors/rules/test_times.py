"""What a time is read as, what is asked about, what is none."""

# ruff: noqa: DTZ001 - what a wall clock shows is naive

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import calendar, times
from actors.rules.times import Unclear, Understood, read, read_birthday, split

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, four in the afternoon in Berlin."""

moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def there(text: str, zone: str = BERLIN) -> str:
    """Return what a clock in Berlin shows at the time that `text` means."""
    meant = read(text, NOW, zone)
    assert isinstance(meant, Understood), meant
    return f"{calendar.wall(meant.at, zone):%Y-%m-%d %H:%M}"


def question(text: str, zone: str | None = BERLIN) -> str:
    asked = read(text, NOW, zone)
    assert isinstance(asked, Unclear), asked
    return asked.question


class TestSpans:
    @pytest.mark.parametrize(
        ("text", "minutes"),
        [
            ("in 20 minutes", 20),
            ("20m", 20),
            ("in 1 hour", 60),
            ("1h30m", 90),
            ("in 2 hours and 5 mins", 125),
            ("in an hour", 60),
            ("in half an hour", 30),
            ("in 1.5 hours", 90),
            ("In 90 Seconds.", 1.5),
        ],
    )
    @pytest.mark.parametrize("zone", [None, BERLIN])
    def test_they_need_no_time_zone(self, text: str, minutes: float, zone: str | None) -> None:
        assert read(text.rstrip("."), NOW, zone) == Understood(NOW + timedelta(minutes=minutes))

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("in 2 days", "2026-11-25 16:00"),
            ("in a week", "2026-11-30 16:00"),
            ("in 3 months", "2027-02-23 16:00"),
            ("in a year", "2027-11-23 16:00"),
            ("in 1 day 2 hours", "2026-11-24 18:00"),
        ],
    )
    def test_days_are_counted_on_the_wall(self, text: str, meant: str) -> None:
        assert there(text) == meant

    def test_a_day_over_the_change_of_clocks_is_still_the_same_hour(self) -> None:
        before = datetime(2027, 3, 27, 11, tzinfo=UTC)

        meant = read("in 1 day", before, BERLIN)

        assert isinstance(meant, Understood)
        assert meant.at - before == timedelta(hours=23)


class TestDays:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("tomorrow at 9", "2026-11-24 09:00"),
            ("tomorrow 9pm", "2026-11-24 21:00"),
            ("Tomorrow, 9:30", "2026-11-24 09:30"),
            ("the day after tomorrow at 10", "2026-11-25 10:00"),
            ("on Friday", "2026-11-27 09:00"),
            ("fri 18:00", "2026-11-27 18:00"),
            ("18:00 on friday", "2026-11-27 18:00"),
            ("noon tomorrow", "2026-11-24 12:00"),
            ("tonight at 9", "2026-11-23 21:00"),
            ("today at 22:15", "2026-11-23 22:15"),
            ("at 23:00", "2026-11-23 23:00"),
            ("11pm", "2026-11-23 23:00"),
            ("12am tomorrow", "2026-11-24 00:00"),
            ("24 December 18:00", "2026-12-24 18:00"),
            ("the 24th of December, 2027 at 6 pm", "2027-12-24 18:00"),
            ("Dec 24th", "2026-12-24 09:00"),
            ("3 march", "2027-03-03 09:00"),
            ("29 february", "2028-02-29 09:00"),
            ("24.12.", "2026-12-24 09:00"),
            ("24.12.2026 18:00", "2026-12-24 18:00"),
            ("2026-12-24", "2026-12-24 09:00"),
            ("2026-12-24 18:00", "2026-12-24 18:00"),
            ("2026-12-24T18:00", "2026-12-24 18:00"),
            ("2026-12-24T18:00:00Z", "2026-12-24 19:00"),
            ("2026-12-24T18:00-05:00", "2026-12-25 00:00"),
            ("24/12", "2026-12-24 09:00"),
            ("12/24/2026", "2026-12-24 09:00"),
            ("12/12", "2026-12-12 09:00"),
        ],
    )
    def test_they_are_read_on_the_persons_clock(self, text: str, meant: str) -> None:
        assert there(text) == meant

    @pytest.mark.parametrize(("text", "assumed"), [("tomorrow", True), ("tomorrow at 9", False)])
    def test_an_hour_that_was_not_named_is_owned_up_to(self, text: str, assumed: bool) -> None:
        meant = read(text, NOW, BERLIN)

        assert isinstance(meant, Understood)
        assert meant.hour_assumed == assumed


class TestQuestions:
    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("05/06", "month"),
            ("next friday", "Friday 27 November or Friday 4 December"),
            ("monday at 18:00", "Today is Monday"),
            ("tomorrow at 6", "6 in the morning or 18:00"),
            ("today", "what time"),
            ("tonight", "what time"),
            ("midnight tomorrow", "00:01"),
            ("at 9:00", "tomorrow at 09:00"),
            ("today at 9", "past"),
            ("2020-01-01", "past"),
            ("in 0 minutes", "past"),
            ("9999-12-31", "far"),
            ("in 99999 days", "far"),
            ("in 99999 years", "no such"),
            ("30 february", "no such"),
            ("2027-02-29", "no such"),
            ("tomorrow at 25:00", "no such"),
            ("tomorrow at 13pm", "no clock"),
            ("the 24th", "which month"),
            ("in 1.5 days", "hours"),
            ("28 march 2027 02:30", "skip"),
            ("31 october 2027 02:30", "twice"),
            ("every day", "what time"),
            ("weekly", "which day"),
        ],
    )
    def test_what_can_mean_two_things_or_none_is_asked_about(self, text: str, word: str) -> None:
        assert word in question(text)

    def test_half_an_hour_that_comes_twice_is_asked_about_too(self) -> None:
        asked = read("4 april 2027 01:45", NOW, "Australia/Lord_Howe")

        assert isinstance(asked, Unclear)

    @pytest.mark.parametrize("text", ["tomorrow at 9", "on Friday", "24.12.", "in 2 days", "9pm"])
    def test_without_a_time_zone_it_is_asked_for(self, text: str) -> None:
        assert question(text, None) == times.ZONE_NEEDED

    @pytest.mark.parametrize(
        "text",
        ["", "hello", "9", "call Ana", "every 20 minutes", "soon", "in a bit"],
    )
    def test_what_is_no_time_is_not_made_one(self, text: str) -> None:
        assert read(text, NOW, BERLIN) is None


class TestRecurring:
    @pytest.mark.parametrize(
        ("text", "recurs", "meant"),
        [
            ("every day at 9", "daily", "2026-11-24 09:00"),
            ("daily at 18:00", "daily", "2026-11-23 18:00"),
            ("every monday at 18:00", "weekly", "2026-11-23 18:00"),
            ("every monday at 9", "weekly", "2026-11-30 09:00"),
            ("every week on friday", "weekly", "2026-11-27 09:00"),
            ("every month on the 3rd at 10", "monthly", "2026-12-03 10:00"),
            ("every month on the 31st", "monthly", "2026-11-30 09:00"),
            ("every year on 3 May", "yearly", "2027-05-03 09:00"),
            ("yearly on feb 29", "yearly", "2028-02-29 09:00"),
        ],
    )
    def test_the_first_time_is_the_next_one(self, text: str, recurs: Any, meant: str) -> None:
        first = read(text, NOW, BERLIN)

        assert isinstance(first, Understood)
        assert first.recurs == recurs
        assert there(text) == meant
        assert first.wall is not None


class TestSplit:
    @pytest.mark.parametrize(
        ("text", "meant", "rest"),
        [
            ("in 20 minutes call Ana", "2026-11-23 16:20", "call Ana"),
            ("tomorrow at 9 to call Ana", "2026-11-24 09:00", "call Ana"),
            ("tomorrow at 9: two eggs", "2026-11-24 09:00", "two eggs"),
            ("24 December 18:00 Open the door at 5", "2026-12-24 18:00", "Open the door at 5"),
            ("every monday at 9 the bins", "2026-11-30 09:00", "the bins"),
            ("on Friday", "2026-11-27 09:00", ""),
        ],
    )
    def test_the_time_ends_where_the_words_begin(self, text: str, meant: str, rest: str) -> None:
        found, left = split(text, NOW, BERLIN)

        assert isinstance(found, Understood)
        assert f"{calendar.wall(found.at, BERLIN):%Y-%m-%d %H:%M}" == meant
        assert left == rest

    def test_without_a_time_all_of_it_is_words(self) -> None:
        assert split("call Ana", NOW, BERLIN) == (None, "call Ana")


class TestBirthdays:
    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("3 May", (5, 3)),
            ("May 3rd", (5, 3)),
            ("03.05.", (5, 3)),
            ("3.5.1990", (5, 3)),
            ("1990-05-03", (5, 3)),
            ("29 february", (2, 29)),
            ("13/5", (5, 13)),
            ("friday", None),
            ("soon", None),
        ],
    )
    def test_a_day_of_the_year(self, text: str, day: tuple[int, int] | None) -> None:
        assert read_birthday(text) == day

    @pytest.mark.parametrize("text", ["5/6", "31.4.", "30 february"])
    def test_what_is_unclear_is_asked_about(self, text: str) -> None:
        assert isinstance(read_birthday(text), Unclear)


class TestAnything:
    @given(text=st.text(max_size=60), now=moments)
    def test_nothing_that_anyone_types_breaks_it(self, text: str, now: datetime) -> None:
        for zone in (None, BERLIN):
            found = read(text, now, zone)

            assert not isinstance(found, Understood) or found.at > now

    @given(
        now=moments,
        zone=st.sampled_from((BERLIN, "America/New_York", "Asia/Kathmandu")),
        at=moments,
    )
    def test_what_is_written_in_full_is_read_back(
        self, now: datetime, zone: str, at: datetime
    ) -> None:
        clock = calendar.wall(at, zone).replace(second=0, microsecond=0)

        for written in (
            f"{clock:%Y-%m-%d %H:%M}",
            f"{clock:%d.%m.%Y %H:%M}",
            f"{clock:%-d %B %Y %H:%M}",
        ):
            meant = read(written, now, zone)
            if isinstance(meant, Understood):
                assert calendar.wall(meant.at, zone) == clock
            else:
                assert isinstance(meant, Unclear)

    @given(minutes=st.integers(1, 99_999), now=moments)
    def test_a_span_is_as_long_as_it_says(self, minutes: int, now: datetime) -> None:
        assert read(f"in {minutes} minutes", now, None) == Understood(
            now + timedelta(minutes=minutes)
        )
