"""The salt of tombstones: drawn once, kept in `settings`."""

import secrets
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.models import Setting

KEY: Final = "tombstones.salt"


async def tombstone_salt(connection: AsyncConnection) -> str:
    """Return this database's salt; the first to ask draws it.  The connection must be writing."""
    wanted = select(Setting.value).where(Setting.key == KEY)
    found = (await connection.execute(wanted)).scalar_one_or_none()
    if found is not None:
        return str(found)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    drawn = insert(Setting).values(key=KEY, value=secrets.token_hex(16))
    await connection.execute(drawn.on_conflict_do_nothing(index_elements=["key"]))
    return str((await connection.execute(wanted)).scalar_one())
