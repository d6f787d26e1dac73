"""One person's memory for tests, with a stand-in for the extractor."""

import asyncio
import random
from dataclasses import replace
from typing import Any, Final

from actors import messages as m
from actors.directory import Directory, Ref, VirtualActor
from actors.memory import MemoryActor
from storage.ids import GuildId, MessageId, RowId, UserId
from storage.records import PastMessage, Place, UserFact
from tests.actors.ear import NOON, Clock, a_dm, a_guild, an_exchange

ADA: Final = UserId(7)
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


def a_place(guild: GuildId | None) -> Place:
    return a_dm() if guild is None else a_guild(guild)
