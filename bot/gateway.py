"""The Discord door: what Discord tells the client becomes messages of the house.

Rule 1: the door keeps nothing about anybody; it knows ids of channels and messages, no more.
Rule 2: a message reaches the house once, however often Discord or the history tells it.
Rule 3: what was said while the bar was away is heard first, then what is said now, in each channel.
Rule 4: one broken event or one failing room costs that event, not the door.
"""

import asyncio
import contextlib
import logging
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import discord
from discord.ext import commands

from actors.messages import (
    DoorClosedError,
    GuildJoined,
    GuildLeft,
    MessageEdited,
    MessagesDeleted,
    Reply,
)
from actors.runtime import trace_id
from bot import hearing
from bot.cogs import add_cogs
from bot.hearing import Listener
from bot.missed import Missed
from bot.outbox import DiscordOutbox
from bot.rooms import Answers, Rooms
from bot.syncing import Sync, sync_commands
from storage.ids import ChannelId, GuildId, MessageId, UserId, hashed
from storage.times import utc_now

log = logging.getLogger(__name__)

REMEMBERED: Final = 8_192
MOST_WAITING: Final = 20
"""Messages of one person in one channel that may wait for their conversation to hear them."""
TOO_MUCH: Final = (
    "That was a lot at once, and I couldn't take all of it in. "
    "Give me a moment, then tell me what matters most."
)


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """How the door is set up.

    `resources`: the help to show when nothing better is known, by Discord's locale.
    `content`: whether to ask Discord for the privileged message-content intent.
    """

    channels: frozenset[ChannelId] = frozenset()
    sync: Sync = "if-changed"
    content: bool = True
    resources: Callable[[str | None], str] = field(default=lambda _locale: "")
    clock: Callable[[], datetime] = utc_now
    guild_ready_seconds: float = 2.0
    identify_seconds: float = 5.0


def intents_for(*, content: bool) -> discord.Intents:
    """Return the least that the bar needs to be told."""
    intents = discord.Intents.none()
    intents.guilds = True
    intents.guild_messages = True
    intents.dm_messages = True
    intents.message_content = content
    return intents


discord.VoiceClient.warn_nacl = False  # the bar has no voice: no warnings about what voice needs
discord.VoiceClient.warn_dave = False


class DiscordDoor(commands.Bot):
    """One connection to Discord, from login to close; after a failure a new one is built."""

    def __init__(
        self, rooms: Rooms, answers: Answers, outbox: DiscordOutbox, options: DoorOptions
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents_for(content=options.content),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            heartbeat_timeout=150.0,
            guild_ready_timeout=options.guild_ready_seconds,
            max_ratelimit_timeout=60.0,
        )
        self.rooms = rooms
        self.answers = answers
        self.outbox = outbox
        self.options = options
        self.listener = Listener(options.channels, reads_content=options.content)
        self.missed = Missed(self)
        self.was_ready = False
        self._quiet = False
        self._handling = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._told: OrderedDict[int, None] = OrderedDict()
        self._waiting: Counter[tuple[int, int]] = Counter()

    @property
    def me(self) -> discord.ClientUser:
        """Who the bar is on Discord; known from login on."""
        if self.user is None:
            raise DoorClosedError("not logged in")
        return self.user

    # --- life -----------------------------------------------------------------------------------

    async def setup_hook(self) -> None:
        """Between login and the gateway: commands, buttons, and the way to say things."""
        await add_cogs(self)
        await sync_commands(self, self.options.sync)
        self.outbox.attach(self)

    async def before_identify_hook(self, _shard_id: int | None, *, initial: bool = False) -> None:
        """Discord wants a pause between two sessions."""
        if not initial:
            await asyncio.sleep(self.options.identify_seconds)

    async def quiet(self, seconds: float) -> None:
        """Hear nothing more, and wait until what was heard is with the house."""
        self._quiet = True
        self.missed.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def close(self) -> None:
        """Leave Discord.  What is said after this is refused as `DoorClosedError`."""
        self._quiet = True
        self.missed.stop()
        self.outbox.detach(self)
        await super().close()

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Once closed, discord.py's own late tasks have nobody to tell."""
        if not self.is_closed():
            super().dispatch(event_name, *args, **kwargs)

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Something is under way that closing should wait for."""
        self._handling += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._handling -= 1
            if self._handling == 0:
                self._idle.set()

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """A handler failed; its event is lost, the door stays open."""
        error = sys.exc_info()[1]
        log.error(
            "discord.event_failed",
            extra={"handler": event_method, "error": type(error).__name__},
            exc_info=error,
        )

    # --- connection -----------------------------------------------------------------------------

    async def on_connect(self) -> None:
        self.missed.begin()

    async def on_ready(self) -> None:
        self.was_ready = True
        log.info(
            "discord.ready",
            extra={"guilds": len(self.guilds), "message_content": self.options.content},
        )

    async def on_resumed(self) -> None:
        log.info("discord.resumed")

    # --- guilds ---------------------------------------------------------------------------------

    async def on_guild_available(self, guild: discord.Guild) -> None:
        self._joined(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self._joined(guild)

    def _joined(self, guild: discord.Guild) -> None:
        now = self.options.clock()
        self.rooms.house.tell(GuildJoined(GuildId(guild.id), guild.name, now))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.rooms.house.tell(GuildLeft(GuildId(guild.id), self.options.clock()))

    # --- what people say ------------------------------------------------------------------------

    async def on_message(self, message: discord.Message, /) -> None:
        if self._quiet or not hearing.is_a_guests(message, self.me):
            return
        with self.handling():
            await self.missed.passed(ChannelId(message.channel.id))
            await self.hear(message)

    async def hear(self, message: discord.Message, *, caught_up: bool = False) -> bool:
        """Tell the house if this was meant for it; return whether it was."""
        why = self.listener.meant(message, self.me)
        if why is None or not self._first_time(message.id):
            return False
        heard = hearing.heard(message, self.me, caught_up=caught_up)
        trace_id.set(hashed(message.id))
        log.info(
            "discord.heard",
            extra={
                "guild_id": heard.place.guild_id,
                "user": hashed(heard.person.user_id),
                "why": why,
                "caught_up": caught_up,
                "images": len(heard.image_urls),
            },
        )
        key = (heard.person.user_id, heard.place.channel_id)
        if self._waiting[key] >= MOST_WAITING:
            await self._shed(message)
            return True
        self._waiting[key] += 1
        try:
            await self.rooms.hear(heard)
        except Exception:
            self._told.pop(message.id, None)  # the history may tell it again
            raise
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
        return True

    def _first_time(self, message_id: int) -> bool:
        if message_id in self._told:
            return False
        self._told[message_id] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True

    async def _shed(self, message: discord.Message) -> None:
        """One person says more than a conversation can hear: say so, once for each flood."""
        place, user_id = hearing.place_of(message), UserId(message.author.id)
        key = (user_id, place.channel_id)
        log.warning("discord.shed", extra={"guild_id": place.guild_id, "user": hashed(user_id)})
        if self._waiting[key] == MOST_WAITING:
            self._waiting[key] += 1
            notice = Reply(user_id, place, MessageId(message.id), TOO_MUCH, notice=True)
            await self.outbox.say(notice)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        message = payload.message
        edited_at = message.edited_at
        # Without a time of editing it was Discord that changed it: it unfolded a link.
        if self._quiet or edited_at is None or not hearing.is_a_guests(message, self.me):
            return
        if not self._is_known(message.channel.id):
            return
        unreadable = not message.content and not self.options.content
        if unreadable and message.guild is not None:
            return
        edited = MessageEdited(
            user_id=UserId(message.author.id),
            place=hearing.place_of(message),
            message_id=MessageId(message.id),
            text=hearing.words(message, self.me),
            at=edited_at,
        )
        self.rooms.edited(edited)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self._deleted(payload.channel_id, {payload.message_id})

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        self._deleted(payload.channel_id, payload.message_ids)

    def _deleted(self, channel_id: int, message_ids: set[int]) -> None:
        if self._is_known(channel_id):
            gone = frozenset(MessageId(each) for each in message_ids)
            self.rooms.house.tell(MessagesDeleted(ChannelId(channel_id), gone))

    def _is_known(self, channel_id: int) -> bool:
        """Whether the bar was ever spoken to there; until that is known, perhaps."""
        return not self.missed.planned or channel_id in self.listener.known
