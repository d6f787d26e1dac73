"""Forgetting, the same on every engine: what was asked to go is gone from every table."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage import forgetting, reads
from storage.errors import RowRefusedError
from storage.ids import MessageId, UserId
from storage.models import (
    Base,
    CareState,
    Conversation,
    FactAssociation,
    Message,
    MoodHistory,
    Tombstone,
    User,
    UserFact,
    UserPreference,
    Watermark,
)
from storage.records import CareState as Care
from storage.records import KeptCare, Preference
from storage.records import Watermark as Mark
from tests.storage.builders import (
    ANNA,
    BAR,
    BEN,
    CORNER,
    NOON,
    a_fact_save,
    a_heard,
    a_person,
    a_place,
    a_relationship,
    a_reply,
    a_shift,
    a_style,
)
from tests.storage.store import Store

CANARY = "canary in the coal mine"


async def everything(store: Store) -> str:
    """Return all that is in the database, as text."""
    async with store.database.reading() as connection:
        found = [
            repr((await connection.execute(select(table))).all())
            for table in Base.metadata.sorted_tables
        ]
    return "\n".join(found)


async def a_life(store: Store, user_id: UserId = ANNA, first: int = 1, words: str = "") -> Any:
    """Have a person leave something in every table."""
    source = MessageId(first)
    outcome = await store.save(
        a_heard(first, person=a_person(user_id, display_name=words or "Anna"), text=words),
        a_reply(first, user_id=user_id, text=words),
        a_relationship(user_id, shared_references={"jokes": [words]}),
        a_style(user_id),
        a_shift(trigger_user_id=user_id),
        a_fact_save(user_id=user_id, content=words, evidence=words, source_message_id=source),
        Preference(user_id, "about", words),
        KeptCare(user_id, BAR, Care(2, ("ideation",), NOON, NOON + timedelta(days=1))),
        Mark(user_id, None, source),
    )
    return outcome[5]


class TestMessages:
    async def test_a_message_goes_with_its_reply_and_the_facts_drawn_from_it(
        self, store: Store
    ) -> None:
        await store.save(
            a_heard(1, text=CANARY),
            a_reply(1, 91, text=CANARY),
            a_fact_save(content=CANARY, evidence=CANARY, source_message_id=MessageId(1)),
            a_heard(2),
        )

        gone = await store.erase(forgetting.erase_messages, {MessageId(1)}, NOON)

        assert sorted(gone) == [(ANNA, BAR, 1), (ANNA, BAR, 91)]
        assert [row.discord_message_id for row in await store.rows(Message)] == [2]
        assert CANARY not in await everything(store)

    async def test_one_that_was_never_kept_is_no_trouble(self, store: Store) -> None:
        assert await store.erase(forgetting.erase_messages, {MessageId(5)}, NOON) == ()
        assert await store.count(Tombstone) == 0

    async def test_what_is_forgotten_cannot_become_a_fact_later(self, store: Store) -> None:
        await store.save(a_heard(1))
        await store.erase(forgetting.erase_messages, {MessageId(1)}, NOON)

        with pytest.raises(RowRefusedError):
            await store.save(a_fact_save(source_message_id=MessageId(1)))

        await store.save(a_fact_save(source_message_id=MessageId(2)))
        assert await store.count(UserFact) == 1

    async def test_the_facts_of_others_stay(self, store: Store) -> None:
        await a_life(store, ANNA, 1, "anna's")
        await a_life(store, BEN, 2, "ben's")

        await store.erase(forgetting.erase_messages, {MessageId(1)}, NOON)

        assert [row.fact_content for row in await store.rows(UserFact)] == ["ben's"]


class TestFacts:
    async def test_a_named_fact_goes_and_leaves_a_tombstone(self, store: Store) -> None:
        _, one, two = await store.save(
            a_heard(1), a_fact_save(content=CANARY), a_fact_save(content="stays")
        )

        count = await store.erase(forgetting.erase_facts, ANNA, {one}, NOON)

        assert count == 1
        assert [row.id for row in await store.rows(UserFact)] == [two]
        (stone,) = await store.rows(Tombstone)
        assert (stone.scope, len(stone.hash)) == ("fact", 64)
        assert CANARY not in await everything(store)

    async def test_the_older_ones_that_it_replaced_go_along(self, store: Store) -> None:
        _, oldest = await store.save(a_heard(1), a_fact_save(content="in Bonn"))
        (older,) = await store.save(a_fact_save((oldest,), content="in Kiel"))
        (newest,) = await store.save(a_fact_save((older,), content="in Trier"))

        count = await store.erase(forgetting.erase_facts, ANNA, {newest}, NOON)

        assert count == 1
        assert await store.count(UserFact) == 0
        assert await store.count(FactAssociation) == 0

    async def test_all_of_a_type_go_the_inactive_ones_too(self, store: Store) -> None:
        await store.save(
            a_heard(1),
            a_fact_save(),
            a_fact_save(is_active=False),
            a_fact_save(fact_type="work"),
        )

        count = await store.erase(forgetting.erase_facts, ANNA, set(), NOON, fact_type="hobby")

        assert count == 2
        assert [row.fact_type for row in await store.rows(UserFact)] == ["work"]

    async def test_everything_is_everything_of_that_person(self, store: Store) -> None:
        await a_life(store, ANNA, 1)
        await a_life(store, BEN, 2)

        count = await store.erase(forgetting.erase_facts, ANNA, set(), NOON, everything=True)

        assert count == 1
        assert await store.count(UserFact) == 1

    async def test_nobody_forgets_the_facts_of_another(self, store: Store) -> None:
        key = await a_life(store, ANNA, 1)

        assert await store.erase(forgetting.erase_facts, BEN, {key}, NOON) == 0
        assert await store.count(UserFact) == 1


class TestPeople:
    async def test_a_person_goes_from_every_table(self, store: Store) -> None:
        await a_life(store, ANNA, 1, CANARY)
        await store.save(a_heard(3, place=a_place(None, CORNER), text=CANARY))

        rows, channels = await store.erase(forgetting.erase_person, ANNA, NOON)

        left = await everything(store)
        assert CANARY not in left
        assert str(ANNA) not in left
        assert channels == {BAR, CORNER}
        assert rows >= 10
        for model in (User, Message, Conversation, UserFact, UserPreference, CareState, Watermark):
            assert await store.count(model) == 0

    async def test_the_history_of_a_guilds_mood_stays_without_them(self, store: Store) -> None:
        await a_life(store)

        await store.erase(forgetting.erase_person, ANNA, NOON)

        assert [row.trigger_user_id for row in await store.rows(MoodHistory)] == [None]

    async def test_others_stay(self, store: Store) -> None:
        await a_life(store, ANNA, 1)
        await a_life(store, BEN, 2)

        await store.erase(forgetting.erase_person, ANNA, NOON)

        state = await store.load(reads.load_person, BEN)
        assert state.person is not None
        assert await store.count(Message) == 2

    async def test_a_tombstone_tells_that_they_were_here_and_nothing_else(
        self, store: Store
    ) -> None:
        await a_life(store)

        await store.erase(forgetting.erase_person, ANNA, NOON)

        assert await store.erase(forgetting.was_forgotten, "person", ANNA)
        assert not await store.erase(forgetting.was_forgotten, "person", BEN)

    async def test_a_save_that_comes_too_late_does_not_bring_them_back(self, store: Store) -> None:
        await a_life(store)
        await store.erase(forgetting.erase_person, ANNA, NOON)

        with pytest.raises(RowRefusedError):
            await store.save(a_relationship())

        assert await store.count(User) == 0

    async def test_they_may_come_again_as_somebody_new(self, store: Store) -> None:
        await a_life(store)
        await store.erase(forgetting.erase_person, ANNA, NOON)

        (heard,) = await store.save(a_heard(9))

        assert heard.fresh
        assert (await store.load(reads.load_person, ANNA)).relationships == ()

    async def test_a_stranger_can_be_forgotten(self, store: Store) -> None:
        assert await store.erase(forgetting.erase_person, ANNA, NOON) == (0, frozenset())


class TestExpiry:
    async def expire(self, store: Store) -> int:
        count: int = await store.erase(
            forgetting.erase_expired, NOON - timedelta(days=30), NOON - timedelta(hours=24)
        )
        return count

    @pytest.mark.parametrize(
        ("age", "level", "stays"),
        [
            (timedelta(days=31), 0, False),
            (timedelta(days=29), 0, True),
            (timedelta(hours=25), 2, False),
            (timedelta(hours=25), 1, False),
            (timedelta(hours=23), 3, True),
        ],
    )
    async def test_messages_go_after_a_month_crisis_turns_after_a_day(
        self, store: Store, age: timedelta, level: int, stays: bool
    ) -> None:
        await store.save(
            a_heard(1, at=NOON - age, care_level=level),
            a_reply(1, at=NOON - age, care_level=level),
        )

        count = await self.expire(store)

        assert count == (0 if stays else 2)
        assert await store.count(Message) == (2 if stays else 0)
        assert await store.count(Conversation) == (1 if stays else 0)

    async def test_what_is_owed_an_answer_stays(self, store: Store) -> None:
        await store.save(a_heard(1, at=NOON - timedelta(days=90), care_level=3))

        assert await self.expire(store) == 0

    async def test_what_was_learned_stays(self, store: Store) -> None:
        long_ago = NOON - timedelta(days=90)
        await store.save(
            a_heard(1, at=long_ago),
            a_reply(1, at=long_ago),
            a_fact_save(source_message_id=MessageId(1)),
        )

        await self.expire(store)

        assert await store.count(UserFact) == 1

    async def test_care_that_is_over_goes(self, store: Store) -> None:
        over = Care(1, (), NOON - timedelta(days=5), NOON - timedelta(days=4))
        await store.save(a_heard(1), KeptCare(ANNA, BAR, over))

        await self.expire(store)

        assert await store.count(CareState) == 0
