"""The plain client of the library, to judge the fake by."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands

from bot.gateway import intents_for
from tests.fakes.discord import FakeDiscord


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
