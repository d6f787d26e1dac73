import asyncio
import stat
import traceback
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from storage.database import Database, default_url, known_url
from storage.errors import (
    BarError,
    RowRefusedError,
    StorageClosedError,
    StorageError,
    StorageUnavailableError,
    StorageUrlError,
)
from storage.models import Setting, User
from storage.people import get_or_create_user
from tests.storage.builders import ANNA, NOON
from tests.storage.store import Store


class TestUrl:
    @pytest.mark.parametrize(
        ("written", "driver"),
        [
            ("postgres://u:p@h:5432/n", "postgresql+asyncpg"),
            ("postgresql://u:p@h/n", "postgresql+asyncpg"),
            ("postgresql+asyncpg://u:p@h/n", "postgresql+asyncpg"),
            ("sqlite:///a.sqlite3", "sqlite+aiosqlite"),
            ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite"),
        ],
    )
    def test_what_people_write_is_understood(self, written: str, driver: str) -> None:
        assert known_url(written).drivername == driver

    @pytest.mark.parametrize(
        "written",
        ["", "bar.sqlite3", "mysql://root:hunter2@h/n", "://:hunter2@", "postgresql+psycopg://x"],
    )
    def test_what_is_not_is_refused_without_being_shown(self, written: str) -> None:
        with pytest.raises(StorageUrlError, match="must look like") as refused:
            known_url(written)

        assert "hunter2" not in "".join(traceback.format_exception(refused.value))

    async def test_the_environment_says_which_database(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'deep' / 'env.sqlite3'}")
        monkeypatch.setenv("DATABASE_ECHO", "false")
        database = Database()

        await database.init()
        await database.create_tables()
        await database.close()

        assert (tmp_path / "deep" / "env.sqlite3").exists()

    async def test_the_pool_is_as_large_as_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_POOL_SIZE", "3")
        monkeypatch.setenv("DATABASE_ECHO", "true")
        database = Database()

        await database.init("postgresql://nobody@/nothing?host=/nowhere")
        pool, echo = database.engine.pool.status(), database.engine.echo
        await database.close()

        assert "Pool size: 3" in pool
        assert echo

    def test_without_a_word_it_is_a_file_in_the_data_folder(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", "/data")

        assert default_url() == "sqlite+aiosqlite:////data/bartender/bartender.sqlite3"


class TestLife:
    async def test_before_init_everything_says_so(self) -> None:
        database = Database()

        with pytest.raises(StorageClosedError, match=r"db\.init"):
            await database.create_tables()

    async def test_closing_twice_is_fine(self, database: Database) -> None:
        await database.close()
        await database.close()

        with pytest.raises(StorageClosedError):
            _ = database.engine

    async def test_it_can_be_opened_again(self, tmp_path: Path) -> None:
        database = Database()
        for number in (1, 2):
            await database.init(f"sqlite:///{tmp_path / 'a.sqlite3'}")
            await database.create_tables()
            async with database.session() as session:
                session.add(User(discord_id=number))
            await database.close()

        await database.init(f"sqlite:///{tmp_path / 'a.sqlite3'}")
        async with database.reading() as connection:
            found = (await connection.execute(select(User.discord_id))).scalars().all()
        await database.close()

        assert list(found) == [1, 2]

    async def test_nothing_of_a_database_in_memory_is_kept(self) -> None:
        database = Database()
        await database.init("sqlite+aiosqlite:///:memory:")
        await database.create_tables()
        await database.close()

        await database.init("sqlite+aiosqlite:///:memory:")
        with pytest.raises(StorageError):
            async with database.reading() as connection:
                await connection.execute(select(User.id))
        await database.close()

    async def test_sqlite_survives_a_power_cut(self, tmp_path: Path) -> None:
        database = Database()
        await database.init(f"sqlite:///{tmp_path / 'a.sqlite3'}")
        own = database.sqlite_connection()

        async with database.reading() as connection:
            pooled = {
                name: await connection.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        written = {name: own.execute(f"PRAGMA {name}").fetchone()[0] for name in pooled}
        own.close()
        await database.close()

        assert pooled == written
        assert pooled == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5_000,
        }

    async def test_only_its_owner_may_read_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.sqlite3"
        database = Database()
        await database.init(f"sqlite:///{path}")
        await database.create_tables()
        await database.close()

        assert stat.S_IMODE(path.stat().st_mode) == 0o600


class TestTransactions:
    async def test_a_failed_block_leaves_nothing(self, store: Store) -> None:
        async def change_my_mind() -> None:
            async with store.database.writing() as connection:
                await connection.execute(insert(User).values(discord_id=1))
                raise LookupError

        with pytest.raises(LookupError):
            await change_my_mind()

        assert await store.count(User) == 0

    async def test_readers_see_only_what_is_committed(self, store: Store) -> None:
        async with store.database.writing() as connection:
            await connection.execute(insert(User).values(discord_id=1))
            during = 0 if store.database.is_in_memory else await store.count(User)

        assert (during, await store.count(User)) == (0, 1)

    async def test_writers_take_turns(self, store: Store) -> None:
        async def add_one() -> None:
            async with store.database.writing() as connection:
                row = select(Setting.value).where(Setting.key == "n").with_for_update()
                value = await connection.scalar(row)
                await asyncio.sleep(0)
                await connection.execute(
                    Setting.__table__.update().where(Setting.key == "n").values(value=value + 1)
                )

        async with store.database.session() as session:
            session.add(Setting(key="n", value=0))

        await asyncio.gather(*(add_one() for _ in range(10)))

        assert [row.value for row in await store.rows(Setting)] == [10]


class TestErrors:
    async def test_an_error_quotes_neither_statement_nor_row(self, store: Store) -> None:
        async with store.database.session() as session:
            session.add(User(discord_id=1, discord_username="a secret name"))

        with pytest.raises(RowRefusedError) as refused:
            async with store.database.session() as session:
                session.add(User(discord_id=1, discord_username="a secret name"))

        shown = "".join(traceback.format_exception(refused.value))
        assert refused.value.reason == "unique"
        assert "a secret name" not in shown

    async def test_a_database_that_is_not_there_says_so_soon(self) -> None:
        database = Database()
        await database.init("postgresql://bar:hunter2@127.0.0.1:1/nothing")

        with pytest.raises(StorageUnavailableError) as away:
            async with database.reading():
                pass
        with pytest.raises(StorageUnavailableError, match="waiting"):
            async with database.reading():
                pass
        await database.close()

        assert "hunter2" not in "".join(traceback.format_exception(away.value))

    async def test_a_folder_is_no_database(self, tmp_path: Path) -> None:
        with pytest.raises(StorageUnavailableError, match="SQLITE_CANTOPEN"):
            await Database().init(f"sqlite:///{tmp_path}")

    def test_every_error_has_one_root(self) -> None:
        for kind in (StorageClosedError, StorageUrlError, StorageUnavailableError, RowRefusedError):
            assert issubclass(kind, StorageError)
            assert issubclass(kind, BarError)


class TestPeople:
    async def test_the_same_person_is_made_once(self, store: Store) -> None:
        first = await get_or_create_user(ANNA, "anna", "Anna", now=NOON, database=store.database)

        later = NOON + timedelta(days=1)
        again = await get_or_create_user(ANNA, "anna2", "Ann", now=later, database=store.database)

        assert again.id == first.id
        assert (again.discord_username, again.display_name) == ("anna2", "Ann")
        assert (again.first_seen_at, again.last_seen_at) == (NOON, later)

    async def test_the_name_they_chose_comes_first(self, store: Store) -> None:
        await get_or_create_user(ANNA, "anna", "Anna", database=store.database)
        async with store.database.session() as session:
            (await session.execute(select(User))).scalar_one().custom_name = "Captain"

        user = await get_or_create_user(ANNA, "anna", "Anna", database=store.database)

        assert user.display_name == "Captain"

    async def test_without_a_display_name_the_username_serves(self, store: Store) -> None:
        user = await get_or_create_user(ANNA, "anna", database=store.database)

        assert user.display_name == "anna"

    async def test_many_at_once_get_one_person(self, store: Store) -> None:
        users = await asyncio.gather(
            *(get_or_create_user(ANNA, "anna", database=store.database) for _ in range(12))
        )

        assert len({user.id for user in users}) == 1
        assert await store.count(User) == 1
