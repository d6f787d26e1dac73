"""Telling Discord which commands there are, only when they changed.

Discord allows few syncs a day; the digest of what was last registered is kept in the house's book.
"""

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

import discord

from actors.messages import KeepSetting, ReadSetting

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

Sync = Literal["never", "if-changed", "always"]

KEY: Final = "discord.commands"


def digest(declared: list[dict[str, Any]], application_id: int | None) -> str:
    """Return what changes exactly when the commands, or the application they are for, change."""
    ordered = sorted(declared, key=lambda command: (command["type"], command["name"]))
    text = json.dumps([application_id, ordered], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


async def sync_commands(door: "DiscordDoor", mode: Sync) -> None:
    """Register the commands if `mode` and what was registered last ask for it.

    A failure here leaves the commands as Discord knows them: no reason not to open.
    """
    if mode == "never":
        return
    tree = door.tree
    wanted = digest([each.to_dict(tree) for each in tree.get_commands()], door.application_id)
    try:
        if mode == "if-changed" and await door.rooms.house.ask(ReadSetting(KEY)) == wanted:
            return
        registered = await tree.sync()
        await door.rooms.house.ask(KeepSetting(KEY, wanted))
    except discord.DiscordException as error:
        log.warning("discord.commands_not_synced", extra={"error": type(error).__name__})
    except Exception as error:  # noqa: BLE001 - the house's own failures, whatever they are called
        log.warning("discord.commands_not_synced", extra={"error": type(error).__name__})
    else:
        log.info("discord.commands_synced", extra={"commands": len(registered)})
