"""Virtual actors and the places they live in: activation, turns, failure, passivation of one key.
key.

Rules 1 to 7 of `actors.directory` are kept here.
"""

import logging
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from actors.mailbox import ActivationError, AsyncioFuture, Letter, Mailbox
from actors.runtime import AsyncioActor, Reply, Told, Workbench, awaited
from storage.ids import hashed

if TYPE_CHECKING:
    from actors.directory import Directory

log = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound="VirtualActor")

BACKOFF_SECONDS: Final = 0.25
BACKOFF_CAP_SECONDS: Final = 30.0
LOAD_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Passivate(Told):
    """Flush and leave memory.  Put into the actor's own mailbox by the directory."""


class VirtualActor(AsyncioActor):
    """An actor that the directory activates by its first message and passivates when it is idle.

    `on_start` loads its state, `on_stop` flushes it; `receive` handles everything else.
    """

    _cell: "Cell"

    def __init__(self, key: Any) -> None:
        # Not Pykka's __init__: a urn, an event and a weak reference for each would cost more than
        # the rest.
        # Identity, life and references of a virtual actor are the directory's.
        self.key = key

    @property
    def label(self) -> str:
        """What stands for this actor in logs: a keyed hash of its key."""
        return hashed(repr(self.key))

    async def on_start(self) -> None:  # type: ignore[override] # Pykka's hooks return nothing
        """Load what this actor owns."""

    async def on_stop(self) -> None:  # type: ignore[override]
        """Flush what this actor owns."""

    def tell_self(self, message: Told) -> None:
        """Put a message at the end of the own mailbox."""
        self._cell.accept(Letter(message))

    def defer(self) -> Reply:
        """Take over the answer to the ask being handled; what `receive` returns is then ignored."""
        return self._cell.defer()

    def pipe(self, work: Coroutine[Any, Any, T], then: Callable[[T | Exception], Told]) -> None:
        """Run `work` beside the mailbox; its outcome comes back as the message that `then` makes
        of it.
        """
        self._cell.bench.pipe(work, then)

    def after(self, seconds: float, message: Told, *, name: str) -> None:
        """Be told `message` after `seconds`; a timer of the same name is replaced."""
        self._cell.bench.after(seconds, message, name=name)

    def cancel(self, name: str) -> None:
        """Take a timer back, if it is still set."""
        self._cell.bench.cancel(name)


class Cell(Mailbox):
    """The place of one key: its mailbox, which outlives activations, and its activation if there
    is one.
    """

    def __init__(self, directory: "Directory", kind: "Kind[Any]", key: Hashable) -> None:
        super().__init__(directory.loop, kind.actor_class.mailbox_limit)
        self.directory = directory
        self.kind = kind
        self.key = key
        self.actor: VirtualActor | None = None
        self.bench = Workbench(directory.loop, self.accept)
        self.restarts = 0
        self.failed_loads = 0
        self.used_at = 0.0
        self._current: Letter | None = None
        self._owed: set[AsyncioFuture[Any]] = set()

    @property
    def name(self) -> str:
        return self.kind.actor_class.__name__

    @property
    def label(self) -> str:
        return self.actor.label if self.actor else hashed(repr(self.key))

    def accept(self, letter: Letter) -> None:
        self.used_at = self.loop.time()
        super().accept(letter)

    def defer(self) -> Reply:
        letter = self._current
        if letter is None:
            raise RuntimeError("defer() belongs into a turn")
        future, letter.reply_to = letter.reply_to, None
        if not isinstance(future, AsyncioFuture):
            return Reply(None)
        self._owed.add(future)
        return Reply(future, self._owed.discard)

    def _owe_nothing(self) -> None:
        """Settle what was deferred by an activation that is gone."""
        owed, self._owed = self._owed, set()
        for future in owed:
            Reply(future).fail(ActivationError(f"{self.name} failed before it could answer"))

    # --- life
    # -------------------------------------------------------------------------------------------

    async def ready(self) -> bool:
        if self.actor is not None:
            return True
        if isinstance(self.letters[0].message, Passivate):
            self.letters.popleft()
            return bool(self.letters) and await self.ready()
        return await self._activate()

    async def _activate(self) -> bool:
        started = time.perf_counter()
        actor = self.kind.make(self.key)
        actor._cell = self  # noqa: SLF001 - the two are one thing in two files' worth of concerns
        try:
            await actor.on_start()
        except Exception as error:  # noqa: BLE001 - rule 6
            self._load_failed(error)
            return False
        self.actor = actor
        self.failed_loads = 0
        self.directory.activated(self)
        event = "actor.restarted" if self.restarts and self.handled else "actor.activated"
        log.info(event, extra=self._about(ms=ms_since(started), waiting=len(self.letters)))
        return True

    def _load_failed(self, error: Exception) -> None:
        self.bench.clear()
        self.failed_loads += 1
        log.warning(
            "actor.not_loaded", extra=self._about(error=named(error), where=frames_of(error))
        )
        kept: deque[Letter] = deque()
        gives_up = self.failed_loads >= LOAD_ATTEMPTS
        for letter in self.letters:
            if letter.reply_to is not None:
                letter.fail(ActivationError(f"{self.name} could not load its state"))
            elif gives_up:
                self.directory.bury(self, letter, "not_loaded")
            else:
                kept.append(letter)
        self.letters = kept
        if gives_up:
            self.failed_loads = 0
        if kept:
            self._pause(self.failed_loads)
        else:
            self.directory.passivated(self)

    def _pause(self, attempt: int) -> None:
        """Let nobody wake this mailbox for a while."""
        seconds = min(BACKOFF_SECONDS * 2 ** (attempt - 1), BACKOFF_CAP_SECONDS)
        self.paused = True
        self.loop.call_later(seconds * self.directory.rng.uniform(0.5, 1.0), self._resume)

    def _resume(self) -> None:
        self.paused = False
        self.wake()

    def wake(self) -> None:
        if not self.paused:
            super().wake()

    # --- turns
    # ------------------------------------------------------------------------------------------

    async def handle(self, letter: Letter) -> None:
        actor = self.actor
        assert actor is not None  # noqa: S101 - `ready` said so
        if isinstance(letter.message, Passivate):
            await self._passivate(actor)
            return
        self._current = letter
        try:
            answer = await awaited(actor.receive(letter.message))
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this actor's alone
            self._failed(letter, error)
        else:
            if letter.reply_to is not None:
                letter.reply_to.set(answer)
        finally:
            self._current = None

    def _failed(self, letter: Letter, error: Exception) -> None:
        if letter.reply_to is not None:
            log.info(
                "actor.ask_failed",
                extra=self._about(error=named(error), message_type=kind_of(letter)),
            )
            letter.fail(error)
            return
        self.restarts += 1
        log.error(
            "actor.crashed",
            extra=self._about(
                error=named(error), where=frames_of(error), message_type=kind_of(letter)
            ),
        )
        self.directory.bury(self, letter, "crashed")
        self.bench.clear()
        self._owe_nothing()
        self.actor = None
        self.directory.passivated(self)
        if self.letters:
            self._pause(min(self.restarts, 6))

    async def _passivate(self, actor: VirtualActor) -> None:
        if self.letters or (self.bench.busy and not self.directory.closing):
            return  # no longer idle
        started = time.perf_counter()
        try:
            await actor.on_stop()
        except Exception as error:  # noqa: BLE001 - rule 4
            log.error(
                "actor.flush_failed", extra=self._about(error=named(error), where=frames_of(error))
            )
            self.used_at = self.loop.time()
            return
        log.info("actor.passivated", extra=self._about(ms=ms_since(started), handled=self.handled))
        self.bench.clear()
        self._owe_nothing()
        self.actor = None
        self.directory.passivated(self)

    def _about(self, **more: object) -> dict[str, object]:
        return {"actor": self.name, "key": self.label, **more}


@dataclass(slots=True)
class Kind(Generic[A]):
    """How one class of actors is made and kept."""

    actor_class: type[A]
    make: Callable[[Any], A]
    idle_after: float | None
    active: "OrderedDict[Hashable, Cell]"


def kind_of(letter: Letter) -> str:
    """Return what kind of message a letter holds; never what is in it."""
    return type(letter.message).__name__


def named(error: BaseException) -> str:
    """Return what kind of error it is; its text may quote what somebody wrote."""
    return type(error).__name__


def frames_of(error: BaseException) -> str:
    """Return where an error came from, as file:line of its last frames."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in frames)


def ms_since(started: float) -> float:
    """Return the milliseconds since `started` (of `time.perf_counter`)."""
    return round((time.perf_counter() - started) * 1000, 2)
