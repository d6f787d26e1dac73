"""Every test that asks for `url`, `database` or `store` runs on each engine: the contract."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.writes import Writer
from tests.postgres import PostgresServer, postgres_server, postgres_url
from tests.storage.store import Store

__all__ = ["postgres_server", "postgres_url"]

ENGINES = ("postgresql", "sqlite", "memory")


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "memory":
        yield "sqlite+aiosqlite:///:memory:"
    elif request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'bar.sqlite3'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as name:
            yield server.url(name)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An open database with its tables."""
    made = Database()
    await made.init(url)
    await made.create_tables()
    yield made
    await made.close()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """An open database to keep things in."""
    made = Store(database, Writer(database))
    yield made
    await made.writer.close()
