"""Slash commands and buttons: one file for each thing people ask for."""

from typing import TYPE_CHECKING

from bot.cogs.calendar import CalendarCog
from bot.cogs.house import HouseCog
from bot.cogs.memory import MemoryCog
from bot.cogs.moderation import ModerationCog
from bot.cogs.presence import PresenceCog
from bot.cogs.resources import ResourcesCog

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor


async def add_cogs(door: "DiscordDoor") -> None:
    """Give the door its commands and its lasting buttons."""
    for cog in (PresenceCog, MemoryCog, CalendarCog, HouseCog, ModerationCog, ResourcesCog):
        await door.add_cog(cog(door))
