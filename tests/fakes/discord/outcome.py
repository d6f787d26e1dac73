"""What the bot did, for a test to wait for: its messages by channel, in order."""

import asyncio
from collections import defaultdict
from typing import Any

from tests.fakes.discord.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, Gateway
from tests.fakes.discord.world import Channel, Message


class Outcomes:
    def __init__(self) -> None:
        self._said: defaultdict[int, asyncio.Queue[Message]] = defaultdict(asyncio.Queue)

    def said(self, message: Message) -> None:
        self._said[message.channel.id].put_nowait(message)

    def unread(self, channel: Channel) -> int:
        """How many of the bot's messages in this channel nobody has waited for."""
        return self._said[channel.id].qsize()

    async def next_reply(self, channel: Channel, timeout: float) -> Message:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            return await self._said[channel.id].get()

    @staticmethod
    def deleted(message: Message, gateway: Gateway) -> None:
        Outcomes.gone(message.channel, [message.id], gateway)

    @staticmethod
    def gone(channel: Channel, ids: list[int], gateway: Gateway) -> None:
        """Tell the bot that messages were deleted: one as one, more as a bulk."""
        guild_id = None if channel.guild is None else channel.guild.id
        payload: dict[str, Any] = {"channel_id": str(channel.id)}
        if guild_id is not None:
            payload["guild_id"] = str(guild_id)
        if len(ids) == 1:
            event = "MESSAGE_DELETE"
            payload["id"] = str(ids[0])
        else:
            event = "MESSAGE_DELETE_BULK"
            payload["ids"] = [str(each) for each in ids]
        intent = DIRECT_MESSAGES if guild_id is None else GUILD_MESSAGES
        gateway.tell(event, payload, intent=intent, guild_id=guild_id)
