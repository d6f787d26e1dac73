"""Evenings: the bar behind its doors, from opening to closing."""

import asyncio
import contextlib
import logging
import signal
import sys
from asyncio import FIRST_COMPLETED as FIRST
from collections.abc import Coroutine
from typing import Any, TypeVar

from actors.directory import Directory
from actors.rules import frames, resources
from bot.app import Bar, opened
from bot.commands import Commands
from bot.console import GREETING, Console, ConsoleOutbox, Snowflakes, standard_input
from bot.endpoints import Endpoints
from bot.gateway import DiscordDoor, DoorOptions
from bot.health import serve
from bot.opening import open_early, reached
from bot.outbox import DiscordOutbox
from bot.settings import Settings
from bot.supervisor import Supervisor
from storage.ids import ChannelId
from storage.times import utc_now

log = logging.getLogger(__name__)

T = TypeVar("T")


async def terminal_evening(settings: Settings) -> int:
    """Talk in the terminal until the input ends."""
    source = standard_input()
    interactive = source.isatty()
    outbox = ConsoleOutbox(sys.stdout, Snowflakes(utc_now), interactive)
    async with opened(settings, outbox) as bar:
        console = Console(bar, outbox, source)
        bar.wake_owed()
        await console.evening(GREETING if interactive else "")
    return 0


async def discord_evening(settings: Settings) -> int:
    """Keep the Discord door open until the process is told to stop.

    The order of closing: the door hears nothing more, the actors finish what they have (the door
    still says it), then the door leaves Discord and the database is closed.
    """
    Endpoints.from_settings(
        settings.discord_api_base, settings.discord_gateway_url, settings.discord_cdn_base
    ).apply()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    outbox = DiscordOutbox()
    async with contextlib.AsyncExitStack() as stack:
        database = await first_of(stop, open_early(settings))
        if database is None:
            return 0
        door: Supervisor | None = None

        async def leave() -> None:
            if door is not None:
                await door.close()

        stack.push_async_callback(leave)
        bar = await stack.enter_async_context(opened(settings, outbox, database=database))
        door = supervised(settings, bar, outbox)
        running = asyncio.create_task(door.run(), name="discord: the door")
        reaching = asyncio.create_task(reached(database, settings), name="storage: until reached")
        reaching.add_done_callback(lambda over: stop.set() if failed(over) else None)
        stack.callback(reaching.cancel)
        health = await open_health(settings, bar, door)
        bar.wake_owed()
        await asyncio.wait(
            {running, stopping := asyncio.create_task(stop.wait())}, return_when=FIRST
        )
        stopping.cancel()
        log.info("bar.closing", extra={"waiting": sum(s.waiting for s in bar.directory.snapshot())})
        if health is not None:
            await health.cleanup()
        for ended in (running, reaching):
            if ended.done():
                ended.result()
        await door.quiet(1.0)
    return 0


def failed(task: asyncio.Task[None]) -> bool:
    """Return whether `task` ended, and badly."""
    return task.done() and not task.cancelled() and task.exception() is not None


async def first_of(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns, or None if `stop` comes first (the work is cancelled)."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=FIRST)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    return None


def supervised(settings: Settings, bar: Bar, outbox: DiscordOutbox, **pace: float) -> Supervisor:
    """Return the supervisor of the Discord door.  `pace`: waits of `DoorOptions` to shorten."""
    assert settings.discord_token is not None  # noqa: S101 - `run` asked for it
    channels = frozenset(ChannelId(each) for each in settings.bartender_channels)
    answers = Commands(bar.directory, bar.clock)

    def help_near(locale: str | None) -> str:
        country, today = settings.bartender_country, bar.clock().date()
        here = resources.resources_for(country, locale, None, today=today)
        return frames.sheet(here, frozenset(), (locale or "")[:2] or None)

    def door(content: bool) -> DiscordDoor:
        options = DoorOptions(
            channels=channels,
            sync=settings.discord_sync,
            content=content,
            resources=help_near,
            clock=bar.clock,
            **pace,
        )
        return DiscordDoor(bar, answers, outbox, options)

    return Supervisor(door, settings.discord_token.get_secret_value())


async def open_health(settings: Settings, bar: Bar, door: Supervisor) -> Any:
    """Serve health, if a port is set for it."""
    if settings.health_port is None:
        return None

    def ready() -> bool:
        there = not bar.database.is_withheld
        return there and door.door is not None and door.door.is_ready()

    return await serve(settings.health_port, ready, lambda: metrics(bar.directory))


def metrics(directory: Directory) -> dict[str, Any]:
    """Return numbers about the actors, by class; no ids."""
    seen = directory.snapshot()
    by_class = {
        name: {
            "active": sum(1 for s in seen if s.actor == name),
            "waiting": sum(s.waiting for s in seen if s.actor == name),
            "handled": sum(s.handled for s in seen if s.actor == name),
            "restarts": sum(s.restarts for s in seen if s.actor == name),
        }
        for name in sorted({s.actor for s in seen})
    }
    return {"actors": by_class, "counts": dict(directory.counts)}
