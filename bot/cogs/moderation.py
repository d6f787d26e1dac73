"""/listen: a server's moderators choose the channels that are the bar's.

There everything is meant for the bar, except what people say to each other.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from actors.messages import KeepSetting, ReadSetting
from bot.cogs.replying import reply
from bot.missed import ASK_AGAIN_SECONDS
from storage.ids import ChannelId
from storage.records import Person, Place

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

KEY: Final = "discord.channels"
LISTENING: Final = (
    "I listen to everything here now. What people say to each other (a reply, a mention of "
    "somebody) stays theirs."
)
NOT_LISTENING: Final = "Here I answer only who mentions or answers me now."
UNREADABLE: Final = (
    " (Discord has not granted me the message-content intent yet, so until it is switched on in "
    "the developer portal I still need a mention.)"
)


class ModerationCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door
        self._choosing = asyncio.Lock()

    @commands.Cog.listener("on_connect")
    async def read_chosen(self) -> None:
        """Learn which channels were chosen in earlier runs; while the house cannot say, ask it
        again.
        """
        while not self._door.is_closed():
            try:
                self._door.listener.channels |= await self._chosen()
            except Exception as error:  # noqa: BLE001 - whatever ails the house, ask again
                log.warning("discord.channels_unknown", extra={"error": type(error).__name__})
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            else:
                return

    async def _chosen(self) -> set[ChannelId]:
        kept = await self._door.rooms.house.ask(ReadSetting(KEY))
        return {ChannelId(int(each)) for each in kept or ()}

    @app_commands.command(description="Choose whether I answer everything in this channel")
    @app_commands.describe(on="Yes: everything here is meant for me. No: only mentions and replies")
    @app_commands.default_permissions(manage_channels=True)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def listen(self, interaction: discord.Interaction, on: bool) -> None:
        async def choose(_person: Person, place: Place) -> str:
            async with self._choosing:
                chosen = await self._chosen()
                changed = chosen | {place.channel_id} if on else chosen - {place.channel_id}
                await self._door.rooms.house.ask(KeepSetting(KEY, sorted(changed)))
            listener = self._door.listener
            if on:
                listener.channels.add(place.channel_id)
            else:
                listener.channels.discard(place.channel_id)
            extra = {"guild_id": place.guild_id, "on": on}
            log.info("discord.channel_chosen", extra=extra)
            readable = on and not self._door.options.content
            return (LISTENING if on else NOT_LISTENING) + (UNREADABLE if readable else "")

        await reply(self._door, interaction, choose)
