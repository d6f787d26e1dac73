"""The fake Discord keeps Discord's promises, the unpleasant too; the real client is the judge."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest

from bot.gateway import intents_for
from tests.bot.parrot import Parrot, parrot, soon
from tests.fakes.discord import Account, Channel, FakeDiscord, Limit


class TestGateway:
    async def test_it_keeps_what_happens_while_the_socket_is_gone(
        self, server: FakeDiscord
    ) -> None:
        bar, ada = server.channel(server.guild()), server.user("Ada")
        async with parrot(server) as client:
            server.gateway.drop_all()
            for number in range(3):
                await server.says(ada, bar, f"word {number}")

            heard = [(await soon(client.heard.get())).content for _ in range(3)]
            await soon(client.resumed.wait())

        assert heard == ["word 0", "word 1", "word 2"]
        assert (server.counts["identify"], server.counts["resume"]) == (1, 1)

    @pytest.mark.parametrize("code", [1000, 1001, 4000, 4001, 4008, 4009])
    async def test_a_close_that_may_be_resumed_is(self, server: FakeDiscord, code: int) -> None:
        async with parrot(server) as client:
            server.gateway.close_all(code)

            await soon(client.resumed.wait())

        assert server.counts["identify"] == 1

    async def test_asked_to_reconnect_the_client_resumes(self, server: FakeDiscord) -> None:
        async with parrot(server) as client:
            server.gateway.ask_to_reconnect()

            await soon(client.resumed.wait())

        assert server.counts["identify"] == 1

    async def test_a_forgotten_session_is_begun_anew(self, server: FakeDiscord) -> None:
        async with parrot(server):
            server.gateway.invalidate(resumable=False)
            server.gateway.drop_all()

            await soon(server.gateway.until_ready())

        assert server.counts["identify"] == 2

    async def test_a_wrong_token_is_refused_before_the_gateway(self, server: FakeDiscord) -> None:
        client = Parrot()
        async with client:
            with pytest.raises(discord.LoginFailure):
                await client.start("another.token")

        assert server.counts["connections"] == 0

    async def test_an_intent_that_was_not_granted_closes_with_4014(
        self, server: FakeDiscord
    ) -> None:
        server.allow_message_content(False)
        client = Parrot()

        async with client:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await soon(client.start(server.token))

    @pytest.mark.parametrize("code", [4004, 4011, 4012, 4013])
    async def test_a_close_for_good_ends_the_client(self, server: FakeDiscord, code: int) -> None:
        server.gateway.close_next_identify = code
        client = Parrot()

        async with client:
            with pytest.raises(discord.ConnectionClosed) as closed:
                await soon(client.start(server.token))

        assert closed.value.code == code

    async def test_without_the_intent_only_what_is_for_the_bot_has_words(
        self, server: FakeDiscord
    ) -> None:
        server.allow_message_content(False)
        bar, ada = server.channel(server.guild()), server.user("Ada")
        async with parrot(server, intents=intents_for(content=False)) as client:
            await server.says(ada, bar, "to the room")
            await server.says(ada, bar, "to you", mentions_bot=True)
            await server.says(ada, server.dm(ada), "to you alone")

            heard = [(await soon(client.heard.get())).content for _ in range(3)]

        assert heard == ["", f"{server.bot.mention} to you", "to you alone"]

    async def test_a_client_that_did_not_ask_for_it_is_told_in_plain_text(
        self, server: FakeDiscord
    ) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(server.gateway_url) as socket,
        ):
            hello = await socket.receive_json(timeout=5)
            await socket.send_json({"op": 1, "d": None})
            beat = await socket.receive_json(timeout=5)

        assert (hello["op"], beat["op"]) == (10, 11)

    async def test_words_before_identifying_close_with_4003(self, server: FakeDiscord) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(server.gateway_url) as socket,
        ):
            await socket.receive_json(timeout=5)
            await socket.send_json({"op": 3, "d": {}})
            await socket.receive(timeout=5)

            assert socket.close_code == 4003

    async def test_a_flood_of_sends_closes_with_4008(self, server: FakeDiscord) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(server.gateway_url) as socket,
        ):
            for _ in range(121):
                await socket.send_json({"op": 1, "d": None})
            while (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass

            assert socket.close_code == 4008

    async def test_it_outlives_a_client_that_was_killed(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        table = server.dm(ada)
        async with parrot(server):
            pass
        missed = await server.says(ada, table, "anybody there?")

        async with parrot(server) as client:
            channel = client.get_partial_messageable(table.id)
            found = [message.id async for message in channel.history(after=None)]

        assert found == [missed.id]

    async def test_it_serves_a_program_of_its_own_and_outlives_its_killing(
        self, server: FakeDiscord, ada: Account
    ) -> None:
        table = server.dm(ada)
        for text in ("once", "twice"):
            program = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-W", "ignore", "-m", "tests.bot.lonely_client"),
                env={**os.environ, **server.environment},
            )
            await server.ready()
            await server.says(ada, table, text)
            await server.next_reply(table)
            program.kill()
            await program.wait()
            await server.gateway.until_gone()

        assert [each.content for each in server.replies(table)] == ["once, indeed", "twice, indeed"]


class TestMessages:
    async def test_a_nonce_said_twice_is_one_message(self, server: FakeDiscord) -> None:
        bar = server.channel(server.guild())
        async with parrot(server) as client:
            channel = client.get_partial_messageable(bar.id)
            first = await channel.send("Evening.", nonce="42")
            again = await channel.send("Evening.", nonce="42")

        assert first.id == again.id
        assert [message.content for message in server.messages(bar)] == ["Evening."]
        assert server.counts["nonce_repeats"] == 1

    async def test_an_answer_that_was_lost_had_been_said(self, server: FakeDiscord) -> None:
        bar = server.channel(server.guild())
        async with parrot(server) as client:
            server.faults.lose_answer("POST", "/channels/*/messages")
            with pytest.raises(aiohttp.ClientError):
                await client.get_partial_messageable(bar.id).send("Evening.", nonce="42")

        assert len(server.messages(bar)) == 1

    async def test_a_limit_is_kept_by_the_client_on_its_own(self, server: FakeDiscord) -> None:
        bar = server.channel(server.guild())
        server.limits.set("POST", "/channels/*/messages", Limit(2, 0.2))
        loop = asyncio.get_running_loop()
        async with parrot(server) as client:
            channel = client.get_partial_messageable(bar.id)
            started = loop.time()
            for number in range(4):
                await channel.send(str(number))
            took = loop.time() - started

        assert took >= 0.2
        assert server.counts["refused_429"] == 0

    @pytest.mark.parametrize("everywhere", [False, True])
    async def test_a_429_is_waited_out(self, server: FakeDiscord, everywhere: bool) -> None:
        bar = server.channel(server.guild())
        async with parrot(server) as client:
            server.limits.refuse_next(0.05, everywhere=everywhere)
            await client.get_partial_messageable(bar.id).send("Evening.")

        assert server.counts["refused_429"] == 1
        assert len(server.messages(bar)) == 1

    async def test_history_goes_both_ways(self, server: FakeDiscord) -> None:
        bar, ada = server.channel(server.guild()), server.user("Ada")
        said = [await server.says(ada, bar, str(number)) for number in range(130)]
        async with parrot(server) as client:
            channel = client.get_partial_messageable(bar.id)
            after = [
                m.id async for m in channel.history(after=discord.Object(said[9].id), limit=None)
            ]
            before = [m.id async for m in channel.history(before=discord.Object(said[3].id))]
            middle = discord.Object(said[50].id)
            around = [m.id async for m in channel.history(around=middle, limit=5)]

        assert after == [message.id for message in said[10:]]
        assert before == [message.id for message in reversed(said[:3])]
        assert sorted(around) == [message.id for message in said[48:53]]

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda server, bar: server.delete_channel(bar), 10003),
            (lambda server, bar: setattr(bar, "forbidden", True), 50013),
            (lambda server, bar: server.leave_guild(bar.guild), 50001),
        ],
    )
    async def test_where_the_bot_may_not_write_it_is_told_why(
        self, server: FakeDiscord, spoil: Callable[[FakeDiscord, Channel], None], code: int
    ) -> None:
        bar = server.channel(server.guild())
        spoil(server, bar)
        async with parrot(server) as client:
            with pytest.raises(discord.HTTPException) as refused:
                await client.get_partial_messageable(bar.id).send("Evening.")

        assert refused.value.code == code

    async def test_people_may_close_their_direct_messages(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        ada.closed = True
        async with parrot(server) as client:
            user = await client.fetch_user(ada.id)
            with pytest.raises(discord.Forbidden) as refused:
                await user.send("Evening.")

        assert refused.value.code == 50007

    @pytest.mark.parametrize(
        ("content", "details"),
        [("x" * 2001, {}), ("Evening.", {"nonce": "n" * 26}), (" ", {})],
    )
    async def test_what_discord_would_not_take_is_refused(
        self, server: FakeDiscord, content: str, details: dict[str, Any]
    ) -> None:
        bar = server.channel(server.guild())
        async with parrot(server) as client:
            with pytest.raises(discord.HTTPException) as refused:
                await client.get_partial_messageable(bar.id).send(content, **details)

        assert refused.value.status == 400

    async def test_it_notes_whom_a_message_would_have_pinged(self, server: FakeDiscord) -> None:
        bar, ada = server.channel(server.guild()), server.user("Ada")
        async with parrot(server) as client:
            channel = client.get_partial_messageable(bar.id)
            await channel.send(f"@everyone {ada.mention}")
            quiet = discord.AllowedMentions.none()
            await channel.send(f"@everyone {ada.mention}", allowed_mentions=quiet)

        assert [message.pings for message in server.messages(bar)] == [
            ("everyone", str(ada.id)),
            (),
        ]

    async def test_ids_follow_the_tests_own_clock(self) -> None:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        async with FakeDiscord(clock=lambda: noon) as server:
            said = await server.says(server.user("Ada"), server.channel(server.guild()), "noon")

        assert discord.utils.snowflake_time(said.id) - noon < timedelta(milliseconds=2)

    async def test_files_come_from_its_own_cdn(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        async with parrot(server) as client:
            cat = server.file("cat.png", b"purr")
            await server.says(ada, server.dm(ada), "look", attachments=[cat])
            message = await soon(client.heard.get())

            assert await message.attachments[0].read() == b"purr"


class TestTrouble:
    async def test_down_it_refuses_and_up_again_it_is_where_it_was(
        self, server: FakeDiscord
    ) -> None:
        port = server.port
        await server.go_down()
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"{server.api_base}/users/@me")

            await server.come_up()
            headers = {"Authorization": f"Bot {server.token}"}
            async with session.get(f"{server.api_base}/users/@me", headers=headers) as answer:
                assert answer.headers["Content-Type"] == "application/json"

        assert server.port == port

    async def test_a_5xx_is_answered_as_often_as_asked_for(self, server: FakeDiscord) -> None:
        server.faults.fail("GET", "/users/@me", 502, times=2)
        headers = {"Authorization": f"Bot {server.token}"}
        statuses = []
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                async with session.get(f"{server.api_base}/users/@me", headers=headers) as answer:
                    statuses.append(answer.status)

        assert statuses == [502, 502, 200]

    async def test_a_broken_event_ends_the_plain_client(self, server: FakeDiscord) -> None:
        client = Parrot()
        async with client:
            session = asyncio.create_task(client.start(server.token))
            await server.ready()
            server.sends_raw("MESSAGE_CREATE", {"id": "1"})

            with pytest.raises(KeyError):
                await soon(session)
