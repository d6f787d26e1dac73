"""What the calendar's commands say, with real actors and a real database behind them."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors import messages as m
from actors.calendar import CalendarActor
from actors.directory import Directory
from actors.relationship import RelationshipActor
from actors.storage import StorageActor
from bot import calendar as words
from bot.commands import HELP, Commands
from storage import calendar as kept
from storage.database import Database
from storage.ids import ChannelId, GuildId, UserId
from storage.records import Person, Place
from tests.actors.ear import Clock
from tests.actors.test_calendar import Mouth

ADA = Person(UserId(7), "ada", "Ada", locale="en-GB")
BEN = Person(UserId(8), "ben", "Ben")
SNUG = Place(GuildId(1), ChannelId(11), "The Snug")
PRIVATE = Place(None, ChannelId(70), kind="dm")
TABLE = Place(None, ChannelId(1), kind="terminal")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, four in the afternoon in Berlin."""


class Bar:
    def __init__(self, database: Database) -> None:
        self.clock, self.mouth = Clock(NOW), Mouth()
        self.directory = house = Directory(clock=self.clock, rng=random.Random(1))
        house.register(
            StorageActor,
            lambda key: StorageActor(key, database=database, clock=self.clock),
            idle_after=None,
        )
        house.register(
            CalendarActor,
            lambda key: CalendarActor(key, directory=house, outbox=self.mouth, clock=self.clock),
            idle_after=None,
        )
        house.register(
            RelationshipActor,
            lambda key: RelationshipActor(key, directory=house, clock=self.clock),
        )
        self.commands = Commands(house, self.clock)

    async def says(
        self, name: str, rest: str = "", *, person: Person = ADA, place: Place = PRIVATE
    ) -> str:
        answer = await self.commands.answer(name, person, place, rest)
        assert answer is not None
        return answer

    async def look(self, **later: float) -> list[str]:
        self.clock.advance(**later)
        before = len(self.mouth.said)
        self.directory.ref(CalendarActor, m.OnlyOne).tell(m.EventsDue())
        assert await self.directory.quiet(5.0)
        return [reply.text for reply in self.mouth.said[before:]]


@pytest.fixture
async def bar() -> AsyncIterator[Bar]:
    database = Database()
    await database.init("sqlite+aiosqlite:///:memory:")
    await database.create_tables()
    made = Bar(database)
    yield made
    await made.directory.shutdown(deadline=2.0)
    await database.close()


@pytest.fixture
async def berlin(bar: Bar) -> Bar:
    await bar.says("timezone", "Europe/Berlin")
    return bar


class TestRemind:
    @pytest.mark.parametrize(
        ("rest", "answer"),
        [
            ("tomorrow at 9 call Ana", "Tuesday 24 November 2026, 09:00 (Europe/Berlin)"),
            ("tomorrow at 9\ncall Ana", "Tuesday 24 November 2026, 09:00 (Europe/Berlin)"),
            ("in 20 minutes call Ana", "Monday 23 November 2026, 16:20 (Europe/Berlin)"),
            ("on Friday call Ana", "27 November 2026, 09:00 (Europe/Berlin). You named no hour"),
            ("every monday at 9 call Ana", "30 November 2026, 09:00 (Europe/Berlin), every week."),
        ],
    )
    async def test_the_time_is_said_back_in_full(self, berlin: Bar, rest: str, answer: str) -> None:
        assert answer in await berlin.says("remind", rest)
        assert "call Ana" in await berlin.says("events")

    async def test_it_comes_where_it_was_asked_for(self, berlin: Bar) -> None:
        await berlin.says("remind", "in 1 hour call Ana", place=SNUG)

        said = await berlin.look(hours=1)

        assert said == ["You asked me to remind you: call Ana"]
        assert berlin.mouth.said[0].place.channel_id == SNUG.channel_id

    async def test_without_a_time_zone_a_span_works_and_a_clock_is_asked_for(
        self, bar: Bar
    ) -> None:
        in_private = await bar.says("remind", "in 20 minutes call Ana")
        at_the_table = await bar.says("remind", "in 20 minutes call Ana", place=TABLE)
        asked = await bar.says("remind", "tomorrow at 9 call Ana")

        assert f"<t:{int((NOW + timedelta(minutes=20)).timestamp())}:F>" in in_private
        assert "15:20 (UTC)" in at_the_table
        assert "/timezone" in asked
        assert len(await bar.look(hours=1)) == 2

    @pytest.mark.parametrize(
        ("rest", "answer"),
        [
            ("", words.REMIND_HELP),
            ("tomorrow at 9", words.WHAT),
            ("soon\ncall Ana", "couldn't read"),
            ("call Ana", "couldn't read"),
            ("05/06 call Ana", "month"),
            ("tomorrow at 9\n" + "x" * 201, words.TOO_LONG),
        ],
    )
    async def test_what_is_unclear_is_asked_about_and_nothing_is_planned(
        self, berlin: Bar, rest: str, answer: str
    ) -> None:
        assert answer in await berlin.says("remind", rest)
        assert words.NOTHING_WAITS in await berlin.says("events")

    @pytest.mark.parametrize("what", ["kill myself", "take all the pills and end it"])
    async def test_somebody_in_danger_is_answered_and_not_scheduled(
        self, berlin: Bar, what: str
    ) -> None:
        answer = await berlin.says("remind", f"in 1 hour {what}")

        assert answer.endswith(words.NOT_PLANNED)
        assert "116 123" in answer, "the Samaritans, for somebody whose Discord speaks British"
        assert await berlin.look(hours=2) == []

    async def test_a_full_book_says_so(self, bar: Bar, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kept, "MOST_PENDING", 1)
        await bar.says("remind", "in 1 hour call Ana")

        assert await bar.says("remind", "in 1 hour call Ana") == words.FULL

    async def test_once_more_in_an_hour_for_its_owner_only(self, berlin: Bar) -> None:
        await berlin.says("remind", "in 1 hour call Ana")
        await berlin.look(hours=1)

        assert await berlin.says("again", "1", person=BEN) == words.NOT_YOURS
        assert "18:00" in await berlin.says("again", "1")
        assert len(await berlin.look(hours=1)) == 1


class TestBirthday:
    async def test_it_is_wished_every_year_in_the_morning(self, berlin: Bar) -> None:
        answer = await berlin.says("birthday", "24 November")
        wished = await berlin.look(hours=17)
        next_year = await berlin.look(days=365)

        assert "Tuesday 24 November 2026, 09:00 (Europe/Berlin), every year." in answer
        assert (
            wished == next_year == ["Happy birthday, Ada. May today hold something good for you."]
        )

    async def test_in_a_server_others_read_it_and_that_is_said(self, berlin: Bar) -> None:
        assert words.OVERHEARD in await berlin.says("birthday", "3 May", place=SNUG)
        assert words.OVERHEARD not in await berlin.says("birthday", "3 May")
        assert (await berlin.says("events")).count("happy birthday") == 1

    async def test_it_can_be_forgotten(self, berlin: Bar) -> None:
        await berlin.says("birthday", "24 November")

        assert await berlin.says("birthday", "none") == words.BIRTHDAY_GONE
        assert await berlin.look(hours=17) == []

    @pytest.mark.parametrize(
        ("day", "answer"), [("soon", words.BIRTHDAY_HELP), ("5/6", "month"), ("31.4.", "no such")]
    )
    async def test_an_unclear_day_is_asked_about(self, berlin: Bar, day: str, answer: str) -> None:
        assert answer in await berlin.says("birthday", day)

    async def test_it_needs_a_time_zone(self, bar: Bar) -> None:
        assert "/timezone" in await bar.says("birthday", "3 May")

    async def test_no_more_of_these_ends_it(self, berlin: Bar) -> None:
        await berlin.says("birthday", "24 November")
        await berlin.look(hours=17)

        assert await berlin.says("stop", "1", person=BEN) == words.NOT_YOURS
        assert await berlin.says("stop", "1") == words.STOPPED
        assert await berlin.look(days=365) == []


class TestEvents:
    async def test_what_was_asked_for_in_private_is_not_shown_or_cancelled_in_a_server(
        self, berlin: Bar
    ) -> None:
        await berlin.says("remind", "in 1 hour the secret")

        assert "secret" not in await berlin.says("events", place=SNUG)
        assert await berlin.says("events", "cancel 1", place=SNUG) == words.NO_SUCH_EVENT
        assert await berlin.says("events", "cancel 1", person=BEN) == words.NO_SUCH_EVENT
        assert len(await berlin.look(hours=1)) == 1

    @pytest.mark.parametrize("rest", ["1", "cancel 1", "Cancel #1."])
    async def test_one_is_cancelled_by_its_number(self, berlin: Bar, rest: str) -> None:
        await berlin.says("remind", "every day at 18:00 the bins")

        assert await berlin.says("events", rest) == "Cancelled: the bins."
        assert await berlin.look(days=2) == []

    async def test_a_long_list_is_cut(self, berlin: Bar) -> None:
        for number in range(27):
            await berlin.says("remind", f"in {number + 1} hours number {number}")

        listed = (await berlin.says("events")).splitlines()

        assert listed[25] == "... and 2 more."
        assert len(listed) == 28


class TestSettings:
    @pytest.mark.parametrize(
        ("rest", "answer"),
        [
            ("", words.ZONE_HELP),
            ("europe/berlin", "It is 16:00 where you are, then (Europe/Berlin)."),
            ("berlin", "(Europe/Berlin)"),
            ("new york", "(America/New_York)"),
            ("america", "Which one: America/"),
            ("Mordor", words.ZONE_UNKNOWN),
        ],
    )
    async def test_a_time_zone_is_understood_or_asked_about(
        self, bar: Bar, rest: str, answer: str
    ) -> None:
        assert answer in await bar.says("timezone", rest)

    async def test_it_is_kept(self, berlin: Bar) -> None:
        assert await berlin.says("timezone") == "Your time zone: Europe/Berlin."

    async def test_checkins_are_off_until_the_person_says_otherwise(self, bar: Bar) -> None:
        first = await bar.says("events")
        too_soon = await bar.says("checkins", "on")
        await bar.says("timezone", "Europe/Berlin")
        on = await bar.says("checkins", "on")
        then = await bar.says("events")
        off = await bar.says("checkins", "off")

        assert "Check-ins are off" in first
        assert "/timezone" in too_soon
        assert (on, off) == (words.CHECKINS_ON, words.CHECKINS_OFF)
        assert "Check-ins are on" in then
        assert await bar.says("checkins", "maybe") == words.CHECKINS_HELP


class TestHelp:
    async def test_the_page_of_help_names_every_command(self) -> None:
        for command in ("remind", "birthday", "events", "timezone", "checkins"):
            assert f"/{command} " in HELP

    def test_nothing_here_counts_as_a_promise_to_be_always_there(self) -> None:
        texts: list[Any] = [value for name, value in vars(words).items() if name.isupper()]

        assert not any("always" in text for text in texts if isinstance(text, str))
