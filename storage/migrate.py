"""Bringing a database to today's schema.

Rule 1: of several processes that start at once, one upgrades and the others wait for it: under an
advisory lock in PostgreSQL, under the write lock in SQLite.
Rule 2: an upgrade happens whole or not at all: it is one transaction, DDL included.
Rule 3: a database made by `schema.sql` or `create_tables` says so itself (it is stamped), and goes
on from there.
"""

import warnings
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from storage.database import Database
from storage.errors import MigrationError
from storage.models import Base

LOCK: Final = 0x6261727465_6E64
"""The number of the advisory lock ("bartend")."""
VERSION_TABLE: Final = "alembic_version"


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; with a `connection`, migrations run on it."""
    made = Config()
    folder = str(Path(__file__).parent / "migrations")
    made.set_main_option("script_location", folder.replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """Return the newest revision there is."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert newest is not None  # noqa: S101 - for the type checker: there is a first revision
    return newest


async def upgrade(database: Database | str, revision: str = "head") -> None:
    """Bring the tables to `revision` (made if there are none).

    Args:
        database: an open one, or its URL.
        revision: today's unless said otherwise.

    Raises:
        MigrationError: its tables are not ours, or from a newer version.
        StorageError: the database cannot be reached.
    """
    if isinstance(database, str):
        opened = Database()
        await opened.init(database)
        try:
            await upgrade(opened, revision)
        finally:
            await opened.close()
        return
    async with database.writing() as connection:
        if database.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(upgrade_here, revision)


def upgrade_here(connection: Connection, revision: str) -> None:
    """Bring the tables behind `connection` to `revision`, in its transaction."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables and tables & Base.metadata.tables.keys():
        if missing(connection):
            raise MigrationError(
                "this database has tables of an earlier kind, which lack columns of ours; export "
                "what is in them and start with an empty database"
            )
        command.stamp(config(connection), "head")
    try:
        command.upgrade(config(connection), revision)
    except CommandError as error:
        if "locate revision" not in str(error):
            raise
        raise MigrationError(
            "this database is from a newer version of Bartender; run that version"
        ) from None


def missing(connection: Connection) -> list[str]:
    """Return the columns that our tables should have and those behind `connection` have not."""
    found = inspect(connection)
    there = set(found.get_table_names())
    return [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if table.name not in there
        or column.name not in {known["name"] for known in found.get_columns(table.name)}
    ]


def differences(connection: Connection) -> list[Any]:
    """Return what `alembic revision --autogenerate` would write: nothing, if all is well."""
    with warnings.catch_warnings():
        ignore_what_sqlite_cannot_tell()
        context = MigrationContext.configure(connection, opts=comparison(connection))
        return list(compare_metadata(context, Base.metadata))


def comparison(connection: Connection) -> dict[str, Any]:
    """Return how tables are compared with the models: types and defaults too, without the indexes
    that are for the other database.
    """
    dialect = connection.dialect.name

    def is_ours(thing: Any, *_: Any) -> bool:
        return bool(thing.info.get("only", dialect) == dialect)

    return {"compare_type": True, "compare_server_default": True, "include_object": is_ours}


def ignore_what_sqlite_cannot_tell() -> None:
    """SQLAlchemy cannot read back an index over an expression (`bot_states`), and warns of it."""
    warnings.filterwarnings("ignore", message=".*expression-based index.*")
