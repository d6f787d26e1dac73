"""The calendar's actor on a real database: said once, in its place, whatever happens meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors import messages as m
from actors.calendar import CLAIM, CalendarActor
from actors.directory import Directory
from actors.storage import StorageActor
from storage.calendar import CHECK_INS
from storage.database import Database
from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId
from storage.records import CareState, Event, KeptCare, Preference
from tests.actors.ear import Clock, a_guild, a_person

ADA = UserId(7)
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Mouth:
    """A door that remembers what it said, and can be made to fail."""

    def __init__(self) -> None:
        self.said: list[m.Reply] = []
        self.looked_for: list[RowId] = []
        self.found: set[RowId] = set()
        self.before: Callable[[m.Reply], Awaitable[None]] | None = None

    async def say(self, reply: m.Reply) -> tuple[MessageId, ...]:
        if self.before is not None:
            await self.before(reply)
        self.said.append(reply)
        return (MessageId(len(self.said)),)

    async def find_said(self, *_: Any) -> None:
        return None

    async def find_event(
        self, _place: Any, event_id: RowId, _since: datetime
    ) -> tuple[MessageId, ...] | None:
        self.looked_for.append(event_id)
        return (MessageId(1),) if event_id in self.found else None

    async def typing(self, _place: Any) -> None:
        return None


class Bar:
    """One process: its actors, on a database that others may share."""

    def __init__(self, database: Database, mouth: Mouth, clock: Clock) -> None:
        self.mouth, self.clock = mouth, clock
        self.directory = Directory(clock=clock, rng=random.Random(1))
        self.directory.register(
            StorageActor,
            lambda key: StorageActor(key, database=database, clock=clock),
            idle_after=None,
        )
        self.directory.register(
            CalendarActor,
            lambda key: CalendarActor(key, directory=self.directory, outbox=mouth, clock=clock),
            idle_after=None,
        )
        self.calendar = self.directory.ref(CalendarActor, m.OnlyOne)
        self.storage = self.directory.ref(StorageActor, m.OnlyOne)

    async def plan(self, **changes: Any) -> Event:
        kept = await self.calendar.ask(m.PlanEvent(a_person(), an_event(**changes)))
        assert kept is not None
        return kept

    async def note(self, **changes: Any) -> None:
        changes = {"kind": "follow_up", "proactive": True, **changes}
        await self.storage.ask(m.KeepEvents((an_event(**changes),)))

    async def wishes(self, *writes: Any) -> None:
        await self.storage.ask(m.Save(writes))

    async def look(self, at: datetime | None = None) -> list[str]:
        """Let it be `at`; return what is said by then."""
        self.clock.now = at or self.clock.now
        before = len(self.mouth.said)
        self.calendar.tell(m.EventsDue())
        assert await self.directory.quiet(5.0)
        return [reply.text for reply in self.mouth.said[before:]]

    async def waiting(self) -> list[datetime]:
        events = await self.calendar.ask(m.ListEvents(ADA, None))
        return [event.at for event in events]


def an_event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "event_id": None,
        "user_id": ADA,
        "guild_id": GuildId(1),
        "channel_id": ChannelId(11),
        "kind": "reminder",
        "at": NOON,
        "title": "call Ana",
    }
    return Event(**{**values, **changes})


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON - HOUR)


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database()
    await made.init("sqlite+aiosqlite:///:memory:")
    await made.create_tables()
    yield made
    await made.close()


@pytest.fixture
async def bar(database: Database, clock: Clock) -> AsyncIterator[Bar]:
    made = Bar(database, Mouth(), clock)
    yield made
    await made.directory.shutdown(deadline=2.0)


class TestSaying:
    async def test_it_is_said_when_it_is_due_in_its_place_and_once(self, bar: Bar) -> None:
        await bar.plan()

        early = await bar.look(NOON - timedelta(seconds=1))
        then = await bar.look(NOON)
        after = await bar.look(NOON + DAY)

        assert (early, after) == ([], [])
        assert then == ["You asked me to remind you: call Ana"]
        (reply,) = bar.mouth.said
        assert (reply.place.guild_id, reply.place.channel_id) == (1, 11)
        assert reply.pings
        assert await bar.waiting() == []

    async def test_it_wakes_by_itself(self, bar: Bar, clock: Clock) -> None:
        clock.now = NOON - timedelta(seconds=0.02)
        said = asyncio.Event()

        async def note(_reply: m.Reply) -> None:
            said.set()

        bar.mouth.before = note
        await bar.plan(at=NOON + HOUR)
        clock.now = NOON + HOUR - timedelta(seconds=0.02)
        await bar.plan(title="sooner", at=NOON + HOUR - timedelta(seconds=0.01))
        clock.now = NOON + HOUR

        await asyncio.wait_for(said.wait(), 5)

    async def test_what_recurs_comes_again_and_what_was_missed_does_not_pile_up(
        self, bar: Bar
    ) -> None:
        await bar.plan(recurs="daily", anchor=NOON.replace(tzinfo=None))

        first = await bar.look(NOON)
        late = await bar.look(NOON + 5 * DAY + HOUR)

        assert len(first) == len(late) == 1
        assert "late" in late[0]
        assert await bar.waiting() == [NOON + 6 * DAY]

    async def test_a_cancelled_one_is_not_said_nor_does_it_come_again(self, bar: Bar) -> None:
        kept = await bar.plan(recurs="daily", anchor=NOON.replace(tzinfo=None))
        assert kept.event_id is not None

        await bar.calendar.ask(m.CancelEvent(ADA, kept.event_id))

        assert await bar.look(NOON + DAY) == []

    async def test_a_reminder_can_come_once_more_and_only_to_its_owner(self, bar: Bar) -> None:
        kept = await bar.plan(recurs="daily", anchor=NOON.replace(tzinfo=None))
        assert kept.event_id is not None
        await bar.look(NOON)
        await bar.calendar.ask(m.CancelEvent(ADA, RowId(kept.event_id + 1)))

        theirs = await bar.calendar.ask(m.RepeatEvent(a_person(8), kept.event_id, NOON + HOUR))
        hers = await bar.calendar.ask(m.RepeatEvent(a_person(), kept.event_id, NOON + HOUR))

        assert theirs is None
        assert hers is not None
        assert await bar.look(NOON + HOUR) == ["You asked me to remind you: call Ana"]
        assert await bar.waiting() == []


class TestOfItsOwnAccord:
    @pytest.fixture(autouse=True)
    async def known(self, bar: Bar) -> None:
        await bar.plan(title="so that she is known", at=NOON - DAY)
        await bar.look()
        bar.mouth.said.clear()

    async def test_only_with_leave(self, bar: Bar) -> None:
        await bar.note()

        assert await bar.look(NOON) == []
        assert await bar.waiting() == []

    async def test_once_a_week_at_most_even_if_two_are_due_at_once(self, bar: Bar) -> None:
        await bar.wishes(Preference(ADA, CHECK_INS, "yes"))
        for number in range(3):
            await bar.note(title=str(number), source_message_id=MessageId(50 + number))

        said = await bar.look(NOON)
        for minutes in (2, 4, 6):
            said += await bar.look(NOON + timedelta(minutes=minutes))
        await bar.note(title="next week", source_message_id=MessageId(60), at=NOON + 8 * DAY)
        later = await bar.look(NOON + 8 * DAY)

        assert len(said) == 1
        assert len(later) == 1
        assert await bar.waiting() == []

    async def test_not_at_night_but_in_the_morning(self, bar: Bar) -> None:
        await bar.wishes(Preference(ADA, CHECK_INS, "yes"))
        await bar.note(at=NOON + 11 * HOUR)

        night = await bar.look(NOON + 11 * HOUR)
        morning = await bar.look(NOON + 20 * HOUR)

        assert night == []
        assert len(morning) == 1

    async def test_not_while_somebody_is_looked_after(self, bar: Bar) -> None:
        care = CareState(2, (), NOON - HOUR, NOON + 3 * HOUR)
        await bar.wishes(Preference(ADA, CHECK_INS, "yes"), KeptCare(ADA, ChannelId(99), care))
        await bar.note()
        await bar.plan(title="take the pills")

        held = await bar.look(NOON)
        after = await bar.look(NOON + 3 * HOUR)

        assert held == ["You asked me to remind you: take the pills"]
        assert len(after) == 1
        assert after[0].startswith("You told me")


class TestFailing:
    async def test_one_that_hangs_delays_no_other(self, bar: Bar) -> None:
        hang, said = asyncio.Event(), []

        async def wait(reply: m.Reply) -> None:
            if reply.text.endswith("slow"):
                await hang.wait()
            said.append(reply.text)

        bar.mouth.before = wait
        await bar.plan(title="slow")
        await bar.plan(title="quick")
        bar.clock.now = NOON
        bar.calendar.tell(m.EventsDue())
        while not said:
            await asyncio.sleep(0)
        await bar.plan(title="quick too")
        bar.calendar.tell(m.EventsDue())
        while len(said) < 2:
            await asyncio.sleep(0)
        hang.set()
        await bar.directory.quiet(5.0)

        assert [text.rsplit(": ")[-1] for text in said] == ["quick", "quick too", "slow"]

    async def test_a_place_that_is_gone_ends_it_for_good(self, bar: Bar) -> None:
        async def gone(_reply: m.Reply) -> None:
            raise m.CannotSayError("refused_10003")

        await bar.plan(recurs="daily", anchor=NOON.replace(tzinfo=None))
        bar.mouth.before = gone
        await bar.look(NOON)
        bar.mouth.before = None

        assert await bar.look(NOON + DAY) == []
        assert await bar.waiting() == []

    async def test_a_closed_door_is_tried_again_and_what_was_said_is_looked_for(
        self, bar: Bar
    ) -> None:
        async def closed(_reply: m.Reply) -> None:
            raise m.DoorClosedError("status_502")

        kept = await bar.plan()
        bar.mouth.before = closed
        failed = await bar.look(NOON)
        bar.mouth.before = None
        again = await bar.look(NOON + timedelta(seconds=1))

        assert failed == []
        assert len(again) == 1
        assert bar.mouth.looked_for == [kept.event_id]

    async def test_what_a_killed_process_said_is_found_and_not_said_again(
        self, bar: Bar, database: Database
    ) -> None:
        kept = await bar.plan()
        assert kept.event_id is not None
        await bar.storage.ask(m.ClaimEvents("the killed one", NOON, NOON + CLAIM, 50))
        bar.mouth.found.add(kept.event_id)

        while_claimed = await bar.look(NOON)
        afterwards = await bar.look(NOON + CLAIM)

        assert (while_claimed, afterwards) == ([], [])
        assert bar.mouth.looked_for == [kept.event_id]
        assert await bar.waiting() == []

    async def test_what_a_killed_process_did_not_say_is_said(self, bar: Bar) -> None:
        await bar.plan()
        await bar.storage.ask(m.ClaimEvents("the killed one", NOON, NOON + CLAIM, 50))

        assert len(await bar.look(NOON + CLAIM)) == 1

    async def test_with_the_database_away_it_asks_again(
        self, bar: Bar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("actors.calendar.RETRY_SECONDS", (0.01,))
        await bar.plan()
        bar.clock.now = NOON
        said = asyncio.Event()

        async def note(_reply: m.Reply) -> None:
            said.set()

        bar.mouth.before = note
        claims = 0

        async def away(*arguments: Any) -> Any:
            nonlocal claims
            claims += 1
            if claims < 3:
                raise TimeoutError
            return await real(*arguments)

        from storage import calendar

        real = calendar.claim_events
        monkeypatch.setattr(calendar, "claim_events", away)
        bar.calendar.tell(m.EventsDue())

        await asyncio.wait_for(said.wait(), 5)


class TestTwoProcesses:
    async def test_each_says_what_the_other_does_not(
        self, bar: Bar, database: Database, clock: Clock
    ) -> None:
        other = Bar(database, Mouth(), clock)
        for number in range(20):
            await bar.plan(title=str(number))
        clock.now = NOON

        for process in (bar, other):
            process.calendar.tell(m.EventsDue())
        await bar.directory.quiet(5.0)
        await other.directory.quiet(5.0)
        await other.directory.shutdown(deadline=2.0)

        said = [reply.text for mouth in (bar.mouth, other.mouth) for reply in mouth.said]
        assert len(said) == len(set(said)) == 20


class TestPrivacy:
    async def test_what_was_asked_for_in_private_is_not_listed_in_a_server(self, bar: Bar) -> None:
        await bar.plan(title="in private", guild_id=None)
        await bar.plan(title="in the snug")

        in_private = await bar.calendar.ask(m.ListEvents(ADA, None))
        in_the_snug = await bar.calendar.ask(m.ListEvents(ADA, a_guild().guild_id))

        assert {event.title for event in in_private} == {"in private", "in the snug"}
        assert [event.title for event in in_the_snug] == ["in the snug"]
