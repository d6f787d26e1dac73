"""The bar as a process: killed at any moment, told to stop, started with nobody there."""

import asyncio
import json
import random
import signal
import uuid

import pytest

from tests.evenings.bar import a_process, kill
from tests.evenings.test_evenings import rows
from tests.fakes import groq as fake
from tests.fakes.discord import Account, Channel, FakeDiscord
from tests.fakes.groq import FakeGroq
from tests.postgres import PostgresServer

OWED = (
    "select count(*) from messages where role = 'user' and expects_answer and answered_at is null"
)


async def until_answered(discord: FakeDiscord, rooms: list[Channel]) -> None:
    """Wait until every channel has a reply to the last message said in it."""
    async with asyncio.timeout(30):
        while True:
            last = {room.id: discord.messages(room)[-1] for room in rooms}
            if all(message.author is discord.bot for message in last.values()):
                return
            await asyncio.sleep(0.02)


class TestKilled:
    @pytest.mark.parametrize("seed", range(2))
    async def test_what_was_heard_is_there_and_gets_exactly_one_answer(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, seed: int
    ) -> None:
        dice = random.Random(seed)
        people = [discord.user(f"guest{n}") for n in range(12)]
        rooms = [discord.dm(person) for person in people]
        groq.says("I hear you.")

        async with a_process(discord, groq, url) as first:
            await discord.ready()
            for person, room in zip(people, rooms, strict=True):
                await discord.says(person, room, "are you there, barkeeper")
            moment = dice.randrange(len(people))
            while len(groq.replies) < moment:
                await asyncio.sleep(0)
            await asyncio.sleep(dice.random() * 0.02)
            await kill(first)
        answered_before = {room.id: len(discord.replies(room)) for room in rooms}
        heard = await rows(url, "select count(*) from messages where role = 'user'")

        async with a_process(discord, groq, url):
            await discord.ready()
            await until_kept(url)
            for person, room in zip(people, rooms, strict=True):
                if not discord.replies(room):
                    await discord.says(person, room, "still there?")
            await until_answered(discord, rooms)
            await until_kept(url)

        assert all(count <= 1 for count in answered_before.values())
        assert heard[0][0] <= len(people)
        for room in rooms:
            references = [reply.reference for reply in discord.replies(room)]
            assert len(references) == len(set(references)), "a message was answered twice"
        kept = await rows(url, "select discord_message_id from messages where role = 'user'")
        assert len(kept) == len(set(kept))
        assert await rows(url, OWED) == [(0,)]

    async def test_killed_between_the_models_answer_and_the_reply(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, ada: Account
    ) -> None:
        room, gate = discord.dm(ada), asyncio.Event()
        groq.always(fake.waits_for(gate, fake.reply("too late")))

        async with a_process(discord, groq, url) as first:
            await discord.ready()
            asked = await discord.says(ada, room, "it rains")
            await groq.arrived.wait()
            await kill(first)
        groq.always(None)
        gate.set()

        async with a_process(discord, groq, url):
            reply = await discord.next_reply(room, timeout=20)
            await until_kept(url)

        assert reply.reference == asked.id
        assert len(discord.replies(room)) == 1

    async def test_killed_after_the_reply_was_said_but_before_it_was_kept(
        self, discord: FakeDiscord, groq: FakeGroq, url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        discord.faults.lose_answer("POST", f"/channels/{room.id}/messages", times=None)

        async with a_process(discord, groq, url) as first:
            await discord.ready()
            await discord.says(ada, room, "it rains")
            while not discord.replies(room):
                await asyncio.sleep(0.001)
            await kill(first)
        discord.faults.clear()
        discord.rest.forget_nonces()

        async with a_process(discord, groq, url):
            await discord.ready()
            await until_kept(url)

        assert len(discord.replies(room)) == 1

    async def test_what_was_said_while_it_was_away_is_answered(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        async with a_process(discord, groq, sqlite_url) as first:
            await discord.ready()
            await discord.says(ada, room, "hello")
            await discord.next_reply(room)
            await until_kept(sqlite_url)
            await kill(first)
        missed = await discord.says(ada, room, "anybody there?")

        async with a_process(discord, groq, sqlite_url):
            reply = await discord.next_reply(room, timeout=20)

        assert reply.reference == missed.id


async def until_kept(url: str) -> None:
    """Wait until nothing is owed."""
    async with asyncio.timeout(30):
        while await rows(url, OWED) != [(0,)]:
            await asyncio.sleep(0.05)


class TestToldToStop:
    async def test_it_finishes_what_it_heard_and_exits_well(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str, ada: Account
    ) -> None:
        room, gate = discord.dm(ada), asyncio.Event()
        groq.always(fake.waits_for(gate, fake.reply("One moment more.")))

        async with a_process(discord, groq, sqlite_url) as process:
            await discord.ready()
            await discord.says(ada, room, "wait for me")
            await groq.arrived.wait()
            process.send_signal(signal.SIGTERM)
            gate.set()
            _, log = await asyncio.wait_for(process.communicate(), 10)

        assert process.returncode == 0
        assert len(discord.replies(room)) == 1
        events = [json.loads(line)["event"] for line in log.decode().splitlines()]
        assert events[-1] == "bar.closed"

    async def test_it_stops_within_ten_seconds_though_the_model_hangs(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str, ada: Account
    ) -> None:
        room = discord.dm(ada)
        groq.always(fake.hangs())

        async with a_process(discord, groq, sqlite_url) as process:
            await discord.ready()
            await discord.says(ada, room, "wait for me")
            await groq.arrived.wait()
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 10)

        assert process.returncode == 0
        assert await rows(sqlite_url, OWED) == [(1,)]


class TestNobodyThere:
    async def test_discord_being_down_at_the_start_is_waited_for(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str, ada: Account
    ) -> None:
        await discord.go_down()

        async with a_process(discord, groq, sqlite_url) as process:
            assert process.stderr is not None
            while b"discord.restarting" not in await process.stderr.readline():
                assert process.returncode is None
            await discord.come_up()
            await discord.ready(timeout=20)
            room = discord.dm(ada)
            await discord.says(ada, room, "hello")
            reply = await discord.next_reply(room)

        assert reply.content

    async def test_the_database_being_away_at_the_start_leaves_nobody_in_danger_alone(
        self, discord: FakeDiscord, groq: FakeGroq, postgres_server: PostgresServer, ada: Account
    ) -> None:
        name = f"late_{uuid.uuid4().hex[:8]}"
        room = discord.dm(ada)

        async with a_process(discord, groq, postgres_server.url(name)) as process:
            await discord.ready(timeout=20)
            await discord.says(ada, room, "I took all my pills")
            urgent = await discord.next_reply(room)
            asked = await discord.says(ada, room, "are you still there?")
            notice = await discord.next_reply(room)
            await asyncio.to_thread(postgres_server.sql, f"CREATE DATABASE {name}")
            reply = await discord.next_reply(room, timeout=60)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 20)
        kept = await rows(postgres_server.url(name), "select count(*) from messages")
        await asyncio.to_thread(postgres_server.sql, f"DROP DATABASE {name} WITH (FORCE)")

        assert "emergency number" in urgent.content.split("\n")[0]
        assert "notebook" in notice.content
        assert reply.reference == asked.id
        assert kept == [(4,)], "both messages and both answers"

    async def test_a_wrong_token_ends_it_with_a_clear_word(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str
    ) -> None:
        async with a_process(discord, groq, sqlite_url, DISCORD_TOKEN="wrong") as process:
            _, said = await asyncio.wait_for(process.communicate(), 20)

        assert process.returncode == 2
        assert b"DISCORD_TOKEN" in said
        assert b"Traceback" not in said

    async def test_a_wrong_setting_ends_it_with_a_clear_word(
        self, discord: FakeDiscord, groq: FakeGroq, sqlite_url: str
    ) -> None:
        async with a_process(discord, groq, sqlite_url, DATABASE_POOL_SIZE="many") as process:
            _, said = await asyncio.wait_for(process.communicate(), 20)

        assert process.returncode == 2
        assert b"DATABASE_POOL_SIZE" in said
