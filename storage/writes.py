"""Group commit: what many ask to be kept, in one transaction.

Rule 1: an ask is answered only after the commit that holds all of it.
Rule 2: an ask is kept whole or not at all.
Rule 3: an ask that the database refuses is found by halving and told so; the others are kept.
Rule 4: asks are kept in the order in which they came, so that the later of two saves wins.
Rule 5: when the database is away every ask hears so at once; the next commit tries again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.batch import Batch
from storage.database import Database
from storage.errors import RowRefusedError, StorageError, StorageUnavailableError
from storage.failures import TROUBLES, is_passing, understood
from storage.postgres import PostgresCommit
from storage.records import Write
from storage.salt import tombstone_salt
from storage.sqlite import SqliteCommit

Outcome = tuple[Any, ...] | StorageError
"""The answers of an ask, one for each of its writes, or why nothing of it was kept."""

TRIES: Final = 4
"""How often a commit is tried when another writer is in its way (a deadlock between processes)."""


class Committer(Protocol):
    """What one database does with a batch."""

    async def commit(self, batch: Batch) -> list[tuple[Any, ...]]:
        """Commit it in one transaction; return the answers of its asks, in order."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of the asks of one group commit, in order."""

    outcomes: tuple[Outcome, ...]
    rows: int = 0
    """How many records the asks held."""
    transactions: int = 0
    """One, unless a row was refused."""


class Writer:
    """Commits asks together.  One `commit` at a time: the storage actor sees to that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._salt = ""
        self._committer: Committer | None = None
        self._borrowed: AsyncConnection | None = None
        self._own: SqliteCommit | None = None

    async def commit(self, asks: Sequence[Sequence[Write]], now: datetime) -> Committed:
        """Keep the writes of `asks`; never raises what a database or a row may do.

        Args:
            asks: each kept whole or not at all.
            now: aware UTC; the time that the rows say they were written.
        """
        outcomes: list[Outcome] = [StorageUnavailableError()] * len(asks)
        run = Run(self, asks, now, outcomes)
        try:
            self._database.breaker.check()
        except StorageUnavailableError as away:
            run.give_up(away)
            return Committed(tuple(outcomes))
        try:
            await self._know_salt()
            async with self._database.exclusive():
                await run.halves(range(len(asks)))
            self._database.breaker.worked()
        except (*TROUBLES, StorageError) as error:
            known = understood(error)
            run.give_up(known)
            await self._let_go(known)
        rows = sum(
            len(ask)
            for ask, outcome in zip(asks, outcomes, strict=True)
            if not isinstance(outcome, StorageError)
        )
        return Committed(tuple(outcomes), rows, run.transactions)

    async def attempt(self, asks: Sequence[Sequence[Write]], now: datetime) -> list[Any]:
        """Commit `asks` in one transaction, or none of them.

        Raises:
            RowRefusedError: the database refuses a row.
            StorageError: the database is away.
        """
        committer = await self._ready()
        batch = Batch(now, self._salt)
        for ask in asks:
            batch.add(ask)
        for tried in range(1, TRIES + 1):
            try:
                return await committer.commit(batch)
            except TROUBLES as error:
                if tried == TRIES or not is_passing(error):
                    raise understood(error) from None
        raise AssertionError("unreachable")

    async def _ready(self) -> Committer:
        if self._committer is not None:
            return self._committer
        if self._database.dialect == "sqlite":
            self._own = SqliteCommit(
                self._database.sqlite_connection(), owned=not self._database.is_in_memory
            )
            self._committer = self._own
        else:
            self._committer = await self._borrow()
        return self._committer

    async def _know_salt(self) -> None:
        if not self._salt:
            async with self._database.writing() as connection:
                self._salt = await tombstone_salt(connection)

    async def _borrow(self) -> PostgresCommit:
        """Take a connection out of the pool, and keep it as long as it works."""
        borrowed = await self._database.engine.connect()
        raw = await borrowed.get_raw_connection()
        self._borrowed = borrowed
        committer = PostgresCommit(raw.driver_connection)
        await committer.open()
        return committer

    async def _let_go(self, error: StorageError) -> None:
        """Give up the connection that failed; the next commit gets a new one."""
        if isinstance(error, StorageUnavailableError):
            self._database.breaker.failed()
        await self.close()

    async def close(self) -> None:
        """Give back the connection.  A later `commit` takes another."""
        self._committer = None
        borrowed, self._borrowed = self._borrowed, None
        own, self._own = self._own, None
        if borrowed is not None:
            try:
                await borrowed.invalidate()
                await borrowed.close()
            except TROUBLES:
                pass  # it was broken: that is why it is given up
        if own is not None:
            await own.close()


@dataclass(slots=True)
class Run:
    """One group commit under way."""

    writer: Writer
    asks: Sequence[Sequence[Write]]
    now: datetime
    outcomes: list[Outcome]
    transactions: int = 0
    done: int = 0
    """So many asks have their outcome, from the first on."""

    async def halves(self, part: range) -> None:
        """Commit the asks of `part` together; if a row is refused, each half for itself."""
        self.transactions += 1
        try:
            answers = await self.writer.attempt([self.asks[i] for i in part], self.now)
        except RowRefusedError as refused:
            if len(part) > 1:
                middle = len(part) // 2
                await self.halves(part[:middle])
                await self.halves(part[middle:])
                return
            answers = [refused]
        self.outcomes[part.start : part.stop] = answers
        self.done = part.stop

    def give_up(self, error: StorageError) -> None:
        """Tell all asks that have no outcome yet."""
        rest = len(self.asks) - self.done
        self.outcomes[self.done :] = [error] * rest
