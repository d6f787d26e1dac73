"""/mood and /relationship: how the evening feels, and how well we know each other."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.replying import anywhere, reply

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor


class PresenceCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door

    @app_commands.command(description="How the evening feels here")
    @anywhere
    async def mood(self, interaction: discord.Interaction) -> None:
        await reply(self._door, interaction, lambda p, w: self._door.answers.answer("mood", p, w))

    @app_commands.command(description="How well we know each other")
    @anywhere
    async def relationship(self, interaction: discord.Interaction) -> None:
        answers = self._door.answers
        await reply(self._door, interaction, lambda p, w: answers.answer("relationship", p, w))
