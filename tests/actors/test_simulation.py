"""Whole lives of a few actors, in every order the dice can think of, in virtual time.

The numbers in the names of the checks are the rules of `actors.directory`.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.directory import Directory, Ref, VirtualActor
from actors.runtime import Asked, Told, trace_id
from tests.actors.virtual_time import VirtualLoop, in_virtual_time

KEYS = "abcd"


@dataclass(frozen=True, slots=True)
class Said(Told):
    """The `number`th message of `sender`; `then` is what happens in its turn."""

    sender: int
    number: int
    then: str = ""


@dataclass(frozen=True, slots=True)
class Recited(Told):
    """Comes back from a pipe or a timer."""

    number: int


@dataclass(frozen=True, slots=True)
class Recite(Asked[int]):
    """How many messages the actor remembers."""

    deferred: bool = False


class Chronicle:
    """What happened, as seen from outside the engine, and what must be true of it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.shelf: dict[str, tuple[Said, ...]] = {}
        self.memory: dict[str, list[Said]] = {key: [] for key in KEYS}
        """What each actor must remember: what it handled since the last load, and the shelf."""
        self.handled: dict[str, list[Said]] = {key: [] for key in KEYS}
        self.alive: dict[str, object | None] = dict.fromkeys(KEYS)
        self.turns: Counter[str] = Counter()
        self.recited: Counter[int] = Counter()

    def pause(self) -> Any:
        return asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.1, 1.0)))


class ChroniclerActor(VirtualActor):
    mailbox_limit = 8

    def __init__(self, key: str, chronicle: Chronicle) -> None:
        super().__init__(key)
        self.chronicle = chronicle
        self.memory: list[Said] = []

    async def on_start(self) -> None:
        chronicle = self.chronicle
        assert chronicle.alive[self.key] is None, "rule 1: one activation"
        chronicle.alive[self.key] = self
        await chronicle.pause()
        if chronicle.dice.random() < 0.1:
            chronicle.alive[self.key] = None
            raise OSError
        self.memory = list(chronicle.shelf.get(self.key, ()))
        chronicle.memory[self.key] = list(self.memory)

    async def on_stop(self) -> None:
        chronicle, snapshot = self.chronicle, tuple(self.memory)
        await chronicle.pause()
        assert snapshot == tuple(self.memory), "rule 3: nothing is handled while it is flushed"
        if chronicle.dice.random() < 0.1:
            raise OSError
        chronicle.shelf[self.key] = snapshot
        chronicle.alive[self.key] = None

    async def receive(self, message: Any) -> Any:
        turns = self.chronicle.turns
        turns[self.key] += 1
        assert turns[self.key] == 1, "one turn at a time"
        assert self.chronicle.alive[self.key] is self
        try:
            return await self.turn(message)
        finally:
            turns[self.key] -= 1

    async def turn(self, message: Any) -> Any:
        match message:
            case Said():
                await self.hear(message)
            case Recited(number):
                self.chronicle.recited[number] += 1
            case Recite(deferred=True):
                reply, count = self.defer(), len(self.memory)

                async def later() -> None:
                    await self.chronicle.pause()
                    reply.answer(count)

                self.pipe(later(), lambda _outcome: Recited(-1))
            case Recite():
                assert self.memory == self.chronicle.memory[self.key], "rule 5: the fold"
                return len(self.memory)
        return None

    async def hear(self, said: Said) -> None:
        assert trace_id.get() == f"{said.sender}/{said.number}", "the teller's trace"
        await self.chronicle.pause()
        self.memory.append(said)
        self.chronicle.memory[self.key].append(said)
        self.chronicle.handled[self.key].append(said)
        match said.then:
            case "crash":
                self.chronicle.alive[self.key] = None
                self.chronicle.memory[self.key] = list(self.chronicle.shelf.get(self.key, ()))
                raise ValueError
            case "pipe":
                self.pipe(self.chronicle.pause(), lambda _outcome: Recited(said.number))
            case "timer":
                seconds = self.chronicle.dice.choice((0.0, 0.5))
                self.after(seconds, Recited(said.number), name=str(said.number))


async def sender(name: int, refs: list[Ref[ChroniclerActor]], chronicle: Chronicle) -> list[Any]:
    """Tell, ask, dismiss and wait; return what was told and the answers."""
    dice, told = chronicle.dice, []
    answers = []
    for number in range(dice.randrange(40)):
        ref = dice.choice(refs)
        match dice.randrange(12):
            case 0:
                ref.dismiss()
            case 1 | 2:
                answers.append(ref.ask(Recite(dice.random() < 0.5), timeout=500.0))
            case 3:
                await asyncio.sleep(dice.choice((0.01, 1.0, 20.0)))
            case _:
                said = Said(name, number, dice.choice(("", "", "", "pipe", "timer", "crash")))
                trace_id.set(f"{name}/{number}")
                await ref.send(said)
                told.append((ref.key, said))
        if dice.random() < 0.5:
            await chronicle.pause()
    return [told, await asyncio.gather(*answers, return_exceptions=True)]


async def evening(dice: random.Random) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    chronicle = Chronicle(dice)
    directory = Directory(capacity=2, idle_after=10.0, clock=loop.now, rng=dice)
    directory.register(ChroniclerActor, lambda key: ChroniclerActor(key, chronicle))
    refs = [directory.ref(ChroniclerActor, key) for key in KEYS]

    stories = await asyncio.gather(*(sender(name, refs, chronicle) for name in range(4)))
    if dice.random() < 0.5:
        await asyncio.sleep(200.0)
    late = await directory.shutdown(deadline=60.0)

    assert late == []
    assert directory.active == directory.presence.leaving == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    check_messages([pair for told, _ in stories for pair in told], chronicle, directory)
    for _, answers in stories:
        known = (int, BaseException)
        assert all(isinstance(answer, known) for answer in answers)
        assert not any(isinstance(answer, AssertionError) for answer in answers)
    assert not any(dead.message == "Recite" for dead in directory.dead_letters)


def check_messages(
    told: list[tuple[str, Said]], chronicle: Chronicle, directory: Directory
) -> None:
    """Nothing vanishes, nothing happens twice, everything in the order it was told."""
    for key in KEYS:
        handled = chronicle.handled[key]
        assert len(set(handled)) == len(handled)
        for name in range(4):
            mine = [said for whose, said in told if whose == key and said.sender == name]
            heard = [said for said in handled if said.sender == name]
            assert heard == [said for said in mine if said in heard], "rule 2: in order"
        kept = list(chronicle.shelf.get(key, ()))
        assert kept == chronicle.memory[key], "rule 4: what is flushed is the fold"
    everything = sum(len(handled) for handled in chronicle.handled.values())
    not_loaded = [d for d in directory.dead_letters if (d.message, d.reason) == LOST]
    assert everything + len(not_loaded) == len(told), "rule 9: nothing vanishes"
    crashed = [s for handled in chronicle.handled.values() for s in handled if s.then == "crash"]
    assert directory.counts["dead_crashed"] == len(crashed), "rule 9: one dead letter each"


LOST = ("Said", "not_loaded")


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_order_of_events_breaks_a_rule(seed: int) -> None:
    dice = random.Random(seed)

    in_virtual_time(evening(dice), dice)


@pytest.mark.parametrize("seed", range(20))
def test_nor_does_the_usual_order(seed: int) -> None:
    in_virtual_time(evening(random.Random(seed)))
