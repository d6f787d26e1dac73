"""When the database is away: ask it again after a while, and say no at once meanwhile."""

import random
from collections.abc import Callable
from typing import Final

from storage.errors import StorageUnavailableError

FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 10.0


class Breaker:
    """Counts failures in a row; after each it holds callers off for a jittered, growing while.

    The first caller after that while is let through, and tells by its fate how it goes on.
    """

    def __init__(self, monotonic: Callable[[], float], rng: random.Random) -> None:
        self._monotonic = monotonic
        self._rng = rng
        self._failures = 0
        self._next_try = 0.0
        self.is_held = False
        """Whether everybody is held off until somebody says otherwise."""

    def check(self) -> None:
        """Let a caller through, or not.

        Raises:
            StorageUnavailableError: it failed a moment ago, or is held.
        """
        if self.is_held:
            raise StorageUnavailableError("not open yet")
        if self._failures and self._monotonic() < self._next_try:
            raise StorageUnavailableError("waiting before the next try")

    def failed(self) -> None:
        """Note that the database was away."""
        self._failures += 1
        most = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self._failures - 1, 10))
        self._next_try = self._monotonic() + most * (0.5 + self._rng.random() / 2)

    def worked(self) -> None:
        """Note that the database answered."""
        self._failures = 0
