"""How every command answers.

Rule 1: acknowledged at once (Discord waits three seconds), answered when the house has.
Rule 2: shown to the person alone.
Rule 3: what cannot be answered now is said kindly; a failure is logged by its type, without words.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Literal

import discord
from discord import app_commands, ui

from bot.hearing import person_of
from bot.text import split
from storage.ids import ChannelId, GuildId, hashed
from storage.records import Person, Place

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 30.0
NOT_NOW: Final = "I can't look that up right now. Nothing is lost; please try again in a minute."

Say = Callable[[Person, Place], Awaitable[str | None]]


def anywhere(command: Any) -> Any:
    """Offer a command in servers and direct messages, to servers and to people who install it."""
    installed = app_commands.allowed_installs(guilds=True, users=True)(command)
    return app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)(installed)


def who(interaction: discord.Interaction) -> Person:
    """Return who used a command or pressed a button."""
    return person_of(interaction.user, locale=str(interaction.locale))


def where(interaction: discord.Interaction) -> Place:
    """Return where that was."""
    channel_id = ChannelId(interaction.channel_id or 0)
    if interaction.guild_id is None:
        return Place(None, channel_id, kind="dm")
    guild_name = interaction.guild.name if interaction.guild is not None else ""
    in_thread = isinstance(interaction.channel, discord.Thread)
    kind: Literal["thread", "text"] = "thread" if in_thread else "text"
    return Place(GuildId(interaction.guild_id), channel_id, guild_name, kind)


async def reply(
    door: "DiscordDoor", interaction: discord.Interaction, say: Say, view: ui.View | None = None
) -> None:
    """Answer `interaction` with what `say` returns, for the person alone."""
    with door.handling():
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
        except discord.NotFound:
            log.warning("discord.too_late", extra={"guild_id": interaction.guild_id})
            return
        words, view = await _said(interaction, say, view)
        for part in split(words):
            shown = discord.utils.MISSING if view is None else view
            await interaction.followup.send(part, ephemeral=True, view=shown)
            view = None


async def _said(
    interaction: discord.Interaction, say: Say, view: ui.View | None
) -> tuple[str, ui.View | None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            words = await say(who(interaction), where(interaction))
    except Exception as error:  # noqa: BLE001 - whatever ails the house, the person gets a word
        command = interaction.command
        log.warning(
            "discord.command_failed",
            extra={
                "command": "button" if command is None else command.qualified_name,
                "user": hashed(interaction.user.id),
                "error": type(error).__name__,
            },
        )
        return NOT_NOW, None
    return (words, view) if words else (NOT_NOW, None)
