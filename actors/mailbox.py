"""Mailboxes: how messages reach an actor, one at a time.

Rule 1: a mailbox owns at most one task, and only while it has work.  That task is the only code
that touches the actor: turns are strictly serial, and an idle actor costs no task and no thread.
Rule 2: between "the queue is empty" and "there is no task" nothing is awaited: no message is
forgotten.
Rule 3: every change of a mailbox happens on its loop's thread; other threads hop there, in order.
Rule 4: a turn carries its teller's trace id and nothing else of the teller's context.
Rule 5: every ask settles: with an answer, with the handler's error, or with one that says why
there is none.
Rule 6: no actor keeps the loop for longer than 5 ms and the turn it is in.
"""

import asyncio
import contextlib
import time
from collections import deque
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from pykka._envelope import Envelope

from actors.futures import AsyncioFuture, ShutDownError, Worker, at_work, on_loop

if TYPE_CHECKING:
    from actors.workbench import Workbench

THROUGHPUT: Final = 64
TURN_SECONDS: Final = 0.005
"""After so many messages or so long, others get the loop.  A count alone lets slow handlers keep
it; a time alone would let a flood of quick ones keep it for as long.
"""

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
"""Names the heard message that everything now happening began with; shown in every log line."""

inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether an actor is at work here (its turn, or work it piped).  Such messages always fit and
pass during shutdown: refusing them would only make the actor crash in the middle of its work.
"""

_INSIDE: Final = Context()
_INSIDE.run(inside.set, True)

_NOTHING: Final[deque["Letter"]] = deque(maxlen=0)
"""The queue of every mailbox that is empty: an idle actor has none of its own."""


class Letter(Envelope[Any]):
    """A message in a mailbox, with the trace it belongs to."""

    __slots__ = ("trace",)

    def __init__(self, message: Any, reply_to: Any = None) -> None:
        self.message = message  # what Pykka's does, without the call: there is one for each message
        self.reply_to = reply_to
        self.trace = trace_id.get()

    def open(self) -> bool:
        """Return whether the message is still to be handled."""
        return True

    def answer(self, value: Any) -> None:
        """Tell the asker, if there is one that waits for this letter."""
        if (future := self.reply_to) is not None:
            self.reply_to = None
            future.set(value)

    def fail(self, error: BaseException) -> None:
        """Tell the asker, if there is one, why there is no answer; a deferred answer too."""
        if (future := self.reply_to) is not None:
            self.reply_to = None  # the error's traceback may know this letter
            future.set_exception((type(error), error, error.__traceback__))

    def defer(self) -> AsyncioFuture[Any] | None:
        """Return the answer that is owed; the turn's own is then ignored, unless it fails."""
        future = self.reply_to
        if not isinstance(future, AsyncioFuture):
            return None
        self.reply_to = Deferred(future)
        return future


class Deferred(AsyncioFuture[Any]):
    """Stands in a letter for an answer that its handler took over."""

    def __init__(self, future: AsyncioFuture[Any]) -> None:
        super().__init__()
        self._future = future

    def set(self, value: Any = None) -> None:
        """Ignore what the turn returned."""

    def set_exception(self, exc_info: Any = None) -> None:
        """A turn that fails has failed its asker, deferred or not."""
        if not self._future.settled:
            self._future.set_exception(exc_info)


def inner_context() -> Context:
    """Return a context that has nothing but `inside`: for work that an actor does."""
    return _INSIDE.copy()


class Mailbox(Worker):
    """What waits for one actor, and the one task that works it off.

    Subclasses say how a letter is handled (`handle`), whether the actor can take one (`ready`),
    and what becomes of a letter that never will be handled (`refuse`).
    """

    __slots__ = (
        "_held",
        "_owed",
        "_waiters",
        "asleep",
        "bench",
        "current",
        "handled",
        "last_turn_ms",
        "letters",
        "limit",
        "loop",
        "paused",
        "task",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int | None = None) -> None:
        super().__init__()
        self.loop = loop
        self.limit = limit
        self.letters = _NOTHING
        self.task: asyncio.Task[None] | None = None
        self.paused = False
        """Whether the work waits for something that will `resume` it."""
        self.asleep = False
        """Whether the actor must be made `ready` before it can take a letter."""
        self.current: Letter | None = None
        """The letter of the turn that is running."""
        self.bench: Workbench | None = None
        self.handled = 0
        self.last_turn_ms = 0.0
        self._owed: list[AsyncioFuture[Any]] | None = None
        self._waiters: deque[asyncio.Future[None]] | None = None
        self._held = 0

    def put(self, letter: Any, /) -> None:
        """Take a letter in, from any thread (Pykka's inbox protocol)."""
        ours = letter if isinstance(letter, Letter) else Letter(letter.message, letter.reply_to)
        on_loop(self.loop, lambda: self.accept(ours))

    def get(self) -> Any:
        """Return the next letter (Pykka's inbox protocol)."""
        letter = self.letters.popleft()
        if self._waiters:
            self._let_in()
        return letter

    def empty(self) -> bool:
        """Return whether nothing waits (Pykka's inbox protocol)."""
        return not self.letters

    def accept(self, letter: Letter) -> None:
        """Queue a letter and see to it that it is worked off."""
        if self.letters is _NOTHING:
            self.letters = deque()
        self.letters.append(letter)
        self.wake()

    def wake(self) -> None:
        """Start the task if there is work and nobody at it.

        `asyncio.Task` directly: an eager task factory would run the receiver inside the sender's
        `tell`.  Its context is empty but for `inside`, so that nothing of the waker's leaks into
        later turns.
        """
        if self.letters and not self.paused and self.task is None:
            self.task = asyncio.Task(self._run(), loop=self.loop, context=inner_context())

    def resume(self) -> None:
        """End a pause."""
        self.paused = False
        self.wake()

    async def _run(self) -> None:
        task = cast("asyncio.Task[None]", self.task)
        at_work[task] = self
        try:
            await self._work_off()
        except BaseException:
            self.refuse_all()  # cancelled, or the program ends: nobody will come for the rest
            raise
        finally:
            del at_work[task]
            self.task = None
            if not self.letters:
                self.letters = _NOTHING
            self.rested()

    async def _work_off(self) -> None:
        count, began = 0, time.perf_counter()
        ended, letters = began, self.letters
        while letters:
            if self.asleep:
                if not await self.ready():
                    return
                ended = time.perf_counter()
            self.current = letter = letters.popleft()
            if self._waiters:
                self._let_in()
            if letter.open():
                if trace_id.get() != letter.trace:
                    trace_id.set(letter.trace)
                try:
                    await self.handle(letter)
                finally:
                    self.current = None
                started, ended = ended, time.perf_counter()
                self.last_turn_ms = (ended - started) * 1000
                self.handled += 1
                count += 1
            if count >= THROUGHPUT or ended - began >= TURN_SECONDS:
                await asyncio.sleep(0)
                count, began = 0, time.perf_counter()
                ended = began

    async def ready(self) -> bool:
        """Wake the actor; return whether it can take a letter.  If not: nothing waits, or
        `paused`.
        """
        return True

    async def handle(self, letter: Letter) -> None:
        """Handle one letter, settle its ask; raises only what ends the program."""
        raise NotImplementedError

    def rested(self) -> None:
        """Note that the task has ended."""

    def refuse(self, letter: Letter) -> None:
        """Settle a letter that will never be handled."""
        letter.fail(ShutDownError("cancelled before it was handled"))

    def refuse_all(self) -> None:
        """Settle everything that waits, and whoever waits to be let in."""
        while self.letters:
            self.refuse(self.letters.popleft())
        while self._waiters:
            if not (slot := self._waiters.popleft()).done():
                slot.set_exception(ShutDownError("the bar is closing"))

    # --- what is under way

    def defer(self) -> AsyncioFuture[Any] | None:
        """Take over the answer to the ask being handled, if it is one."""
        if self.current is None:
            raise RuntimeError("defer() belongs into a turn")
        future = self.current.defer()
        if future is not None:
            future.target = None  # whose turn will settle it is no longer known
            self._owed = [*self._still_owed(), future]
        return future

    def _still_owed(self) -> list[AsyncioFuture[Any]]:
        """Return the deferred answers that somebody still waits for."""
        return [f for f in self._owed or () if not (f.settled or f.forsaken)]

    @property
    def busy(self) -> bool:
        """Whether the actor has something under way: piped work, timers, deferred answers."""
        return (self.bench is not None and self.bench.busy) or bool(self._still_owed())

    def drop_all(self, error: Exception) -> None:
        """End everything under way: take back its work, fail what it owed."""
        if self.bench is not None:
            self.bench.clear()
            self.bench = None
        for future in self._still_owed():
            future.set_exception((type(error), error, None))
        self._owed = None

    # --- a bounded mailbox

    @property
    def full(self) -> bool:
        """Whether one more letter from outside would be too many."""
        return self.limit is not None and len(self.letters) + self._held >= self.limit

    @property
    def deserted(self) -> bool:
        """Whether nothing is here and nobody is about to come in."""
        return not (self.letters or self._waiters or self._held or self.paused)

    async def room(self) -> None:
        """Wait until a letter fits; who waits first is let in first.

        The caller must put its letter before it awaits anything else.
        """
        if not self.full:
            return
        if self._waiters is None:
            self._waiters = deque()
        slot: asyncio.Future[None] = self.loop.create_future()
        self._waiters.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.cancelled():
                with contextlib.suppress(ValueError):  # swept away already
                    self._waiters.remove(slot)
            else:  # the place was given to one who no longer wants it
                self._held -= 1
                self._let_in()
            raise
        self._held -= 1

    def _let_in(self) -> None:
        """Hold a free place for the first who waits for one."""
        while self._waiters and not self.full:
            slot = self._waiters.popleft()
            if not slot.done():
                self._held += 1
                slot.set_result(None)
