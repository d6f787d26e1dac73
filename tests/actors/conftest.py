import random
from collections.abc import AsyncIterator

import pytest

from actors.calendar import CalendarActor
from actors.directory import Directory
from actors.storage import StorageActor
from tests.actors.ear import CalendarEar, Clock, Shelf, StorageEar


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def house(clock: Clock, shelf: Shelf) -> AsyncIterator[Directory]:
    """A directory whose storage and calendar are stand-ins."""
    made = Directory(clock=clock, rng=random.Random(1))
    made.register(StorageActor, lambda key: StorageEar(key, shelf), idle_after=None)  # type: ignore[arg-type,return-value]
    made.register(CalendarActor, lambda key: CalendarEar(key, shelf), idle_after=None)  # type: ignore[arg-type,return-value]
    yield made
    await made.shutdown(deadline=2.0)
