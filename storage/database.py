"""The database: where it is, how it is reached, and who may write at a time.

Rule 1: SQLite has one writer at a time; the others wait for it here, not inside SQLite.
Rule 2: a database in memory is one connection, which everybody takes turns with.
Rule 3: nothing here waits for long: a database that cannot be reached is said to be so in seconds.
"""

import asyncio
import contextlib
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiosqlite
from sqlalchemy import URL, StaticPool, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from storage.breaker import Breaker
from storage.errors import StorageClosedError, StorageUnavailableError, StorageUrlError
from storage.failures import TROUBLES, understood
from storage.schema import STAMP, statements

DRIVERS: Final = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
"""What people write for a database, and the driver that is meant."""
CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 30
BUSY_MS: Final = 5_000
"""How long SQLite waits for another process that writes to the same file."""
POOL_SIZE: Final = 5
MAX_OVERFLOW: Final = 10


def default_url() -> str:
    """Return the URL of the SQLite file that is used when nothing else is said."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite+aiosqlite:///{home / 'bartender' / 'bartender.sqlite3'}"


def known_url(text: str) -> URL:
    """Return `text` as the URL of a database that we can use.

    Raises:
        StorageUrlError: it names none; the text says what it should look like, never what it was.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    driver = DRIVERS.get(url.drivername, url.drivername) if url is not None else ""
    if url is None or driver not in DRIVERS.values():
        raise StorageUrlError(
            "DATABASE_URL must look like postgresql+asyncpg://user:password@host:5432/name, "
            "sqlite+aiosqlite:///path/to/file.sqlite3 or sqlite+aiosqlite:///:memory:"
        ) from None
    return url.set(drivername=driver)


def flag(name: str) -> bool:
    """Return whether the environment says yes to `name`."""
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    """Return the number that the environment gives for `name`."""
    text = os.environ.get(name, "").strip()
    return int(text) if text.isdigit() else default


def open_sqlite(path: str) -> sqlite3.Connection:
    """Return a connection to the SQLite file at `path` (`:memory:` for none), set up as we want it.

    WAL and synchronous=FULL: a commit that was answered survives the power going out.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_MS / 1_000, isolation_level=None, check_same_thread=False
    )
    set_up_sqlite(connection)
    return connection


def make_private(path: Path) -> None:
    """Make the file at `path`, if there is none, for nobody but its owner to read.

    What cannot be made here is reported when the database is used.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)


def set_up_sqlite(connection: Any) -> None:
    """Say to a new connection how this database is used."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


class Database:
    """One database, open between `init` and `close`."""

    def __init__(self) -> None:
        self._engine: AsyncEngine | None = None
        self._memory: sqlite3.Connection | None = None
        self._writing = asyncio.Lock()
        self._taking_turns = asyncio.Lock()
        self.breaker = Breaker(time.monotonic, random.Random())

    async def init(
        self,
        url: str | None = None,
        *,
        echo: bool | None = None,
        pool_size: int | None = None,
        max_overflow: int | None = None,
    ) -> None:
        """Make the database ready for use.  What is not said comes from `DATABASE_URL`,
        `DATABASE_ECHO`, `DATABASE_POOL_SIZE` and `DATABASE_MAX_OVERFLOW`, else is a default.

        A server is not asked yet: one that is away does not keep the bar from opening.

        Raises:
            StorageUrlError: the URL names no database that we know.
            StorageUnavailableError: the SQLite file cannot be opened.
        """
        await self.close()
        known = known_url(url or os.environ.get("DATABASE_URL") or default_url())
        options: dict[str, Any] = {
            "echo": flag("DATABASE_ECHO") if echo is None else echo,
            "hide_parameters": True,
        }
        self._writing, self._taking_turns = asyncio.Lock(), asyncio.Lock()
        self.breaker.worked()
        if known.get_backend_name() == "sqlite":
            self._engine = self._sqlite(known, options)
            return
        self._engine = create_async_engine(
            known,
            **options,
            pool_size=number("DATABASE_POOL_SIZE", POOL_SIZE) if pool_size is None else pool_size,
            max_overflow=(
                number("DATABASE_MAX_OVERFLOW", MAX_OVERFLOW)
                if max_overflow is None
                else max_overflow
            ),
            pool_timeout=STATEMENT_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": {"application_name": "bartender", "jit": "off"},
            },
        )

    def _sqlite(self, url: URL, options: dict[str, Any]) -> AsyncEngine:
        if url.database in {None, "", ":memory:"}:
            memory = self._memory = open_sqlite(":memory:")

            async def same() -> aiosqlite.Connection:
                return await aiosqlite.Connection(lambda: memory, iter_chunk_size=64)

            engine = create_async_engine(url, **options, async_creator=same, poolclass=StaticPool)
        else:
            path = Path(str(url.database))
            make_private(path)
            try:
                open_sqlite(str(path)).close()
            except sqlite3.Error as error:
                raise understood(error) from None
            engine = create_async_engine(url, **options)
            event.listen(engine.sync_engine, "connect", lambda made, _: prepare(made))
        event.listen(engine.sync_engine, "begin", begin_now)
        return engine

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for what SQLAlchemy and Alembic do with it."""
        if self._engine is None:
            raise StorageClosedError
        return self._engine

    @property
    def dialect(self) -> str:
        """`postgresql` or `sqlite`."""
        return self.engine.dialect.name

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing is kept when the process ends."""
        return self._memory is not None

    @property
    def is_withheld(self) -> bool:
        """Whether nobody may read or write yet."""
        return self.breaker.is_held

    def withhold(self) -> None:
        """Say to everybody that the database is away, until `release`: its tables are not known to
        be of today's schema.
        """
        self.breaker.is_held = True

    def release(self) -> None:
        """Let everybody read and write."""
        self.breaker.is_held = False

    def sqlite_connection(self) -> sqlite3.Connection:
        """Return the connection that the group commit writes with: a new one to the file, or the
        only one there is to a database in memory.
        """
        return self._memory or open_sqlite(str(self.engine.url.database))

    async def create_tables(self) -> None:
        """Do what `schema.sql` does: create the tables and indexes that are not there yet."""
        async with self.writing() as connection:
            for statement in (*statements(self.dialect), *STAMP):
                await connection.exec_driver_sql(statement)

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Keep other writers of an SQLite database out for a while (PostgreSQL needs no such
        thing), and readers too if it is in memory.
        """
        async with contextlib.AsyncExitStack() as held:
            if self.dialect == "sqlite":
                await held.enter_async_context(self._writing)
            if self.is_in_memory:
                await held.enter_async_context(self._taking_turns)
            yield

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with.

        Raises:
            StorageError: whatever went wrong, in our words.
        """
        async with self._understanding(), contextlib.AsyncExitStack() as held:
            if self.is_in_memory:
                await held.enter_async_context(self._taking_turns)
            yield await held.enter_async_context(self.engine.connect())

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction, which commits at the end of the block.

        Raises:
            StorageError: whatever went wrong, in our words; nothing was written.
        """
        async with self._understanding(), self.exclusive():
            engine = self.engine.execution_options(bar_writes=True)
            async with engine.begin() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def _understanding(self) -> AsyncIterator[None]:
        """Turn what a driver raises into our words, and note whether the database is there."""
        self.breaker.check()
        try:
            yield
        except TROUBLES as error:
            known = understood(error)
            if isinstance(known, StorageUnavailableError):
                self.breaker.failed()
            raise known from None
        else:
            self.breaker.worked()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give an ORM session over one transaction, for what is not worth a statement of its own.

        Raises:
            StorageError: whatever went wrong, in our words; nothing was written.
        """
        async with self.writing() as connection:
            session = AsyncSession(connection, expire_on_commit=False)
            try:
                yield session
                await session.flush()
            finally:
                await session.close()

    async def close(self) -> None:
        """Close every connection.  Closing twice is fine; `init` opens again."""
        engine, self._engine = self._engine, None
        memory, self._memory = self._memory, None
        if engine is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                await engine.dispose()
        if memory is not None:
            memory.close()


def prepare(made: Any) -> None:
    """Set up a pooled SQLite connection; transactions are begun by `begin_now` alone."""
    made.isolation_level = None
    set_up_sqlite(made)


def begin_now(connection: Any) -> None:
    """Begin a transaction; a writer takes the write lock at once, for it could not get it later
    without starting over.
    """
    writes = connection.get_execution_options().get("bar_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


db: Final = Database()
"""The database of this process."""
