"""The calendar, the same on every engine: claimed by one, settled once, gone when forgotten."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from storage import calendar, forgetting
from storage.database import Database
from storage.ids import MessageId, RowId, UserId
from storage.models import ScheduledEvent
from storage.records import CareState, Event, KeptCare, Preference, Settled
from storage.writes import Writer
from tests.storage.builders import ANNA, BAR, BEN, NOON, TAVERN, a_heard, a_person
from tests.storage.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def an_event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "event_id": None,
        "user_id": ANNA,
        "guild_id": TAVERN,
        "channel_id": BAR,
        "kind": "reminder",
        "at": NOON,
        "title": "call Ana",
    }
    return Event(**{**values, **changes})


async def planned(store: Store, **changes: Any) -> Event:
    event = an_event(**changes)
    kept: Event | None = await store.erase(
        calendar.keep_event, a_person(event.user_id), event, NOON
    )
    assert kept is not None
    return kept


async def noted(store: Store, **changes: Any) -> tuple[Event, ...]:
    events: tuple[Event, ...] = await store.erase(
        calendar.note_events, (an_event(**changes),), NOON
    )
    return events


async def claimed(store: Store, by: str = "one", now: Any = NOON, limit: int = 50) -> Any:
    return await store.erase(calendar.claim_events, by, now, now + MINUTE, limit)


def titles(claim: Any) -> list[str]:
    return [due.event.title for due in claim.due]


async def settle(store: Store, event: Event, status: Any = "triggered", **more: Any) -> bool:
    assert event.event_id is not None
    values = {"by": "one", "at": NOON, "status": status, **more}
    done: bool = await store.erase(
        calendar.settle_event, Settled(event_id=event.event_id, **values)
    )
    return done


async def statuses(store: Store) -> list[str]:
    return [row.status for row in await store.rows(ScheduledEvent)]


class TestKeeping:
    async def test_what_is_kept_comes_back_as_it_was(self, store: Store) -> None:
        kept = await planned(
            store,
            kind="birthday",
            zone="Europe/Lisbon",
            recurs="yearly",
            anchor=NOON.replace(tzinfo=None),
        )

        assert kept.event_id is not None
        assert kept == an_event(
            event_id=kept.event_id,
            kind="birthday",
            zone="Europe/Lisbon",
            recurs="yearly",
            anchor=NOON.replace(tzinfo=None),
        )
        assert await store.load(calendar.load_events, ANNA) == (kept,)
        assert await store.load(calendar.load_events, BEN) == ()

    async def test_a_new_birthday_takes_the_place_of_the_old(self, store: Store) -> None:
        await planned(store, kind="birthday")
        await planned(store, kind="birthday", at=NOON + DAY)
        await planned(store, kind="birthday", user_id=BEN)

        assert await statuses(store) == ["cancelled", "pending", "pending"]

    async def test_nobody_fills_the_book(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calendar, "MOST_PENDING", 2)
        await planned(store)
        await planned(store)

        refused = await store.erase(calendar.keep_event, a_person(), an_event(), NOON)

        assert refused is None
        assert await planned(store, user_id=BEN)

    async def test_only_its_owner_cancels_it_and_only_once(self, store: Store) -> None:
        kept = await planned(store)

        assert await store.erase(calendar.cancel_event, BEN, kept.event_id, NOON) is None
        assert await store.erase(calendar.cancel_event, ANNA, kept.event_id, NOON) is not None
        assert await store.erase(calendar.cancel_event, ANNA, kept.event_id, NOON) is None
        assert titles(await claimed(store)) == []


class TestClaiming:
    async def test_what_is_due_is_claimed_in_order_and_the_rest_is_announced(
        self, store: Store
    ) -> None:
        await planned(store, title="second", at=NOON - MINUTE)
        await planned(store, title="first", at=NOON - DAY)
        later = await planned(store, title="later", at=NOON + MINUTE / 2)

        claim = await claimed(store)

        assert titles(claim) == ["first", "second"]
        assert claim.next_at == later.at

    async def test_it_is_claimed_once_until_the_claim_ends(self, store: Store) -> None:
        await planned(store)

        first = await claimed(store, "one")
        second = await claimed(store, "two", NOON + MINUTE / 2)
        third = await claimed(store, "two", NOON + MINUTE)

        assert (titles(first), titles(second), titles(third)) == (["call Ana"], [], ["call Ana"])
        assert second.next_at == NOON + MINUTE
        assert first.due[0].said_since is None
        assert third.due[0].said_since == NOON, "the first may have said it since then"

    async def test_a_claim_holds_so_many_at_most(self, store: Store) -> None:
        for _ in range(3):
            await planned(store)

        claim = await claimed(store, limit=2)

        assert len(claim.due) == 2
        assert claim.next_at == NOON

    async def test_it_tells_what_matters_about_the_person(self, store: Store) -> None:
        care = CareState(2, ("violence",), NOON, NOON + DAY)
        await store.save(
            a_heard(),
            Preference(ANNA, calendar.TIME_ZONE, "Europe/Lisbon"),
            Preference(ANNA, calendar.CHECK_INS, "yes"),
            KeptCare(ANNA, BAR, care),
        )
        said = await planned(store, proactive=True, at=NOON - DAY)
        await claimed(store)
        await settle(store, said)
        await planned(store)
        await planned(store, user_id=BEN)

        hers, his = (await claimed(store, now=NOON + MINUTE)).due

        assert (hers.zone, hers.opted_in, hers.name) == ("Europe/Lisbon", True, "Name 1001")
        assert (hers.cared_for_until, hers.spoke_at) == (NOON + DAY, NOON)
        assert (his.zone, his.opted_in, his.cared_for_until, his.spoke_at) == (
            None,
            False,
            None,
            None,
        )

    async def test_of_its_own_accord_one_thing_at_a_time_for_each_person(
        self, store: Store
    ) -> None:
        for title, who in (("one", ANNA), ("two", ANNA), ("other", BEN)):
            await planned(store, proactive=True, title=title, user_id=who)
        await planned(store, title="asked for")

        claim = await claimed(store, "one")
        beside = await claimed(store, "two", NOON + MINUTE / 2)
        await settle(store, claim.due[0].event)
        after = await claimed(store, "two", NOON + MINUTE)

        assert titles(claim) == ["one", "other", "asked for"]
        assert titles(beside) == []
        two = next(due for due in after.due if due.event.title == "two")
        assert two.said_since is None
        assert two.spoke_at == NOON

    async def test_ten_processes_claim_a_hundred_events_once_each(
        self, url: str, database: Database
    ) -> None:
        if database.is_in_memory:
            pytest.skip("a database in memory belongs to one process")
        store = Store(database, Writer(database))
        for number in range(30):
            who = UserId(9000 + number % 3)
            await planned(store, user_id=who, title=str(number), proactive=number % 5 == 0)
        others = [Database() for _ in range(10)]
        for other in others:
            await other.init(url, pool_size=1)

        async def all_that_is_due(other: Database, name: str) -> list[str]:
            mine: list[str] = []
            there = Store(other, Writer(other))
            while found := titles(await claimed(there, name, limit=3)):
                mine += found
            return mine

        shares = await asyncio.gather(
            *(all_that_is_due(other, f"process {n}") for n, other in enumerate(others))
        )
        for other in others:
            await other.close()

        everything = [title for share in shares for title in share]
        assert len(everything) == len(set(everything))
        asked_for = {str(n) for n in range(30) if n % 5}
        assert asked_for <= set(everything)
        own_accord = [int(title) % 3 for title in everything if title not in asked_for]
        assert sorted(own_accord) == [0, 1, 2], "one for each person"


class TestSettling:
    async def test_the_next_occurrence_is_written_with_the_last(self, store: Store) -> None:
        anchor = NOON.replace(tzinfo=None)
        kept = await planned(store, recurs="daily", anchor=anchor, zone="Asia/Tokyo")
        await claimed(store)

        assert await settle(store, kept, again=NOON + DAY)
        last, following = await store.load(calendar.load_events, ANNA)

        assert (last.status, last.triggered_at) == ("triggered", NOON)
        assert (following.status, following.at) == ("pending", NOON + DAY)
        assert (following.anchor, following.zone, following.recurs) == (
            anchor,
            "Asia/Tokyo",
            "daily",
        )
        assert following.event_id != last.event_id

    @pytest.mark.parametrize("lost", ["another holds it", "cancelled", "settled"])
    async def test_only_the_holder_of_a_claim_settles_it(self, store: Store, lost: str) -> None:
        kept = await planned(store)
        await claimed(store)
        if lost == "another holds it":
            await claimed(store, "two", NOON + MINUTE)
        elif lost == "cancelled":
            await store.erase(calendar.cancel_event, ANNA, kept.event_id, NOON)
        else:
            await settle(store, kept, "cancelled")
        before = await statuses(store)

        assert not await settle(store, kept, again=NOON + DAY)
        assert await statuses(store) == before

    async def test_what_is_put_back_waits_and_what_may_have_been_said_says_so(
        self, store: Store
    ) -> None:
        kept = await planned(store)
        await claimed(store)
        await settle(store, kept, "pending", not_before=NOON + DAY)
        early = await claimed(store, now=NOON + DAY - MINUTE)
        clean = await claimed(store, now=NOON + DAY)
        await settle(store, kept, "pending", not_before=NOON + 2 * DAY, unsure=True)
        unsure = await claimed(store, now=NOON + 2 * DAY)

        assert (titles(early), early.next_at) == ([], NOON + DAY)
        assert clean.due[0].said_since is None
        assert unsure.due[0].said_since == NOON + DAY
        assert unsure.due[0].event.at == NOON, "its time is still what it was"


class TestDrawnFromWords:
    async def test_it_is_kept_once(self, store: Store) -> None:
        await store.save(a_heard(1))

        first = await noted(store, source_message_id=MessageId(1), kind="follow_up")
        second = await noted(store, source_message_id=MessageId(1), kind="follow_up")

        assert [len(first), len(second)] == [1, 0]

    async def test_a_birthday_that_was_set_is_not_drawn_again(self, store: Store) -> None:
        await planned(store, kind="birthday")

        assert not await noted(store, kind="birthday", source_message_id=MessageId(1))

    async def test_it_goes_with_its_message_and_does_not_come_back(self, store: Store) -> None:
        await store.save(a_heard(1))
        await noted(store, source_message_id=MessageId(1), kind="follow_up")
        asked_for = await planned(store)

        await store.erase(forgetting.erase_messages, {MessageId(1)}, NOON)
        again = await noted(store, source_message_id=MessageId(1), kind="follow_up")

        assert again == ()
        assert await store.load(calendar.load_events, ANNA) == (asked_for,)

    async def test_nothing_is_drawn_from_a_stranger(self, store: Store) -> None:
        assert await noted(store, user_id=UserId(5), source_message_id=MessageId(1)) == ()


class TestForgetting:
    async def test_a_person_takes_their_events_along(self, store: Store) -> None:
        await planned(store)
        his = await planned(store, user_id=BEN)

        await store.erase(forgetting.erase_person, ANNA, NOON)

        rows = await store.rows(ScheduledEvent)
        assert [RowId(row.id) for row in rows] == [his.event_id]

    async def test_what_is_over_is_kept_a_week_longer_than_messages(self, store: Store) -> None:
        done = await planned(store)
        await claimed(store)
        await settle(store, done)
        await planned(store, title="to come", at=NOON + 90 * DAY)

        await store.erase(forgetting.erase_expired, NOON + 7 * DAY, NOON)
        young = await store.count(ScheduledEvent)
        await store.erase(forgetting.erase_expired, NOON + 7 * DAY + MINUTE, NOON)

        assert young == 2
        assert [row.title for row in await store.rows(ScheduledEvent)] == ["to come"]
