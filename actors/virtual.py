"""Virtual actors and their places: activation, turns, failure and passivation of one key.

The rules are those of `actors.directory`, which knows all places; this file keeps 1 to 7 of them.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from actors.failures import about_error
from actors.futures import ActivationError, CancelledTurnError, ShutDownError
from actors.mailbox import Letter, Mailbox, trace_id
from actors.runtime import AsyncioActor, Told, awaited
from actors.workbench import taken_back
from storage.ids import hashed

if TYPE_CHECKING:
    from actors.directory import Directory

log = logging.getLogger(__name__)

A = TypeVar("A", bound="VirtualActor")

BACKOFF_SECONDS: Final = 0.25
BACKOFF_CAP_SECONDS: Final = 30.0
LOAD_ATTEMPTS: Final = 16
"""Failed loads after which what was told is given up: after two to five minutes."""
FORGIVEN_SECONDS: Final = 300.0
"""A crash this long ago no longer counts against an actor."""
MAILBOX_LIMIT: Final = 1_000
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Dismissed(Told):
    """Flush and leave memory, unless there is something to do.  From the directory."""


@dataclass(frozen=True, slots=True)
class Revived(Told):
    """Load again what crashed in the middle of something.  From the place itself."""


_FOR_THE_PLACE: Final = frozenset((Dismissed, Revived))


class VirtualActor(AsyncioActor):
    """An actor that the directory activates by its first message and passivates when it is idle.

    `on_start` loads its state, `on_stop` flushes it; `receive` handles everything else.
    """

    mailbox_limit: ClassVar[int | None] = MAILBOX_LIMIT

    def __init__(self, key: Any) -> None:
        # Not Pykka's __init__: identity, life and references of a virtual actor are the
        # directory's, and a urn, an event and a weak reference for each cost more than the rest.
        self.key = key

    @property
    def label(self) -> str:
        """What stands for this actor in logs: by default a keyed hash of its key."""
        return hashed(repr(self.key))

    def __str__(self) -> str:
        return f"{type(self).__name__} ({self.label})"

    async def on_start(self) -> None:
        """Load what this actor owns, and take up what it had under way."""

    async def on_stop(self) -> None:
        """Flush what this actor owns."""

    def receive(self, message: Any) -> Any:
        """Handle one message; the value returned answers an ask."""
        raise NotImplementedError(f"{type(self).__name__} hears no {type(message).__name__}")

    def tell_self(self, message: Told) -> None:
        """Put a message at the end of the own mailbox."""
        self._mailbox().accept(Letter(message))

    def stop(self) -> None:
        """Leave memory after what waits now, unless something is under way."""
        cast("Cell", self.actor_inbox).dismiss()


@dataclass(slots=True)
class Kind(Generic[A]):
    """How one class of actors is made and kept, and its places, the longest unused first."""

    actor_class: type[A]
    make: Callable[[Any], A]
    idle_after: float | None
    cells: "OrderedDict[Hashable, Cell]" = field(default_factory=OrderedDict)


class Cell(Mailbox):
    """The place of one key: its mailbox, which outlives activations, and its activation if there
    is one.
    """

    __slots__ = (
        "_crashed",
        "_crashed_at",
        "_crashes",
        "_failed_loads",
        "_label",
        "_resuming",
        "actor",
        "directory",
        "dismissed",
        "flushing",
        "key",
        "kind",
        "restarts",
        "used_at",
    )

    def __init__(self, directory: "Directory", kind: Kind[Any], key: Hashable) -> None:
        super().__init__(directory.loop, kind.actor_class.mailbox_limit)
        self.directory = directory
        self.kind = kind
        self.key = key
        self.actor: VirtualActor | None = None
        self.asleep = True
        self.restarts = 0
        """Crashes since this place is known."""
        self.used_at = NEVER
        self.dismissed = False
        """Whether a `Dismissed` waits in the mailbox."""
        self.flushing = False
        self._failed_loads = 0
        """Failed loads in a row."""
        self._crashes = 0
        """Crashes that count against it."""
        self._crashed_at = float("-inf")
        self._crashed = False
        """Whether the last activation ended in a crash."""
        self._resuming: asyncio.TimerHandle | None = None
        self._label: str | None = None

    @property
    def name(self) -> str:
        return self.kind.actor_class.__name__

    @property
    def label(self) -> str:
        return self._label or hashed(repr(self.key))

    @property
    def state(self) -> str:
        """What it does now: passive, paused, loading, flushing, working, busy or idle."""
        if self.actor is None:
            return "paused" if self.paused else "loading" if self.task else "passive"
        if self.task is not None:
            return "flushing" if self.flushing else "working"
        return "busy" if self.busy else "idle"

    @property
    def remembered(self) -> bool:
        """Whether this place must be kept though nobody lives here."""
        return not self.deserted or self.loop.time() - self._crashed_at < FORGIVEN_SECONDS

    @property
    def vacant(self) -> bool:
        """Whether nobody lives here, and nothing is on its way in."""
        return self.actor is None and self.task is None and self.deserted

    @property
    def idle(self) -> bool:
        """Whether somebody lives here and has nothing to do."""
        return self.actor is not None and self.task is None and not self.letters and not self.busy

    # --- letters

    def accept(self, letter: Letter) -> None:
        if self.task is not None:
            self.letters.append(letter)
        elif self.paused and self._failed_loads and letter.reply_to is not None:
            letter.fail(ActivationError(f"{self.name} cannot load its state at the moment"))
        else:
            self.directory.presence.touch(self)  # once for each burst
            super().accept(letter)

    def dismiss(self) -> None:
        """Ask it to leave.  To be asked that is no use of it: it keeps its age."""
        if not self.dismissed:
            self.dismissed = True
            self.directory.presence.leaving += 1
            letter = Letter(Dismissed())
            letter.trace = ""  # whoever needs the room is no part of this
            super().accept(letter)

    def _stays(self) -> None:
        """Note that a `Dismissed` was heard; whoever still lives here stays."""
        self.dismissed = False
        self.directory.presence.leaving -= 1

    def refuse(self, letter: Letter) -> None:
        """Settle a letter that nobody will handle."""
        self._bury(letter, "shut_down", ShutDownError("the bar is closing"))

    def refuse_all(self) -> None:
        """Give this place up as it is."""
        self._drop()
        super().refuse_all()

    def _bury(self, letter: Letter, reason: str, error: Exception) -> None:
        if isinstance(letter.message, Dismissed):
            self._stays()
        elif letter.reply_to is not None:
            letter.fail(error)
        elif not isinstance(letter.message, Revived):
            self.directory.bury(self, letter, reason)

    async def handle(self, letter: Letter) -> None:
        message, actor = letter.message, self.actor
        assert actor is not None  # noqa: S101 - `ready` said so
        if type(message) in _FOR_THE_PLACE:
            if isinstance(message, Dismissed):
                await self._passivate(actor)
            return
        asked = letter.reply_to is not None
        try:
            answer = actor.receive(message)
            if type(answer) is CoroutineType:
                answer = await answer
            if asked:
                letter.answer(answer)
        except asyncio.CancelledError:
            if taken_back():
                self.refuse(letter)
                raise
            error = CancelledTurnError("what the turn was waiting for was cancelled")
            await self._turn_failed(actor, letter, error, asked)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this actor's alone
            await self._turn_failed(actor, letter, error, asked)
        except BaseException:
            self.refuse(letter)
            raise

    async def _turn_failed(
        self, actor: VirtualActor, letter: Letter, error: Exception, asked: bool
    ) -> None:
        about = self._about(message_type=type(letter.message).__name__, **about_error(error))
        if asked:
            log.info("actor.ask_failed", extra=about)
            letter.fail(error)
            return
        log.error("actor.crashed", extra=about)
        self._bury(letter, "crashed", error)
        try:
            await awaited(actor.on_failure(type(error), error, error.__traceback__))
        except Exception as second:  # noqa: BLE001 - it is being dropped anyway
            log.error("actor.cleanup_failed", extra=self._about(**about_error(second)))
        self._crash()

    # --- life

    async def ready(self) -> bool:
        while self.actor is None and self.letters and not self.paused:
            if isinstance(self.letters[0].message, Dismissed):
                self.get()
                self._stays()
            else:
                await self._activate()
        return self.actor is not None

    def rested(self) -> None:
        if self.actor is None and not self.remembered:
            self.directory.forget(self)
        self.directory.presence.make_room()

    async def _activate(self) -> None:
        started = time.perf_counter()
        trace_id.set(self.letters[0].trace)
        try:
            actor = self.kind.make(self.key)
            actor.actor_inbox = self
            self._label = actor.label
            await actor.on_start()
        except asyncio.CancelledError:
            if taken_back():
                raise
            self._load_failed(CancelledTurnError("what the load was waiting for was cancelled"))
        except Exception as error:  # noqa: BLE001 - rule 6
            self._load_failed(error)
        else:
            self.actor, self.asleep = actor, False
            self._failed_loads = 0
            event = "actor.restarted" if self._crashed else "actor.activated"
            self._crashed = False
            log.info(event, extra=self._about(ms=ms_since(started), waiting=len(self.letters)))
            self.directory.counts["activated"] += 1
            self.directory.presence.entered()

    def _load_failed(self, error: Exception) -> None:
        self.drop_all(error)
        self._failed_loads += 1
        about = self._about(attempt=self._failed_loads, **about_error(error))
        log.warning("actor.not_loaded", extra=about)
        gives_up = self._failed_loads >= LOAD_ATTEMPTS or self.directory.closing
        for _ in range(len(self.letters)):
            letter = self.get()
            if letter.reply_to is not None or gives_up:
                self._bury(letter, "not_loaded", ActivationError(f"{self.name} was not loaded"))
            else:
                self.letters.append(letter)
        self._pause(self._failed_loads)
        if gives_up:
            self._failed_loads = 0

    def _crash(self) -> None:
        """Forget the activation; what it owns is as it was last stored."""
        had_work = self.busy or self.kind.idle_after is None
        now = self.loop.time()
        self._crashes = 1 if now - self._crashed_at > FORGIVEN_SECONDS else self._crashes + 1
        self._crashed_at, self._crashed = now, True
        self.restarts += 1
        self._drop()
        self._pause(self._crashes)
        if had_work and not self.directory.closing:
            super().accept(Letter(Revived()))

    def _drop(self) -> None:
        self.drop_all(ActivationError(f"{self.name} failed before it could answer"))
        if self.actor is not None:
            self.actor, self.asleep = None, True
            self.directory.presence.left()

    def _pause(self, attempt: int) -> None:
        """Let nobody wake this mailbox for a while, longer after each failure in a row."""
        if self.directory.closing:
            return
        seconds = min(BACKOFF_SECONDS * 2.0 ** (attempt - 1), BACKOFF_CAP_SECONDS)
        self.paused = True
        jittered = seconds * self.directory.rng.uniform(0.5, 1.0)
        self._resuming = self.loop.call_later(jittered, self.resume)

    def resume(self) -> None:
        """End the pause, if there is one."""
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        super().resume()
        if self.task is None:
            self.rested()

    async def _passivate(self, actor: VirtualActor) -> None:
        try:
            if not self.letters and (self.directory.closing or not self.busy):
                await self._flush(actor)
        finally:
            self.flushing = False
            self._stays()

    async def _flush(self, actor: VirtualActor) -> None:
        started = time.perf_counter()
        self.flushing = True
        try:
            await actor.on_stop()
        except asyncio.CancelledError:
            if taken_back():
                raise
            self._flush_failed(CancelledTurnError("what the flush was waiting for was cancelled"))
        except Exception as error:  # noqa: BLE001 - rule 4
            self._flush_failed(error)
        else:
            about = self._about(ms=ms_since(started), handled=self.handled)
            log.info("actor.passivated", extra=about)
            self._drop()

    def _flush_failed(self, error: Exception) -> None:
        log.error("actor.flush_failed", extra=self._about(**about_error(error)))
        self.directory.presence.touch(self)

    def _about(self, **more: object) -> dict[str, object]:
        return {"actor": self.name, "key": self.label, **more}


def ms_since(started: float) -> float:
    """Return the milliseconds since `started` (of `time.perf_counter`)."""
    return round((time.perf_counter() - started) * 1000, 2)
