from collections.abc import AsyncIterator

import pytest

from actors.directory import Directory
from actors.language import LanguageActor
from tests.actors.ear import Clock
from tests.actors.memory.bar import Bar, Notetaker, NotetakerActor


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
