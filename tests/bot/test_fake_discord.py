"""The fake Discord keeps Discord's promises, the unpleasant too; the real client is the judge."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.gateway import intents_for
from tests.fakes.discord import Channel, CommandNotOfferedError, FakeDiscord, Limit


class Parrot(discord.Client):
    """The plain client of the library; remembers what it was told."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("intents", intents_for(content=True))
        super().__init__(guild_ready_timeout=0.01, **options)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.resumed = asyncio.Event()
        self.tree = app_commands.CommandTree(self)

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            self.heard.put_nowait(message)

    async def on_resumed(self) -> None:
        self.resumed.set()

    async def before_identify_hook(self, _shard: int | None, *, initial: bool = False) -> None:
        """Discord asks for five seconds between two; the fake does not."""


Opened = Callable[..., Any]


@asynccontextmanager
async def parrot(server: FakeDiscord, **options: Any) -> AsyncIterator[Parrot]:
    client = Parrot(**options)
    session = asyncio.create_task(client.start(server.token))
    ready = asyncio.create_task(client.wait_until_ready())
    try:
        await wait_for_either(ready, session)
        yield client
    finally:
        await client.close()
        ready.cancel()
        session.cancel()
        await asyncio.gather(session, ready, return_exceptions=True)


async def wait_for_either(wanted: asyncio.Task[Any], other: asyncio.Task[Any]) -> None:
    while not (wanted.done() or other.done() or wanted.cancelled()):
        # `wait_until_ready` fails before login has begun; then it is asked again.
        await asyncio.wait({wanted, other}, return_when=asyncio.FIRST_COMPLETED)
    if other.done():
        await other


async def soon(awaitable: Awaitable[Any], seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        return await awaitable


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


class TestInteractions:
    async def test_only_registered_commands_can_be_used(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")

        with pytest.raises(CommandNotOfferedError):
            await server.interaction(ada, server.dm(ada), "mood")

    async def test_a_command_is_offered_only_where_it_was_declared(
        self, server: FakeDiscord
    ) -> None:
        ada, bar = server.user("Ada"), server.channel(server.guild())
        async with parrot(server) as client:

            @client.tree.command(name="here", description="here")
            @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
            async def here(interaction: discord.Interaction) -> None:
                await interaction.response.send_message("yes", ephemeral=True)

            await client.tree.sync()
            used = await server.interaction(ada, bar, "here")
            shown = await used.answered()
            with pytest.raises(CommandNotOfferedError):
                await server.interaction(ada, server.dm(ada), "here")

        assert (shown.content, shown.ephemeral) == ("yes", True)
        assert server.messages(bar) == []

    async def test_an_interaction_is_acknowledged_once(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with parrot(server) as client:

            @client.tree.command(name="twice", description="twice")
            async def twice(interaction: discord.Interaction) -> None:
                await interaction.response.defer()
                interaction.response._response_type = None
                try:
                    await interaction.response.send_message("again")
                except discord.HTTPException as error:
                    outcome.set_result(error.code)

            await client.tree.sync()
            await server.interaction(ada, server.dm(ada), "twice")

            assert await soon(outcome) == 40060

    async def test_three_seconds_are_all_there_is(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        held = asyncio.Event()
        async with parrot(server) as client:

            @client.tree.command(name="late", description="late")
            async def late(interaction: discord.Interaction) -> None:
                await held.wait()
                try:
                    await interaction.response.defer()
                except discord.NotFound as error:
                    outcome.set_result(error.code)

            await client.tree.sync()
            used = await server.interaction(ada, server.dm(ada), "late")
            used.sent_at -= 3.1
            held.set()

            assert await soon(outcome) == 10062

    async def test_suggestions_follow_what_is_typed(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        async with parrot(server) as client:

            @client.tree.command(name="pick", description="pick")
            async def pick(interaction: discord.Interaction, what: str) -> None:
                await interaction.response.send_message(what)

            @pick.autocomplete("what")
            async def suggest(
                _interaction: discord.Interaction, typed: str
            ) -> list[app_commands.Choice[str]]:
                return [app_commands.Choice(name=typed.upper(), value=typed)]

            await client.tree.sync()
            typing = await server.autocompletes(ada, server.dm(ada), "pick", "what", "gin")
            await typing.settled()

        assert [choice["name"] for choice in typing.choices] == ["GIN"]

    async def test_a_form_can_be_opened_and_submitted(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")

        class Form(discord.ui.Modal, title="A form"):
            name: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Name", custom_id="name")

            async def on_submit(self, interaction: discord.Interaction) -> None:
                await interaction.response.send_message(f"Hello {self.name}", ephemeral=True)

        async with parrot(server) as client:

            @client.tree.command(name="form", description="form")
            async def form(interaction: discord.Interaction) -> None:
                await interaction.response.send_modal(Form())

            await client.tree.sync()
            used = await server.interaction(ada, server.dm(ada), "form")
            await used.settled()
            submitted = await server.submits(used, {"name": "Ada"})

            assert (await submitted.answered()).content == "Hello Ada"


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
