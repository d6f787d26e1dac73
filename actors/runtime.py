"""The asyncio actor type for Pykka: what an actor is, and how it works beside its mailbox.

Rules 1-5 stand in `actors.mailbox`.
Rule 6: a handler's error goes to the asker, and the actor lives on; with nobody asking it is the
actor's
        own failure (Pykka's rule; virtual actors are then loaded afresh, see `actors.directory`).
Rule 7: work that is piped, and timers, come back as messages to self: state is only touched in
turns.

Checked with Pykka 4.5.0.  Private names of Pykka that an actor type needs, all used in this file
and in
`actors.mailbox`: the hooks for implementors `_create_actor_inbox`, `_create_future`,
`_start_actor_loop`;
`Actor._actor_ref`, `Actor._handle_receive`, `Actor._handle_failure`, `Actor._stop`; `Envelope`;
`_ActorStop`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextvars import Context
from types import CoroutineType
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

import pykka
from pykka.messages import _ActorStop

from actors.mailbox import (
    ActivationError,
    AsyncioFuture,
    DeadlockError,
    EngineError,
    Letter,
    Mailbox,
    MailboxFullError,
    ShutDownError,
    inside,
    trace_id,
)

T = TypeVar("T")

ASK_SECONDS: Final = 30.0

__all__ = [
    "ActivationError",
    "Asked",
    "AsyncioActor",
    "AsyncioRef",
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
    """The answer to an ask that its handler took over (`defer`); for a told message it goes
    nowhere.
    """

    __slots__ = ("_future", "_settled")

    def __init__(
        self,
        future: AsyncioFuture[Any] | None,
        settled: Callable[[AsyncioFuture[Any]], None] | None = None,
    ) -> None:
        self._future = future
        self._settled = settled

    def answer(self, value: Any) -> None:
        """Answer with `value`, unless the asker was answered already."""
        if (future := self._open()) is not None:
            future.set(value)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, unless the asker was answered already."""
        if (future := self._open()) is not None:
            future.set_exception((type(error), error, None))

    def _open(self) -> AsyncioFuture[Any] | None:
        if self._future is None or self._future.settled:
            return None
        if self._settled is not None:
            self._settled(self._future)
        return self._future


class AsyncioRef(pykka.ActorRef[Any]):
    """A reference to a plain asyncio actor.  On an event loop `await ref.ask(...)`; elsewhere it
    blocks.
    """

    def ask(self, message: Any, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Ask, and return the answer (off a loop) or a future of it (on one, or with
        `block=False`).
        """
        future = super().ask(message, block=False)
        blocks = not running() if block is None else block
        return future.get(timeout=timeout) if blocks else future


class AsyncioActor(pykka.Actor):
    """An actor whose handlers may be coroutines, all on one event loop.

    Subclasses implement `receive`; `on_start`, `on_stop` and `on_failure` may be coroutines too.
    """

    loop: ClassVar[asyncio.AbstractEventLoop | None] = None
    """Where actors live that are started from a thread without a loop."""
    mailbox_limit: ClassVar[int | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mailbox = cast("PlainMailbox", self.actor_inbox)
        mailbox.actor = self
        self._actor_ref = AsyncioRef(self)

    @classmethod
    def _create_actor_inbox(cls) -> Any:
        loop = asyncio.get_running_loop() if running() else cls.loop
        if loop is None:
            raise RuntimeError(f"start {cls.__name__} on an event loop, or set {cls.__name__}.loop")
        return PlainMailbox(loop, cls.mailbox_limit)

    @staticmethod
    def _create_future() -> AsyncioFuture[Any]:
        return AsyncioFuture()

    def _start_actor_loop(self) -> None:
        mailbox = cast("PlainMailbox", self.actor_inbox)
        mailbox.put(Letter(_STARTED))

    def on_receive(self, message: Any) -> Any:
        """Pykka's hook; ours is `receive`."""
        return self.receive(message)

    def receive(self, message: Any) -> Any:
        """Handle one message; the value returned answers an ask."""
        return super().on_receive(message)


_STARTED: Final = object()


class PlainMailbox(Mailbox):
    """The mailbox of an actor that lives from `start` to `stop`, as Pykka has it."""

    actor: AsyncioActor

    def accept(self, letter: Letter) -> None:
        if self.actor.actor_stopped.is_set() and self.task is None:
            refuse(letter, self.actor)
            return
        if self.full and not isinstance(letter.message, _ActorStop):
            letter.fail(MailboxFullError(f"{self.actor} has {self.limit} messages waiting"))
            return
        super().accept(letter)

    async def handle(self, letter: Letter) -> None:
        actor = self.actor
        if letter.message is _STARTED:
            await guarded(actor, actor.on_start)
            return
        if actor.actor_stopped.is_set():
            refuse(letter, actor)
            return
        try:
            answer = await awaited(actor._handle_receive(letter.message))  # noqa: SLF001
        except Exception:  # noqa: BLE001 - rule 6
            if letter.reply_to is not None:
                letter.reply_to.set_exception()
                return
            actor._handle_failure(*sys.exc_info())  # noqa: SLF001
            failure = sys.exc_info()
            await guarded(actor, lambda: actor.on_failure(*failure))
        else:
            if letter.reply_to is not None:
                letter.reply_to.set(answer)


def refuse(letter: Letter, actor: AsyncioActor) -> None:
    """Settle a letter that came too late: a stop is done already, the rest finds the actor dead."""
    if isinstance(letter.message, _ActorStop) and letter.reply_to is not None:
        letter.reply_to.set(None)
        return
    letter.fail(pykka.ActorDeadError(f"{actor.actor_ref} stopped before handling the message"))


async def guarded(actor: AsyncioActor, hook: Callable[[], Any]) -> None:
    """Run a hook; its failure is the actor's failure."""
    try:
        await awaited(hook())
    except Exception:  # noqa: BLE001 - as Pykka does
        actor._handle_failure(*sys.exc_info())  # noqa: SLF001


async def awaited(result: Any) -> Any:
    """Return `result`, awaited if it is a coroutine.

    Only coroutines: a handler that returns a future returns a value (Pykka's semantics).
    """
    return await result if type(result) is CoroutineType else result


def running() -> bool:
    """Return whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Workbench:
    """What an actor has under way beside its mailbox: piped work and timers.

    Everything comes back through `post`, as a message to self, with the trace it began with.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, post: Callable[[Letter], None]) -> None:
        self._loop = loop
        self._post = post
        self._pipes: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def busy(self) -> bool:
        """Whether something will still come back."""
        return bool(self._pipes or self._timers)

    @property
    def pipes(self) -> frozenset["asyncio.Task[None]"]:
        """The piped work that is under way."""
        return frozenset(self._pipes)

    def pipe(self, work: Awaitable[T], then: Callable[[T | Exception], Told]) -> None:
        """Run `work` beside the mailbox; what `then` makes of its outcome is posted."""
        context = Context()
        context.run(inside.set, True)
        context.run(trace_id.set, trace_id.get())
        task = asyncio.Task(self._piped(work, then), loop=self._loop, context=context)
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)

    async def _piped(self, work: Awaitable[T], then: Callable[[T | Exception], Told]) -> None:
        try:
            outcome: T | Exception = await work
        except Exception as error:  # noqa: BLE001 - the outcome is the actor's to judge
            outcome = error
        self._post(Letter(then(outcome)))

    def after(self, seconds: float, message: Told, *, name: str) -> None:
        """Post `message` after `seconds`; a timer of the same name is replaced."""
        self.cancel(name)

        def due() -> None:
            del self._timers[name]
            self._post(Letter(message))

        self._timers[name] = self._loop.call_later(seconds, due)

    def cancel(self, name: str) -> None:
        """Take a timer back, if it is still set."""
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def clear(self, *, pipes: bool = True) -> None:
        """Take back all timers and, with `pipes`, cancel the work under way."""
        for name in tuple(self._timers):
            self.cancel(name)
        if pipes:
            for task in self._pipes:
                task.cancel()
