import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pykka
import pytest

from actors.runtime import Asked, AsyncioActor, DeadlockError, MailboxFullError, Reply, Told


@dataclass(frozen=True, slots=True)
class Added(Told):
    number: int


@dataclass(frozen=True, slots=True)
class Broken(Told):
    pass


@dataclass(frozen=True, slots=True)
class Held(Told):
    gate: asyncio.Event


@dataclass(frozen=True, slots=True)
class ReadTotal(Asked[int]):
    pass


@dataclass(frozen=True, slots=True)
class Divide(Asked[float]):
    by: int


@dataclass(frozen=True, slots=True)
class ReadVia(Asked[int]):
    refs: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReadLater(Asked[int]):
    pass


@dataclass(frozen=True, slots=True)
class AddedBy(Told):
    """Adds after some seconds, by a timer or by a pipe."""

    number: int
    how: str


class SumActor(AsyncioActor):
    """A plain actor: from start to stop, with hooks and handlers that are coroutines."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.story: list[str] = []
        self.owed: list[Reply] = []

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        self.story.append("start")

    async def on_stop(self) -> None:
        await asyncio.sleep(0)
        self.story.append("stop")

    async def on_failure(self, *failure: Any) -> None:
        await asyncio.sleep(0)
        self.story.append(f"failure: {failure[0].__name__}")

    async def receive(self, message: Any) -> Any:
        match message:
            case Added(number):
                before = self.total
                await asyncio.sleep(0)
                self.total = before + number
                for reply in self.owed:
                    reply.answer(self.total)
                    reply.answer(-1)  # it was answered already
            case Broken():
                raise ValueError
            case Held(gate):
                await gate.wait()
            case ReadTotal():
                return self.total
            case Divide(by):
                return 1 / by
            case ReadVia(refs):
                return await refs[0].ask(ReadVia(refs[1:]) if refs[1:] else ReadTotal())
            case ReadLater():
                self.owed.append(self.defer())
                return "ignored"
            case AddedBy(number, "timer"):
                self.after(0.0, Added(number), name="soon")
            case AddedBy(number, _):
                self.pipe(asyncio.sleep(0, number), self.piped)
        return None

    def piped(self, outcome: int | Exception) -> Told:
        assert not isinstance(outcome, Exception)
        return Added(outcome)

    def story_so_far(self) -> list[str]:
        return list(self.story)


class LimitedActor(SumActor):
    mailbox_limit = 2


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    for ref in pykka.ActorRegistry.get_all():
        pykka.ActorRegistry.unregister(ref)


class TestLife:
    async def test_hooks_may_be_coroutines(self) -> None:
        ref = SumActor.start()
        actor = ref._actor_weakref()

        ref.tell(Added(1))
        assert await ref.ask(ReadTotal()) == 1
        assert await ref.stop() is True

        assert actor.story == ["start", "stop"]
        assert not ref.is_alive()

    async def test_a_failure_with_nobody_asking_is_the_end(self) -> None:
        ref = SumActor.start()
        actor = ref._actor_weakref()

        ref.tell(Broken())
        with pytest.raises(pykka.ActorDeadError):
            await ref.ask(ReadTotal())

        assert actor.story == ["start", "failure: ValueError"]
        assert await ref.stop() is False

    async def test_an_error_goes_to_the_asker_and_the_actor_lives_on(self) -> None:
        ref = SumActor.start()

        with pytest.raises(ZeroDivisionError):
            await ref.ask(Divide(0))

        assert await ref.ask(ReadTotal()) == 0

    async def test_every_ask_that_races_the_end_is_settled(self) -> None:
        ref = SumActor.start()
        asks = []

        async def ask() -> None:
            for _ in range(100):
                asks.append(ref.ask(ReadTotal(), timeout=5.0))
                await asyncio.sleep(0)

        asking = [asyncio.create_task(ask()) for _ in range(5)]
        await asyncio.sleep(0)
        ref.stop()
        await asyncio.gather(*asking)
        outcomes = await asyncio.gather(*asks, return_exceptions=True)

        assert len(outcomes) == 500
        assert {type(outcome) for outcome in outcomes} <= {int, pykka.ActorDeadError}

    async def test_what_was_told_before_the_end_is_handled(self) -> None:
        ref = SumActor.start()
        actor = ref._actor_weakref()

        for _ in range(100):
            ref.tell(Added(1))
        await ref.stop()

        assert actor.total == 100


class TestTurn:
    async def test_turns_are_serial(self) -> None:
        ref = SumActor.start()

        for number in range(200):
            ref.tell(Added(number))

        assert await ref.ask(ReadTotal()) == sum(range(200))

    @pytest.mark.parametrize("how", ["timer", "pipe"])
    async def test_timers_and_piped_work_come_back_as_messages(self, how: str) -> None:
        ref = SumActor.start()
        answer = ref.ask(ReadLater())

        ref.tell(AddedBy(7, how))

        assert await answer == 7

    async def test_a_deferred_answer_fails_with_its_actor(self) -> None:
        ref = SumActor.start()
        answer = ref.ask(ReadLater())

        ref.stop()

        with pytest.raises(pykka.ActorDeadError):
            await answer

    async def test_nothing_can_be_deferred_outside(self) -> None:
        actor = SumActor.start()._actor_weakref()

        with pytest.raises(RuntimeError):
            actor.defer()

    async def test_a_circle_of_asks_is_told_at_once(self) -> None:
        first, second, third = SumActor.start(), SumActor.start(), SumActor.start()

        with pytest.raises(DeadlockError):
            await first.ask(ReadVia((first,)))
        with pytest.raises(DeadlockError):
            await first.ask(ReadVia((second, third, first)))

        assert await first.ask(ReadVia((second, third))) == 0


class TestMailbox:
    async def test_a_full_one_refuses_clearly_but_an_end_always_fits(self) -> None:
        ref, gate = LimitedActor.start(), asyncio.Event()
        await ref.ask(ReadTotal())
        ref.tell(Held(gate))
        await asyncio.sleep(0)
        ref.tell(Added(1))
        ref.tell(Added(1))

        with pytest.raises(MailboxFullError):
            ref.tell(Added(1))
        with pytest.raises(MailboxFullError):
            await ref.ask(ReadTotal())
        stopped = ref.stop()
        gate.set()

        assert await stopped is True

    async def test_send_waits_for_room(self) -> None:
        ref = LimitedActor.start()
        actor = ref._actor_weakref()

        for _ in range(50):
            await ref.send(Added(1))
        await ref.stop()

        assert actor.total == 50


class TestProxy:
    async def test_works_on_a_loop(self) -> None:
        proxy = SumActor.start().proxy()

        assert await proxy.story_so_far() == ["start"]
        assert await proxy.total == 0
        await proxy.receive(Added(4))
        assert await proxy.total == 4


class TestThreads:
    async def test_may_ask_and_block_as_pykka_does(self) -> None:
        ref = SumActor.start()
        answers: list[int] = []

        def ask() -> None:
            ref.tell(Added(5))
            answers.append(ref.ask(ReadTotal(), timeout=5.0))

        thread = threading.Thread(target=ask)
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0)

        assert answers == [5]

    def test_cannot_start_actors_without_a_loop(self) -> None:
        with pytest.raises(RuntimeError):
            SumActor.start()
