"""Who is in memory: whoever is idle for too long leaves, and over capacity the longest unused.

Rule 1: nobody leaves who has something to do, and nobody of a kind that never leaves.
Rule 2: as soon as those who have nothing to do are not more than fit, no more than fit are left.
Rule 3: nothing here looks at all actors: the longest unused of each kind stand first.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from actors.virtual import Cell, Kind

SWEPT_AT_ONCE: Final = 256
LOOKED_AT: Final = 16
"""How many of a kind are looked at, to find one that can leave."""


class Presence:
    """Keeps the actors in memory in the order of their last use.

    Args:
        capacity: how many there may be.
        clock: tells the time, aware UTC.
    """

    def __init__(
        self, kinds: "Iterable[Kind[Any]]", capacity: int, clock: Callable[[], datetime]
    ) -> None:
        self.active = 0
        """How many actors are in memory."""
        self.leaving = 0
        """How many of them are asked to leave."""
        self._kinds = kinds
        self._capacity = capacity
        self._clock = clock

    def touch(self, cell: "Cell") -> None:
        """Note that a place is in use."""
        cell.used_at = self._clock()
        cell.kind.cells.move_to_end(cell.key)

    def entered(self) -> None:
        """Note that an actor came into memory."""
        self.active += 1
        self.make_room()

    def left(self) -> None:
        """Note that an actor left memory."""
        self.active -= 1

    def make_room(self) -> None:
        """Ask the longest unused to leave, until no more stay than fit."""
        while self.active - self.leaving > self._capacity:
            found = [cell for kind in self._kinds if (cell := self._longest_unused(kind))]
            if not found:
                return
            min(found, key=lambda cell: cell.used_at).dismiss()

    def sweep(self) -> bool:
        """Ask those to leave who are idle for too long; return whether there may be more."""
        now = self._clock()
        looked_at = 0
        for kind in self._kinds:
            if kind.idle_after is None:
                continue
            idle = timedelta(seconds=kind.idle_after)
            for cell in list(islice(kind.cells.values(), SWEPT_AT_ONCE)):
                if now - cell.used_at < idle:
                    break
                looked_at += 1
                self._let_go(cell)
        self.make_room()
        return looked_at >= SWEPT_AT_ONCE

    def _longest_unused(self, kind: "Kind[Any]") -> "Cell | None":
        """Return the longest unused of a kind that is idle.

        Those before it are in use, or leaving: they go to the end of the line, so that the next
        search does not find them first.
        """
        if kind.idle_after is None:
            return None
        for cell in list(islice(kind.cells.values(), LOOKED_AT)):
            if cell.idle:
                return cell
            self._let_go(cell)
        return None

    def _let_go(self, cell: "Cell") -> None:
        if cell.idle:
            cell.dismiss()
        elif cell.actor is not None or cell.task is not None:
            self.touch(cell)  # what it has under way is use
        elif not cell.remembered:
            del cell.kind.cells[cell.key]
