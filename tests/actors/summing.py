"""Actors for the tests of the engine: they add up what they are told, and do what they are asked
to go wrong.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.directory import Directory, VirtualActor
from actors.runtime import Asked, Reply, Told, trace_id


@dataclass(frozen=True, slots=True)
class Added(Told):
    number: int


@dataclass(frozen=True, slots=True)
class Broken(Told):
    """Poison: the state is spoiled, then the handler raises.  The text is somebody's secret."""


@dataclass(frozen=True, slots=True)
class Held(Told):
    """The turn lasts until the gate opens."""

    gate: asyncio.Event


@dataclass(frozen=True, slots=True)
class AddedSoon(Told):
    """Adds after a time, by a timer of this name."""

    number: int
    seconds: float
    name: str = "soon"


@dataclass(frozen=True, slots=True)
class TimerTaken(Told):
    name: str = "soon"


@dataclass(frozen=True, slots=True)
class Passed(Told):
    """Tells another actor the same number."""

    to: str
    number: int


@dataclass(frozen=True, slots=True)
class Fetched(Told):
    """Adds what comes through the gate, by a pipe."""

    gate: "asyncio.Future[int]"


@dataclass(frozen=True, slots=True)
class ReadTotal(Asked[int]):
    pass


@dataclass(frozen=True, slots=True)
class ReadTrace(Asked[str]):
    pass


@dataclass(frozen=True, slots=True)
class Divide(Asked[float]):
    by: int


@dataclass(frozen=True, slots=True)
class AwaitCancelled(Asked[None]):
    """Awaits something that was cancelled."""


@dataclass(frozen=True, slots=True)
class Echo(Asked[int]):
    """Answered after the turn, once the gate opens."""

    number: int
    gate: asyncio.Event


@dataclass(frozen=True, slots=True)
class DeferAndFail(Asked[None]):
    pass


@dataclass(frozen=True, slots=True)
class AskEcho(Asked[int]):
    """Asks another for an echo, and awaits it in its turn."""

    of: str
    gate: asyncio.Event


@dataclass(frozen=True, slots=True)
class Stubborn(Told):
    """Pipes work that returns a number even when it is taken back."""

    number: int


@dataclass(frozen=True, slots=True)
class Noticed(Told):
    """Pipes work that looks at its trace; the turn it comes back in looks too."""

    at_work: bool = False


@dataclass(frozen=True, slots=True)
class Left(Told):
    """The actor stops itself, with or without something under way."""

    busy: bool


@dataclass(frozen=True, slots=True)
class AskEachOther(Asked[int]):
    via: tuple[str, ...]


SECRET = "what a guest said in confidence"


class Shelf:
    """What the actors of a test flush to, and what happened to them."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        self.story: list[tuple[str, str]] = []
        self.traces: list[str] = []
        self.broken_loads = 0
        self.broken_flushes = 0
        self.broken_cleanups = 0
        self.slow_flush: Callable[[str], Any] | None = None
        self.at_work: Counter[str] = Counter()

    def of(self, key: str) -> list[str]:
        return [event for event, whose in self.story if whose == key]


class SumActor(VirtualActor):
    """Adds up what it is told."""

    def __init__(self, key: str, shelf: Shelf, directory: Directory) -> None:
        super().__init__(key)
        self.shelf = shelf
        self.directory = directory
        self.total = 0

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        if self.shelf.broken_loads:
            self.shelf.broken_loads -= 1
            raise OSError(SECRET)
        self.total = self.shelf.kept.get(self.key, 0)
        self.shelf.story.append(("load", self.key))

    async def on_stop(self) -> None:
        total = self.total
        await asyncio.sleep(0)
        if self.shelf.slow_flush is not None:
            await self.shelf.slow_flush(self.key)
        if self.shelf.broken_flushes:
            self.shelf.broken_flushes -= 1
            raise OSError(SECRET)
        self.shelf.kept[self.key] = total
        self.shelf.story.append(("flush", self.key))

    async def on_failure(self, *failure: Any) -> None:
        await asyncio.sleep(0)
        self.shelf.story.append(("failure", self.key))
        if self.shelf.broken_cleanups:
            self.shelf.broken_cleanups -= 1
            raise OSError(SECRET)

    async def receive(self, message: Any) -> Any:
        self.shelf.at_work[self.key] += 1
        assert self.shelf.at_work[self.key] == 1, "two turns at once"
        try:
            return await self.turn(message)
        finally:
            self.shelf.at_work[self.key] -= 1

    async def turn(self, message: Any) -> Any:
        match message:
            case Added(number):
                before = self.total
                await asyncio.sleep(0)
                self.total = before + number
            case Broken():
                self.total = -1_000
                raise ValueError(SECRET)
            case Held(gate):
                await gate.wait()
            case AddedSoon(number, seconds, name):
                self.after(seconds, Added(number), name=name)
            case TimerTaken(name):
                self.cancel(name)
            case Passed(to, number):
                self.directory.ref(type(self), to).tell(Added(number))
            case _:
                return await self.answered(message)
        return None

    def piped(self, message: Any) -> bool:
        match message:
            case Fetched(gate):
                self.pipe(self.fetched(gate), self.told)
            case Stubborn(number):
                self.pipe(self.never_mind(number), self.told)
            case Noticed(at_work):
                self.shelf.traces.append(trace_id.get())
                if not at_work:
                    self.pipe(self.noticed(), lambda _outcome: Noticed(True))
            case Left(busy):
                if busy:
                    self.after(1.0, Added(1), name="soon")
                self.stop()
            case _:
                return False
        return True

    async def answered(self, message: Any) -> Any:
        if self.piped(message):
            return None
        match message:
            case AskEcho(of, gate):
                return await self.directory.ref(SumActor, of).ask(Echo(1, gate))
            case ReadTotal():
                return self.total
            case ReadTrace():
                return trace_id.get()
            case Divide(by):
                return 1 / by
            case AwaitCancelled():
                gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                gate.cancel()
                await gate
            case Echo(number, gate):
                self.pipe(self.echoed(self.defer(), number, gate), lambda _: Added(0))
            case DeferAndFail():
                self.defer()
                raise ValueError(SECRET)
            case AskEachOther(via):
                ref = self.directory.ref(SumActor, via[0])
                return await ref.ask(AskEachOther(via[1:]) if via[1:] else ReadTotal())
        return None

    async def echoed(self, reply: Reply, number: int, gate: asyncio.Event) -> None:
        await gate.wait()
        reply.answer(number)

    async def never_mind(self, number: int) -> int:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return number

    async def noticed(self) -> None:
        self.shelf.traces.append(trace_id.get())

    async def fetched(self, gate: "asyncio.Future[int]") -> int:
        return await gate

    def told(self, outcome: int | Exception) -> Told:
        return Added(-1) if isinstance(outcome, Exception) else Added(outcome)


class LimitedActor(SumActor):
    mailbox_limit = 3


class ForemostActor(SumActor):
    """Into whom others flush: registered before them, never passivated."""


def opened(shelf: Shelf, **options: Any) -> Directory:
    """A directory of these actors."""
    made = Directory(**options)
    made.register(ForemostActor, lambda key: ForemostActor(key, shelf, made), idle_after=None)
    made.register(SumActor, lambda key: SumActor(key, shelf, made))
    made.register(LimitedActor, lambda key: LimitedActor(key, shelf, made))
    return made
