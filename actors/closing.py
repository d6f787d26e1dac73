"""Closing time: everybody finishes, is flushed and leaves, within a deadline.

Rule 1: first everybody works off what waits, and what is piped comes back, for at most half of
the time.
Rule 2: then each kind is flushed, the last registered first: whom others flush into stays
longest.
Rule 3: no kind takes more than its share of what time is left: whoever is stuck takes nobody
along.
Rule 4: whoever is woken, or could not be flushed, is tried again while there is time.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from actors.virtual import Cell, Kind

DRAIN_SHARE: Final = 0.5
FLUSHED_AT_ONCE: Final = 512
RETRY_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 1.0
"""How long those who were given up may take to notice it."""


def occupied(kinds: Iterable[Kind[Any]]) -> list[Cell]:
    """Return the places where somebody lives or something waits."""
    return [cell for kind in kinds for cell in kind.cells.values() if not cell.vacant]


async def close(kinds: Sequence[Kind[Any]], deadline: float) -> list[Cell]:
    """Work everything off and flush everyone; return those who did not make it in time.

    Args:
        kinds: in the order of their registration.
        deadline: seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    ends = began + deadline
    for cell in occupied(kinds):
        cell.resume()  # no time for pauses
    await until_quiet(lambda: occupied(kinds), began + deadline * DRAIN_SHARE)
    while True:
        for still, kind in zip(range(len(kinds), 0, -1), reversed(kinds), strict=True):
            now = loop.time()
            await _flush(kind, now + (ends - now) / still)
        late = occupied(kinds)
        if not late or loop.time() + RETRY_SECONDS > ends:
            return late
        await asyncio.sleep(RETRY_SECONDS)


async def _flush(kind: Kind[Any], ends: float) -> None:
    cells = occupied([kind])
    for start in range(0, len(cells), FLUSHED_AT_ONCE):
        some = cells[start : start + FLUSHED_AT_ONCE]
        for cell in some:
            cell.dismiss()
        await until_quiet(partial(list, some), ends)


async def give_up(cells: Iterable[Cell]) -> None:
    """End whatever is under way in `cells`; settle what waits there."""
    tasks = _tasks(cells)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    for cell in cells:
        cell.refuse_all()


async def until_quiet(cells: Callable[[], Iterable[Cell]], ends: float) -> bool:
    """Wait until nothing is under way in `cells`, or until the loop's time is `ends`.

    Returns:
        Whether nothing is.
    """
    loop = asyncio.get_running_loop()
    while tasks := _tasks(cells()):
        left = ends - loop.time()
        if left <= 0:
            return False
        await asyncio.wait(tasks, timeout=left)
    return True


def _tasks(cells: Iterable[Cell]) -> set["asyncio.Task[None]"]:
    return {
        task
        for cell in cells
        for task in (cell.task, *(cell.bench.pipes if cell.bench is not None else ()))
        if task is not None and not task.done()
    }
