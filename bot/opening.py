"""Opening the database: at once where it is there, as soon as it is where it is not.

Rule 1: the doors do not wait for a server: somebody in danger is answered without a notebook.
Rule 2: until the tables are of today's schema nothing reads or writes them: what is asked of
storage meanwhile is told that the database is away.
Rule 3: tables that this version can never work with end the program, with a clear word.
"""

import asyncio
import itertools
import logging
from typing import Final

from bot.settings import Settings
from storage.database import Database
from storage.errors import StorageUnavailableError
from storage.migrate import upgrade

log = logging.getLogger(__name__)

PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
"""Seconds between tries; the last goes on for ever."""


async def open_database(settings: Settings) -> Database:
    """Return the open database, upgraded to today's schema.

    Raises:
        StorageUnavailableError: it is not there now.
        StorageError: it cannot be used.
    """
    database = await opened(settings)
    try:
        await upgrade(database)
    except BaseException:
        await database.close()
        raise
    return database


async def open_early(settings: Settings) -> Database:
    """Return the database, upgraded, or (not there now) withheld until `reached`.

    Raises:
        StorageError: it never can be used.
    """
    database = await opened(settings)
    try:
        await upgrade(database)
    except StorageUnavailableError as error:
        log.warning("storage.awaited", extra={"reason": error.reason, "attempt": 1})
        database.withhold()
    except BaseException:
        await database.close()
        raise
    return database


async def reached(database: Database, settings: Settings) -> None:
    """Return once `database` is there and upgraded, however long that takes.

    Raises:
        StorageError: it never can be used.
    """
    pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
    for attempt, pause in enumerate(pauses, start=2):
        if not database.is_withheld:
            return
        await asyncio.sleep(pause)
        try:
            await upgrade(settings.database)  # by a connection of its own: this one is withheld
        except StorageUnavailableError as error:
            log.warning("storage.awaited", extra={"reason": error.reason, "attempt": attempt})
        else:
            database.release()
            log.info("storage.reached", extra={"attempt": attempt})


async def opened(settings: Settings) -> Database:
    database = Database()
    await database.init(
        settings.database,
        echo=settings.database_echo,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
    )
    return database
