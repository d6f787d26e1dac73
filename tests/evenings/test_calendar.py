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
