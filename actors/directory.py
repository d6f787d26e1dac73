"""The directory of virtual actors: always there to be told something, in memory only while they
matter.

Rule 1: a key has at most one activation; the flush of the old one ends before the load of the new
begins.
Rule 2: a message told while its actor is passivated waits in the mailbox and activates it again,
in order.
Rule 3: passivation is a message in the actor's own mailbox, and so is serial with everything else.
Rule 4: a flush that fails keeps the actor active: what it owns is nowhere else.
Rule 5: a crash on a told message drops the activation without a flush and the message with it (a
dead
        letter, never tried again); the next message finds the state as it was last stored.
Rule 6: a load that fails is tried again after a growing, jittered pause.  Asks are not kept
waiting for it.
Rule 7: an actor with piped work or timers under way is busy, not idle.
Rule 8: shutdown refuses the outside, works off the inside, flushes in reverse order of
registration, and
        returns who did not make it.

The ideas are those of virtual actors in Orleans: Bykov et al., "Orleans: Distributed Virtual
Actors for Programmability and Scalability", 2014.
"""

import asyncio
import logging
import random
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar

from actors.mailbox import AsyncioFuture, Letter, MailboxFullError, ShutDownError, inside
from actors.runtime import ASK_SECONDS, Asked, Told
from actors.virtual import Cell, Kind, Passivate, VirtualActor, kind_of
from storage.times import utc_now

__all__ = ["DeadLetter", "Directory", "Ref", "Snapshot", "VirtualActor"]

log = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound=VirtualActor)

SWEEP_SECONDS: Final = 5.0
SWEPT_AT_ONCE: Final = 256
DEAD_LETTERS_KEPT: Final = 100
DEAD_LETTERS_LOGGED: Final = 10
DEAD_LETTERS_PERIOD_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was told and not handled: of which actor, which kind, and why."""

    actor: str
    label: str
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be seen of an active actor from outside."""

    actor: str
    label: str
    waiting: int
    handled: int
    last_turn_ms: float
    restarts: int
    busy: bool


class Ref(Generic[A]):
    """A reference to a virtual actor: always valid, whether the actor is in memory or not."""

    __slots__ = ("_directory", "_kind", "key")

    def __init__(self, directory: "Directory", kind: "Kind[A]", key: Hashable) -> None:
        self._directory = directory
        self._kind = kind
        self.key = key

    def tell(self, message: Told) -> None:
        """Tell it something.

        Raises:
            MailboxFullError: it has too much to do (never to other actors: their messages always
            fit). ShutDownError: the bar is closing, and this comes from outside.
        """
        self._directory.deliver(self._kind, self.key, Letter(message))

    async def send(self, message: Told) -> None:
        """Tell it something; wait for room in its mailbox first."""
        await self._directory.cell(self._kind, self.key).room()
        self.tell(message)

    def ask(self, message: Asked[T], *, timeout: float = ASK_SECONDS) -> AsyncioFuture[T]:
        """Ask it; await the result.

        Raises (when awaited):
            pykka.Timeout: no answer within `timeout` seconds.
            DeadlockError: it is waiting for the asker itself.
            ActivationError: it could not load its state.
            MailboxFullError, ShutDownError: as for `tell`.
        """
        cell = self._directory.cell(self._kind, self.key)
        future: AsyncioFuture[T] = AsyncioFuture(cell, timeout)
        letter = Letter(message, future)
        try:
            self._directory.deliver(self._kind, self.key, letter)
        except (MailboxFullError, ShutDownError) as error:
            letter.fail(error)
        return future


class Directory:
    """All virtual actors of the process.  Everything here happens on one event loop.

    Args:
        capacity: how many actors may be in memory before the longest unused are passivated.
        clock: tells the time, aware UTC.
        rng: dice for the jitter of pauses.
    """

    sweep_seconds: ClassVar[float] = SWEEP_SECONDS

    def __init__(
        self,
        *,
        capacity: int = 20_000,
        clock: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = clock
        self.rng = rng or random.Random()
        self.capacity = capacity
        self.closing = False
        self.dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.counts: Counter[str] = Counter()
        self._kinds: dict[type[VirtualActor], Kind[Any]] = {}
        self._cells: dict[tuple[type[VirtualActor], Hashable], Cell] = {}
        self._buried_since = (0.0, 0)
        self._sweeper = self.loop.call_later(self.sweep_seconds, self._sweep)

    def register(
        self, actor_class: type[A], make: Callable[[Any], A], *, idle_after: float | None = 900.0
    ) -> None:
        """Tell how actors of a class are made.

        Args:
            actor_class: the class.
            make: returns a new actor for a key; its state is loaded in `on_start`.
            idle_after: seconds without a message until it is passivated; None: never.
        """
        self._kinds[actor_class] = Kind(actor_class, make, idle_after, OrderedDict())

    def ref(self, actor_class: type[A], key: Hashable) -> Ref[A]:
        """Return the reference to the actor of that class and key."""
        return Ref(self, self._kinds[actor_class], key)

    def cell(self, kind: "Kind[Any]", key: Hashable) -> Cell:
        """Return the place of a key, made on first use."""
        place = (kind.actor_class, key)
        cell = self._cells.get(place)
        if cell is None:
            cell = self._cells[place] = Cell(self, kind, key)
        return cell

    def deliver(self, kind: "Kind[Any]", key: Hashable, letter: Letter) -> None:
        """Put a letter into the mailbox of a key.  Actors' own letters always fit."""
        cell = self.cell(kind, key)
        if not inside.get():
            if self.closing:
                raise ShutDownError("the bar is closing")
            if cell.full:
                self.counts["mailbox_full"] += 1
                log.warning("actor.mailbox_full", extra={"actor": cell.name, "key": cell.label})
                raise MailboxFullError(f"{cell.name} has {cell.limit} messages waiting")
        cell.accept(letter)
        if key in kind.active:
            kind.active.move_to_end(key)

    # --- who is in memory
    # -------------------------------------------------------------------------------

    def activated(self, cell: Cell) -> None:
        """Note that an actor came into memory; over capacity, the longest unused goes."""
        cell.kind.active[cell.key] = cell
        self.counts["activated"] += 1
        if self.active > self.capacity:
            self._make_room()

    def passivated(self, cell: Cell) -> None:
        """Note that an actor left memory.  A place with nothing in it goes too."""
        cell.kind.active.pop(cell.key, None)
        if not cell.letters:
            self._cells.pop((cell.kind.actor_class, cell.key), None)

    @property
    def active(self) -> int:
        """How many actors are in memory."""
        return sum(len(kind.active) for kind in self._kinds.values())

    def snapshot(self) -> tuple[Snapshot, ...]:
        """Return what can be seen of every actor in memory."""
        return tuple(
            Snapshot(
                cell.name,
                cell.label,
                len(cell.letters),
                cell.handled,
                round(cell.last_turn_ms, 3),
                cell.restarts,
                cell.bench.busy,
            )
            for kind in self._kinds.values()
            for cell in kind.active.values()
        )

    def _sweep(self) -> None:
        now = self.loop.time()
        left = SWEPT_AT_ONCE
        for kind in self._kinds.values():
            if kind.idle_after is None:
                continue
            for cell in kind.active.values():
                if left == 0 or now - cell.used_at < kind.idle_after:
                    break
                left -= 1
                self._let_go(cell)
        self._sweeper = self.loop.call_later(self.sweep_seconds, self._sweep)

    def _make_room(self) -> None:
        idle = (
            cell
            for kind in self._kinds.values()
            if kind.idle_after is not None
            for cell in kind.active.values()
            if not cell.letters and not cell.bench.busy and cell.task is None
        )
        oldest = min(idle, key=lambda cell: cell.used_at, default=None)
        if oldest is not None:
            self._let_go(oldest)

    def _let_go(self, cell: Cell) -> None:
        if not cell.letters and not cell.bench.busy and cell.task is None:
            used_at = cell.used_at
            cell.accept(Letter(Passivate()))
            cell.used_at = used_at  # being asked to leave is no use

    # --- dead letters
    # -----------------------------------------------------------------------------------

    def bury(self, cell: Cell, letter: Letter, reason: str) -> None:
        """Keep note of a message that will not be handled; log a few, count all."""
        self.counts[f"dead_{reason}"] += 1
        dead = DeadLetter(cell.name, cell.label, kind_of(letter), reason)
        self.dead_letters.append(dead)
        since, logged = self._buried_since
        now = self.loop.time()
        if now - since > DEAD_LETTERS_PERIOD_SECONDS:
            since, logged = now, 0
        self._buried_since = (since, logged + 1)
        if logged < DEAD_LETTERS_LOGGED:
            extra = {"actor": dead.actor, "key": dead.label, "reason": reason}
            log.warning("actor.dead_letter", extra={**extra, "message_type": dead.message})

    # --- the end
    # ----------------------------------------------------------------------------------------

    async def shutdown(self, deadline: float = 8.0) -> list[Ref[Any]]:
        """Close: refuse the outside, work off the inside, flush everyone, within `deadline`
        seconds.

        Returns:
            References to those who could not be flushed in time.
        """
        self.closing = True
        self._sweeper.cancel()
        ends = self.loop.time() + deadline
        await self._settle(tuple(self._cells.values()), self.loop.time() + deadline * 0.7)
        for kind in reversed(self._kinds.values()):
            await self._flush(kind, ends)
        late = [Ref(self, kind, key) for kind in self._kinds.values() for key in kind.active]
        log.info("actor.all_stopped", extra={"not_flushed": len(late)})
        return late

    async def _flush(self, kind: "Kind[Any]", ends: float) -> None:
        await self._settle(tuple(kind.active.values()), ends)
        for cell in tuple(kind.active.values()):
            cell.bench.clear()
            cell.accept(Letter(Passivate()))
        await self._settle(tuple(kind.active.values()), ends)
        for cell in tuple(kind.active.values()):
            if cell.task is not None:
                cell.task.cancel()

    async def _settle(self, cells: tuple[Cell, ...], ends: float) -> None:
        """Wait until nothing is under way in `cells`, or until the loop's time is `ends`."""
        while True:
            tasks = {
                task
                for cell in cells
                for task in (cell.task, *cell.bench.pipes)
                if task is not None and not task.done()
            }
            left = ends - self.loop.time()
            if not tasks or left <= 0:
                return
            await asyncio.wait(tasks, timeout=left)
