"""The whole bar for a test: real discord.py, real groq, a real database; the servers are ours."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import Bar, opened
from bot.endpoints import Endpoints
from bot.evenings import supervised
from bot.outbox import DiscordOutbox
from bot.settings import from_environment
from tests.fakes.discord import FakeDiscord
from tests.fakes.groq import FakeGroq

ROOT = Path(__file__).parents[2]


def environment(
    discord: FakeDiscord, groq: FakeGroq | None, url: str, **more: str
) -> dict[str, str]:
    """What the bar is told by its environment."""
    model = {"GROQ_API_KEY": "key", "LLM_BASE_URL": groq.base_url} if groq else {}
    return {
        **discord.environment,
        **model,
        "DATABASE_URL": url,
        "FACT_EXTRACTION_RATE": "0",
        **more,
    }


@asynccontextmanager
async def a_bar(
    discord: FakeDiscord, groq: FakeGroq | None, url: str, **more: str
) -> AsyncIterator[Bar]:
    """The bar, open on Discord, in this process."""
    settings = from_environment(environment(discord, groq, url, **more))
    Endpoints.from_settings(
        settings.discord_api_base, settings.discord_gateway_url, settings.discord_cdn_base
    ).apply()
    outbox = DiscordOutbox()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(Endpoints().apply)
        bar = await stack.enter_async_context(opened(settings, outbox))
        door = supervised(settings, bar, outbox, guild_ready_seconds=0.01, identify_seconds=0.01)
        running = asyncio.create_task(door.run())
        try:
            bar.wake_owed()
            await discord.ready()
            yield bar
            await door.quiet(2.0)
            await bar.directory.shutdown(deadline=5.0)
        finally:
            await door.close()
            await running


@asynccontextmanager
async def a_process(
    discord: FakeDiscord, groq: FakeGroq | None, url: str, **more: str
) -> AsyncIterator[Process]:
    """The bar as a process of its own, as a server owner runs it."""
    inherited = {
        k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        cwd=ROOT,
        env={**inherited, **environment(discord, groq, url, LOG_FORMAT="json", **more)},
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        transport = process._transport  # type: ignore[attr-defined]
        transport.close()


async def kill(process: Process) -> None:
    """As a power cut does it."""
    process.send_signal(signal.SIGKILL)
    await process.wait()
