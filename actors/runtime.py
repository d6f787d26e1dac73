"""The asyncio actor type for Pykka: what an actor is, and what it can do in a turn.

The rules of `actors.mailbox`, `actors.futures` and `actors.workbench` hold, and:

Rule 1: a handler's error goes to the asker, and the actor lives on; with nobody asking it is the
actor's own failure (Pykka's rule; virtual actors are then loaded afresh, see `actors.directory`).
Rule 2: only coroutines are awaited: a handler that returns a future returns a value (Pykka's
rule).

Checked with Pykka 4.5.0.  Private names of Pykka that an actor type needs, used in this file and
in `actors.mailbox` only: the hooks for implementors `_create_actor_inbox`, `_create_future`,
`_start_actor_loop`; `Actor._actor_ref`, `_handle_receive`, `_handle_failure`, `_stop`;
`Envelope`; `_ActorStop`.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

import pykka
from pykka.messages import _ActorStop

from actors.futures import (
    ActivationError,
    AsyncioFuture,
    CancelledTurnError,
    DeadlockError,
    EngineError,
    MailboxFullError,
    ShutDownError,
    on_a_loop,
)
from actors.mailbox import Letter, Mailbox, inside, trace_id
from actors.workbench import Workbench, taken_back

T = TypeVar("T")

_pykka_log = logging.getLogger("pykka")
"""Plain actors log what Pykka's do, error texts included; virtual ones never do."""

ASK_SECONDS: Final = 30.0
"""How long an awaited ask waits, unless it says otherwise."""

__all__ = [
    "ActivationError",
    "Asked",
    "AsyncioActor",
    "AsyncioFuture",
    "AsyncioRef",
    "CancelledTurnError",
    "DeadlockError",
    "EngineError",
    "MailboxFullError",
    "Reply",
    "ShutDownError",
    "Told",
    "trace_id",
]


class Told:
    """A message that says what happened; never answered."""

    __slots__ = ()


class Asked(Generic[T]):
    """A message that is answered with a T."""

    __slots__ = ()


class Reply:
    """The answer to an ask that its handler took over (`defer`).

    For a told message, or once the asker was answered, it goes nowhere.
    """

    __slots__ = ("_future",)

    def __init__(self, future: AsyncioFuture[Any] | None) -> None:
        self._future = future

    def answer(self, value: Any) -> None:
        """Answer with `value`."""
        if (future := self._taken()) is not None:
            future.set(value)

    def fail(self, error: BaseException) -> None:
        """Answer with an error."""
        if (future := self._taken()) is not None:
            future.set_exception((type(error), error, error.__traceback__))

    def _taken(self) -> AsyncioFuture[Any] | None:
        future, self._future = self._future, None
        return None if future is None or future.settled else future


class AsyncioRef(pykka.ActorRef[Any]):
    """A reference to a plain asyncio actor.

    `ask` and `stop` block where Pykka's do, except on an event loop: there they return a future
    to await.
    """

    def ask(self, message: Any, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Ask; return the answer, or (on a loop, or with `block=False`) a future of it.

        Awaiting it raises `pykka.Timeout` after `timeout` seconds, by default 30, and
        `DeadlockError` at once if it would wait for itself.
        """
        future = cast("AsyncioFuture[Any]", super().ask(message, block=False))
        future.target = cast("Mailbox", self.actor_inbox)
        future.timeout = ASK_SECONDS if timeout is None else timeout
        return future.get(timeout=timeout) if _blocks(block) else future

    async def send(self, message: Any) -> None:
        """Tell it something; wait for room in its mailbox first."""
        mailbox = cast("PlainMailbox", self.actor_inbox)
        letter = Letter(message)
        await mailbox.room()
        mailbox.admit(letter)

    def stop(self, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Ask it to stop; return whether it was alive, or a future of that (as for `ask`)."""
        stopped = super().stop(block=False)
        return stopped.get(timeout=timeout) if _blocks(block) else stopped


def _blocks(block: bool | None) -> bool:
    return not on_a_loop() if block is None else block


if TYPE_CHECKING:

    class PykkaActor:
        """`pykka.Actor`, as the type checker is to see it: with hooks that may be coroutines."""

        actor_urn: str
        actor_inbox: Any
        actor_ref: Any
        actor_stopped: threading.Event

        def __init__(self, *_args: Any, **_kwargs: Any) -> None: ...
        @classmethod
        def start(cls, *args: Any, **kwargs: Any) -> Any: ...
        def stop(self) -> None: ...
        def on_start(self) -> Any: ...
        def on_stop(self) -> Any: ...
        def on_failure(self, *failure: Any) -> Any: ...
        def on_receive(self, message: Any) -> Any: ...
        def _handle_receive(self, message: Any) -> Any: ...
        def _handle_failure(self, *failure: Any) -> None: ...

else:
    PykkaActor = pykka.Actor


class AsyncioActor(PykkaActor):
    """An actor whose handlers may be coroutines, all on one event loop.

    Subclasses implement `receive`; `on_start`, `on_stop` and `on_failure` may be coroutines too.
    """

    loop: ClassVar[asyncio.AbstractEventLoop | None] = None
    """Where actors live that are started from a thread without a loop."""
    mailbox_limit: ClassVar[int | None] = None
    """How many messages from outside may wait; None: any number."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("PlainMailbox", self.actor_inbox).actor = self
        self._actor_ref = AsyncioRef(cast("Any", self))

    @classmethod
    def _create_actor_inbox(cls) -> Any:
        loop = asyncio.get_running_loop() if on_a_loop() else cls.loop
        if loop is None:
            raise RuntimeError(f"start {cls.__name__} on an event loop, or set {cls.__name__}.loop")
        return PlainMailbox(loop, cls.mailbox_limit)

    @staticmethod
    def _create_future() -> AsyncioFuture[Any]:
        return AsyncioFuture()

    def _start_actor_loop(self) -> None:
        self.actor_inbox.put(Letter(_STARTED))

    def on_receive(self, message: Any) -> Any:
        """Pykka's hook; ours is `receive`."""
        return self.receive(message)

    def receive(self, message: Any) -> Any:
        """Handle one message; the value returned answers an ask."""
        return super().on_receive(message)

    # --- in a turn

    def defer(self) -> Reply:
        """Take over the answer to the ask being handled; what `receive` returns is then ignored.

        The actor owes it until it is given, the asker gives up, or the actor fails.
        """
        return Reply(self._mailbox().defer())

    def pipe(self, work: Coroutine[Any, Any, T], then: Callable[[T | Exception], Told]) -> None:
        """Run `work` beside the mailbox; its outcome comes back as the message that `then` makes
        of it.
        """
        self._bench().pipe(work, then)

    def after(self, seconds: float, message: Told, *, name: str) -> None:
        """Be told `message` after `seconds`; a timer of the same name is replaced."""
        self._bench().after(seconds, message, name=name)

    def cancel(self, name: str) -> None:
        """Take a timer back; if it was not heard yet, it never will be."""
        self._bench().cancel(name)

    def _mailbox(self) -> Mailbox:
        return cast("Mailbox", self.actor_inbox)

    def _bench(self) -> Workbench:
        mailbox = self._mailbox()
        if mailbox.bench is None:
            mailbox.bench = Workbench(mailbox)
        return mailbox.bench

    # --- the end, as Pykka has it, but for coroutines

    def _stop(self) -> Any:
        return self._stopped()  # `_handle_receive` returns it to be awaited

    async def _stopped(self) -> None:
        pykka.ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        _pykka_log.debug("Stopped %s", self)
        await self._guarded(self.on_stop)
        self._mailbox().drop_all(pykka.ActorDeadError(f"{self} stopped before it answered"))

    async def _guarded(self, hook: Callable[[], Any]) -> None:
        """Run a hook; its failure is the actor's failure."""
        try:
            await awaited(hook())
        except Exception:  # noqa: BLE001 - as Pykka does
            self._handle_failure(*sys.exc_info())

    async def _fail(self) -> None:
        """Die of the error being handled."""
        failure = sys.exc_info()
        self._handle_failure(*failure)
        await self._guarded(partial(self.on_failure, *failure))
        self._mailbox().drop_all(pykka.ActorDeadError(f"{self} failed before it answered"))
        del failure  # its traceback knows this frame


_STARTED: Final = object()


class PlainMailbox(Mailbox):
    """The mailbox of an actor that lives from `start` to `stop`, as Pykka has it."""

    __slots__ = ("actor",)

    actor: AsyncioActor

    def accept(self, letter: Letter) -> None:
        """Queue a letter; one that is told and does not fit is the teller's error."""
        if self.actor.actor_stopped.is_set() and self.task is None:
            self.refuse(letter)
        elif self.full and not inside.get() and not isinstance(letter.message, _ActorStop):
            error = MailboxFullError(f"{self.actor} has {self.limit} messages waiting")
            if letter.reply_to is None:
                raise error
            letter.fail(error)
        else:
            super().accept(letter)

    def admit(self, letter: Letter) -> None:
        """Queue a letter whose sender has waited for `room`."""
        if self.actor.actor_stopped.is_set():
            raise pykka.ActorDeadError(f"{self.actor} not found")
        super().accept(letter)

    async def handle(self, letter: Letter) -> None:
        actor = self.actor
        if letter.message is _STARTED:
            await actor._guarded(actor.on_start)  # noqa: SLF001 - one thing with the actor
        elif actor.actor_stopped.is_set():
            self.refuse(letter)
        else:
            await self._turn(actor, letter)

    async def _turn(self, actor: AsyncioActor, letter: Letter) -> None:
        asked = letter.reply_to is not None
        try:
            letter.answer(await awaited(actor._handle_receive(letter.message)))  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 - rule 1
            if asked:
                _pykka_log.info("Exception returned from %s to caller:", actor, exc_info=True)
                letter.fail(error)
            else:
                await actor._fail()  # noqa: SLF001
        except asyncio.CancelledError:
            letter.fail(CancelledTurnError("the turn was cancelled"))
            if taken_back():
                raise
        except BaseException as error:  # noqa: BLE001 - Pykka's rule: it ends all actors
            letter.fail(error)
            _pykka_log.debug("%r in %s. Stopping all actors.", error, actor)
            await actor._stop()  # noqa: SLF001
            pykka.ActorRegistry.stop_all(block=False)

    def refuse(self, letter: Letter) -> None:
        """Settle what came too late: a stop is done already, the rest finds the actor dead."""
        if isinstance(letter.message, _ActorStop):
            letter.answer(None)
        else:
            ref = self.actor.actor_ref
            letter.fail(pykka.ActorDeadError(f"{ref} stopped before handling the message"))


async def awaited(result: Any) -> Any:
    """Return `result`, awaited if it is a coroutine."""
    return await result if type(result) is CoroutineType else result
