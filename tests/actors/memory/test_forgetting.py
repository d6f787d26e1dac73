import pytest

from actors import messages as m
from storage.errors import StorageUnavailableError
from storage.ids import MessageId, RowId
from storage.records import FactSave, MemoryState
from tests.actors.ear import NOON, Shelf, an_exchange
from tests.actors.memory.bar import (
    CELLO,
    SNUG,
    Bar,
    Notetaker,
    a_fact,
    a_note,
    a_past,
    contents,
    texts,
)


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
