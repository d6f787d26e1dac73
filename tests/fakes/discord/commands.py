"""Slash commands as a person's client sees them: only what was registered, only where offered."""

from typing import Any

from tests.fakes.discord.world import DM, Channel

SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2


class CommandNotOfferedError(LookupError):
    """This command is not in the list that Discord would show here."""


def offered(
    commands: dict[int | None, list[dict[str, Any]]], path: str, channel: Channel
) -> dict[str, Any]:
    """Return the registered command that `path` begins with, a guild's own before the global."""
    name = path.split(maxsplit=1)[0]
    guild_id = None if channel.guild is None else channel.guild.id
    candidates = [*commands.get(guild_id, []), *commands[None]] if guild_id else commands[None]
    context = 1 if channel.type == DM else 0
    for command in candidates:
        contexts = command.get("contexts")
        if command["name"] == name and (contexts is None or context in contexts):
            return command
    raise CommandNotOfferedError(name)


def command_data(
    command: dict[str, Any], path: str, values: dict[str, Any], *, focused: str | None = None
) -> dict[str, Any]:
    """Return the `data` of the interaction, options nested as the command was declared."""
    declared = command.get("options", [])
    steps: list[dict[str, Any]] = []
    for step in path.split()[1:]:
        steps.append(_named(declared, step))
        declared = steps[-1].get("options", [])
    options = [_filled(_named(declared, key), value, focused) for key, value in values.items()]
    for step in reversed(steps):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    return {
        "id": command["id"],
        "name": command["name"],
        "type": command.get("type", 1),
        "options": options,
    }


def _named(declared: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for option in declared:
        if option["name"] == name:
            return option
    raise CommandNotOfferedError(name)


def _filled(option: dict[str, Any], value: Any, focused: str | None) -> dict[str, Any]:
    filled = {"name": option["name"], "type": option["type"], "value": value}
    return filled | {"focused": True} if option["name"] == focused else filled
