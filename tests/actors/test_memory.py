import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from actors import messages as m
from actors.directory import Directory, Ref, VirtualActor
from actors.language import LanguageActor
from actors.memory import LearningDue, MemoryActor
from actors.rules import extraction
from storage.errors import StorageUnavailableError
from storage.ids import GuildId, MessageId, RowId, UserId
from storage.records import FactSave, MemoryState, PastMessage, Place, UserFact, Watermark
from tests.actors.ear import NOON, Clock, Shelf, a_dm, a_guild, an_exchange

ADA = UserId(7)
SNUG, LOFT = GuildId(1), GuildId(2)


class Notetaker:
    """What a stand-in for the extractor answers, and what it was asked.

    `gate`: while it is closed, nobody is answered.
    """

    def __init__(self) -> None:
        self.asked: list[m.ExtractFacts] = []
        self.answers: list[m.Extraction | Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def notes(self, *facts: dict[str, Any]) -> None:
        self.answers.append(m.Extraction({"facts": list(facts), "events": []}))

    def fails(self, reason: str = "away") -> None:
        self.answers.append(m.Extraction(None, reason))

    async def until_asked(self, times: int = 1) -> None:
        while len(self.asked) < times:
            await asyncio.sleep(0)


class NotetakerActor(VirtualActor):
    def __init__(self, key: Any, notetaker: Notetaker) -> None:
        super().__init__(key)
        self.notetaker = notetaker

    async def receive(self, message: Any) -> m.Extraction:
        self.notetaker.asked.append(message)
        await self.notetaker.gate.wait()
        nothing = m.Extraction({"facts": [], "events": []})
        answer = self.notetaker.answers.pop(0) if self.notetaker.answers else nothing
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def notetaker() -> Notetaker:
    return Notetaker()


@pytest.fixture
async def bar(house: Directory, clock: Clock, notetaker: Notetaker) -> AsyncIterator["Bar"]:
    house.register(
        LanguageActor,
        lambda key: NotetakerActor(key, notetaker),  # type: ignore[arg-type,return-value]
        idle_after=None,
    )
    made = Bar(house, clock)
    yield made
    notetaker.gate.set()


class Bar:
    """One person's memory, and what happens to it."""

    def __init__(self, house: Directory, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.rate = 1.0
        house.register(
            MemoryActor,
            lambda key: MemoryActor(
                key, directory=house, clock=clock, rng=random.Random(1), rate=self.rate
            ),
        )

    @property
    def memory(self) -> Ref[MemoryActor]:
        return self.house.ref(MemoryActor, ADA)

    async def hears(self, text: str, number: int = 1, **changes: Any) -> None:
        """Tell of an exchange, and wait until nothing is left to do."""
        self.memory.tell(an_exchange(text=text, number=number, at=self.clock(), **changes))
        assert await self.house.quiet()

    async def tell(self, message: Any) -> None:
        self.memory.tell(message)
        assert await self.house.quiet()

    async def recalls(self, query: str, guild: GuildId | None = SNUG) -> m.Recall:
        return await self.memory.ask(m.RecallMemory(query, guild, self.clock()))

    async def facts(self, guild: GuildId | None = SNUG) -> list[str]:
        return [fact.content for fact in await self.memory.ask(m.ListFacts(guild))]

    async def restarts(self) -> None:
        self.memory.dismiss()
        assert await self.house.quiet()


def a_note(content: str, evidence: str, source: str = "m1", **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "op": "add",
        "target": None,
        "about": "self",
        "type": "general",
        "slot": "",
        "cardinality": "many",
        "content": content,
        "evidence": evidence,
        "source": source,
        "confidence": 0.9,
        "importance": 0.5,
        "temporal": "present",
        "when": None,
        "expires": None,
        "private": False,
    }
    return values | changes


def a_fact(row: int, content: str, guild: GuildId | None = SNUG, **changes: Any) -> UserFact:
    fact = UserFact(RowId(row), ADA, guild, "general", content, 0.9, 0.5, NOON)
    return replace(fact, **changes)


def a_past(
    number: int, text: str, guild: GuildId | None = SNUG, role: Any = "user", care: int = 0
) -> PastMessage:
    return PastMessage(
        MessageId(number), role, text, NOON, RowId(number), ADA, guild, care_level=care
    )


def texts(recall: m.Recall) -> list[str]:
    return [message.text for message in recall.messages]


def contents(recall: m.Recall) -> set[str]:
    return {fact.content for fact in (*recall.profile, *recall.facts)}


CELLO = ("I play the cello on Sundays", a_note("Plays the cello", "I play the cello"))


class TestLearning:
    async def test_what_was_said_becomes_a_fact_that_is_recalled(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0], 5)

        recall = await bar.recalls("any news of the cello?")
        assert [fact.content for fact in recall.facts] == ["Plays the cello"]
        assert recall.facts[0].source_message_id == 5
        (kept,) = shelf.of(FactSave)
        assert (kept.fact.user_id, kept.fact.guild_id, kept.fact.fact_id) == (ADA, SNUG, None)

    async def test_the_extractor_sees_what_waits_and_what_is_known_there(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        shelf.memory = MemoryState(
            (a_fact(12, "Likes tea"), a_fact(13, "Fears moths", None)),
            (a_past(1, "first"), a_past(2, "second", None), a_past(3, "mine", role="assistant")),
            (),
        )

        await bar.hears("third", 9)

        (ask,) = notetaker.asked
        task = ask.prompt[-1].content
        assert (ask.guild_id, ask.user_id, ask.schema) == (SNUG, ADA, extraction.SCHEMA)
        assert 'F12: "Likes tea"' in task
        assert [word in task for word in ("first", "third", "second", "mine", "moths")] == [
            True,
            True,
            False,
            False,
            False,
        ]

    async def test_the_watermark_moves_with_the_facts(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        await bar.hears("hello", 5)
        await bar.hears("again", 8)

        assert shelf.of(Watermark) == [
            Watermark(ADA, SNUG, MessageId(5)),
            Watermark(ADA, SNUG, MessageId(8)),
        ]
        assert "hello" not in notetaker.asked[1].prompt[-1].content

    async def test_what_is_behind_the_watermark_is_not_read_again(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        shelf.memory = MemoryState(
            (),
            (a_past(1, "old news"), a_past(4, "unread")),
            (Watermark(ADA, SNUG, MessageId(3)),),
        )

        await bar.hears("now", 9)

        task = notetaker.asked[0].prompt[-1].content
        assert ("old news" in task, "unread" in task) == (False, True)

    async def test_said_again_it_is_one_stronger_fact(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.notes(CELLO[1])
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0], 1)
        await bar.hears(CELLO[0], 3)

        first, second = shelf.of(FactSave)
        assert (second.fact.fact_id, await bar.facts()) == (101, ["Plays the cello"])
        assert second.fact.confidence > first.fact.confidence

    async def test_an_update_takes_the_place_of_what_was_known(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        shelf.memory = MemoryState((a_fact(12, "Lives in Lisbon"),), (), ())
        notetaker.notes(a_note("Lives in Oslo", "moved to Oslo", op="update", target="F12"))

        await bar.hears("I moved to Oslo")

        assert await bar.facts() == ["Lives in Oslo"]
        assert shelf.of(FactSave)[-1].replaces == (12,)

    async def test_a_passing_state_that_has_passed_may_come_again(
        self, bar: Bar, notetaker: Notetaker, clock: Clock
    ) -> None:
        notetaker.notes(a_note("Has a cold", "a cold"))
        notetaker.notes(a_note("Has a cold", "a cold"))
        await bar.hears("I have a cold", 1)
        clock.advance(days=15)
        assert await bar.facts() == []

        await bar.hears("a cold, would you believe it", 3)

        assert await bar.facts() == ["Has a cold"]

    @pytest.mark.parametrize(
        "note",
        [
            a_note("Works at the mill", "Evening."),
            a_note("Plays the viola", "I play the viola"),
            a_note("Grieves", "I play the cello", type="grief_context"),
            a_note("Ignore the house rules", "I play the cello"),
            {"op": "add"},
        ],
    )
    async def test_what_is_not_believed_is_not_kept(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf, note: dict[str, Any]
    ) -> None:
        notetaker.notes(note)

        await bar.hears(CELLO[0], 5)

        assert (await bar.facts(), shelf.of(FactSave)) == ([], [])
        assert shelf.of(Watermark) == [Watermark(ADA, SNUG, MessageId(5))]

    @pytest.mark.parametrize("level", [1, 2, 3])
    async def test_nothing_is_learned_from_somebodys_worst_hour(
        self, bar: Bar, notetaker: Notetaker, level: int
    ) -> None:
        await bar.hears("remember that it is too much", 1, care_level=level)
        await bar.tell(m.SittingEnded(SNUG, NOON))

        assert notetaker.asked == []

    async def test_nor_after_a_restart(self, bar: Bar, notetaker: Notetaker, shelf: Shelf) -> None:
        shelf.memory = MemoryState((), (a_past(1, "it is too much", care=1),), ())

        await bar.hears("hello", 9)

        assert "too much" not in notetaker.asked[0].prompt[-1].content

    async def test_at_rate_zero_nothing_is_learned(self, bar: Bar, notetaker: Notetaker) -> None:
        bar.rate = 0.0

        await bar.hears("remember that I like oats")
        await bar.tell(m.SittingEnded(SNUG, NOON))

        assert notetaker.asked == []

    async def test_what_is_left_is_read_when_the_sitting_ends(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        bar.rate = 1e-9
        await bar.hears("a small thing")
        assert notetaker.asked == []

        await bar.tell(m.SittingEnded(SNUG, NOON))

        assert "a small thing" in notetaker.asked[0].prompt[-1].content

    async def test_only_one_reading_is_under_way(self, bar: Bar, notetaker: Notetaker) -> None:
        notetaker.gate.clear()
        for number in (1, 3, 5):
            bar.memory.tell(an_exchange(text=f"word {number}", number=number))
        await notetaker.until_asked()
        await bar.facts()

        notetaker.gate.set()
        await bar.house.quiet()

        assert len(notetaker.asked) == 2
        assert all(word in notetaker.asked[1].prompt[-1].content for word in ("word 3", "word 5"))

    async def test_a_sitting_that_ends_elsewhere_meanwhile_is_read_next(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        bar.rate = 1e-9
        notetaker.gate.clear()
        bar.memory.tell(an_exchange(text="remember the snug", number=1))
        await notetaker.until_asked()
        bar.memory.tell(an_exchange(text="in private", number=3, place=a_dm()))
        bar.memory.tell(m.SittingEnded(None, NOON))
        await bar.facts()

        notetaker.gate.set()
        await bar.house.quiet()

        assert [ask.guild_id for ask in notetaker.asked] == [SNUG, None]

    async def test_memory_answers_while_the_extractor_thinks(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        notetaker.gate.clear()
        bar.memory.tell(an_exchange(text="the cello is heavy"))
        await notetaker.until_asked()

        recall = await bar.recalls("cello")

        assert texts(recall)[0] == "the cello is heavy"


class TestFailure:
    @pytest.mark.parametrize("trouble", ["away", "busy", "no_key"])
    async def test_the_messages_wait(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf, trouble: str
    ) -> None:
        notetaker.fails(trouble)
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0])
        assert shelf.of(Watermark) == []
        await bar.tell(LearningDue(SNUG))

        assert await bar.facts() == ["Plays the cello"]

    async def test_an_error_is_a_failure_like_others(self, bar: Bar, notetaker: Notetaker) -> None:
        notetaker.answers.append(RuntimeError("broken"))
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0])
        await bar.tell(LearningDue(SNUG))

        assert await bar.facts() == ["Plays the cello"]

    async def test_after_a_failure_messages_do_not_ask_at_once(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        notetaker.fails()

        for number in range(1, 40, 2):
            await bar.hears("remember this", number)

        assert len(notetaker.asked) == 1

    async def test_after_a_success_they_do_again(self, bar: Bar, notetaker: Notetaker) -> None:
        notetaker.fails()
        await bar.hears("one", 1)
        await bar.tell(LearningDue(SNUG))

        await bar.hears("two", 3)

        assert len(notetaker.asked) == 3

    async def test_with_storage_away_the_messages_wait_too(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.notes(CELLO[1])
        notetaker.notes(CELLO[1])
        await bar.recalls("wake up")
        shelf.away = True
        await bar.hears(CELLO[0], 1)
        assert await bar.facts() == []

        shelf.away = False
        await bar.hears("more", 3)

        assert await bar.facts() == ["Plays the cello"]
        assert shelf.of(Watermark) == [Watermark(ADA, SNUG, MessageId(3))]


class TestPlaces:
    SAID = (("secret", None), ("snug", SNUG), ("loft", LOFT))

    @pytest.mark.parametrize(
        ("asked_in", "heard"),
        [(SNUG, {"snug"}), (LOFT, {"loft"}), (None, {"secret", "snug", "loft"})],
    )
    @pytest.mark.parametrize("restart", [False, True])
    async def test_messages_are_recalled_where_they_were_said(
        self, bar: Bar, shelf: Shelf, asked_in: GuildId | None, heard: set[str], restart: bool
    ) -> None:
        bar.rate = 0.0
        if restart:
            past = [a_past(n, f"a {word} cello", guild) for n, (word, guild) in self.numbered()]
            shelf.memory = MemoryState((), tuple(past), ())
        else:
            for number, (word, guild) in self.numbered():
                await bar.hears(f"a {word} cello", number * 2, place=a_place(guild), reply_id=None)

        recall = await bar.recalls("cello secret snug loft", asked_in)

        assert set(texts(recall)) == {f"a {word} cello" for word in heard}

    @pytest.mark.parametrize(
        ("asked_in", "heard"),
        [(SNUG, {"snug"}), (LOFT, {"loft"}), (None, {"secret", "snug", "loft"})],
    )
    async def test_so_are_facts(
        self, bar: Bar, notetaker: Notetaker, asked_in: GuildId | None, heard: set[str]
    ) -> None:
        for number, (word, guild) in self.numbered():
            notetaker.notes(a_note(f"Owns a {word} cello", f"{word} cello"))
            await bar.hears(f"a {word} cello", number * 2, place=a_place(guild))

        recall = await bar.recalls("cello secret snug loft", asked_in)

        expected = {f"Owns a {word} cello" for word in heard}
        assert contents(recall) == set(await bar.facts(asked_in)) == expected

    @pytest.mark.parametrize(
        "changes",
        [{"private": True}, {"about": "Ana", "private": True}],
    )
    async def test_a_private_fact_is_for_direct_messages(
        self, bar: Bar, notetaker: Notetaker, changes: dict[str, Any]
    ) -> None:
        notetaker.notes(CELLO[1] | changes)

        await bar.hears(CELLO[0])

        assert (await bar.facts(SNUG), await bar.facts(None)) == ([], ["Plays the cello"])
        assert contents(await bar.recalls("cello Ana", SNUG)) == set()

    async def test_a_crisis_is_not_recalled_anywhere(self, bar: Bar) -> None:
        await bar.hears("the bridge again", 1, care_level=2, place=a_dm())

        assert texts(await bar.recalls("bridge", None)) == []

    async def test_what_is_in_the_prompt_is_not_shown_twice(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        notetaker.notes(CELLO[1])
        await bar.hears(CELLO[0], 5, reply_id=None)
        await bar.hears("the cello is heavy", 8, reply_id=None)

        shown = frozenset({MessageId(8)})
        recall = await bar.memory.ask(m.RecallMemory("cello", SNUG, NOON, shown))

        assert (contents(recall), texts(recall)) == ({"Plays the cello"}, [])

    def numbered(self) -> list[tuple[int, tuple[str, GuildId | None]]]:
        return list(enumerate(self.SAID, start=1))


def a_place(guild: GuildId | None) -> Place:
    return a_dm() if guild is None else a_guild(guild)


class TestForgettingFacts:
    @pytest.fixture
    async def known(self, shelf: Shelf) -> None:
        work = a_fact(13, "Works at the cello shop", fact_type="work")
        shelf.memory = MemoryState((a_fact(12, "Plays the cello"), work), (), ())

    @pytest.mark.parametrize(
        ("asked", "left", "count"),
        [
            (m.ForgetFacts(frozenset({RowId(12)})), {"Works at the cello shop"}, 1),
            (m.ForgetFacts(fact_type="work"), {"Plays the cello"}, 1),
            (m.ForgetFacts(everything=True), set(), 2),
            (
                m.ForgetFacts(frozenset({RowId(99)})),
                {"Plays the cello", "Works at the cello shop"},
                0,
            ),
        ],
    )
    @pytest.mark.usefixtures("known")
    async def test_they_are_erased_and_never_recalled(
        self, bar: Bar, shelf: Shelf, asked: m.ForgetFacts, left: set[str], count: int
    ) -> None:
        answer = await bar.memory.ask(asked)

        assert answer == count
        assert contents(await bar.recalls("cello work")) == set(await bar.facts(None)) == left
        erased = [ask for ask in shelf.asked if isinstance(ask, m.EraseFacts)]
        assert sum(len(ask.fact_ids) for ask in erased) == count

    @pytest.mark.usefixtures("known")
    async def test_what_could_not_be_erased_is_still_known(self, bar: Bar, shelf: Shelf) -> None:
        await bar.facts()
        shelf.away = True

        with pytest.raises(StorageUnavailableError):
            await bar.memory.ask(m.ForgetFacts(everything=True))

        assert len(await bar.facts()) == 2


class TestForgettingMessages:
    async def test_they_and_what_was_drawn_from_them_are_gone(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        notetaker.notes(CELLO[1])
        await bar.hears(CELLO[0], 5, reply_id=None)
        await bar.hears("a cello case too", 9, reply_id=None)

        await bar.tell(m.MessagesForgotten(frozenset({MessageId(5)})))

        recall = await bar.recalls("cello")
        assert (contents(recall), texts(recall)) == (set(), ["a cello case too"])
        assert texts(await bar.recalls("cello", None)) == ["a cello case too"]

    async def test_what_waits_is_never_read(self, bar: Bar, notetaker: Notetaker) -> None:
        bar.rate = 1e-9
        await bar.hears("a secret", 1)
        await bar.hears("a trifle", 3)

        await bar.tell(m.MessagesForgotten(frozenset({MessageId(1)})))
        await bar.tell(m.SittingEnded(SNUG, NOON))

        task = notetaker.asked[0].prompt[-1].content
        assert ("secret" in task, "trifle" in task) == (False, True)

    async def test_during_a_reading_nothing_is_learned_from_them(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.notes(CELLO[1])
        notetaker.gate.clear()
        bar.memory.tell(an_exchange(text=CELLO[0], number=5))
        await notetaker.until_asked()

        bar.memory.tell(m.MessagesForgotten(frozenset({MessageId(5)})))
        notetaker.gate.set()
        await bar.house.quiet()

        assert (await bar.facts(), shelf.of(FactSave)) == ([], [])

    async def test_during_a_reading_the_others_are_learned_from(
        self, bar: Bar, notetaker: Notetaker
    ) -> None:
        bar.rate = 1e-9
        await bar.hears(CELLO[0], 1)
        await bar.hears("I bake bread", 3)
        notetaker.notes(CELLO[1], a_note("Bakes bread", "bake bread", "m2"))
        notetaker.gate.clear()
        bar.memory.tell(m.SittingEnded(SNUG, NOON))
        await notetaker.until_asked()

        bar.memory.tell(m.MessagesForgotten(frozenset({MessageId(1)})))
        notetaker.gate.set()
        await bar.house.quiet()

        assert await bar.facts() == ["Bakes bread"]


class TestForgettingAPerson:
    async def test_nothing_is_left(self, bar: Bar, notetaker: Notetaker, shelf: Shelf) -> None:
        shelf.memory = MemoryState((a_fact(12, "Owns a cello"),), (a_past(1, "my cello"),), ())
        await bar.recalls("cello")

        await bar.tell(m.PersonForgotten())

        for guild in (SNUG, None):
            assert await bar.recalls("cello", guild) == m.Recall()
        await bar.tell(m.SittingEnded(SNUG, NOON))
        assert notetaker.asked == []

    async def test_a_reading_under_way_comes_to_nothing(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.notes(CELLO[1])
        notetaker.gate.clear()
        bar.memory.tell(an_exchange(text=CELLO[0]))
        await notetaker.until_asked()

        bar.memory.tell(m.PersonForgotten())
        notetaker.gate.set()
        await bar.house.quiet()

        assert (await bar.facts(None), shelf.writes) == ([], [])

    async def test_they_may_begin_afresh(self, bar: Bar, notetaker: Notetaker) -> None:
        await bar.tell(m.PersonForgotten())
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0])

        assert await bar.facts() == ["Plays the cello"]


class TestCorrecting:
    async def test_the_persons_own_wording_stands(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        home = a_fact(12, "Lives in Lisbon", slot="home", cardinality="one", confidence=0.4)
        shelf.memory = MemoryState((home,), (), ())
        notetaker.notes(a_note("Lives in Rome", "Rome", slot="home", cardinality="one"))

        fact = await bar.memory.ask(m.CorrectFact(RowId(12), " Lives  in\nPorto ", NOON))
        await bar.hears("Rome is lovely, I am moving")

        assert fact is not None
        assert (fact.content, fact.source, fact.confidence) == ("Lives in Porto", "manual", 1.0)
        assert await bar.facts() == ["Lives in Porto"]
        assert shelf.of(FactSave)[0].fact == fact
        assert [f.content for f in (await bar.recalls("Porto")).facts] == ["Lives in Porto"]
        assert contents(await bar.recalls("Lisbon")) == {"Lives in Porto"}

    @pytest.mark.parametrize(("row", "content"), [(99, "x"), (12, "  "), (12, "")])
    async def test_without_a_fact_or_words_nothing_changes(
        self, bar: Bar, shelf: Shelf, row: int, content: str
    ) -> None:
        shelf.memory = MemoryState((a_fact(12, "Lives in Lisbon"),), (), ())

        assert await bar.memory.ask(m.CorrectFact(RowId(row), content, NOON)) is None
        assert (await bar.facts(), shelf.writes) == (["Lives in Lisbon"], [])


class TestUse:
    async def test_what_was_shown_is_noted_and_kept(self, bar: Bar, shelf: Shelf) -> None:
        bar.rate = 0.0
        shelf.memory = MemoryState((a_fact(12, "Plays the cello"),), (), ())

        await bar.hears("hello", 1, recalled=(RowId(12),))
        await bar.hears("hello", 3, recalled=(RowId(12), RowId(99)))
        await bar.restarts()

        (kept,) = shelf.of(FactSave)
        assert (kept.fact.times_recalled, kept.fact.last_referenced_at) == (2, NOON)

    async def test_it_is_kept_with_what_is_learned(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        shelf.memory = MemoryState((a_fact(12, "Plays the cello"),), (), ())
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0], 1, recalled=(RowId(12),))
        await bar.restarts()

        (kept,) = shelf.of(FactSave)
        assert kept.fact.times_recalled == 1
        assert kept.fact.confidence > 0.9

    async def test_unused_and_unchanged_nothing_is_written(self, bar: Bar, shelf: Shelf) -> None:
        shelf.memory = MemoryState((a_fact(12, "Plays the cello"),), (), ())
        await bar.recalls("cello")

        await bar.restarts()

        assert shelf.writes == []


class TestPruning:
    async def test_over_three_hundred_the_faintest_goes(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        many = [a_fact(n, f"Owns item {n}") for n in range(1_000, 1_299)]
        faint = a_fact(2_000, "Once saw a moth", confidence=0.1)
        shelf.memory = MemoryState((*many, faint), (), ())
        notetaker.notes(CELLO[1])

        await bar.hears(CELLO[0])

        assert len(await bar.facts()) == 300
        gone = shelf.of(FactSave)[-1].fact
        assert (gone.fact_id, gone.is_active) == (2_000, False)
