"""A database as the tests use it: one call for each thing that the storage actor does with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage.database import Database
from storage.errors import StorageError
from storage.records import Write
from storage.writes import Outcome, Writer
from tests.storage.builders import NOON


@dataclass(slots=True)
class Store:
    database: Database
    writer: Writer

    async def save(self, *writes: Write, now: datetime = NOON) -> tuple[Any, ...]:
        """Keep `writes` as one ask; return its answers or raise its error."""
        outcome = (await self.save_each(writes, now=now))[0]
        if isinstance(outcome, StorageError):
            raise outcome
        return outcome

    async def save_each(self, *asks: Sequence[Write], now: datetime = NOON) -> tuple[Outcome, ...]:
        """Keep `asks` in one group commit."""
        return (await self.writer.commit(asks, now)).outcomes

    async def load(self, read: Any, *arguments: Any) -> Any:
        async with self.database.reading() as connection:
            return await read(connection, *arguments)

    async def erase(self, forget: Any, *arguments: Any, **options: Any) -> Any:
        async with self.database.writing() as connection:
            return await forget(connection, *arguments, **options)

    async def rows(self, model: Any) -> list[Any]:
        """Return every row of a table, in the order of their keys."""
        async with self.database.reading() as connection:
            found = await connection.execute(select(model.__table__).order_by(model.id))
            return list(found)

    async def count(self, model: Any) -> int:
        async with self.database.reading() as connection:
            return int(await connection.scalar(select(func.count()).select_from(model)) or 0)
