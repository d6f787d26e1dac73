"""Reminders and birthdays on Discord: commands, suggestions, buttons, who is pinged."""

from datetime import timedelta
from typing import Any

import pytest

from actors.messages import NO_MESSAGE, Reply
from bot.cogs.calendar import ASK_FIRST, KEPT
from storage.ids import ChannelId, GuildId, RowId, UserId
from storage.records import Event, Place
from storage.times import utc_now
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel, Message


def what_came_due(who: Account, channel: Channel, **changes: Any) -> Reply:
    guild_id = None if channel.guild is None else GuildId(channel.guild.id)
    place = Place(guild_id, ChannelId(channel.id), kind="dm" if guild_id is None else "text")
    event = Event(
        event_id=RowId(42),
        user_id=UserId(who.id),
        guild_id=guild_id,
        channel_id=place.channel_id,
        kind=changes.pop("kind", "reminder"),
        at=utc_now(),
        title="the letter",
    )
    text = changes.pop("text", "You asked me to remind you: the letter")
    return Reply(event.user_id, place, NO_MESSAGE, text, event=event, pings=True, **changes)


async def said(evening: Evening, reply: Reply, channel: Channel) -> Message:
    await evening.outbox.say(reply)
    return await evening.server.next_reply(channel)


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "options", "rest"),
        [
            (
                "remind",
                {"when": "tomorrow  at 9", "what": "the letter"},
                "tomorrow at 9\nthe letter",
            ),
            ("birthday", {"day": "3 May"}, "3 May"),
            ("events", {}, "so it is"),
            ("timezone", {}, "so it is"),
            ("timezone", {"zone": "Europe/Berlin"}, "Europe/Berlin"),
            ("checkins", {"on": True}, "on"),
            ("checkins", {"on": False}, "off"),
        ],
    )
    async def test_each_is_answered_for_the_person_alone(
        self,
        evening: Evening,
        ada: Account,
        bar: Channel,
        command: str,
        options: dict[str, Any],
        rest: str,
    ) -> None:
        async with evening.opened():
            used = await evening.server.interaction(ada, bar, command, options)
            shown = await used.answered()

        assert shown.content == f"{command}: {rest}"
        assert shown.ephemeral
        assert evening.server.messages(bar) == []

    async def test_cancelling_asks_first(self, evening: Evening, ada: Account) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            used = await evening.server.interaction(ada, table, "events", {"cancel": "42"})
            asked = await used.answered()
            before = list(evening.answers.asked)
            kept = await evening.server.clicks(ada, asked, "Keep it")
            stays = await kept.answered()
            pressed = await evening.server.clicks(ada, asked, "Cancel it")
            gone = await pressed.answered()

        assert (asked.content, before) == (ASK_FIRST, [])
        assert (stays.content, gone.content) == (KEPT, "events: 42")
        assert gone.ephemeral

    async def test_what_waits_is_suggested(self, evening: Evening, ada: Account) -> None:
        evening.answers.planned = ((1, "the letter"), (2, "call Ana"))
        table = evening.server.dm(ada)
        async with evening.opened():
            everything = await evening.server.autocompletes(ada, table, "events", "cancel", "")
            one = await evening.server.autocompletes(ada, table, "events", "cancel", "ana")
            await everything.settled()
            await one.settled()

        assert [choice["value"] for choice in everything.choices] == ["1", "2"]
        assert [choice["name"] for choice in one.choices] == ["2. call Ana"]

    async def test_time_zones_are_suggested_by_their_city(
        self, evening: Evening, ada: Account
    ) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            found = await evening.server.autocompletes(ada, table, "timezone", "zone", "berl")
            await found.settled()

        assert [choice["value"] for choice in found.choices] == ["Europe/Berlin"]


class TestWhatCameDue:
    async def test_in_a_server_it_calls_the_person_and_nobody_else(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        ben = evening.server.user("Ben")
        text = f"You asked me to remind you: @everyone {ben.mention} <@&1>"
        async with evening.opened():
            reply = await said(evening, what_came_due(ada, bar, text=text), bar)

        assert reply.content == f"{ada.mention} {text}"
        assert reply.pings == (str(ada.id),)
        assert reply.reference is None

    async def test_in_a_direct_message_nobody_needs_calling(
        self, evening: Evening, ada: Account
    ) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            reply = await said(evening, what_came_due(ada, table), table)

        assert reply.content == "You asked me to remind you: the letter"
        assert reply.pings == ()

    async def test_said_again_it_appears_once(self, evening: Evening, ada: Account) -> None:
        table = evening.server.dm(ada)
        async with evening.opened():
            await said(evening, what_came_due(ada, table), table)
            await evening.outbox.say(what_came_due(ada, table))

        assert len(evening.server.replies(table)) == 1

    async def test_it_is_found_in_the_channel_by_its_button(
        self, evening: Evening, ada: Account, bar: Channel
    ) -> None:
        since = utc_now() - timedelta(seconds=5)
        async with evening.opened():
            due = what_came_due(ada, bar)
            nothing = await evening.outbox.find_event(due.place, RowId(42), since)
            reply = await said(evening, due, bar)
            found = await evening.outbox.find_event(due.place, RowId(42), since)
            other = await evening.outbox.find_event(due.place, RowId(4), since)
            later = await evening.outbox.find_event(
                due.place, RowId(42), since + timedelta(hours=1)
            )

        assert (nothing, other, later) == (None, None, None)
        assert found == (reply.id,)

    @pytest.mark.parametrize(
        ("kind", "label", "answer"),
        [
            ("reminder", "Again in an hour", "again: 42"),
            ("follow_up", "No more of these", "stop: 42"),
            ("birthday", "No more of these", "stop: 42"),
        ],
    )
    async def test_its_button_works_after_a_restart_too(
        self, evening: Evening, ada: Account, bar: Channel, kind: str, label: str, answer: str
    ) -> None:
        async with evening.opened():
            reply = await said(evening, what_came_due(ada, bar, kind=kind), bar)
        async with evening.opened():
            pressed = await evening.server.clicks(ada, reply, label)
            shown = await pressed.answered()

        assert (shown.content, shown.ephemeral) == (answer, True)
