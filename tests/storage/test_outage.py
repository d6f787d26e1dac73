"""PostgreSQL goes away and comes back: the server is really stopped and started."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from storage import reads
from storage.database import Database
from storage.errors import StorageError, StorageUnavailableError
from storage.writes import Writer
from tests.postgres import PostgresServer
from tests.storage.builders import ANNA, NOON, a_heard, a_mood, a_style
from tests.storage.store import Store


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server of this test's own, for it to be stopped; it flushes to disk, as in production."""
    server = PostgresServer.start(durable=True)
    yield server
    server.stop()


@pytest.fixture
async def own_store(own_server: PostgresServer) -> Any:
    database = Database()
    await database.init(own_server.url("postgres"))
    await database.create_tables()
    store = Store(database, Writer(database))
    yield store
    await store.writer.close()
    await database.close()


async def test_what_was_answered_survives_a_crash_and_what_was_not_was_told_so(
    own_server: PostgresServer, own_store: Store
) -> None:
    await own_store.save(a_heard(1))

    await asyncio.to_thread(own_server.pause)
    away = await own_store.save_each([a_heard(2)], [a_mood()])
    with pytest.raises(StorageUnavailableError):
        await own_store.load(reads.load_person, ANNA)
    await asyncio.to_thread(own_server.resume)
    own_store.database.breaker.worked()
    heard, again = await own_store.save(a_heard(2), a_heard(1))

    assert all(isinstance(outcome, StorageUnavailableError) for outcome in away)
    assert (heard.fresh, again.fresh) == (True, False)


async def test_while_it_is_known_to_be_away_nobody_waits(
    own_server: PostgresServer, own_store: Store
) -> None:
    await asyncio.to_thread(own_server.pause)
    first = await own_store.save_each([a_heard(1)])

    second = await asyncio.wait_for(own_store.writer.commit([[a_heard(1)]], NOON), timeout=0.5)

    assert isinstance(first[0], StorageUnavailableError)
    assert isinstance(second.outcomes[0], StorageUnavailableError)
    assert second.transactions == 0


async def test_an_administrator_who_ends_the_connection_does_no_harm(
    own_server: PostgresServer, own_store: Store
) -> None:
    await own_store.save(a_heard(1))

    await asyncio.to_thread(
        own_server.sql,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'bartender'",
    )
    lost = await own_store.save_each([a_heard(2)])
    own_store.database.breaker.worked()
    (heard,) = await own_store.save(a_heard(2))

    assert isinstance(lost[0], StorageUnavailableError)
    assert heard.fresh


async def test_tables_that_are_missing_are_an_error_and_no_hang(
    own_server: PostgresServer,
) -> None:
    with own_server.database() as name:
        database = Database()
        await database.init(own_server.url(name))
        writer = Writer(database)

        committed = await writer.commit([[a_mood()], [a_style()]], NOON)
        await writer.close()
        await database.close()

    assert all(isinstance(outcome, StorageError) for outcome in committed.outcomes)
