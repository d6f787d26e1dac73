"""What an error of a driver means, in our words.

Rule 1: an error that leaves storage is a `StorageError`, and carries codes only: what the drivers
say may quote the row.
Rule 2: a row is refused when the same row would be refused again; everything else is the database
being away.
"""

import sqlite3
from typing import Final

import asyncpg
from sqlalchemy import exc

from storage.errors import (
    RowRefusedError,
    StorageClosedError,
    StorageError,
    StorageUnavailableError,
)

TROUBLES: Final = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.Error,
    OSError,
    TimeoutError,
    OverflowError,
    ValueError,
)
"""Whatever SQLAlchemy, a driver or the network between them may raise."""

REFUSALS: Final = {
    "23502": "not_null",
    "23503": "foreign_key",
    "23505": "unique",
    "23514": "check",
    "22003": "out_of_range",
    "22008": "out_of_range",
    "22001": "too_long",
}
SQLITE_REFUSALS: Final = {
    "NOT NULL": "not_null",
    "FOREIGN KEY": "foreign_key",
    "UNIQUE": "unique",
    "CHECK": "check",
}
PASSING: Final = frozenset({"40001", "40P01", "55P03"})
"""Another writer was in the way (serialization, deadlock, lock): the same again will do."""
AWAY: Final = ("08", "53", "57", "58", "3D", "28")
"""SQLSTATE classes: connection, resources, operator, system, no such database, not let in."""


def understood(error: BaseException) -> StorageError:
    """Return what `error` means; raise the answer `from None` where rows are at hand."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        return understood(error.orig.__cause__ or error.orig)
    if state := getattr(error, "sqlstate", None):
        return of_state(str(state))
    if isinstance(error, sqlite3.Error):
        return of_sqlite(error)
    if isinstance(error, ValueError | OverflowError):
        return RowRefusedError("out_of_range" if isinstance(error, OverflowError) else "invalid")
    return StorageUnavailableError(type(error).__name__)


def of_state(state: str) -> StorageError:
    """Return what an SQLSTATE means."""
    if state.startswith(("22", "23")):
        return RowRefusedError(REFUSALS.get(state, "invalid"))
    if state in PASSING or state.startswith(AWAY):
        return StorageUnavailableError(f"sqlstate {state}")
    return StorageError(f"the database answered with sqlstate {state}")


def of_sqlite(error: sqlite3.Error) -> StorageError:
    """Return what an error of SQLite means."""
    if isinstance(error, sqlite3.IntegrityError):
        words = str(error)
        found = (code for start, code in SQLITE_REFUSALS.items() if words.startswith(start))
        return RowRefusedError(next(found, "invalid"))
    if isinstance(error, sqlite3.DataError | sqlite3.InterfaceError):
        return RowRefusedError("invalid")
    if isinstance(error, sqlite3.ProgrammingError):
        return StorageClosedError()
    return StorageUnavailableError(getattr(error, "sqlite_errorname", "") or "sqlite")


def is_passing(error: BaseException) -> bool:
    """Whether another writer was in the way, so that the same again at once will do."""
    return getattr(error, "sqlstate", None) in PASSING
