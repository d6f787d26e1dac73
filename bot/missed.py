"""What was said while the bar was away.  Discord resumes a connection, not a program: after a
restart the messages in between come only from the history of the channels the bar knows.

Rule 1: a channel's missed messages are heard before its new ones; a person waits for that at most
a few seconds.
Rule 2: a channel that cannot be read is skipped; a house that cannot say which channels it knows is
asked again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Final

import discord

from actors.messages import GuildLeft, ReadChannels
from storage.ids import ChannelId, GuildId
from storage.records import KnownChannel

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

READ_BACK: Final = 1_000
"""Messages of one channel that are looked through at most."""
AT_ONCE: Final = 4
PATIENCE_SECONDS: Final = 3.0
ASK_AGAIN_SECONDS: Final = 15.0


class Missed:
    """Hears, after each new session, what was missed before it."""

    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door
        self._pending: dict[ChannelId, asyncio.Event] = {}
        self._plan = asyncio.Event()
        self.planned = False
        """Whether the channels that the bar knows have been read."""
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """A session began: everything new waits for what was missed."""
        self.stop()
        self._plan.clear()
        self._task = asyncio.create_task(self._catch_up(), name="discord: what was missed")

    def stop(self) -> None:
        """Leave the rest for the next start: it is still in the history."""
        if self._task is not None:
            self._task.cancel()
        self._plan.set()
        self._release(list(self._pending))

    async def passed(self, channel_id: ChannelId) -> None:
        """Wait until this channel's missed messages have been heard."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._plan.wait()
                if (pending := self._pending.get(channel_id)) is not None:
                    await pending.wait()

    def _release(self, channel_ids: Iterable[ChannelId]) -> None:
        for channel_id in channel_ids:
            if (event := self._pending.pop(channel_id, None)) is not None:
                event.set()

    async def _catch_up(self) -> None:
        channels = await self._known_channels()
        missed = [each for each in channels if each.last_message_id is not None]
        self._pending = {each.channel_id: asyncio.Event() for each in missed}
        self._plan.set()
        await self._door.wait_until_ready()
        self._note_lost_guilds(channels)
        turns = asyncio.Semaphore(AT_ONCE)
        heard = await asyncio.gather(*(self._channel(each, turns) for each in missed))
        log.info("discord.caught_up", extra={"channels": len(missed), "messages": sum(heard)})

    async def _known_channels(self) -> tuple[KnownChannel, ...]:
        while True:
            try:
                channels = await self._door.rooms.house.ask(ReadChannels())
            except Exception as error:  # noqa: BLE001 - whatever ails the house, ask again
                log.warning("discord.channels_unknown", extra={"error": type(error).__name__})
                self._plan.set()  # nobody is kept waiting for what may take long
                await asyncio.sleep(ASK_AGAIN_SECONDS)
                continue
            self.planned = True
            listener = self._door.listener
            listener.known |= {each.channel_id for each in channels}
            listener.threads |= {each.channel_id for each in channels if each.kind == "thread"}
            return channels

    def _note_lost_guilds(self, channels: Iterable[KnownChannel]) -> None:
        """Guilds that threw the bar out while it was away send no word of it."""
        present = {guild.id for guild in self._door.guilds}
        known = {each.guild_id for each in channels if each.guild_id is not None}
        for guild_id in sorted(known - present):
            self._door.rooms.house.tell(GuildLeft(GuildId(guild_id), self._door.options.clock()))

    async def _channel(self, channel: KnownChannel, turns: asyncio.Semaphore) -> int:
        async with turns:
            try:
                return await self._read(channel)
            except Exception as error:  # noqa: BLE001 - one channel's trouble is not the others'
                log.warning(
                    "discord.not_caught_up",
                    extra={"guild_id": channel.guild_id, "error": type(error).__name__},
                )
                return 0
            finally:
                self._release([channel.channel_id])

    async def _read(self, channel: KnownChannel) -> int:
        count = 0
        async for message in self._history(channel):
            # A history tells members as mere users; what they are called here is asked for.
            if self._door.listener.meant(message, self._door.me) is not None:
                await self._as_member(message)
                count += await self._door.hear(message, caught_up=True)
        return count

    def _history(self, channel: KnownChannel) -> AsyncIterator[discord.Message]:
        door, id_ = self._door, channel.channel_id
        cached = door.get_channel(id_)
        place: discord.TextChannel | discord.Thread | discord.PartialMessageable
        if isinstance(cached, discord.TextChannel | discord.Thread):
            place = cached
        else:
            place = door.get_partial_messageable(id_, guild_id=channel.guild_id)
        after = discord.Object(channel.last_message_id or 0)
        return place.history(after=after, limit=READ_BACK, oldest_first=True)

    @staticmethod
    async def _as_member(message: discord.Message) -> None:
        if message.guild is not None and not isinstance(message.author, discord.Member):
            with contextlib.suppress(discord.HTTPException):
                message.author = await message.guild.fetch_member(message.author.id)
