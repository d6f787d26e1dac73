from typing import Any

import pytest

from actors import messages as m
from storage.ids import GuildId, MessageId, RowId
from storage.records import FactSave, MemoryState
from tests.actors.ear import NOON, Shelf, a_dm
from tests.actors.memory.bar import (
    CELLO,
    LOFT,
    SNUG,
    Bar,
    Notetaker,
    a_fact,
    a_note,
    a_past,
    a_place,
    contents,
    texts,
)


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
