"""What waits for an answer, and the one answer that is being made.

Rule 1: one answer at a time is made or said.
Rule 2: what arrives while an answer is made joins it, at most REDRAFTS times over; danger always
does.
Rule 3: an answer that is being said is not begun anew; what arrives meanwhile is answered after it.
Rule 4: an outcome counts only for the burst that is under way: of one that was overtaken, or whose
person asked to be forgotten, nothing is left to do.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from actors.briefing import Burst, Waiting
from actors.rules.sentinel import Reading
from storage.ids import MessageId

REDRAFTS: Final = 3
"""How often a growing burst starts its answer anew; then it is answered as it stands."""
URGENT_LEVEL: Final = 2


class Pending:
    """The messages of one conversation that wait, and the burst of them that is being answered."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.burst: Burst | None = None
        self._saying = False
        self._redrafts = 0

    def __contains__(self, message_id: MessageId | None) -> bool:
        return any(w.message_id == message_id for w in self.waiting)

    def add(self, waiting: Waiting) -> None:
        """A message waits for its answer."""
        self.waiting.append(waiting)

    def may_begin(self, *, grown: bool) -> bool:
        """Return whether to begin an answer now; `grown`: because more has arrived."""
        if not self.waiting or self._saying:
            return False
        if self.burst is None:
            return True
        urgent = max(w.reading.level for w in self.waiting) >= URGENT_LEVEL
        return grown and (urgent or self._redrafts < REDRAFTS)

    def begin(self, burst: Burst) -> Burst | None:
        """Note that `burst` is being answered; return the one that it overtakes."""
        overtaken, self.burst = self.burst, burst
        if overtaken is not None:
            self._redrafts += 1
        return overtaken

    def is_under_way(self, burst: Burst) -> bool:
        """Return whether an outcome for `burst` still counts."""
        return self.burst is not None and self.burst.turn == burst.turn

    def being_said(self) -> None:
        """Note that the door has the answer: it cannot be taken back."""
        self._saying = True

    def given_up(self) -> None:
        """Note that the answer could not be made or said: everything still waits."""
        self.burst = None
        self._saying = False

    def answered(self, burst: Burst) -> None:
        """Note that `burst` has its answer."""
        self.given_up()
        self._redrafts = 0
        self._without(frozenset(w.message_id for w in burst.waiting))

    def edited(self, message_id: MessageId, text: str, reading: Reading) -> bool:
        """Change the words of what waits; return whether it was among it."""
        found = message_id in self
        self._each(
            lambda w: replace(w, text=text, reading=reading) if w.message_id == message_id else w
        )
        return found

    def forget(self, message_ids: frozenset[MessageId]) -> bool:
        """Drop messages; return whether the answer under way was to one of them, and is dropped."""
        self._without(message_ids)
        burst = self.burst
        if burst is None or self._saying:
            return False
        if not any(w.message_id in message_ids for w in burst.waiting):
            return False
        self.burst = None
        return True

    def clear(self) -> None:
        """Start afresh."""
        self.waiting.clear()
        self.given_up()
        self._redrafts = 0

    def _without(self, message_ids: frozenset[MessageId]) -> None:
        self.waiting = [w for w in self.waiting if w.message_id not in message_ids]

    def _each(self, change: Callable[[Waiting], Waiting]) -> None:
        self.waiting = [change(w) for w in self.waiting]
