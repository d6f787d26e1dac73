from typing import Any

import pytest

from actors import messages as m
from actors.memory import LearningDue
from actors.rules import extraction
from storage.ids import MessageId
from storage.records import FactSave, MemoryState, Watermark
from tests.actors.ear import NOON, Clock, Shelf, a_dm, an_exchange
from tests.actors.memory.bar import (
    ADA,
    CELLO,
    SNUG,
    Bar,
    Notetaker,
    a_fact,
    a_note,
    a_past,
    texts,
)


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
