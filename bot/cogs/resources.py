"""The button under an answer to somebody in trouble: help that is near them, for them alone."""

import logging
from typing import TYPE_CHECKING, Final

import discord
from discord.ext import commands

from bot.buttons import ResourcesToMeView, ResourcesView, shown
from bot.cogs.replying import reply
from bot.text import split
from storage.records import Person, Place

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

SENT: Final = "It is in our direct messages now."
CLOSED: Final = (
    "Discord doesn't let me write to you directly (your settings don't take messages from here). "
    "What you see above stays for a while; you can copy it."
)


class ResourcesCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door
        door.add_view(ResourcesView(self._open))
        door.add_view(ResourcesToMeView(self._send))

    async def _open(self, interaction: discord.Interaction) -> None:
        """Whoever presses sees help: the person it was said to, what was chosen for them; a
        bystander, what fits their own language.
        """
        under = 0 if interaction.message is None else interaction.message.id
        chosen = self._door.outbox.resources_under(under, interaction.user.id)
        help_ = chosen or self._door.options.resources(str(interaction.locale))

        async def show(_person: Person, _place: Place) -> str:
            return help_

        in_guild = interaction.guild_id is not None and help_
        view = shown(ResourcesToMeView()) if in_guild else None
        await reply(self._door, interaction, show, view)

    async def _send(self, interaction: discord.Interaction) -> None:
        help_ = "" if interaction.message is None else interaction.message.content

        async def send(_person: Person, _place: Place) -> str:
            try:
                for part in split(help_):
                    await interaction.user.send(part, suppress_embeds=True)
            except discord.Forbidden:
                return CLOSED
            return SENT

        await reply(self._door, interaction, send)
