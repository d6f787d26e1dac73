"""Exchanges kept per second: the storage actor against a service for each table.

An exchange is the same eleven rows either way: user, guild, member, conversation, two messages,
mood, mood history, relationship, style, fact.  N people talk at once, each saying the next thing
when the last is durable; both ways run on the same server in the same run, flushing to disk.
"""

import asyncio
import gc
import logging
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import func, select

from actors import messages as m
from actors.directory import Directory
from actors.storage import StorageActor
from benchmarks.orm_baseline import Services, Talk
from storage import models
from storage import records as r
from storage.database import Database
from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId
from tests.postgres import PostgresServer

AT_ONCE: Final = (1, 16, 256, 2_048)
PEOPLE_PER_GUILD: Final = 8
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long people talk, and how long they may take to end."""

    seconds: float
    drain: float


THOROUGH: Final = Timing(10.0, 60.0)
QUICK: Final = Timing(3.0, 1.0)


class Way(Protocol):
    """A way to keep exchanges; `steps` counts its transactions, `STEPS` of which are one."""

    STEPS: int
    steps: int

    async def exchange(self, talk: Talk) -> None:
        """Keep one."""


@dataclass(slots=True)
class Tally:
    """How long exchanges took; those that were not over in time count with their age, so that
    a way that answers nobody in time is not the faster for it.
    """

    took: list[float] = field(default_factory=list)
    unfinished: dict[int, float] = field(default_factory=dict)
    steps: int = 0
    """Transactions of exchanges, whole ones and begun ones alike."""
    seconds: float = 0.0

    def figures(self, steps_each: int) -> dict[str, float]:
        now = time.perf_counter()
        ages = sorted(self.took + [now - begun for begun in self.unfinished.values()])
        return {
            "exchanges_per_s": round(self.steps / steps_each / self.seconds, 1),
            "p50_ms": round(statistics.median(ages) * 1_000, 2),
            "p99_ms": round(ages[min(len(ages) - 1, int(len(ages) * 0.99))] * 1_000, 2),
        }


async def measured(way: Way, at_once: int, timing: Timing, first_id: int) -> dict[str, float]:
    """Have `at_once` people talk for a while, and give those who still do some time to end."""
    tally = Tally()
    ends = time.perf_counter() + timing.seconds

    async def person(number: int) -> None:
        said = 0
        while not said or time.perf_counter() < ends:
            message = first_id + (said * at_once + number) * 2
            guild = first_id + number // PEOPLE_PER_GUILD
            talk = Talk(first_id + number, guild, guild, message, NOON)
            tally.unfinished[number] = begun = time.perf_counter()
            await way.exchange(talk)
            tally.took.append(time.perf_counter() - begun)
            del tally.unfinished[number]
            said += 1

    before, started = way.steps, time.perf_counter()
    people = [asyncio.create_task(person(number)) for number in range(at_once)]
    _, late = await asyncio.wait(people, timeout=timing.seconds + timing.drain)
    tally.seconds = time.perf_counter() - started
    tally.steps = way.steps - before
    figures = tally.figures(way.STEPS)
    for task in late:
        task.cancel()
    for outcome in await asyncio.gather(*people, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    return figures


class Bar:
    """Keeps exchanges as the actors do, in one ask; remembers each person's sitting as they do."""

    STEPS = 1

    def __init__(self, directory: Directory) -> None:
        self.steps = 0
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._sittings: dict[int, RowId] = {}

    async def exchange(self, talk: Talk) -> None:
        user_id, guild_id = UserId(talk.user_id), GuildId(talk.guild_id)
        sitting = self._sittings.get(talk.user_id)
        place = r.Place(guild_id, ChannelId(talk.channel_id), f"Guild {talk.guild_id}")
        person = r.Person(user_id, f"user{user_id}", f"Name {user_id}", roles=("guest",))
        heard, said = MessageId(talk.message_id), MessageId(talk.message_id + 1)
        words = f"the words of message {talk.message_id}, as long as people write"
        writes: tuple[r.Write, ...] = (
            r.HeardMessage(person, place, heard, words, talk.at, sitting, token_count=16),
            r.SaidReply(user_id, place, sitting, (heard,), (said,), words, talk.at, 16),
            r.Mood(guild_id, 0.1, -0.2, talk.at, total_messages_sent=1),
            r.MoodShift(guild_id, 0.1, -0.2, "conversation", user_id, "heard", talk.at),
            r.Relationship(user_id, guild_id, 10.0, 1, last_interaction_at=talk.at),
            r.CommunicationStyle(user_id, samples_collected=1, confidence=0.5),
            r.FactSave(
                r.UserFact(
                    None,
                    user_id,
                    guild_id,
                    "hobby",
                    f"plays the cello, as said in {talk.message_id}",
                    0.8,
                    0.6,
                    talk.at,
                    source_message_id=heard,
                )
            ),
        )
        answers = await self._storage.ask(m.Save(writes), timeout=600)
        self._sittings[talk.user_id] = answers[0].conversation
        self.steps += 1


async def ours(url: str, at_once: int, timing: Timing, first_id: int) -> dict[str, float]:
    """Measure the storage actor."""
    database = Database()
    await database.init(url)
    directory = Directory()
    directory.register(
        StorageActor, lambda key: StorageActor(key, database=database), idle_after=None
    )
    try:
        return await measured(Bar(directory), at_once, timing, first_id)
    finally:
        await directory.shutdown()
        await database.close()


async def theirs(url: str, at_once: int, timing: Timing, first_id: int) -> dict[str, float]:
    """Measure a service for each table."""
    services = Services(url)
    await services.open()
    try:
        return await measured(services, at_once, timing, first_id)
    finally:
        await services.close()


async def rows_of(url: str) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = ("Message", "MoodHistory", "UserFact", "User", "Conversation", "UserRelationship")
    database = Database()
    await database.init(url)
    async with database.reading() as connection:
        counts = {
            name: await connection.scalar(select(func.count()).select_from(getattr(models, name)))
            for name in tables
        }
    await database.close()
    return counts


async def check_same_rows(url: str) -> None:
    """Have each way keep one exchange, and see that they kept the same rows."""
    made = []
    for number, way in enumerate((ours, theirs)):
        before = await rows_of(url)
        await way(url, 1, Timing(0.0001, 60), 9_000_000_000 + number * 1_000_000)
        after = await rows_of(url)
        made.append({name: after[name] - before[name] for name in after})
    assert made[0] == made[1], made


async def compare(url: str, timing: Timing) -> dict[str, Any]:
    """Measure both ways, turn about, for each number of people."""
    database = Database()
    await database.init(url)
    await database.create_tables()
    await database.close()
    await check_same_rows(url)
    result: dict[str, Any] = {}
    for step, at_once in enumerate(AT_ONCE, start=1):
        gc.collect()
        mine = await ours(url, at_once, timing, step * 1_000_000_000)
        gc.collect()
        base = await theirs(url, at_once, timing, step * 1_000_000_000 + 500_000_000)
        result[str(at_once)] = {
            **mine,
            "orm_exchanges_per_s": base["exchanges_per_s"],
            "orm_p99_ms": base["p99_ms"],
            "ratio_to_orm": round(mine["exchanges_per_s"] / max(base["exchanges_per_s"], 0.1), 1),
            "p99_to_orm": round(mine["p99_ms"] / base["p99_ms"], 4),
        }
    return result


def run(*, quick: bool) -> dict[str, Any]:
    """Measure PostgreSQL and SQLite."""
    logging.getLogger("actors").setLevel(logging.ERROR)
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)  # of what is cut off at the end
    timing = QUICK if quick else THOROUGH
    result: dict[str, Any] = {"benchmark": "storage", "seconds_each": timing.seconds}
    server = PostgresServer.start(durable=True)
    try:
        with server.database() as name:
            result["postgres"] = asyncio.run(compare(server.url(name), timing))
    finally:
        server.stop()
    folder = Path(tempfile.mkdtemp(prefix="bartender-bench-"))
    try:
        url = f"sqlite+aiosqlite:///{folder / 'bar.sqlite3'}"
        result["sqlite"] = asyncio.run(compare(url, timing))
    finally:
        shutil.rmtree(folder)
    return result


def markdown(result: dict[str, Any]) -> str:
    """Return the result as a table."""
    lines = [
        "| database | at once | exchanges/s | p99 ms | ORM exchanges/s | ORM p99 ms | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for database in ("postgres", "sqlite"):
        for at_once, found in result[database].items():
            lines.append(
                f"| {database} | {at_once} | {found['exchanges_per_s']:,} | {found['p99_ms']:,} | "
                f"{found['orm_exchanges_per_s']:,} | {found['orm_p99_ms']:,} | "
                f"{found['ratio_to_orm']} |"
            )
    return "\n".join(lines)
