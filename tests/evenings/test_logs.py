"""The canary: whole evenings with every logger at DEBUG, and not a word of anyone in the log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from actors.runtime import trace_id
from bot import logs
from tests.evenings.bar import a_bar
from tests.fakes import groq as fake
from tests.fakes.discord import FakeDiscord
from tests.fakes.groq import FakeGroq

CANARY = "mimosa-canary"
log = logging.getLogger("actors.example")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What was logged, as JSON lines, with everything shown that can be."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("json", "DEBUG", stream)
    yield stream
    root.handlers[:], root.level = before


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestFormat:
    def test_an_event_is_one_flat_line_with_its_trace(self, lines: io.StringIO) -> None:
        token = trace_id.set("abc")
        log.info("mood.shifted", extra={"guild_id": 1, "valence": 0.16})
        trace_id.reset(token)

        (line,) = events(lines)
        assert list(line)[:3] == ["at", "level", "event"]
        assert line["event"] == "mood.shifted"
        assert line["valence"] == 0.16
        assert line["trace"] == "abc"

    def test_an_exception_is_shown_by_kind_and_place_not_by_its_text(
        self, lines: io.StringIO
    ) -> None:
        try:
            raise ValueError(CANARY)  # noqa: TRY301
        except ValueError:
            log.exception("actor.crashed")

        (line,) = events(lines)
        assert line["error"] == "ValueError"
        assert "test_logs.py" in str(line["where"])
        assert CANARY not in lines.getvalue()

    def test_other_libraries_words_are_not_shown(self, lines: io.StringIO) -> None:
        logging.getLogger("some.library").warning("it said %s", CANARY)
        logging.getLogger("some.library").warning(f"it said {CANARY}")  # noqa: G004

        assert CANARY not in lines.getvalue()
        assert len(events(lines)) == 2


class TestCanary:
    async def test_no_word_and_no_name_reaches_a_log_at_any_level(
        self,
        discord: FakeDiscord,
        groq: FakeGroq,
        sqlite_url: str,
        lines: io.StringIO,
    ) -> None:
        person = discord.user(f"{CANARY}-user", display_name=f"{CANARY}-shown")
        guild = discord.guild(f"{CANARY}-guild")
        room, direct = discord.channel(guild, f"{CANARY}-room"), discord.dm(person)
        groq.says(f"{CANARY} indeed.")
        groq.script(fake.content(f"{CANARY} not json"), fake.status(500))

        async with a_bar(discord, groq, sqlite_url, FACT_EXTRACTION_RATE="1"):
            for place in (room, direct):
                said = await discord.says(person, place, f"{CANARY} hello", mentions_bot=True)
                await discord.next_reply(place, timeout=30)
                await discord.edits(said, f"{CANARY} hello again")
            await discord.says(person, direct, f"{CANARY} I want to die")
            await discord.next_reply(direct)
            await (await discord.interaction(person, direct, "memory")).answered()
            await discord.deletes(said)
        seen = lines.getvalue()

        assert "exchange.ended" in seen
        assert CANARY not in seen
        assert str(person.id) not in seen
