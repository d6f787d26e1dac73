"""What comes due, over processes that are killed: said in its place, exactly once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql

from actors import messages as m
from actors.calendar import CalendarActor
from bot.app import Bar
from storage.database import Database
from storage.ids import ChannelId, GuildId, UserId
from storage.records import Event, Person
from storage.times import utc_now
from tests.evenings.bar import a_bar, a_process, kill
from tests.evenings.test_evenings import rows
from tests.fakes.discord import Account, Channel, FakeDiscord
from tests.fakes.groq import FakeGroq

STATUS = "select status from scheduled_events order by id"


async def plan(bar: Bar, who: Account, room: Channel, title: str, **changes: Any) -> Event:
    """Have something come due in a minute."""
    values: dict[str, Any] = {
        "event_id": None,
        "user_id": UserId(who.id),
        "guild_id": GuildId(room.guild.id) if room.guild else None,
        "channel_id": ChannelId(room.id),
        "kind": "reminder",
        "at": utc_now() + timedelta(minutes=1),
        "title": title,
    }
    event = Event(**{**values, **changes})
    person = Person(event.user_id, who.name, who.name)
    kept = await bar.directory.ref(CalendarActor, m.OnlyOne).ask(m.PlanEvent(person, event))
    assert kept is not None
    return kept


async def a_minute_passes(url: str) -> None:
    """What was a minute away is due, and every claim is over."""
    database = Database()
    await database.init(url)
    past = (utc_now() - timedelta(seconds=1)).replace(tzinfo=None)
    async with database.engine.begin() as connection:
        await connection.execute(sql(f"update scheduled_events set trigger_at = '{past}'"))
        claims = f"update scheduled_events set not_before = '{past}' where not_before is not null"
        await connection.execute(sql(claims))
    await database.close()


async def until(url: str, query: str, wanted: list[tuple[object, ...]]) -> None:
    async with asyncio.timeout(20):
        while await rows(url, query) != wanted:
            await asyncio.sleep(0.05)


class TestAnEvening:
    async def test_a_reminder_is_set_said_and_set_again(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, ada: Account, room: Channel
    ) -> None:
        wanted = {"when": "in 1 second", "what": "the kettle"}
        async with a_bar(discord, groq, url):
            asked = await (await discord.interaction(ada, room, "remind", wanted)).answered()
            reply = await discord.next_reply(room)
            await until(url, STATUS, [("triggered",)])
            again = await discord.clicks(ada, reply, "Again in an hour")
            promised = await again.answered()

        assert asked.ephemeral
        assert asked.content.startswith("I'll remind you here: <t:")
        assert reply.content == f"{ada.mention} You asked me to remind you: the kettle"
        assert reply.pings == (str(ada.id),)
        assert promised.content.startswith("I'll remind you again: <t:")
        assert await rows(url, STATUS) == [("triggered",), ("pending",)]

    async def test_a_day_that_was_spoken_of_is_asked_after_and_forgotten_with_its_message(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        words = "my interview at the mill is on Friday"
        ahead = (utc_now() + timedelta(days=3)).date().isoformat()
        event = {"type": "follow_up", "at": ahead, "recurs": "none", "evidence": words}
        groq.notes(events=[{**event, "source": "m1"}])
        async with a_bar(discord, groq, url, FACT_EXTRACTION_RATE="1"):
            for command, option in (("timezone", {"zone": "UTC"}), ("checkins", {"on": True})):
                await (await discord.interaction(ada, room, command, option)).answered()
            spoken = await discord.says(ada, room, words)
            await discord.next_reply(room)
            await until(url, STATUS, [("pending",)])
            listed = await (await discord.interaction(ada, room, "events")).answered()
            await discord.deletes(spoken)
            await until(url, STATUS, [])

        assert f"I'll ask after: {words}" in listed.content

    async def test_forgetting_everything_forgets_what_was_to_come(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        async with a_bar(discord, groq, url) as bar:
            await plan(bar, ada, room, "the kettle")
            used = await discord.interaction(ada, room, "forget", {"what": "everything"})
            pressed = await discord.clicks(ada, await used.answered(), "Delete everything")
            await pressed.answered()

            assert await rows(url, STATUS) == []


class TestKilled:
    @pytest.mark.parametrize(
        ("moment", "url"),
        [("before it is said", "sqlite"), ("after it was said", "postgres")],
        indirect=["url"],
    )
    async def test_it_is_said_exactly_once(
        self,
        discord: FakeDiscord,
        groq: FakeGroq,
        url: str,
        ada: Account,
        room: Channel,
        moment: str,
    ) -> None:
        async with a_bar(discord, groq, url) as bar:
            await plan(bar, ada, room, "water the plants")
        await a_minute_passes(url)
        path = f"/channels/{room.id}/messages"
        if moment == "before it is said":
            discord.faults.slow("POST", path, 60.0, times=None)
        else:
            discord.faults.lose_answer("POST", path, times=None)

        async with a_process(discord, groq, url) as first:
            claimed = "select count(*) from scheduled_events where claimed_by is not null"
            await until(url, claimed, [(1,)])
            while moment == "after it was said" and not discord.replies(room):
                await asyncio.sleep(0.001)
            await kill(first)
        said_before = len(discord.replies(room))
        discord.faults.clear()
        discord.rest.forget_nonces()
        await a_minute_passes(url)
        async with a_process(discord, groq, url):
            await until(url, STATUS, [("triggered",)])

        assert said_before == (moment == "after it was said")
        (reply,) = discord.replies(room)
        assert reply.content.startswith(f"<@{ada.id}> You asked me to remind you: water the plants")

    async def test_what_came_due_while_nobody_was_there_is_said_late_and_kindly(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        async with a_bar(discord, groq, sqlite_url) as bar:
            await plan(bar, ada, room, "the bread", at=utc_now() - timedelta(hours=3))

            reply = await discord.next_reply(room)

        assert "the bread" in reply.content
        assert "it comes late" in reply.content
        assert reply.reference is None
