"""The running sitting of one conversation: its row, its lines, how often the bar spoke in it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from actors.rules import sittings
from storage.ids import MessageId, RowId
from storage.records import Conversation, PastMessage

LINES: Final = 30
"""How many lines a prompt can show at most."""


class RunningSitting:
    """What was said since the last hour-long silence, newest lines only."""

    def __init__(self) -> None:
        self._kept: Conversation | None = None
        self._lines: deque[PastMessage] = deque(maxlen=LINES)
        self.depth = 0
        """The bar's replies so far."""

    @property
    def row(self) -> RowId | None:
        """Its row; None while none is kept."""
        return self._kept.row if self._kept else None

    @property
    def started_at(self) -> datetime | None:
        """When it began; None while none is kept."""
        return self._kept.started_at if self._kept else None

    @property
    def lines(self) -> tuple[PastMessage, ...]:
        """Its lines, in the order in which they were said."""
        return tuple(self._lines)

    def load(self, kept: Conversation | None, lines: Iterable[PastMessage]) -> None:
        """Take in what storage has of it."""
        self._kept = kept
        self._lines.extend(lines)
        self.depth = sum(1 for line in self._lines if line.role == "assistant")

    def spoken(self, at: datetime) -> tuple[Conversation, bool]:
        """Return the sitting that a word said at `at` belongs to, and whether that ends this
        one.
        """
        sitting, effects = sittings.spoken(self._kept, at)
        return sitting, any(isinstance(effect, sittings.Close) for effect in effects)

    def go_on(self, sitting: Conversation, line: PastMessage) -> None:
        """A person said `line` in `sitting`, and it is kept."""
        self._kept = replace(sitting, row=line.conversation)
        self._lines.append(line)

    def add(self, line: PastMessage) -> None:
        """The bar said `line`."""
        self._lines.append(line)

    def edited(self, message_id: MessageId, text: str) -> None:
        """Change the words of a line."""
        for index, line in enumerate(self._lines):
            if line.message_id == message_id:
                self._lines[index] = replace(line, text=text)

    def forget(self, message_ids: frozenset[MessageId]) -> None:
        """Drop lines."""
        kept = [line for line in self._lines if line.message_id not in message_ids]
        self._lines.clear()
        self._lines.extend(kept)

    def end(self) -> None:
        """The silence was long: what comes now is another sitting."""
        self._lines.clear()
        self.depth = 0

    def clear(self) -> None:
        """Start afresh."""
        self._kept = None
        self.end()
