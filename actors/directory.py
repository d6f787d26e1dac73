"""The directory of virtual actors: always there to be told something, in memory only while they
matter.

Rule 1: a key has at most one activation; the flush of the old one ends before the load of the new
begins.
Rule 2: a message told while its actor is passivated waits in the mailbox and activates it again,
in order.
Rule 3: passivation is a message in the actor's own mailbox, and so is serial with everything else.
Rule 4: a flush that fails keeps the actor active: what it owns is nowhere else.
Rule 5: a crash on a told message drops the activation without a flush and the message with it (a
dead letter, never tried again); after a growing, jittered pause the next message finds the state
as it was last stored.  An actor that had work under way, or is never passivated, is loaded again
without waiting for a message.
Rule 6: a load that fails is tried again after such a pause.  Asks are not kept waiting for it.
Rule 7: an actor with piped work, timers or deferred answers under way is busy, not idle.
Rule 8: closing refuses the outside, works off the inside, flushes in reverse order of
registration (see `actors.closing`), and returns who did not make it.
Rule 9: nothing vanishes: what was told and is not handled is one dead letter; what was asked is
answered, or fails.

The ideas are those of virtual actors in Orleans: Bykov et al., "Orleans: Distributed Virtual
Actors for Programmability and Scalability", 2014.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import EllipsisType
from typing import Any, Final, Generic, TypeVar

from actors.closing import close, give_up, occupied, until_quiet
from actors.failures import Limiter
from actors.futures import AsyncioFuture, MailboxFullError, ShutDownError
from actors.mailbox import Letter, inside
from actors.presence import Presence
from actors.runtime import ASK_SECONDS, Asked, Told
from actors.virtual import Cell, Kind, VirtualActor
from storage.times import utc_now

__all__ = ["DeadLetter", "Directory", "Ref", "Snapshot", "VirtualActor"]

log = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound=VirtualActor)

IDLE_SECONDS: Final = 900.0
SWEEP_SECONDS: Final = 5.0
DEAD_LETTERS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was told and not handled: to whom, of which type, and why (crashed,
    not_loaded, mailbox_full, shut_down).
    """

    actor: str
    label: str
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be seen of an actor from outside.

    `state`: loading, idle, working, busy (with something beside its mailbox), flushing or paused
    (after a failure).  `waiting`: messages in its mailbox.
    """

    actor: str
    label: str
    state: str
    waiting: int
    handled: int
    last_turn_ms: float
    restarts: int


class Ref(Generic[A]):
    """A reference to a virtual actor: always valid, whether the actor is in memory or not."""

    __slots__ = ("_directory", "_kind", "key")

    def __init__(self, directory: "Directory", kind: Kind[A], key: Hashable) -> None:
        self._directory = directory
        self._kind = kind
        self.key = key

    def __repr__(self) -> str:
        return f"<Ref {self._kind.actor_class.__name__}>"  # a key may be somebody's id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (other._kind is self._kind and other.key == self.key)

    def __hash__(self) -> int:
        return hash((self._kind.actor_class, self.key))

    def tell(self, message: Told) -> None:
        """Tell it something.  What actors tell each other always fits.

        Raises:
            MailboxFullError: it has too much to do.
            ShutDownError: the bar is closing.
        """
        self._directory.deliver(self._kind, self.key, Letter(message))

    async def send(self, message: Told) -> None:
        """Tell it something; wait for room in its mailbox first.

        Raises:
            ShutDownError: the bar is closing.
        """
        letter = Letter(message)
        if not inside.get():
            await self._directory.room(self._kind, self.key)
        self._directory.deliver(self._kind, self.key, letter, admitted=True)

    def ask(self, message: Asked[T], *, timeout: float = ASK_SECONDS) -> AsyncioFuture[T]:
        """Ask it; await the result.

        Raises (when awaited):
            pykka.Timeout: no answer within `timeout` seconds of waiting; it may still be handled.
            DeadlockError: it is waiting for the asker itself.
            ActivationError: it could not load its state, or lost it before it answered.
            MailboxFullError, ShutDownError: as for `tell`.
            Exception: what its handler raised.
        """
        future: AsyncioFuture[T] = AsyncioFuture(None, timeout)
        letter = Letter(message, future)
        try:
            future.target = self._directory.deliver(self._kind, self.key, letter)
        except (MailboxFullError, ShutDownError) as error:
            letter.fail(error)
        return future

    def dismiss(self) -> None:
        """Have it leave memory after what waits now, unless something is under way then; its
        next message brings it back.
        """
        self._directory.dismiss(self._kind, self.key)


class Directory:
    """All virtual actors of the process.  Everything here happens on one event loop's thread.

    Args:
        capacity: how many actors may be in memory before the longest unused are passivated.
        idle_after: seconds without a message until an actor is passivated, where its
            registration says nothing else.
        clock: tells the time, aware UTC: how long an actor is idle.
        rng: dice for the jitter of pauses.
    """

    def __init__(
        self,
        *,
        capacity: int = 20_000,
        idle_after: float = IDLE_SECONDS,
        clock: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.rng = rng or random.Random()
        self.closing = False
        """Whether the outside is refused."""
        self.closed = False
        """Whether everybody is."""
        self.dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.counts: Counter[str] = Counter()
        self._idle_after = idle_after
        self._kinds: dict[type[VirtualActor], Kind[Any]] = {}
        self.presence = Presence(self._kinds.values(), capacity, clock)
        self._limiters = {"actor.dead_letter": Limiter(), "actor.mailbox_full": Limiter()}
        self._sweeper = self.loop.call_later(SWEEP_SECONDS, self._sweep_and_go_on)
        self._closed: asyncio.Task[list[Cell]] | None = None

    def register(
        self,
        actor_class: type[A],
        make: Callable[[Any], A],
        *,
        idle_after: float | EllipsisType | None = ...,
    ) -> None:
        """Tell how actors of a class are made.  Those that others flush into come first.

        Args:
            actor_class: the class.
            make: returns a new actor for a key; its state is loaded in `on_start`.
            idle_after: seconds without a message until it is passivated; None: never, not for
                want of room either.  Not given: as the directory says.
        """
        if actor_class in self._kinds:
            raise ValueError(f"{actor_class.__name__} is registered already")
        after = self._idle_after if isinstance(idle_after, EllipsisType) else idle_after
        self._kinds[actor_class] = Kind(actor_class, make, after)

    def ref(self, actor_class: type[A], key: Hashable) -> Ref[A]:
        """Return the reference to the actor of that class and key."""
        return Ref(self, self._kinds[actor_class], key)

    # --- letters

    def deliver(
        self, kind: Kind[Any], key: Hashable, letter: Letter, *, admitted: bool = False
    ) -> Cell:
        """Put a letter into the mailbox of a key; return the place.

        `admitted`: its sender has waited for `room`.
        """
        outside = not inside.get()
        if self.closing and (outside or self.closed):
            raise ShutDownError("the bar is closing")
        cell = kind.cells.get(key)
        if cell is None:
            cell = kind.cells[key] = Cell(self, kind, key)
        elif outside and not admitted and cell.full:
            self._overflowed(cell, letter)
        cell.accept(letter)
        return cell

    def _overflowed(self, cell: Cell, letter: Letter) -> None:
        self.counts["mailbox_full"] += 1
        self._warn("actor.mailbox_full", {"actor": cell.name, "key": cell.label})
        if letter.reply_to is None:
            self.bury(cell, letter, "mailbox_full")
        raise MailboxFullError(f"{cell.name} has {cell.limit} messages waiting")

    async def room(self, kind: Kind[Any], key: Hashable) -> None:
        """Wait until a letter fits into the mailbox of a key."""
        if self.closing:
            raise ShutDownError("the bar is closing")
        if (cell := kind.cells.get(key)) is not None:
            await cell.room()

    def bury(self, cell: Cell, letter: Letter, reason: str) -> None:
        """Keep note of a message that will not be handled; count all, log a few."""
        self.counts[f"dead_{reason}"] += 1
        dead = DeadLetter(cell.name, cell.label, type(letter.message).__name__, reason)
        self.dead_letters.append(dead)
        about = {"actor": dead.actor, "key": dead.label, "message_type": dead.message}
        self._warn("actor.dead_letter", {**about, "reason": reason})

    def _warn(self, event: str, about: Mapping[str, object]) -> None:
        held_back = self._limiters[event].admits(self.loop.time())
        if held_back is not None:
            log.warning(event, extra={**about, "held_back": held_back})

    # --- who is in memory

    @property
    def active(self) -> int:
        """How many actors are in memory."""
        return self.presence.active

    def forget(self, cell: Cell) -> None:
        """Forget a place with nothing in it."""
        if cell.kind.cells.get(cell.key) is cell:
            del cell.kind.cells[cell.key]

    def dismiss(self, kind: Kind[Any], key: Hashable) -> None:
        """Ask the actor of a key to leave memory, if it is there."""
        cell = kind.cells.get(key)
        if cell is not None and not cell.vacant:
            cell.dismiss()

    def sweep(self) -> bool:
        """Passivate who is idle for too long; return whether there may be more of them."""
        return self.presence.sweep()

    def snapshot(self) -> tuple[Snapshot, ...]:
        """Return what can be seen of every actor."""
        return tuple(
            Snapshot(
                cell.name,
                cell.label,
                cell.state,
                len(cell.letters),
                cell.handled,
                round(cell.last_turn_ms, 3),
                cell.restarts,
            )
            for cell in occupied(self._kinds.values())
        )

    def _sweep_and_go_on(self) -> None:
        pause = SWEEP_SECONDS / 100 if self.sweep() else SWEEP_SECONDS
        self._sweeper = self.loop.call_later(pause, self._sweep_and_go_on)

    # --- the end

    async def quiet(self, within: float = ASK_SECONDS) -> bool:
        """Wait until nobody is at work and nothing piped is under way; return whether that came
        true within so many seconds.
        """
        ends = self.loop.time() + within
        return await until_quiet(lambda: occupied(self._kinds.values()), ends)

    async def shutdown(self, deadline: float = 8.0) -> list[Ref[Any]]:
        """Close: refuse the outside, work off the inside, flush everyone, within `deadline`
        seconds.

        Returns:
            References to those who could not be flushed, or finish their work, in time.
        """
        if self._closed is None:
            self.closing = True
            self._sweeper.cancel()
            self._closed = asyncio.create_task(self._close(deadline))
        late = await asyncio.shield(self._closed)
        return [Ref(self, cell.kind, cell.key) for cell in late]

    async def _close(self, deadline: float) -> list[Cell]:
        late = await close(tuple(self._kinds.values()), deadline)
        self.closed = True
        await give_up(late)
        log.info("actor.all_stopped", extra={"not_flushed": len(late)})
        return late
