"""Time: the one place that reads the clock, and the one rule about it.

Rule 1: every datetime in the program is aware and in UTC.
Rule 2: everything else is told the time (`now`); only the composition root hands out `utc_now`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time, aware UTC.  Tests pass one that stands still."""


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def ensure_utc(value: datetime) -> datetime:
    """Return `value` as aware UTC; a naive one (SQLite gives those back) is taken to be UTC
    already.
    """
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
