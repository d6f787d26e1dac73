"""What an actor has under way beside its mailbox: piped work and timers.

Rule 1: everything comes back as a message to the actor itself, with the trace it began with: an
actor's state is only touched in its turns.
Rule 2: a piped work's outcome always comes back, unless the work was taken back with its actor.
Rule 3: a timer that was taken back or replaced is never heard, even if it had rung already.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from actors.failures import about_error
from actors.futures import CancelledTurnError
from actors.mailbox import Letter, Mailbox, inner_context, trace_id

log = logging.getLogger(__name__)

T = TypeVar("T")


class TimerLetter(Letter):
    """The message of a timer, from the moment it is set until it is opened."""

    __slots__ = ("_bench", "_name", "_timer")

    def __init__(self, message: Any, bench: "Workbench", name: str, seconds: float) -> None:
        super().__init__(message)
        self._bench: Workbench | None = bench
        self._name = name
        loop = bench.mailbox.loop
        self._timer = loop.call_later(seconds, bench.mailbox.accept, self)

    def open(self) -> bool:
        bench, self._bench = self._bench, None
        if bench is not None:
            bench.rang(self._name)
        return bench is not None

    def withdraw(self) -> None:
        """See to it that the message is never handled."""
        self._bench = None
        self._timer.cancel()


class Workbench:
    """The piped work and the timers of one activation."""

    __slots__ = ("_pipes", "_timers", "mailbox")

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self._pipes: set[asyncio.Task[None]] = set()
        self._timers: dict[str, TimerLetter] = {}

    @property
    def busy(self) -> bool:
        """Whether something will still come back."""
        return bool(self._pipes or self._timers)

    @property
    def pipes(self) -> tuple["asyncio.Task[None]", ...]:
        """The piped work that is under way."""
        return tuple(self._pipes)

    def pipe(self, work: Coroutine[Any, Any, T], then: Callable[[T | Exception], Any]) -> None:
        """Run `work` beside the mailbox; what `then` makes of its outcome is told to the actor."""
        context = inner_context()
        context.run(trace_id.set, trace_id.get())
        task = asyncio.Task(self._piped(work, then), loop=self.mailbox.loop, context=context)
        self._pipes.add(task)

        def done(task: "asyncio.Task[None]") -> None:
            self._pipes.discard(task)
            work.close()  # if it was taken back before it began: nobody else ever will

        task.add_done_callback(done)

    async def _piped(
        self, work: Coroutine[Any, Any, T], then: Callable[[T | Exception], Any]
    ) -> None:
        outcome: T | Exception
        try:
            outcome = await work
        except asyncio.CancelledError:
            if taken_back():
                raise
            outcome = CancelledTurnError("what the work was waiting for was cancelled")
        except Exception as error:  # noqa: BLE001 - the outcome is the actor's to judge
            outcome = error
        try:
            letter = Letter(then(outcome))
            if self.mailbox.bench is self:  # else it was taken back and did not mind
                self.mailbox.accept(letter)
        except Exception as error:  # noqa: BLE001 - `then` is the actor's own code
            log.error("actor.pipe_failed", extra=about_error(error))
        finally:
            del outcome  # its traceback knows this frame

    def after(self, seconds: float, message: Any, *, name: str) -> None:
        """Tell the actor `message` after `seconds`; a timer of the same name is replaced."""
        self.cancel(name)
        self._timers[name] = TimerLetter(message, self, name, seconds)

    def cancel(self, name: str) -> None:
        """Take a timer back, if it was not heard yet."""
        if (letter := self._timers.pop(name, None)) is not None:
            letter.withdraw()

    def rang(self, name: str) -> None:
        """Note that a timer is being heard."""
        del self._timers[name]

    def clear(self) -> None:
        """Take everything back."""
        for name in tuple(self._timers):
            self.cancel(name)
        for task in self._pipes:
            task.cancel()


def taken_back() -> bool:
    """Return whether this very task was cancelled, and not only something that it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
