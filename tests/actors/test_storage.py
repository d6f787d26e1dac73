import asyncio
import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from actors import messages as m
from actors.directory import Directory, Ref
from actors.storage import StorageActor
from storage import models
from storage.database import Database
from storage.errors import RowRefusedError, StorageClosedError, StorageUnavailableError
from storage.ids import MessageId, UserId
from storage.records import Heard, KnownChannel, Preference, Setting, Watermark
from tests.storage.builders import (
    ANNA,
    BAR,
    NOON,
    TAVERN,
    a_fact_save,
    a_heard,
    a_mood,
    a_person,
    a_relationship,
    a_reply,
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database()
    await made.init(f"sqlite:///{tmp_path / 'bar.sqlite3'}")
    await made.create_tables()
    yield made
    await made.close()


def a_directory(database: Database) -> Directory:
    made = Directory(rng=random.Random(1))
    made.register(
        StorageActor,
        lambda key: StorageActor(key, database=database, clock=lambda: NOON),
        idle_after=None,
    )
    return made


@pytest.fixture
async def storage(database: Database) -> AsyncIterator[Ref[StorageActor]]:
    directory = a_directory(database)
    yield directory.ref(StorageActor, m.OnlyOne)
    await directory.shutdown(deadline=5.0)


async def count(database: Database, model: Any) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(select(func.count()).select_from(model)) or 0)


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[Any]:
    return [record for record in caplog.records if record.getMessage() == event]


class TestSaving:
    async def test_a_save_is_answered_when_others_can_see_it(
        self, storage: Ref[StorageActor], database: Database, tmp_path: Path
    ) -> None:
        answers = await storage.ask(m.Save((a_heard(1), a_mood(), a_fact_save())))

        other = Database()
        await other.init(f"sqlite:///{tmp_path / 'bar.sqlite3'}")
        kept = await count(other, models.Message)
        await other.close()
        assert kept == 1
        assert isinstance(answers[0], Heard)
        assert answers[1:] == (None, 1)

    async def test_saves_that_come_together_are_committed_together(
        self, storage: Ref[StorageActor], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, logger="actors.storage"):
            await asyncio.gather(*(storage.ask(m.Save((a_heard(n),))) for n in range(1, 201)))

        commits = told(caplog, "storage.committed")
        assert sum(record.asks for record in commits) == 200
        assert sum(record.rows for record in commits) == 200
        assert len(commits) <= 3

    async def test_the_order_of_saves_is_the_order_of_asking(
        self, storage: Ref[StorageActor]
    ) -> None:
        saves = [storage.ask(m.Save((a_mood(valence=n / 100),))) for n in range(50)]
        await asyncio.gather(*saves)

        mood = await storage.ask(m.LoadMood(TAVERN))

        assert mood is not None
        assert mood.valence == 0.49

    async def test_only_the_one_who_asked_for_a_bad_row_hears_of_it(
        self, storage: Ref[StorageActor], caplog: pytest.LogCaptureFixture
    ) -> None:
        asks = [storage.ask(m.Save((a_heard(n),))) for n in range(1, 20)]
        asks.insert(7, storage.ask(m.Save((a_relationship(UserId(4711)),))))

        outcomes = await asyncio.gather(*asks, return_exceptions=True)

        assert [n for n, o in enumerate(outcomes) if isinstance(o, BaseException)] == [7]
        assert isinstance(outcomes[7], RowRefusedError)
        assert [record.reason for record in told(caplog, "storage.refused")] == ["not_null"]

    async def test_no_word_and_no_person_reaches_the_log(
        self, storage: Ref[StorageActor], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            await storage.ask(
                m.Save((a_heard(1, text="canary", person=a_person(username="canary")),))
            )
            with pytest.raises(RowRefusedError):
                await storage.ask(m.Save((a_fact_save(user_id=UserId(98), content="canary"),)))

        logged = " ".join(
            f"{record.__dict__}" for record in caplog.records if record.name == "actors.storage"
        )
        assert "storage.committed" in logged
        assert "canary" not in logged
        assert str(ANNA) not in logged


class TestLoading:
    async def test_everything_that_was_saved_can_be_loaded(
        self, storage: Ref[StorageActor]
    ) -> None:
        await storage.ask(
            m.Save(
                (
                    a_heard(1),
                    a_relationship(),
                    a_fact_save(),
                    a_mood(),
                    Preference(ANNA, "country", "DE"),
                    KnownChannel(BAR, TAVERN, "text", MessageId(1)),
                    Setting("salt", "x"),
                    Watermark(ANNA, TAVERN, MessageId(1)),
                )
            )
        )

        conversation = await storage.ask(m.LoadConversation(ANNA, BAR, NOON))
        person = await storage.ask(m.LoadPerson(ANNA))
        memory = await storage.ask(m.LoadMemory(ANNA))

        assert [owed.message_id for owed in conversation.owed] == [1]
        assert (person.relationships, person.preferences) == (
            (a_relationship(),),
            {"country": "DE"},
        )
        assert (len(memory.facts), len(memory.messages), len(memory.watermarks)) == (1, 1, 1)
        assert await storage.ask(m.LoadMood(TAVERN)) is not None
        assert await storage.ask(m.LoadOpinions(TAVERN)) == ()
        assert await storage.ask(m.LoadOwed()) == ((ANNA, BAR),)
        assert [c.channel_id for c in await storage.ask(m.LoadChannels())] == [BAR]
        assert await storage.ask(m.LoadSetting("salt")) == "x"

    async def test_a_crowd_may_load_at_once(self, storage: Ref[StorageActor]) -> None:
        await storage.ask(m.Save((a_heard(1),)))

        states = await asyncio.gather(
            *(storage.ask(m.LoadConversation(ANNA, BAR, NOON)) for _ in range(100))
        )

        assert {len(state.owed) for state in states} == {1}


class TestErasing:
    async def test_an_erasure_waits_for_the_saves_before_it(
        self, storage: Ref[StorageActor], database: Database
    ) -> None:
        saves = [storage.ask(m.Save((a_heard(n),))) for n in range(1, 11)]
        erased = storage.ask(m.EraseMessages(frozenset(map(MessageId, range(1, 10)))))
        after = storage.ask(m.Save((a_heard(11),)))

        gone = await erased
        await asyncio.gather(*saves, after)

        assert sorted(gone) == [(ANNA, BAR, n) for n in range(1, 10)]
        assert await count(database, models.Message) == 2

    async def test_facts_people_and_what_is_old_can_be_erased(
        self, storage: Ref[StorageActor], database: Database
    ) -> None:
        _, _, one, _ = await storage.ask(
            m.Save((a_heard(1), a_reply(1), a_fact_save(), a_fact_save(fact_type="work")))
        )

        named = await storage.ask(m.EraseFacts(ANNA, frozenset({one})))
        rest = await storage.ask(m.EraseFacts(ANNA, everything=True))
        old = await storage.ask(m.EraseExpired(NOON, NOON))
        rows, channels = await storage.ask(m.ErasePerson(ANNA))

        assert (named, rest, old) == (1, 1, 0)
        assert (rows >= 4, channels) == (True, frozenset({BAR}))
        assert await count(database, models.User) == 0


class TestOutage:
    async def test_everybody_hears_soon_and_the_actor_lives(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        database = Database()
        await database.init("postgresql://bar@127.0.0.1:1/nothing")
        directory = a_directory(database)
        storage = directory.ref(StorageActor, m.OnlyOne)

        asks: list[Any] = [storage.ask(m.Save((a_heard(n),))) for n in range(1, 6)]
        asks += [storage.ask(m.LoadOwed()), storage.ask(m.ErasePerson(ANNA))]
        outcomes = await asyncio.wait_for(asyncio.gather(*asks, return_exceptions=True), 5)
        again = await asyncio.gather(storage.ask(m.Save((a_mood(),))), return_exceptions=True)
        await directory.shutdown(deadline=2.0)
        await database.close()

        assert [type(o) for o in [*outcomes, *again]] == [StorageUnavailableError] * 8
        assert told(caplog, "storage.unavailable")

    async def test_a_closed_database_is_an_answer_too(self, database: Database) -> None:
        directory = a_directory(database)
        storage = directory.ref(StorageActor, m.OnlyOne)
        await storage.ask(m.Save((a_mood(),)))
        await database.close()

        with pytest.raises(StorageClosedError):
            await storage.ask(m.LoadOwed())
        await directory.shutdown(deadline=2.0)

    async def test_shutting_down_keeps_what_was_asked_for(self, database: Database) -> None:
        directory = a_directory(database)
        storage = directory.ref(StorageActor, m.OnlyOne)
        saves = [storage.ask(m.Save((a_heard(n),))) for n in range(1, 101)]

        left = await directory.shutdown(deadline=5.0)
        await asyncio.gather(*saves)

        assert left == []
        assert await count(database, models.Message) == 100
