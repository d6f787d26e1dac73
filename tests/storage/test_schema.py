from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from storage.database import Database
from storage.errors import RowRefusedError
from storage.migrate import head
from storage.models import (
    Base,
    BotOpinion,
    BotState,
    CareCount,
    Guild,
    GuildMember,
    Message,
    ModelUsage,
    User,
    UserRelationship,
    Watermark,
)
from storage.schema import REVISION, schema
from tests.postgres import PostgresServer
from tests.storage import founding
from tests.storage.builders import NOON
from tests.storage.store import Store

SCHEMA = Path(__file__).parents[2] / "schema.sql"


async def look(database: Database, what: Any) -> Any:
    async with database.reading() as connection:
        return await connection.run_sync(what)


class TestFoundingModel:
    @pytest.mark.parametrize("table", founding.TABLES)
    async def test_every_founding_column_is_there(self, database: Database, table: str) -> None:
        found = await look(database, lambda c: inspect(c).get_columns(table))

        assert set(founding.TABLES[table]) <= {column["name"] for column in found}

    @pytest.mark.parametrize("table", founding.INDEXES)
    @pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
    async def test_every_founding_index_is_there_by_its_name(
        self, database: Database, table: str
    ) -> None:
        found = await look(database, lambda c: inspect(c).get_indexes(table))

        by_name = {index["name"]: index["column_names"] for index in found}
        for column in founding.INDEXES[table]:
            assert by_name[f"ix_{table}_{column}"] == [column]

    @pytest.mark.parametrize("table", founding.UNIQUE)
    @pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
    async def test_every_founding_constraint_is_there(self, database: Database, table: str) -> None:
        def unique(connection: Connection) -> set[tuple[str | None, ...]]:
            seen = inspect(connection)
            constraints = {tuple(c["column_names"]) for c in seen.get_unique_constraints(table)}
            return constraints | {
                tuple(index["column_names"]) for index in seen.get_indexes(table) if index["unique"]
            }

        assert founding.UNIQUE[table] in await look(database, unique)

    async def test_postgres_has_the_founding_types(
        self, postgres_server: PostgresServer, postgres_url: str
    ) -> None:
        database = Database()
        await database.init(postgres_url)
        await database.create_tables()
        wanted = text(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = CAST(:table AS regclass) AND attname = :column"
        )
        async with database.reading() as connection:
            found = {
                (table, column): await connection.scalar(wanted, {"table": table, "column": column})
                for table, column in founding.TYPES
            }
        await database.close()

        assert found == founding.TYPES


class TestSchemaFile:
    def test_it_is_what_the_models_say(self) -> None:
        assert SCHEMA.read_text(encoding="utf-8") == schema(), (
            "run: python -m storage.schema > schema.sql"
        )

    def test_it_is_of_the_newest_revision(self) -> None:
        assert head() == REVISION

    async def test_plain_psql_runs_it_any_number_of_times(
        self, postgres_server: PostgresServer
    ) -> None:
        with postgres_server.database() as name:
            postgres_server.script(SCHEMA, name)
            postgres_server.sql("INSERT INTO users (discord_id) VALUES (7)", name)
            postgres_server.script(SCHEMA, name)

            tables = postgres_server.sql(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name
            )
            users = postgres_server.sql("SELECT count(*) FROM users", name)

        assert int(tables) == len(Base.metadata.tables) + 1
        assert int(users) == 1


class TestOneRow:
    @pytest.mark.parametrize(
        "make",
        [
            lambda user: BotState(guild_id=None),
            lambda user: BotOpinion(guild_id=None, topic="tea"),
            lambda user: UserRelationship(user_id=user, guild_id=None),
            lambda user: Watermark(user_id=user, guild_id=None, last_message_id=1),
            lambda user: CareCount(month=NOON.date(), guild_id=None, kind="referral", level=2),
            lambda user: ModelUsage(day=NOON.date(), guild_id=None, model="m"),
        ],
        ids=["state", "opinion", "relationship", "watermark", "care", "usage"],
    )
    async def test_nobodys_guild_has_one_row_too(self, store: Store, make: Any) -> None:
        async with store.database.session() as session:
            user = User(discord_id=1)
            session.add(user)
            await session.flush()
            key = user.id
            session.add(make(key))

        with pytest.raises(RowRefusedError) as refused:
            async with store.database.session() as session:
                session.add(make(key))

        assert refused.value.reason == "unique"

    async def test_many_messages_may_have_no_discord_id(self, store: Store) -> None:
        from storage.models import Conversation

        async with store.database.session() as session:
            user = User(discord_id=1)
            session.add(user)
            await session.flush()
            sitting = Conversation(user_id=user.id, channel_id=1)
            session.add(sitting)
            await session.flush()
            for _ in range(2):
                session.add(
                    Message(conversation_id=sitting.id, user_id=user.id, role="system", content="x")
                )

        assert await store.count(Message) == 2

    async def test_a_guild_that_goes_takes_its_memberships(self, store: Store) -> None:
        async with store.database.session() as session:
            user, guild = User(discord_id=1), Guild(discord_id=2, name="x")
            session.add_all([user, guild])
            await session.flush()
            session.add(GuildMember(guild_id=guild.id, user_id=user.id))
            await session.flush()
            await session.delete(guild)

        assert await store.count(GuildMember) == 0
