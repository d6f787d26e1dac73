"""Sittings: which conversation a word belongs to.

Rule 1: a word said within 60 minutes of the last one belongs to the same sitting.
Rule 2: after that it opens a new one, and the old one is closed first.
Rule 3: a word that arrives late (from before the last one) belongs to the running sitting and
does not turn
        its clock back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from storage.records import Conversation

TIMEOUT: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Open:
    """Begin this sitting."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class Close:
    """End this sitting."""

    conversation: Conversation


Effect = Open | Close


def is_over(conversation: Conversation, now: datetime) -> bool:
    """Return whether a sitting has had its 60 minutes of silence at `now` (aware UTC)."""
    return now - conversation.last_message_at >= TIMEOUT


def spoken(current: Conversation | None, now: datetime) -> tuple[Conversation, tuple[Effect, ...]]:
    """Return the sitting that a word said at `now` belongs to, and what must happen for it."""
    if current is not None and not is_over(current, now):
        last = max(current.last_message_at, now)
        return replace(current, last_message_at=last, message_count=current.message_count + 1), ()
    fresh = Conversation(row=None, started_at=now, last_message_at=now)
    closing = () if current is None else (Close(current),)
    return fresh, (*closing, Open(fresh))
