"""How the bar says something on Discord.

Rule 1: a reply said twice appears once: its nonce is the id of the message it answers, and Discord
refuses to repeat a nonce for a few minutes.  What was said earlier is found in the channel.
Rule 2: whatever the words are, nobody is pinged and no link is unfolded; only a person who asked
to be reminded in a server is pinged there, alone.
Rule 3: a person who deleted a cry for help still gets the answer, without the reference.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import discord

from actors.messages import CannotSayError, DoorClosedError, Reply
from bot.buttons import ResourcesView, event_view, is_about, shown
from bot.text import split
from storage.ids import MessageId, RowId, UserId, hashed
from storage.records import Place

log = logging.getLogger(__name__)

BROKEN: Final = (aiohttp.ClientError, OSError, TimeoutError)
"""The connection broke.  Whether the message arrived is unknown; the nonce makes that harmless."""
TRIES: Final = 3
PAUSE_SECONDS: Final = 0.2
LOOKED_THROUGH: Final = 500
CLOCKS_DIFFER: Final = timedelta(minutes=2)
REMEMBERED: Final = 1_000
CUT_UNITS: Final = 500
"""A part of a longer reply is at least this long (a quarter of a message: see bot.text)."""


class DiscordOutbox:
    """Says replies through whichever client is connected at the moment."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._client: discord.Client | None = None
        self._resources: OrderedDict[int, tuple[UserId, str]] = OrderedDict()

    def attach(self, client: discord.Client) -> None:
        """Say everything through this client from now on."""
        self._client = client

    def detach(self, client: discord.Client) -> None:
        """Say nothing through this client any more."""
        if self._client is client:
            self._client = None

    def resources_under(self, message_id: int, user_id: int) -> str | None:
        """Return the help chosen for this person when this message was said to them."""
        kept_for, resources = self._resources.get(message_id, (None, ""))
        return resources if kept_for == user_id else None

    # --- the protocol ---------------------------------------------------------------------------

    async def say(self, reply: Reply) -> tuple[MessageId, ...]:
        """See `actors.messages.Outbox`."""
        started = time.perf_counter()
        ids: list[MessageId] = []
        try:
            for number, part in enumerate(parts := split(called(reply))):
                last = number == len(parts) - 1
                message = await self._send(reply, part, number, with_button=last)
                ids.append(MessageId(message.id))
        except CannotSayError as error:
            log.warning(
                "discord.cannot_say",
                extra={"guild_id": reply.place.guild_id, "reason": str(error), "said": len(ids)},
            )
            raise
        log.info(
            "discord.said",
            extra={
                "guild_id": reply.place.guild_id,
                "user": hashed(reply.user_id),
                "parts": len(ids),
                "notice": reply.notice,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return tuple(ids)

    async def find_said(
        self, place: Place, message_id: MessageId
    ) -> tuple[str, tuple[MessageId, ...]] | None:
        """See `actors.messages.Outbox`.  Discord away: DoorClosedError, so that nobody concludes
        that nothing was said.
        """
        client = self._open()
        me = client.user.id if client.user is not None else 0
        found: list[discord.Message] = []
        history = self._channel(client, place).history(
            after=discord.Object(message_id), limit=LOOKED_THROUGH, oldest_first=True
        )
        try:
            async for message in history:
                if message.author.id != me:
                    continue
                if belongs(message, message_id, found):
                    found.append(message)
                elif found:
                    break
        except (discord.NotFound, discord.Forbidden):
            return None
        except (discord.HTTPException, discord.RateLimited, *BROKEN) as error:
            raise DoorClosedError(type(error).__name__) from None
        if not found:
            return None
        text = "\n".join(message.content for message in found)
        return text, tuple(MessageId(message.id) for message in found)

    async def find_event(
        self, place: Place, event_id: RowId, since: datetime
    ) -> tuple[MessageId, ...] | None:
        """See `actors.messages.Outbox`."""
        client = self._open()
        me = client.user.id if client.user is not None else 0
        history = self._channel(client, place).history(
            after=since - CLOCKS_DIFFER, limit=LOOKED_THROUGH, oldest_first=True
        )
        try:
            async for message in history:
                if message.author.id == me and is_about(message, event_id):
                    return (MessageId(message.id),)
        except (discord.NotFound, discord.Forbidden):
            return None
        except (discord.HTTPException, discord.RateLimited, *BROKEN) as error:
            raise DoorClosedError(type(error).__name__) from None
        return None

    async def typing(self, place: Place) -> None:
        """See `actors.messages.Outbox`."""
        failures = (discord.DiscordException, DoorClosedError, RuntimeError, *BROKEN)
        with contextlib.suppress(*failures):
            await self._channel(self._open(), place).typing()

    # --- how ------------------------------------------------------------------------------------

    def _open(self) -> discord.Client:
        client = self._client
        if client is None or client.is_closed():
            raise DoorClosedError("no client is connected")
        return client

    @staticmethod
    def _channel(client: discord.Client, place: Place) -> discord.PartialMessageable:
        return client.get_partial_messageable(place.channel_id, guild_id=place.guild_id)

    async def _send(
        self, reply: Reply, part: str, number: int, *, with_button: bool
    ) -> discord.Message:
        for attempt in range(TRIES):
            try:
                return await self._try(reply, part, number, with_button=with_button)
            except BROKEN as error:
                if attempt == TRIES - 1:
                    raise DoorClosedError(type(error).__name__) from None
                await asyncio.sleep(PAUSE_SECONDS * (1 + attempt + self._rng.random()))
        raise AssertionError("unreachable")

    async def _try(
        self, reply: Reply, part: str, number: int, *, with_button: bool
    ) -> discord.Message:
        channel = self._channel(self._open(), reply.place)
        details: dict[str, Any] = {}
        if number == 0 and not reply.notice and reply.event is None:
            details["reference"] = reference_to(reply, strict=not reply.resources)
        if reply.resources and with_button:
            details["view"] = shown(ResourcesView())
        if reply.event is not None and number == 0:
            details["view"] = shown(event_view(reply.event))
        try:
            message = await channel.send(
                part,
                nonce=nonce_of(reply, number),
                allowed_mentions=allowed(reply),
                suppress_embeds=True,
                **details,
            )
        except (discord.NotFound, discord.Forbidden) as error:
            raise CannotSayError(f"refused_{error.code or error.status}") from None
        except discord.HTTPException as error:
            raise refusal(error) from None
        except (discord.RateLimited, RuntimeError) as error:
            raise DoorClosedError(type(error).__name__) from None
        if reply.resources and with_button:
            self._keep_resources(message.id, reply)
        return message

    def _keep_resources(self, message_id: int, reply: Reply) -> None:
        self._resources[message_id] = (reply.user_id, reply.resources)
        if len(self._resources) > REMEMBERED:
            self._resources.popitem(last=False)


def nonce_of(reply: Reply, number: int) -> str:
    """Return what Discord knows part `number` of a reply by: at most 25 characters."""
    if reply.notice:
        return f"{reply.answers}.w{number}"
    if reply.event is not None:
        return f"e{reply.event.event_id}.{number}"
    return f"{reply.answers}.{number}" if number else str(reply.answers)


def called(reply: Reply) -> str:
    """Return the text, with the person's name in front if they asked to be called where others
    talk too.
    """
    return f"<@{reply.user_id}> {reply.text}" if pinged(reply) else reply.text


def pinged(reply: Reply) -> bool:
    """Whether this calls the person."""
    return reply.pings and not reply.place.is_direct


def allowed(reply: Reply) -> discord.AllowedMentions:
    """Return who may be pinged: nobody, or the person who asked for it."""
    if not pinged(reply):
        return discord.AllowedMentions.none()
    who = [discord.Object(reply.user_id)]
    return discord.AllowedMentions(everyone=False, roles=False, users=who, replied_user=False)


def reference_to(reply: Reply, *, strict: bool) -> discord.MessageReference:
    """Return the pointer to the message that is answered; `strict`: without it, say nothing."""
    return discord.MessageReference(
        message_id=reply.answers,
        channel_id=reply.place.channel_id,
        guild_id=reply.place.guild_id,
        fail_if_not_exists=strict,
    )


def refusal(error: discord.HTTPException) -> CannotSayError | DoorClosedError:
    """Return what a refusal means: of this message, for good, or of everything, for now."""
    if 400 <= error.status < 500 and error.status not in (401, 408, 429):
        return CannotSayError(f"refused_{error.code or error.status}")
    return DoorClosedError(f"status_{error.status}")


def belongs(message: discord.Message, answers: MessageId, found: list[discord.Message]) -> bool:
    """Return whether one of our messages is (a part of) the reply to `answers`."""
    pointer = message.reference.message_id if message.reference is not None else None
    if not found:
        return pointer == answers
    return pointer is None and len(found[-1].content) >= CUT_UNITS
