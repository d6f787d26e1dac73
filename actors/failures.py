"""How failures are told: what they are and where they happened, never what they say.

An error's text may quote a person; its kind and the lines it went through cannot.
"""

import traceback
from typing import Final

FRAMES: Final = 4


def named(error: BaseException) -> str:
    """Return what kind of error it is."""
    return type(error).__name__


def frames_of(error: BaseException) -> str:
    """Return where an error came from: file:line of its last frames, the innermost last."""
    frames = [
        f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return " > ".join(frames[-FRAMES:])


def about_error(error: BaseException) -> dict[str, str]:
    """Return the fields of a log line that describe an error."""
    return {"error": named(error), "where": frames_of(error)}


class Limiter:
    """Lets the first `most` of each `period` through and counts the rest.

    A flood of equal log lines tells no more than its first ones and its size.
    """

    def __init__(self, most: int = 10, period: float = 300.0) -> None:
        self._most = most
        self._period = period
        self._began = float("-inf")
        self._seen = 0

    def admits(self, now: float) -> int | None:
        """Return how many were held back since the last that was let through, or None: hold back.

        Args:
            now: seconds on a clock that never goes back.
        """
        if now - self._began >= self._period:
            held_back = max(0, self._seen - self._most)
            self._began, self._seen = now, 1
            return held_back
        self._seen += 1
        return 0 if self._seen <= self._most else None
