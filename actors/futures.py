"""Answers to come, and what waits for what.

Rule 1: an answer is settled once; whoever waits for it is woken, on a loop or in a thread.
Rule 2: awaiting never blocks the loop; `get()` is for threads, and refuses to run on a loop.
Rule 3: an actor that awaits an answer which is (indirectly) waiting for itself is told at once.

Errors: EngineError <- MailboxFullError, ActivationError, ShutDownError, CancelledTurnError;
pykka.Timeout <- DeadlockError.
"""

import asyncio
import queue
import sys
import threading
from collections.abc import Callable, Generator
from functools import partial
from math import ceil
from types import TracebackType
from typing import Any, Final, TypeVar, cast
from weakref import WeakKeyDictionary

import pykka

T = TypeVar("T")

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class EngineError(Exception):
    """Something about actors themselves went wrong."""


class MailboxFullError(EngineError):
    """The actor has more to do than its mailbox holds; the message was not accepted."""


class ActivationError(EngineError):
    """The actor could not load its state, or lost it before it had answered."""


class ShutDownError(EngineError):
    """The bar is closing: the message will not be handled."""


class CancelledTurnError(EngineError):
    """What the handler was waiting for was cancelled."""


class DeadlockError(pykka.Timeout):
    """Awaiting this answer would wait for itself: the actor asked is (indirectly) awaiting the
    asker.
    """


class Worker:
    """What does one thing at a time, and so awaits at most one answer at a time."""

    __slots__ = ("awaiting",)

    def __init__(self) -> None:
        self.awaiting: AsyncioFuture[Any] | None = None


at_work: Final[dict["asyncio.Task[Any]", Worker]] = {}
"""Whose turn each task is running.  Tasks that a turn spawns are not in it (see `_waits`)."""

_settling: Final = threading.Lock()
"""Held for the few instructions that settle an answer or begin to wait for one: one lock for all
of them costs less than a lock in each.
"""


class AsyncioFuture(pykka.Future[T]):
    """An answer to come.

    Args:
        target: who will settle it in a turn, for finding deadlocks; None if that is not known.
        timeout: seconds that `await` waits before it raises `pykka.Timeout`.
    """

    forsaken = False
    """Whether its asker stopped waiting.  Settling it is still no error."""
    _outcome: tuple[T | None, ExcInfo | None] | None = None
    _wakers: tuple[Callable[[], object], ...] = ()
    _get_hook: Any = None
    _get_hook_result: Any = vars(pykka.Future())["_get_hook_result"]

    def __init__(self, target: Worker | None = None, timeout: float | None = None) -> None:
        # Not Pykka's __init__: what it sets stands above, once for all.
        self.target = target
        self.timeout = timeout

    @property
    def settled(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    def set(self, value: T | None = None) -> None:
        """Settle with `value`; a second settling is an error."""
        self._settle((value, None))

    def set_exception(self, exc_info: Any = None) -> None:
        """Settle with an exception (by default the one being handled)."""
        self._settle((None, exc_info or sys.exc_info()))

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Have `get` call `func` for the outcome."""
        with _settling:
            if self._outcome is not None:
                raise queue.Full
            super().set_get_hook(func)

    def get(self, *, timeout: float | None = None) -> T:
        """Return the outcome; block this thread until there is one."""
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if self._outcome is None:
            if on_a_loop():
                raise RuntimeError("get() would block the event loop: await the future instead")
            settled = threading.Event()
            if self._wake_by(settled.set) and not settled.wait(timeout):
                raise pykka.Timeout(f"{timeout} seconds")
        held = [self]
        del self
        return _taken(held)

    def __await__(self) -> Generator[Any, None, T]:
        if self._get_hook is not None:
            return (yield from asyncio.to_thread(self.get).__await__())
        if self._outcome is None:
            yield from self._until_settled().__await__()
        held = [self]
        del self
        return _taken(held)

    async def _until_settled(self) -> None:
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        if not self._wake_by(partial(_wake, loop, waiter)):
            return
        asker = self._waits()
        expiry = expire(loop, waiter, self.timeout) if self.timeout is not None else None
        try:
            if not await waiter:
                raise pykka.Timeout(f"no answer within {self.timeout} seconds")
        finally:
            if asker is not None:
                asker.awaiting = None
            if expiry is not None:
                expiry(waiter)
            self.forsaken = self._outcome is None

    def _waits(self) -> Worker | None:
        """Note that the actor at work in this task, if any, waits for this; return that actor.

        Sound because a worker awaits one answer at a time: who waits for whom is a chain, and
        to follow it is to see every deadlock that closes here.  Helper tasks (`gather`) are not
        followed, nor answers that were deferred; their circles end at the ask's timeout.

        Raises:
            DeadlockError: the chain leads back to the actor at work here.
        """
        task = asyncio.current_task()
        asker = at_work.get(task) if task is not None else None
        if asker is None:
            return None
        link = self.target
        while link is not None:
            if link is asker:
                self.forsaken = True
                raise DeadlockError("this ask would wait for its own asker")
            link = link.awaiting.target if link.awaiting is not None else None
        asker.awaiting = self
        return asker

    def _wake_by(self, waker: Callable[[], object]) -> bool:
        """Have `waker` called once there is an outcome; False if there is one already."""
        with _settling:
            if self._outcome is not None:
                return False
            self._wakers = (*self._wakers, waker)
            return True

    def _settle(self, outcome: tuple[T | None, ExcInfo | None]) -> None:
        with _settling:
            if self._outcome is not None or self._get_hook is not None:
                raise queue.Full
            self._outcome = outcome
            wakers, self._wakers = self._wakers, ()
        for waker in wakers:
            waker()


def _taken(held: list[AsyncioFuture[T]]) -> T:
    """Return or raise the outcome of the future in `held`, and forget the future.

    A traceback holds the frames it went through: a frame that still knew the future, which knows
    the error, which knows the traceback, would be a cycle for the collector to find.
    """
    outcome = held.pop()._outcome  # noqa: SLF001 - one thing with the class above
    assert outcome is not None  # noqa: S101 - callers have waited
    value, failure = outcome
    if failure is None:
        return cast("T", value)
    kind, error, trace = failure
    del outcome, failure
    try:
        raise (error if error is not None else cast("Any", kind)()).with_traceback(trace)
    finally:
        del error, trace


Waiter = asyncio.Future[bool]

DEADLINES_PER_SECOND: Final = 8
_deadlines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, set[Waiter]]] = (
    WeakKeyDictionary()
)


def expire(
    loop: asyncio.AbstractEventLoop, waiter: Waiter, seconds: float
) -> Callable[[Waiter], object]:
    """Have `waiter` end after `seconds`; return what takes that back.

    Nearly every ask is answered long before its timeout, and a timer of its own for each would
    cost more than the rest: from a second on they share one for each eighth of a second.
    """
    if seconds < 1.0:
        timer = loop.call_later(seconds, _end, waiter, False)
        return lambda _waiter: timer.cancel()
    slots = _deadlines.setdefault(loop, {})
    slot = ceil((loop.time() + seconds) * DEADLINES_PER_SECOND)
    if slot not in slots:
        slots[slot] = set()
        loop.call_at(slot / DEADLINES_PER_SECOND, _expired, slots, slot)
    slots[slot].add(waiter)
    return slots[slot].discard


def _expired(slots: dict[int, set[Waiter]], slot: int) -> None:
    for waiter in slots.pop(slot):
        _end(waiter, False)


def _wake(loop: asyncio.AbstractEventLoop, waiter: Waiter) -> None:
    on_loop(loop, partial(_end, waiter, True))


def _end(waiter: Waiter, settled: bool) -> None:
    if not waiter.done():
        waiter.set_result(settled)


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
