"""What the bar adds to the model's own time, from a message heard to its reply said.

Everything is real but the two servers: discord.py over a websocket, the groq client over HTTP, a
database on disk.  The servers answer at once and run in a process of their own, so that what is
measured is the bar.

A round sends one message to each of N conversations at once and waits for all replies; the time
of an exchange runs from the moment the server sends the event to the moment it has the reply.
"""

import asyncio
import gc
import io
import json
import logging
import multiprocessing
import statistics
import tempfile
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from bot.app import opened
from bot.endpoints import Endpoints
from bot.evenings import supervised
from bot.outbox import DiscordOutbox
from bot.settings import from_environment
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.faults import Limit
from tests.fakes.groq import FakeGroq
from tests.postgres import shared_server

AT_ONCE: Final = (1, 64)
ROUNDS: Final = {1: 300, 64: 25}
QUICK_ROUNDS: Final = {1: 60, 64: 6}
WARM_UP: Final = 5
STAGES: Final = ("asked_ms", "queued_ms", "model_ms", "said_kept_ms")


class Stages(logging.Handler):
    """Collects the stages that the bar itself logs for each exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, list[float]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        wanted = {
            "conversation.heard": ("kept_ms",),
            "exchange.ended": STAGES,
            "discord.said": ("ms",),
        }
        for name in wanted.get(record.getMessage(), ()):
            if (value := getattr(record, name, None)) is not None:
                self.seen["said_ms" if name == "ms" else name].append(float(value))

    def medians(self) -> dict[str, float]:
        return {name: round(statistics.median(values), 2) for name, values in self.seen.items()}


def serve(pipe: Connection, conversations: int) -> None:
    """The servers' process: says where they are, then runs rounds as it is told."""
    asyncio.run(_serve(pipe, conversations))


async def _serve(pipe: Connection, conversations: int) -> None:
    async with FakeDiscord() as discord, FakeGroq() as groq:
        discord.limits.generous = Limit(100_000, 1.0)
        people = [discord.user(f"guest{n}") for n in range(conversations)]
        rooms = [discord.dm(person) for person in people]
        pipe.send({**discord.environment, "LLM_BASE_URL": groq.base_url})
        everyone = list(zip(people, rooms, strict=True))
        while (rounds := await asyncio.to_thread(pipe.recv)) is not None:
            try:
                await discord.ready()
                pipe.send(await _rounds(discord, everyone, rounds))
            except TimeoutError as error:  # a reply that never came ends the run, loudly
                pipe.send(error)


async def _rounds(
    discord: FakeDiscord, everyone: list[tuple[Any, Any]], rounds: int
) -> tuple[list[float], float]:
    times: list[float] = []
    started = time.perf_counter()
    for number in range(rounds):
        answers = [_exchange(discord, *one, f"evening number {number}") for one in everyone]
        times += await asyncio.gather(*answers)
    return times, time.perf_counter() - started


async def _exchange(discord: FakeDiscord, person: Any, room: Any, text: str) -> float:
    started = time.perf_counter()
    await discord.says(person, room, text)
    await discord.next_reply(room, timeout=60)
    return time.perf_counter() - started


async def measured(url: str, conversations: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one number of conversations at once."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, conversations)
    )
    server.start()
    theirs.close()  # so that the end of their process is the end of the pipe
    environment = await asyncio.to_thread(ours.recv)
    settings = from_environment(
        {**environment, "GROQ_API_KEY": "key", "DATABASE_URL": url, "FACT_EXTRACTION_RATE": "0"}
    )
    Endpoints.from_settings(
        settings.discord_api_base, settings.discord_gateway_url, settings.discord_cdn_base
    ).apply()
    outbox, stages = DiscordOutbox(), Stages()
    async with opened(settings, outbox) as bar:
        door = supervised(settings, bar, outbox, guild_ready_seconds=0.01, identify_seconds=0.01)
        running = asyncio.create_task(door.run())
        await _played(ours, WARM_UP)
        logging.getLogger().addHandler(stages)
        gc.collect()
        times, seconds = await _played(ours, rounds)
        logging.getLogger().removeHandler(stages)
        ours.send(None)
        await door.close()
        await running
    await asyncio.to_thread(server.join)
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered) * 1000, 2),
        "p99": round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
        "exchanges_per_s": round(len(times) / seconds, 1),
        "exchanges": len(times),
        "stages_p50_ms": stages.medians(),
    }


async def _played(pipe: Connection, rounds: int) -> tuple[list[float], float]:
    """Have the servers play `rounds`; return every exchange's seconds, and those of all."""
    pipe.send(rounds)
    found = await asyncio.to_thread(pipe.recv)
    if isinstance(found, TimeoutError):
        raise found
    times, seconds = found
    return times, seconds


def run(*, quick: bool) -> dict[str, Any]:
    """Measure on both databases; the headline figures are PostgreSQL's."""
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(logging.StreamHandler(io.StringIO()))
    rounds = QUICK_ROUNDS if quick else ROUNDS
    found: dict[str, dict[int, dict[str, Any]]] = {"postgres": {}, "sqlite": {}}
    with tempfile.TemporaryDirectory() as folder, shared_server(Path(folder)) as postgres:
        for count in AT_ONCE:
            with postgres.database() as name:
                found["postgres"][count] = asyncio.run(
                    measured(postgres.url(name), count, rounds[count])
                )
            url = f"sqlite+aiosqlite:///{folder}/bar{count}.sqlite3"
            found["sqlite"][count] = asyncio.run(measured(url, count, rounds[count]))
    headline = found["postgres"]
    return {
        "overhead_ms": {
            str(count): {"p50": headline[count]["p50"], "p99": headline[count]["p99"]}
            for count in AT_ONCE
        },
        "exchanges_per_s": headline[AT_ONCE[-1]]["exchanges_per_s"],
        **json.loads(json.dumps(found)),
    }


def markdown(result: dict[str, Any]) -> str:
    """Return the README's table."""
    lines = [
        "| database | conversations at once | p50 | p99 | exchanges/s |",
        "|---|---|---|---|---|",
    ]
    for database in ("postgres", "sqlite"):
        for count, row in result[database].items():
            lines.append(
                f"| {database} | {count} | {row['p50']} ms | {row['p99']} ms "
                f"| {row['exchanges_per_s']} |"
            )
    stages = result["postgres"]["1"]["stages_p50_ms"]
    named = ", ".join(f"{name.removesuffix('_ms')} {value} ms" for name, value in stages.items())
    return "\n".join([*lines, "", f"Where one exchange's time goes (PostgreSQL, p50): {named}."])
