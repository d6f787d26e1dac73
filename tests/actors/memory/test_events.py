"""What memory hears of days ahead goes to the calendar, before it counts as read."""

from actors import messages as m
from actors.rules.events import Drawn
from tests.actors.ear import Shelf, a_guild
from tests.actors.memory.bar import ADA, Bar, Notetaker, a_note

WORDS = "my interview at the mill is on Friday"
EVENT = {
    "type": "follow_up",
    "at": "2026-03-06",
    "recurs": "none",
    "evidence": WORDS,
    "source": "m1",
}


def drawn(shelf: Shelf) -> list[Drawn]:
    return [each for noted in shelf.spoken_of for each in noted.drawn]


class TestDaysAhead:
    async def test_what_was_spoken_of_is_handed_to_the_calendar(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.answers.append(m.Extraction({"facts": [], "events": [EVENT]}))

        await bar.hears(WORDS)

        (noted,) = shelf.spoken_of
        assert (noted.user_id, noted.guild_id) == (ADA, a_guild().guild_id)
        (event,) = noted.drawn
        assert (event.evidence, event.channel_id) == (WORDS, a_guild().channel_id)

    async def test_so_is_a_fact_to_come(self, bar: Bar, notetaker: Notetaker, shelf: Shelf) -> None:
        fact = a_note("has an interview on 2026-03-06", WORDS, temporal="future", when="2026-03-06")
        notetaker.notes(fact)

        await bar.hears(WORDS)

        assert [event.kind for event in drawn(shelf)] == ["follow_up"]
        assert await bar.facts() == ["has an interview on 2026-03-06"]

    async def test_nothing_is_drawn_from_a_crisis(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        notetaker.answers.append(m.Extraction({"facts": [], "events": [EVENT]}))

        await bar.hears(WORDS, care_level=2)

        assert drawn(shelf) == []

    async def test_with_the_calendar_away_the_messages_are_read_again(
        self, bar: Bar, notetaker: Notetaker, shelf: Shelf
    ) -> None:
        for _ in range(2):
            notetaker.answers.append(m.Extraction({"facts": [], "events": [EVENT]}))
        await bar.recalls("so that it is awake")
        shelf.away = True
        await bar.hears(WORDS)
        shelf.away = False

        await bar.hears("and it rains", number=9)

        assert len(drawn(shelf)) == 1
