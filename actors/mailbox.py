"""Mailboxes and answers: how messages reach an actor, one at a time, and how asks are settled.

Rule 1: a mailbox owns at most one task, and only while it has work.  That task is the only code
that
        touches the actor, so turns are strictly serial and an idle actor costs no task and no
        thread.
Rule 2: between "the queue is empty" and "there is no task" nothing is awaited: no message is
forgotten.
Rule 3: every change of a mailbox happens on its loop's thread; other threads hop there, in order.
Rule 4: each turn carries its teller's trace id and nothing else of the teller's context.
Rule 5: every ask settles: with an answer, with the handler's error, or with one that says why
there is none.

Errors: EngineError <- MailboxFullError, ActivationError, ShutDownError;  pykka.Timeout <-
DeadlockError.
"""

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextvars import Context, ContextVar
from typing import Any, Final, TypeVar, cast

import pykka
from pykka._envelope import Envelope

T = TypeVar("T")

THROUGHPUT: Final = 64
TURN_SECONDS: Final = 0.005
"""After so many messages or so long a mailbox lets others have the loop (a count alone lets slow
handlers hold it; time alone is asked too often)."""

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
"""Names the heard message that everything now happening began with; shown in every log line."""

inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether an actor is at work here (its turn, or work it piped): such sends pass during
shutdown.
"""


class EngineError(Exception):
    """Something about actors themselves went wrong."""


class MailboxFullError(EngineError):
    """The actor has more to do than its mailbox holds; the message was not accepted."""


class ActivationError(EngineError):
    """The actor could not load its state; the ask was not handled."""


class ShutDownError(EngineError):
    """The bar is closing: nothing new is accepted from outside."""


class DeadlockError(pykka.Timeout):
    """Awaiting this answer would wait for itself: the actor asked is (indirectly) awaiting the
    asker.
    """


class Letter(Envelope[Any]):
    """A message in its mailbox, with the trace it belongs to."""

    __slots__ = ("trace",)

    def __init__(self, message: Any, reply_to: "AsyncioFuture[Any] | None" = None) -> None:
        super().__init__(message, reply_to)
        self.trace = trace_id.get()

    def fail(self, error: BaseException) -> None:
        """Tell the asker, if there is one, why there is no answer."""
        if self.reply_to is not None:
            self.reply_to.set_exception((type(error), error, None))


class AsyncioFuture(pykka.Future[T]):
    """An answer to come.  `await` never blocks the loop; `get()` is for other threads."""

    def __init__(self, target: "Mailbox | None" = None, timeout: float | None = None) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._outcome: tuple[T | None, BaseException | None] | None = None
        self._wakers: list[Callable[[], object]] = []
        self._target = target
        self._timeout = timeout

    def set(self, value: T | None = None) -> None:
        """Settle with `value`; a second settling is an error."""
        self._settle((value, None))

    def set_exception(self, exc_info: Any = None) -> None:
        """Settle with an exception (by default the one being handled)."""
        error = (exc_info or sys.exc_info())[1]
        self._settle((None, error))

    @property
    def settled(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    def get(self, *, timeout: float | None = None) -> T:
        """Block this thread until there is an outcome; on an event loop use `await` instead."""
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if self._outcome is None:
            if on_a_loop():
                raise RuntimeError("get() would block the event loop: await the future instead")
            settled = threading.Event()
            if self._wake_by(settled.set) and not settled.wait(timeout):
                raise pykka.Timeout(f"{timeout} seconds")
        return self._result()

    def __await__(self) -> Generator[Any, None, T]:
        if self._get_hook is not None:
            return asyncio.to_thread(self.get).__await__()
        return self._wait().__await__()

    async def _wait(self) -> T:
        if self._outcome is None:
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()

            def wake() -> None:
                if not waiter.done():
                    waiter.set_result(None)

            if self._wake_by(lambda: on_loop(loop, wake)):
                with Waiting(self._target):
                    try:
                        async with asyncio.timeout(self._timeout):
                            await waiter
                    except TimeoutError:
                        raise pykka.Timeout(f"no answer within {self._timeout} seconds") from None
        return self._result()

    def _wake_by(self, waker: Callable[[], object]) -> bool:
        """Have `waker` called once there is an outcome; False if there is one already."""
        with self._lock:
            if self._outcome is not None:
                return False
            self._wakers.append(waker)
            return True

    def _settle(self, outcome: tuple[T | None, BaseException | None]) -> None:
        with self._lock:
            if self._outcome is not None or self._get_hook is not None:
                raise RuntimeError("this future has its outcome already")
            self._outcome = outcome
            wakers, self._wakers = self._wakers, []
        for waker in wakers:
            waker()

    def _result(self) -> T:
        assert self._outcome is not None  # noqa: S101 - for the type checker; callers have waited
        value, error = self._outcome
        if error is not None:
            try:
                raise error
            finally:
                del error  # the traceback holds this frame: do not let the frame hold the error
        return cast("T", value)


class Waiting:
    """While inside, the mailbox at work here awaits `target`: a chain that would close is refused.

    Sound because a serial actor awaits one answer at a time: what waits for what is a chain.
    Helper tasks (`gather`) are not followed; their cycles end at the ask's timeout.
    """

    __slots__ = ("_asker", "_target")

    def __init__(self, target: "Mailbox | None") -> None:
        task = asyncio.current_task()
        self._asker = _at_work.get(task) if task else None
        self._target = target

    def __enter__(self) -> None:
        if self._asker is None or self._target is None:
            return
        link: Mailbox | None = self._target
        while link is not None:
            if link is self._asker:
                raise DeadlockError("this ask would wait for its own asker")
            link = link.awaiting
        self._asker.awaiting = self._target

    def __exit__(self, *_: object) -> None:
        if self._asker is not None:
            self._asker.awaiting = None


_at_work: dict["asyncio.Task[Any]", "Mailbox"] = {}


def on_a_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Run `call` on `loop`: at once if that is where we are, else as soon as it can."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is loop:
        call()
    elif not loop.is_closed():
        loop.call_soon_threadsafe(call)


class Mailbox:
    """What waits for one actor, and the one task that works it off.

    Subclasses say how a letter is handled (`handle`) and whether the actor can take one (`ready`).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int | None = None) -> None:
        self.loop = loop
        self.limit = limit
        self.letters: deque[Letter] = deque()
        self.task: asyncio.Task[None] | None = None
        self.awaiting: Mailbox | None = None
        self.handled = 0
        self.last_turn_ms = 0.0
        self._space: deque[asyncio.Future[None]] = deque()

    def put(self, letter: Any) -> None:
        """Take a letter in, from any thread."""
        on_loop(self.loop, lambda: self.accept(letter))

    def get(self) -> Any:
        """Return the next letter (Pykka's inbox protocol)."""
        return self.letters.popleft()

    def empty(self) -> bool:
        """Return whether nothing waits."""
        return not self.letters

    @property
    def full(self) -> bool:
        """Whether another letter from outside would be too many."""
        return self.limit is not None and len(self.letters) >= self.limit

    def accept(self, letter: Letter) -> None:
        """Queue a letter and see to it that it is worked off.  On the loop's thread."""
        self.letters.append(letter)
        self.wake()

    def wake(self) -> None:
        """Start the task if there is work and none at it.

        `asyncio.Task` directly: an eager task factory would run the receiver inside the sender's
        tell. Its context is empty but for `inside`, so that nothing of the waker's leaks into
        later turns.
        """
        if self.task is None and self.letters:
            context = Context()
            context.run(inside.set, True)
            self.task = asyncio.Task(self._run(), loop=self.loop, context=context)

    async def room(self) -> None:
        """Wait until a letter fits; the first to wait is the first to be let in."""
        while self.full:
            slot: asyncio.Future[None] = self.loop.create_future()
            self._space.append(slot)
            try:
                await slot
            except asyncio.CancelledError:
                if slot in self._space:
                    self._space.remove(slot)
                else:
                    self._let_in()  # the slot was given to one who no longer wants it
                raise

    def _let_in(self) -> None:
        while self._space and not self.full:
            slot = self._space.popleft()
            if not slot.done():
                slot.set_result(None)
                return

    async def _run(self) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        _at_work[task] = self
        try:
            await self._work_off()
        finally:
            del _at_work[task]
            self.task = None
            if self.letters and not self.paused:
                self.wake()

    paused: bool = False
    """Whether work waits for something else (a backoff) that will call `wake`."""

    async def _work_off(self) -> None:
        count, until = 0, self.loop.time() + TURN_SECONDS
        while self.letters and await self.ready():
            letter = self.letters.popleft()
            self._let_in()
            started = time.perf_counter()
            trace_id.set(letter.trace)
            await self.handle(letter)
            self.handled += 1
            self.last_turn_ms = (time.perf_counter() - started) * 1000
            count += 1
            if count >= THROUGHPUT or self.loop.time() >= until:
                await asyncio.sleep(0)
                count, until = 0, self.loop.time() + TURN_SECONDS

    async def ready(self) -> bool:
        """Return whether the actor can take a letter now."""
        return True

    async def handle(self, letter: Letter) -> None:
        """Handle one letter; never raises for what the letter causes."""
        raise NotImplementedError
