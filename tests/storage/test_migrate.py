import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import inspect, text

from storage.database import Database
from storage.errors import MigrationError
from storage.migrate import config, differences, head, upgrade
from storage.models import Base, User

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def empty(url: str) -> Any:
    """An open database without tables."""
    made = Database()
    await made.init(url)
    yield made
    await made.close()


async def revision_of(database: Database) -> str:
    async with database.reading() as connection:
        return str(await connection.scalar(text("SELECT version_num FROM alembic_version")))


async def tables_of(database: Database) -> set[str]:
    async with database.reading() as connection:
        return set(await connection.run_sync(lambda c: inspect(c).get_table_names()))


class TestUpgrade:
    async def test_an_empty_database_gets_every_table(self, empty: Database) -> None:
        await upgrade(empty)

        assert await tables_of(empty) == {*Base.metadata.tables, "alembic_version"}
        assert await revision_of(empty) == head()

    async def test_the_migrations_make_what_the_models_say(self, empty: Database) -> None:
        await upgrade(empty)

        async with empty.writing() as connection:
            assert await connection.run_sync(differences) == []

    async def test_create_tables_makes_what_the_models_say(self, empty: Database) -> None:
        await empty.create_tables()

        async with empty.writing() as connection:
            assert await connection.run_sync(differences) == []

    async def test_a_difference_would_be_found(self, empty: Database) -> None:
        await upgrade(empty)

        async with empty.writing() as connection:
            await connection.execute(text("DROP INDEX ix_messages_user_id"))
            await connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER"))
            found = await connection.run_sync(differences)

        assert {change[0] for change in found} == {"add_index", "remove_column"}

    async def test_upgrading_again_changes_nothing(self, empty: Database) -> None:
        await upgrade(empty)
        async with empty.session() as session:
            session.add(User(discord_id=1))

        await upgrade(empty)

        async with empty.reading() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM users")) == 1

    async def test_a_database_of_create_tables_goes_on_from_there(self, empty: Database) -> None:
        await empty.create_tables()

        await upgrade(empty)

        assert await revision_of(empty) == head()

    async def test_one_without_a_stamp_is_stamped_if_it_is_ours(self, empty: Database) -> None:
        await empty.create_tables()
        async with empty.writing() as connection:
            await connection.execute(text("DROP TABLE alembic_version"))

        await upgrade(empty)

        assert await revision_of(empty) == head()

    async def test_tables_of_another_kind_are_left_alone(self, empty: Database) -> None:
        async with empty.writing() as connection:
            await connection.execute(text("CREATE TABLE users (id INTEGER, name TEXT)"))

        with pytest.raises(MigrationError, match="earlier kind"):
            await upgrade(empty)

        assert await tables_of(empty) == {"users"}

    async def test_a_newer_database_is_not_touched(self, empty: Database) -> None:
        await upgrade(empty)
        async with empty.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = 'f00'"))

        with pytest.raises(MigrationError, match="newer version"):
            await upgrade(empty)

    async def test_it_can_be_undone(self, empty: Database) -> None:
        await upgrade(empty)

        async with empty.writing() as connection:
            await connection.run_sync(lambda c: command.downgrade(config(c), "base"))

        assert await tables_of(empty) == {"alembic_version"}

    async def test_processes_that_start_together_take_turns(self, url: str) -> None:
        if ":memory:" in url:
            return
        opened = [Database() for _ in range(4)]
        for database in opened:
            await database.init(url)

        outcomes = await asyncio.gather(*map(upgrade, opened), return_exceptions=True)
        revision = await revision_of(opened[0])
        for database in opened:
            await database.close()

        assert outcomes == [None] * 4
        assert revision == head()


class TestCommand:
    def alembic(self, url: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
    def test_the_founding_commands_work(
        self, engine: str, postgres_url: str, tmp_path: Path
    ) -> None:
        url = postgres_url if engine == "postgresql" else f"sqlite:///{tmp_path / 'a.sqlite3'}"

        self.alembic(url, "upgrade", "head")
        current = self.alembic(url, "current")
        check = self.alembic(url, "check")
        self.alembic(url, "downgrade", "-1")

        assert head() in current
        assert "No new upgrade operations detected" in check

    def test_the_statements_can_be_read_first(self) -> None:
        said = self.alembic("postgresql://nobody@nowhere/nothing", "upgrade", "head", "--sql")

        assert "CREATE TABLE IF NOT EXISTS users" in said
