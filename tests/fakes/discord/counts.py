"""How often things happened, for a test to compare or to wait for."""

import asyncio
from collections import Counter


class Counts(Counter[str]):
    """A counter that can be waited for: `await counts.until("identify", 2)`."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def __setitem__(self, what: str, count: int) -> None:
        super().__setitem__(what, count)
        self._changed.set()

    async def until(self, what: str, count: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            while self[what] < count:
                self._changed.clear()
                await self._changed.wait()
