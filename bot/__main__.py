"""`bartender`: run | chat | start | check | db upgrade | health.

Exit codes: 0 the evening ended well, 1 it did not, 2 a setting is wrong (the line says which).
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Final

from bot import evenings, logs
from bot.endpoints import EndpointError
from bot.health import asked
from bot.opening import open_database
from bot.settings import Settings, SettingsError, from_environment
from bot.supervisor import DoorRefusedError
from storage.errors import StorageError

log = logging.getLogger(__name__)

WELL: Final = 0
BADLY: Final = 1
MISSET: Final = 2

HOUSE_VOICE_LINE: Final = (
    "(No GROQ_API_KEY is set: the house voice answers, a simple hand-written listener.)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name; return the exit code."""
    parser = argparse.ArgumentParser(prog="bartender", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="the Discord bot if DISCORD_TOKEN is set, else the terminal")
    commands.add_parser("run", help="the Discord bot")
    commands.add_parser("chat", help="talk in the terminal")
    commands.add_parser("check", help="tell what is missing, change nothing")
    commands.add_parser("health", help="ask the running process whether it is well (HEALTH_PORT)")
    db = commands.add_parser("db", help="look after the database").add_subparsers(
        dest="db_command", required=True
    )
    db.add_parser("upgrade", help="bring the database to today's schema")
    chosen = parser.parse_args(arguments)
    try:
        settings = from_environment()
    except SettingsError as error:
        print(f"bartender: {error}", file=sys.stderr)
        return MISSET
    return COMMANDS[chosen.command](settings)


def start(settings: Settings) -> int:
    """Open the door that the settings allow."""
    return chat(settings) if settings.discord_token is None else run(settings)


def run(settings: Settings) -> int:
    """Run the Discord bot until it is told to stop."""
    if settings.discord_token is None:
        print(
            "bartender: DISCORD_TOKEN is not set. Put the bot's token there, or in a file named by "
            "DISCORD_TOKEN_FILE; `bartender chat` talks in the terminal without one.",
            file=sys.stderr,
        )
        return MISSET
    logs.configure(settings.log_format, settings.log_level)
    return ended(lambda: asyncio.run(evenings.discord_evening(settings)))


def chat(settings: Settings) -> int:
    """Talk in the terminal.  Only errors are logged between the lines, unless LOG_FORMAT asks for
    all.
    """
    quiet = settings.log_format == "auto"
    if quiet:
        logs.configure("json", "ERROR")
    else:
        logs.configure(settings.log_format, settings.log_level)
    if settings.groq_api_key is None and settings.llm_base_url is None:
        print(HOUSE_VOICE_LINE)
    return ended(lambda: asyncio.run(evenings.terminal_evening(settings)))


def db(settings: Settings) -> int:
    """Bring the database to today's schema."""
    logs.configure(settings.log_format, settings.log_level)

    async def upgraded() -> int:
        database = await open_database(settings)
        await database.close()
        return WELL

    return ended(lambda: asyncio.run(upgraded()))


def ended(evening: Callable[[], int]) -> int:
    """Return how `evening` ended; what went wrong is said in one line."""
    try:
        return evening()
    except KeyboardInterrupt:
        return WELL
    except (SettingsError, EndpointError, DoorRefusedError) as error:
        print(f"bartender: {error}", file=sys.stderr)
        return MISSET
    except StorageError as error:
        print(f"bartender: {error}", file=sys.stderr)
        return BADLY


def check(settings: Settings) -> int:
    """Tell what is set, what is missing, and whether the database can be opened."""
    token = settings.discord_token is not None
    model = settings.groq_api_key is not None or settings.llm_base_url is not None
    lines = [
        f"Python          {sys.version.split()[0]}",
        f"DISCORD_TOKEN   {'set' if token else 'missing: `make run` opens the terminal instead'}",
        f"language model  {'set' if model else 'missing (GROQ_API_KEY): the house voice answers'}",
    ]
    print("\n".join(lines))
    logs.configure("json", "ERROR")

    async def opened() -> str:
        database = await open_database(settings)
        dialect = database.dialect
        await database.close()
        return str(dialect)

    try:
        print(f"database        {asyncio.run(opened())}, schema up to date")
    except StorageError as error:
        print(f"database        cannot be opened: {error}")
        return BADLY
    return WELL


def health(settings: Settings) -> int:
    """Ask the running process whether it is well."""
    return WELL if asked(settings.health_port or 8080) else BADLY


COMMANDS: Final = {
    "start": start,
    "run": run,
    "chat": chat,
    "check": check,
    "health": health,
    "db": db,
}

if __name__ == "__main__":
    sys.exit(main())
