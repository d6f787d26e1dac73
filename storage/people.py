"""People by name: the founding guide's `get_or_create_user`."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Database, db
from storage.ids import UserId
from storage.models import User
from storage.times import utc_now


async def get_or_create_user(
    discord_id: UserId,
    username: str,
    display_name: str | None = None,
    *,
    now: datetime | None = None,
    database: Database = db,
) -> User:
    """Return the person with this Discord id, made on first sight, under the names given.

    Two callers at once get the same person.  `user.display_name` is the name they chose, else the
    one Discord shows.

    Raises:
        StorageError: the database cannot be reached, or refuses the row.
    """
    at = now or utc_now()
    insert = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
    seen = {
        "discord_username": username,
        "discord_display_name": display_name,
        "last_seen_at": at,
        "updated_at": at,
        "is_active": True,
    }
    statement = insert(User).values(discord_id=discord_id, first_seen_at=at, created_at=at, **seen)
    async with database.session() as session:
        await session.execute(
            statement.on_conflict_do_update(index_elements=["discord_id"], set_=seen)
        )
        found = await session.execute(select(User).where(User.discord_id == discord_id))
        return found.scalar_one()
