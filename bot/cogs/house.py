"""/about and /help: what the bar is, and how to talk to it."""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.replying import anywhere, reply

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor


class HouseCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door

    @app_commands.command(description="What I am, and what I am not")
    @anywhere
    async def about(self, interaction: discord.Interaction) -> None:
        await reply(self._door, interaction, lambda p, w: self._door.answers.answer("about", p, w))

    @app_commands.command(description="How to talk to me, on one screen")
    @anywhere
    async def help(self, interaction: discord.Interaction) -> None:
        await reply(self._door, interaction, lambda p, w: self._door.answers.answer("help", p, w))
