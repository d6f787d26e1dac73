import asyncio
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.futures import AsyncioFuture, ShutDownError
from actors.mailbox import Letter, Mailbox, trace_id
from tests.actors.virtual_time import in_virtual_time


class Noted(Mailbox):
    """A mailbox whose actor notes what it is told, and does what it is told if that can be
    called.
    """

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(asyncio.get_running_loop(), limit)
        self.noted: list[Any] = []

    async def handle(self, letter: Letter) -> None:
        if callable(letter.message):
            await letter.message()
        else:
            self.noted.append(letter.message)
            letter.answer(letter.message)


async def until_empty(mailbox: Mailbox) -> None:
    while mailbox.task is not None:
        await asyncio.sleep(0)


class TestTask:
    async def test_an_idle_mailbox_has_none_and_no_queue_of_its_own(self) -> None:
        first, second = Noted(), Noted()
        before = len(asyncio.all_tasks())

        first.accept(Letter(1))
        await until_empty(first)

        assert first.noted == [1]
        assert len(asyncio.all_tasks()) == before
        assert first.letters is second.letters

    async def test_a_working_mailbox_has_one(self) -> None:
        mailbox, gate = Noted(), asyncio.Event()
        before = len(asyncio.all_tasks())

        for _ in range(5):
            mailbox.accept(Letter(gate.wait))
            await asyncio.sleep(0)
        during = len(asyncio.all_tasks())
        gate.set()
        await until_empty(mailbox)

        assert (before, during) == (1, 2)

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="no eager tasks before 3.12")
    async def test_a_receiver_never_runs_inside_the_senders_tell(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009
        mailbox = Noted()

        mailbox.accept(Letter(1))
        noted_at_once = list(mailbox.noted)
        await until_empty(mailbox)
        loop.set_task_factory(None)

        assert noted_at_once == []
        assert mailbox.noted == [1]

    async def test_a_cancelled_one_settles_what_waits_and_can_go_on(self) -> None:
        mailbox = Noted()
        answer: AsyncioFuture[Any] = AsyncioFuture()
        mailbox.accept(Letter(asyncio.Event().wait))
        mailbox.accept(Letter(1, answer))
        await asyncio.sleep(0)

        assert mailbox.task is not None
        mailbox.task.cancel()
        with pytest.raises(ShutDownError):
            await answer
        mailbox.accept(Letter(2))
        await until_empty(mailbox)

        assert mailbox.noted == [2]


class TestFairness:
    async def test_others_get_the_loop_after_so_many_messages(self) -> None:
        mailbox = Noted()
        for number in range(1_000):
            mailbox.accept(Letter(number))

        most, before = 0, 0
        while mailbox.task is not None:
            await asyncio.sleep(0)
            most, before = max(most, len(mailbox.noted) - before), len(mailbox.noted)

        assert len(mailbox.noted) == 1_000
        assert most <= 64

    async def test_others_get_the_loop_after_so_long(self) -> None:
        mailbox, turns = Noted(), 0

        async def slow() -> None:
            nonlocal turns
            turns += 1
            began = time.perf_counter()
            while time.perf_counter() - began < 0.002:
                pass

        for _ in range(20):
            mailbox.accept(Letter(slow))
        most, before = 0, 0
        while mailbox.task is not None:
            await asyncio.sleep(0)
            most, before = max(most, turns - before), turns

        assert turns == 20
        assert most <= 3  # of 2 ms each: 5 ms and the turn it is in


class TestThreads:
    async def test_nothing_is_lost_and_each_thread_keeps_its_order(self) -> None:
        mailbox = Noted()

        def tell(name: int) -> None:
            for number in range(500):
                mailbox.put(Letter((name, number)))

        threads = [threading.Thread(target=tell, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        while len(mailbox.noted) < 2_000:
            await asyncio.sleep(0)
        for thread in threads:
            thread.join()

        for name in range(4):
            assert [n for who, n in mailbox.noted if who == name] == list(range(500))


class TestContext:
    async def test_a_turn_knows_its_tellers_trace_and_nothing_else_of_it(self) -> None:
        seen: list[str] = []

        async def look() -> None:
            seen.append(trace_id.get())
            trace_id.set("spoiled")

        mailbox = Noted()
        for trace in ("first", "second"):
            token = trace_id.set(trace)
            mailbox.accept(Letter(look))
            trace_id.reset(token)
        mailbox.accept(Letter(look))
        await until_empty(mailbox)

        assert seen == ["first", "second", ""]
        assert trace_id.get() == ""


class TestRoom:
    @given(
        limit=st.integers(1, 4),
        senders=st.lists(st.integers(1, 6), min_size=1, max_size=6),
        impatient=st.sets(st.integers(0, 5)),
    )
    def test_the_limit_holds_the_first_to_wait_is_first_and_nobody_waits_for_ever(
        self, limit: int, senders: list[int], impatient: set[int]
    ) -> None:
        async def evening() -> None:
            mailbox, gate = Noted(limit), asyncio.Event()
            mailbox.accept(Letter(gate.wait))
            await asyncio.sleep(0)
            sent: list[tuple[int, int]] = []

            async def send(name: int, count: int) -> None:
                for number in range(count):
                    await mailbox.room()
                    assert len(mailbox.letters) < limit
                    mailbox.accept(Letter((name, number)))
                    sent.append((name, number))

            tasks = [asyncio.create_task(send(n, count)) for n, count in enumerate(senders)]
            await asyncio.sleep(1)
            for name in impatient & set(range(len(tasks))):
                tasks[name].cancel()
            asyncio.get_running_loop().call_soon(gate.set)
            await asyncio.wait(tasks, timeout=10)
            await until_empty(mailbox)

            assert all(task.done() for task in tasks)
            assert mailbox.noted == sent
            assert mailbox.deserted
            for name, task in enumerate(tasks):
                told = [number for who, number in sent if who == name]
                assert told == list(range(len(told)))
                assert task.cancelled() or len(told) == senders[name]

        in_virtual_time(evening())

    async def test_a_place_given_to_one_who_left_goes_to_the_next(self) -> None:
        mailbox, gates = Noted(limit=1), [asyncio.Event(), asyncio.Event()]
        mailbox.accept(Letter(gates[0].wait))
        await asyncio.sleep(0)
        mailbox.accept(Letter(gates[1].wait))
        first = asyncio.create_task(mailbox.room())
        second = asyncio.create_task(mailbox.room())
        await asyncio.sleep(0)

        gates[0].set()
        while len(mailbox.letters):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({second}, timeout=1)
        gates[1].set()
        await until_empty(mailbox)

        assert first.cancelled()
        assert second.done()
        assert mailbox.deserted
