"""A loop whose time jumps to the next timer as soon as nothing else is left to do.

With dice it also runs what is ready in any order: what must hold, must hold whoever is first.
"""

import asyncio
import heapq
import random
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

DAWN = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, dice: random.Random | None = None) -> None:
        super().__init__()
        self._now = 0.0
        self._dice = dice

    def time(self) -> float:
        return self._now

    def now(self) -> datetime:
        """The same time as a clock for the directory."""
        return DAWN + timedelta(seconds=self._now)

    def _run_once(self) -> None:
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and timers:
            self._now = max(self._now, timers[0]._when)
        if self._dice is not None:
            self._dice.shuffle(self._ready)
        super()._run_once()


def in_virtual_time(main: Coroutine[Any, Any, T], dice: random.Random | None = None) -> T:
    """Run `main` to its end."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(dice)) as runner:
        return runner.run(main)
