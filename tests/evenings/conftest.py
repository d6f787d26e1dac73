from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.discord import Account, Channel, FakeDiscord, Guild
from tests.fakes.groq import FakeGroq
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
async def groq() -> AsyncIterator[FakeGroq]:
    async with FakeGroq() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'bar.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as name:
        yield server.url(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'bar.sqlite3'}"


@pytest.fixture
def guild(discord: FakeDiscord) -> Guild:
    return discord.guild("The Snug")


@pytest.fixture
def room(discord: FakeDiscord, guild: Guild) -> Channel:
    return discord.channel(guild, "bar")


@pytest.fixture
def ada(discord: FakeDiscord) -> Account:
    return discord.user("ada", display_name="Ada")
