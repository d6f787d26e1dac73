"""The door stays open: whatever Discord does, and until it is told to close."""

import asyncio
import logging

import discord
import pytest

from bot.supervisor import DoorRefusedError, TokenRefusedError
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel


class TestStayingOpen:
    async def test_discord_may_be_down_at_the_start(self, evening: Evening, ada: Account) -> None:
        await evening.server.go_down()
        async with evening.opened(wait=False):
            await evening.until_built(2)
            await evening.server.come_up()
            await evening.server.ready()
            await evening.server.says(ada, evening.server.dm(ada), "finally")

            assert (await evening.rooms.next_heard()).text == "finally"

    async def test_the_gateway_alone_may_be_down_at_the_start(
        self, evening: Evening, ada: Account
    ) -> None:
        evening.server.gateway.close_next_identify = 4000
        async with evening.opened():
            await evening.server.says(ada, evening.server.dm(ada), "finally")

            assert (await evening.rooms.next_heard()).text == "finally"

    async def test_a_broken_event_costs_a_connection_and_no_message(
        self, evening: Evening, ada: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            await server.says(ada, table, "before")
            await evening.rooms.next_heard()
            server.sends_raw("MESSAGE_CREATE", {"id": "1"})
            await server.says(ada, table, "while it restarts")
            heard = await evening.rooms.next_heard()

        assert (heard.text, heard.caught_up) == ("while it restarts", True)
        assert server.counts["identify"] == 2
        assert "discord.restarting" in caplog.messages

    async def test_a_dropped_socket_is_resumed(
        self, evening: Evening, ada: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            server.gateway.drop_all()
            await server.says(ada, table, "in the gap")
            heard = await evening.rooms.next_heard()
            await server.says(ada, table, "after it")
            await evening.rooms.next_heard()

        assert (heard.text, heard.caught_up) == ("in the gap", False)
        assert server.counts["identify"] == 1
        assert "discord.resumed" in caplog.messages

    async def test_discord_may_go_down_and_come_back(self, evening: Evening, ada: Account) -> None:
        server, table = evening.server, evening.server.dm(ada)
        async with evening.opened():
            await server.says(ada, table, "before")
            await evening.rooms.next_heard()
            await server.go_down()
            await server.says(ada, table, "meanwhile")
            await server.come_up()

            assert (await evening.rooms.next_heard()).text == "meanwhile"


class TestRefusals:
    async def test_a_wrong_token_ends_it_with_what_to_do(self, evening: Evening) -> None:
        async with evening.opened(token="wrong.token", wait=False):
            with pytest.raises(TokenRefusedError, match="DISCORD_TOKEN") as refused:
                await evening.ended()

        assert refused.value.exit_code == 2
        assert "wrong" not in str(refused.value)

    async def test_a_token_that_the_gateway_refuses_too(self, evening: Evening) -> None:
        evening.server.gateway.close_next_identify = 4004
        async with evening.opened(wait=False):
            with pytest.raises(TokenRefusedError):
                await evening.ended()

    async def test_what_would_be_refused_again_ends_it(self, evening: Evening) -> None:
        evening.server.gateway.close_next_identify = 4011
        async with evening.opened(wait=False):
            with pytest.raises(DoorRefusedError, match="4011"):
                await evening.ended()

    async def test_without_the_content_intent_mentions_and_direct_messages_work(
        self, evening: Evening, ada: Account, bar: Channel, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = evening.server
        server.allow_message_content(False)
        async with evening.opened():
            await server.says(ada, bar, "Bartender, are you there?")
            await server.says(ada, bar, "hello", mentions_bot=True)
            answer = await evening.says_back(await evening.rooms.next_heard(), "Evening.")
            unread = server.world.find_message(answer[0])
            await server.says(ada, bar, "unreadable", reply_to=unread, ping=False)
            await server.says(ada, server.dm(ada), "and here")
            await evening.rooms.next_heard()

        assert [each.text for each in evening.rooms.all] == ["hello", "and here"]
        assert caplog.messages.count("discord.intent_missing") == 1


class TestClosing:
    async def test_what_is_being_heard_is_heard_to_the_end(
        self, evening: Evening, ada: Account
    ) -> None:
        server, table = evening.server, evening.server.dm(ada)
        evening.rooms.hold = asyncio.Event()
        async with evening.opened() as supervisor:
            await server.says(ada, table, "last orders?")
            await asyncio.wait_for(evening.rooms.reached.wait(), 5)
            closing = asyncio.create_task(supervisor.quiet())
            await server.says(ada, table, "too late")
            asyncio.get_running_loop().call_later(0.05, evening.rooms.hold.set)
            await closing
            heard_by_then = len(evening.rooms.all)
            await evening.says_back(await evening.rooms.next_heard(), "Good night.")
            await supervisor.close()

        assert heard_by_then == 1
        assert [each.text for each in evening.rooms.all] == ["last orders?"]
        assert [each.content for each in server.replies(table)] == ["Good night."]

    async def test_closing_ends_the_run(self, evening: Evening) -> None:
        async with evening.opened() as supervisor:
            await supervisor.close()
            await evening.ended()

    async def test_it_can_be_closed_while_it_waits_to_try_again(self, evening: Evening) -> None:
        await evening.server.go_down()
        async with evening.opened(wait=False) as supervisor:
            await evening.until_built(1)
            await supervisor.close()
            await evening.ended()
        await evening.server.come_up()

    async def test_it_can_be_closed_while_discord_is_slow(self, evening: Evening) -> None:
        evening.server.faults.fail("GET", "/users/@me", 502, times=None)
        async with evening.opened(wait=False) as supervisor:
            await evening.server.counts.until("faults")
            started = asyncio.get_running_loop().time()
            await supervisor.close()
            await evening.ended()
            took = asyncio.get_running_loop().time() - started

        assert took < 0.5


def test_this_client_asks_for_no_more_than_it_needs() -> None:
    from bot.gateway import intents_for

    asked = {name for name, wanted in intents_for(content=True) if wanted}

    assert asked == {"guilds", "guild_messages", "dm_messages", "message_content"}
    assert discord.Intents.none().value == 0
