"""What actors wake up with, the same from every engine."""

from dataclasses import replace
from datetime import timedelta

from storage import reads
from storage.ids import ChannelId, MessageId
from storage.records import (
    CareState,
    KeptCare,
    KnownChannel,
    Mood,
    Opinion,
    Preference,
    Setting,
    Watermark,
)
from tests.storage.builders import (
    ANNA,
    BAR,
    BEN,
    CORNER,
    HARBOUR,
    NOON,
    TAVERN,
    a_fact,
    a_fact_save,
    a_heard,
    a_mood,
    a_person,
    a_place,
    a_relationship,
    a_reply,
    a_style,
)
from tests.storage.store import Store

MINUTE = timedelta(minutes=1)
QUAY = ChannelId(3003)


class TestConversation:
    async def test_a_stranger_has_nothing(self, store: Store) -> None:
        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert (state.conversation, state.messages, state.owed, state.care) == (None, (), (), None)

    async def test_the_sitting_comes_back_with_its_messages_in_order(self, store: Store) -> None:
        (heard,) = await store.save(a_heard(1))
        await store.save(a_reply(1, at=NOON + MINUTE))
        await store.save(a_heard(2, conversation=heard.conversation, at=NOON + 2 * MINUTE))

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert state.conversation.row == heard.conversation
        assert state.conversation.message_count == 3
        assert state.conversation.last_message_at == NOON + 2 * MINUTE
        assert [(p.role, p.text) for p in state.messages] == [
            ("user", "words 1"),
            ("assistant", "answer to 1"),
            ("user", "words 2"),
        ]
        assert {(p.user_id, p.guild_id, p.channel_id) for p in state.messages} == {
            (ANNA, TAVERN, BAR)
        }

    async def test_only_the_newest_thirty_come_back(self, store: Store) -> None:
        await store.save_each(*([a_heard(n, at=NOON + n * MINUTE)] for n in range(1, 41)))

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert [p.message_id for p in state.messages] == list(range(11, 41))

    async def test_another_channel_is_another_conversation(self, store: Store) -> None:
        await store.save(a_heard(1))

        state = await store.load(reads.load_conversation, ANNA, CORNER, NOON)

        assert state.conversation is None

    async def test_care_comes_back_while_it_holds(self, store: Store) -> None:
        care = CareState(2, ("ideation",), NOON, NOON + timedelta(hours=72), NOON, "de")
        await store.save(a_heard(1), KeptCare(ANNA, BAR, care))

        held = await store.load(reads.load_conversation, ANNA, BAR, NOON)
        over = await store.load(reads.load_conversation, ANNA, BAR, NOON + timedelta(hours=72))

        assert (held.care, over.care) == (care, None)


class TestOwed:
    async def test_what_has_no_answer_is_owed_with_everything_to_answer_it(
        self, store: Store
    ) -> None:
        heard = a_heard(
            1,
            person=a_person(nickname="Annie", roles=("guest",), locale="de", joined_guild_at=NOON),
            image_urls=("https://picture",),
            care_level=1,
        )
        (kept,) = await store.save(heard)

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        (owed,) = state.owed
        assert (owed.person, owed.place) == (heard.person, heard.place)
        assert (owed.message_id, owed.text, owed.at) == (1, "words 1", NOON)
        assert (owed.image_urls, owed.care_level) == (("https://picture",), 1)
        assert owed.conversation == kept.conversation

    async def test_an_answered_one_and_one_that_expects_none_are_not_owed(
        self, store: Store
    ) -> None:
        await store.save(a_heard(1), a_heard(2, expects_answer=False), a_reply(1))

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert state.owed == ()

    async def test_the_kind_of_channel_is_remembered(self, store: Store) -> None:
        await store.save(a_heard(1), KnownChannel(BAR, TAVERN, "thread", MessageId(1)))

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert state.owed[0].place.kind == "thread"

    async def test_a_direct_message_is_known_to_be_one(self, store: Store) -> None:
        await store.save(a_heard(1, place=a_place(None)))

        state = await store.load(reads.load_conversation, ANNA, BAR, NOON)

        assert state.owed[0].place == a_place(None)

    async def test_the_longest_waiting_comes_first_and_once(self, store: Store) -> None:
        ben = a_person(BEN)
        await store.save(
            a_heard(3, person=ben, at=NOON + MINUTE),
            a_heard(1, at=NOON + 2 * MINUTE),
            a_heard(2, at=NOON + 3 * MINUTE),
            a_heard(4, place=a_place(channel_id=CORNER), at=NOON),
        )

        owed = await store.load(reads.load_owed)

        assert owed == ((ANNA, CORNER), (BEN, BAR), (ANNA, BAR))


class TestPeople:
    async def test_a_stranger_is_nobody_yet(self, store: Store) -> None:
        state = await store.load(reads.load_person, ANNA)

        assert (state.person, state.relationships, state.style) == (None, (), None)

    async def test_a_person_comes_back_as_saved(self, store: Store) -> None:
        here = a_relationship(
            shared_references={"jokes": ["the cat"]},
            first_interaction_at=NOON,
            last_interaction_at=NOON + MINUTE,
            turns_today=4,
            growth_today=0.6,
        )
        overall = a_relationship(guild_id=None, day=None)
        style = a_style(preferred_length="short", engagement_signals={"asks": 2})
        await store.save(a_heard(1, person=a_person(locale="de")), here, overall, style)
        await store.save(Preference(ANNA, "country", "DE"), Preference(BEN, "country", "FR"))

        state = await store.load(reads.load_person, ANNA)

        assert state.person == a_person(locale="de")
        assert set_of(state.relationships) == set_of((here, overall))
        assert (state.style, state.preferences) == (style, {"country": "DE"})


class TestMemory:
    async def test_active_facts_come_back_as_saved(self, store: Store) -> None:
        fact = a_fact(
            about="her sister",
            slot="employer",
            cardinality="one",
            sensitivity="private",
            temporal="future",
            source="manual",
            expires_at=NOON + timedelta(days=14),
            happens_on="2026-05",
            source_message_id=MessageId(1),
            evidence="she plays the cello",
            last_referenced_at=NOON,
            times_recalled=3,
        )
        _, key, _ = await store.save(
            a_heard(1), store_of(fact), a_fact_save(is_active=False, content="old")
        )

        state = await store.load(reads.load_memory, ANNA, 100)

        assert state.facts == (replace(fact, fact_id=key),)

    async def test_the_newest_messages_of_all_places_come_back_oldest_first(
        self, store: Store
    ) -> None:
        await store.save(
            a_heard(1, at=NOON),
            a_heard(2, at=NOON + MINUTE, place=a_place(None, CORNER)),
            a_heard(3, at=NOON + 2 * MINUTE, place=a_place(HARBOUR, QUAY)),
            a_heard(4, person=a_person(BEN)),
            a_reply(2, 91, at=NOON + MINUTE, place=a_place(None, CORNER)),
        )

        state = await store.load(reads.load_memory, ANNA, 3)

        assert [(p.message_id, p.guild_id, p.role) for p in state.messages] == [
            (2, None, "user"),
            (91, None, "assistant"),
            (3, HARBOUR, "user"),
        ]

    async def test_watermarks_are_for_each_scope(self, store: Store) -> None:
        marks = (Watermark(ANNA, TAVERN, MessageId(5)), Watermark(ANNA, None, MessageId(9)))
        await store.save(a_heard(1), *marks)

        state = await store.load(reads.load_memory, ANNA, 10)

        assert set_of(state.watermarks) == set_of(marks)


class TestHouse:
    async def test_a_mood_comes_back_as_saved(self, store: Store) -> None:
        mood = Mood(TAVERN, 0.25, -0.125, NOON, 7, 3, 2, NOON - timedelta(days=9))
        await store.save(mood, a_mood(None, valence=0.5))

        here = await store.load(reads.load_mood, TAVERN)
        everywhere = await store.load(reads.load_mood, None)
        nowhere = await store.load(reads.load_mood, HARBOUR)

        assert (here, everywhere.valence, nowhere) == (mood, 0.5, None)

    async def test_opinions_come_back_for_their_guild(self, store: Store) -> None:
        here = Opinion(TAVERN, "tea", 0.5, 0.25, 3, NOON, NOON + MINUTE, "it is warm")
        everywhere = Opinion(None, "rain", -0.5, 0.25, 1, NOON, NOON)
        await store.save(here, everywhere)

        assert await store.load(reads.load_opinions, TAVERN) == (here,)
        assert await store.load(reads.load_opinions, None) == (everywhere,)

    async def test_channels_come_back(self, store: Store) -> None:
        known = KnownChannel(BAR, TAVERN, "text", MessageId(9))
        await store.save(known, KnownChannel(CORNER, None, "dm", None))

        assert await store.load(reads.load_channels) == (
            known,
            KnownChannel(CORNER, None, "dm", None),
        )

    async def test_a_setting_comes_back(self, store: Store) -> None:
        await store.save(Setting("commands", {"hash": [1]}))

        assert await store.load(reads.load_setting, "commands") == {"hash": [1]}
        assert await store.load(reads.load_setting, "nothing") is None


def set_of(records: tuple[object, ...]) -> set[str]:
    return {repr(record) for record in records}


def store_of(fact: object) -> object:
    return replace(a_fact_save(), fact=fact)
