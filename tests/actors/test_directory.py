import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pykka
import pytest

from actors.directory import Directory, Ref, VirtualActor
from actors.runtime import (
    ActivationError,
    Asked,
    DeadlockError,
    MailboxFullError,
    Reply,
    ShutDownError,
    Told,
    trace_id,
)


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
class ReadTrace(Asked[str]):
    pass


@dataclass(frozen=True, slots=True)
class Divide(Asked[float]):
    by: int


@dataclass(frozen=True, slots=True)
class Echo(Asked[int]):
    number: int


@dataclass(frozen=True, slots=True)
class AskEachOther(Asked[int]):
    via: tuple[str, ...]


class Shelf:
    """What the actors of a test flush to."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        self.story: list[tuple[str, str]] = []
        self.broken_loads = 0
        self.broken_flushes = 0


class SumActor(VirtualActor):
    """Adds up what it is told."""

    def __init__(self, key: str, shelf: Shelf, directory: Directory) -> None:
        super().__init__(key)
        self.shelf = shelf
        self.directory = directory
        self.total = 0
        self.held: list[Reply] = []

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        if self.shelf.broken_loads:
            self.shelf.broken_loads -= 1
            raise OSError("no shelf")
        self.total = self.shelf.kept.get(self.key, 0)
        self.shelf.story.append(("load", self.key))

    async def on_stop(self) -> None:
        await asyncio.sleep(0)
        if self.shelf.broken_flushes:
            self.shelf.broken_flushes -= 1
            raise OSError("no shelf")
        self.shelf.kept[self.key] = self.total
        self.shelf.story.append(("flush", self.key))

    async def receive(self, message: Any) -> Any:
        match message:
            case Added(number):
                before = self.total
                await asyncio.sleep(0)
                self.total = before + number
            case Broken():
                self.total = -1_000
                raise ValueError("poison")
            case Held(gate):
                await gate.wait()
            case ReadTotal():
                return self.total
            case ReadTrace():
                return trace_id.get()
            case Divide(by):
                return 1 / by
            case Echo(number):
                reply = self.defer()
                self.pipe(self.answered(reply, number), lambda _outcome: Added(0))
            case AskEachOther(via):
                ref = self.directory.ref(SumActor, via[0])
                return await ref.ask(AskEachOther(via[1:]) if via[1:] else ReadTotal())
        return None

    async def answered(self, reply: Reply, number: int) -> None:
        await asyncio.sleep(0)
        reply.answer(number)


class LimitedActor(SumActor):
    mailbox_limit = 3


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def directory(shelf: Shelf) -> AsyncIterator[Directory]:
    made = Directory(capacity=5, rng=random.Random(1))
    made.register(SumActor, lambda key: SumActor(key, shelf, made), idle_after=60.0)
    made.register(LimitedActor, lambda key: LimitedActor(key, shelf, made), idle_after=None)
    yield made
    await made.shutdown(deadline=2.0)


def let_go(directory: Directory, ref: Ref[Any]) -> None:
    """Passivate an actor, as the sweeper does with an idle one."""
    ref.dismiss()


class TestTurns:
    async def test_turns_of_one_actor_are_serial(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")

        for number in range(200):
            ref.tell(Added(number))

        assert await ref.ask(ReadTotal()) == sum(range(200))

    async def test_an_idle_actor_has_no_task(self, directory: Directory) -> None:
        before = len(asyncio.all_tasks())

        for key in "abc":
            await directory.ref(SumActor, key).ask(ReadTotal())
        await asyncio.sleep(0)

        assert len(asyncio.all_tasks()) == before

    async def test_an_error_goes_to_the_asker_and_the_actor_lives_on(
        self, directory: Directory
    ) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(5))

        with pytest.raises(ZeroDivisionError):
            await ref.ask(Divide(0))

        assert await ref.ask(ReadTotal()) == 5

    async def test_an_answer_can_come_after_the_turn(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")

        answers = await asyncio.gather(*(ref.ask(Echo(n)) for n in range(5)))

        assert answers == [0, 1, 2, 3, 4]

    async def test_an_ask_that_is_not_answered_in_time_says_so(self, directory: Directory) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.Event()
        ref.tell(Held(gate))

        with pytest.raises(pykka.Timeout):
            await ref.ask(ReadTotal(), timeout=0.01)
        gate.set()

        assert await ref.ask(ReadTotal()) == 0

    async def test_an_actor_that_asks_itself_is_told_at_once(self, directory: Directory) -> None:
        with pytest.raises(DeadlockError):
            await directory.ref(SumActor, "a").ask(AskEachOther(("a",)))

    async def test_a_circle_of_asks_is_told_at_once(self, directory: Directory) -> None:
        with pytest.raises(DeadlockError):
            await directory.ref(SumActor, "a").ask(AskEachOther(("b", "c", "a")))

    async def test_a_chain_of_asks_is_none(self, directory: Directory) -> None:
        assert await directory.ref(SumActor, "a").ask(AskEachOther(("b", "c", "d"))) == 0

    async def test_a_turn_has_its_tellers_trace_and_nobody_elses(
        self, directory: Directory
    ) -> None:
        ref = directory.ref(SumActor, "a")

        token = trace_id.set("first")
        first = ref.ask(ReadTrace())
        trace_id.set("second")
        second = ref.ask(ReadTrace())
        trace_id.reset(token)
        third = ref.ask(ReadTrace())

        assert [await first, await second, await third] == ["first", "second", ""]


class TestMailbox:
    async def test_a_full_mailbox_refuses_the_outside_clearly(self, directory: Directory) -> None:
        ref, gate = directory.ref(LimitedActor, "a"), asyncio.Event()
        ref.tell(Held(gate))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for _ in range(3):
            ref.tell(Added(1))

        with pytest.raises(MailboxFullError):
            ref.tell(Added(1))
        with pytest.raises(MailboxFullError):
            await ref.ask(ReadTotal())

        gate.set()

    async def test_send_waits_for_room_and_keeps_the_order(self, directory: Directory) -> None:
        ref, gate = directory.ref(LimitedActor, "a"), asyncio.Event()
        ref.tell(Held(gate))

        async def sender() -> None:
            for _ in range(50):
                await ref.send(Added(1))

        sending = asyncio.create_task(sender())
        gate.set()
        await sending
        await ref.send(Added(0))

        assert directory.counts["mailbox_full"] == 0
        while directory.snapshot()[0].waiting:
            await asyncio.sleep(0)
        assert await ref.ask(ReadTotal()) == 50


class TestPassivation:
    async def test_state_survives_it(self, directory: Directory, shelf: Shelf) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(7))
        await ref.ask(ReadTotal())

        let_go(directory, ref)
        await asyncio.sleep(0)
        total = await ref.ask(ReadTotal())

        assert total == 7
        assert shelf.story == [("load", "a"), ("flush", "a"), ("load", "a")]

    async def test_messages_told_meanwhile_are_handled_in_order_after_it(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")
        await ref.ask(ReadTotal())

        let_go(directory, ref)
        await asyncio.sleep(0)
        for _ in range(10):
            ref.tell(Added(1))
            await asyncio.sleep(0)

        assert await ref.ask(ReadTotal()) == 10
        assert shelf.story[:3] == [("load", "a"), ("flush", "a"), ("load", "a")]

    async def test_a_flush_that_fails_keeps_the_actor(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(3))
        await ref.ask(ReadTotal())
        shelf.broken_flushes = 1

        let_go(directory, ref)

        assert await ref.ask(ReadTotal()) == 3
        assert shelf.story == [("load", "a")]

    async def test_over_capacity_the_longest_unused_goes(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        for key in "abcdef":
            await directory.ref(SumActor, key).ask(ReadTotal())
        while ("flush", "a") not in shelf.story:
            await asyncio.sleep(0)

        assert directory.active == 5
        assert [event for event in shelf.story if event[0] == "flush"] == [("flush", "a")]


class TestFailure:
    async def test_a_crash_loses_that_message_only_and_reloads_what_was_kept(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        shelf.kept["a"] = 10
        ref = directory.ref(SumActor, "a")

        ref.tell(Broken())
        ref.tell(Added(1))

        assert await ref.ask(ReadTotal()) == 11
        assert [(d.message, d.reason) for d in directory.dead_letters] == [("Broken", "crashed")]

    async def test_a_failed_load_answers_asks_and_keeps_what_was_told(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        shelf.broken_loads = 1
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(4))

        with pytest.raises(ActivationError):
            await ref.ask(ReadTotal())
        while ("load", "a") not in shelf.story:
            await asyncio.sleep(0.001)

        assert await ref.ask(ReadTotal()) == 4


class TestShutdown:
    async def test_everything_told_is_handled_and_flushed(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        for key in "abc":
            for number in range(10):
                directory.ref(SumActor, key).tell(Added(number))

        late = await directory.shutdown(deadline=2.0)

        assert late == []
        assert shelf.kept == {"a": 45, "b": 45, "c": 45}

    async def test_the_outside_is_refused(self, directory: Directory) -> None:
        await directory.shutdown(deadline=2.0)

        with pytest.raises(ShutDownError):
            directory.ref(SumActor, "a").tell(Added(1))
        with pytest.raises(ShutDownError):
            await directory.ref(SumActor, "a").ask(ReadTotal())

    async def test_who_does_not_make_it_is_named(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "stuck")
        ref.tell(Held(asyncio.Event()))

        late = await directory.shutdown(deadline=0.05)

        assert [r.key for r in late] == ["stuck"]


class TestInterleavings:
    @pytest.mark.parametrize("seed", range(30))
    async def test_nothing_is_lost_or_mixed_up_between_keys(
        self, directory: Directory, shelf: Shelf, seed: int
    ) -> None:
        dice = random.Random(seed)
        expected = dict.fromkeys("abcdefgh", 0)

        for _ in range(300):
            key = dice.choice("abcdefgh")
            ref = directory.ref(SumActor, key)
            match dice.randrange(4):
                case 0:
                    let_go(directory, ref)
                case 1:
                    await asyncio.sleep(0)
                case _:
                    number = dice.randrange(100)
                    expected[key] += number
                    ref.tell(Added(number))
        late = await directory.shutdown(deadline=5.0)

        assert late == []
        assert {k: shelf.kept.get(k, 0) for k in expected} == expected
        for key in expected:
            events = [event for event, k in shelf.story if k == key]
            assert events == ["load", "flush"] * (len(events) // 2)
