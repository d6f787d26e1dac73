"""Alembic's entry: where the database is, and what the tables should be.

Run by `storage.migrate.upgrade` on its connection, or by the `alembic` command on the database that
`DATABASE_URL` names.
"""

import asyncio
import os
import warnings

from alembic import context
from sqlalchemy import Connection

from storage.database import Database, default_url, known_url
from storage.migrate import comparison, ignore_what_sqlite_cannot_tell
from storage.models import Base


def run(connection: Connection) -> None:
    """Run the migrations on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        **comparison(connection),
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with warnings.catch_warnings(), context.begin_transaction():
        ignore_what_sqlite_cannot_tell()
        context.run_migrations()


async def run_by_itself() -> None:
    """Open the database, run the migrations, close it."""
    database = Database()
    await database.init()
    try:
        async with database.writing() as connection:
            await connection.run_sync(run)
    finally:
        await database.close()


def print_only() -> None:
    """Write the SQL instead of running it (`--sql`)."""
    url = known_url(os.environ.get("DATABASE_URL") or default_url())
    context.configure(dialect_name=url.get_backend_name(), target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if context.is_offline_mode():
    print_only()
elif given is not None:
    run(given)
else:
    asyncio.run(run_by_itself())
