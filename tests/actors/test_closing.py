import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from actors.directory import Directory
from actors.mailbox import inside
from actors.runtime import ActivationError, ShutDownError
from tests.actors.summing import (
    Added,
    AddedSoon,
    Broken,
    Echo,
    Fetched,
    ForemostActor,
    Held,
    LimitedActor,
    Passed,
    ReadTotal,
    Shelf,
    SumActor,
    opened,
)
from tests.actors.virtual_time import in_virtual_time


def closing(shelf: Shelf, directory: Directory, deadline: float = 8.0) -> Coroutine[Any, Any, Any]:
    """Close; return the keys of those who did not make it, and how long it took."""

    async def measured() -> tuple[list[Any], float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        late = await directory.shutdown(deadline=deadline)
        return [ref.key for ref in late], loop.time() - began

    return measured()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


class TestDoors:
    def test_everything_told_is_handled_and_flushed(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            for key in "abc":
                for number in range(10):
                    directory.ref(SumActor, key).tell(Added(number))
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert (late, took) == ([], 0.0)
        assert shelf.kept == {"a": 45, "b": 45, "c": 45}

    def test_the_outside_is_refused(self, shelf: Shelf) -> None:
        async def evening() -> None:
            directory = opened(shelf)
            ref, gate = directory.ref(SumActor, "a"), asyncio.Event()
            ref.tell(Held(gate))
            shutdown = asyncio.create_task(directory.shutdown())
            await asyncio.sleep(0)

            with pytest.raises(ShutDownError):
                ref.tell(Added(1))
            with pytest.raises(ShutDownError):
                await ref.send(Added(1))
            with pytest.raises(ShutDownError):
                await ref.ask(ReadTotal())
            gate.set()
            assert await shutdown == []
            with pytest.raises(ShutDownError):
                directory.ref(SumActor, "new").tell(Added(1))

        in_virtual_time(evening())

        assert shelf.kept == {"a": 0}

    def test_the_inside_is_not(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory, gate = opened(shelf), asyncio.Event()
            directory.ref(SumActor, "a").tell(Held(gate))
            directory.ref(SumActor, "a").tell(Passed("b", 7))
            asyncio.get_running_loop().call_later(1.0, gate.set)
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert (late, took) == ([], 1.0)
        assert shelf.kept == {"a": 0, "b": 7}

    def test_until_all_is_closed(self, shelf: Shelf) -> None:
        async def evening() -> None:
            directory = opened(shelf)
            await directory.shutdown()
            inside.set(True)  # as in work that an actor piped and that outlived it
            with pytest.raises(ShutDownError):
                directory.ref(SumActor, "a").tell(Added(1))

        in_virtual_time(evening())

        assert shelf.story == []

    def test_whoever_waits_to_be_let_in_is_refused(self, shelf: Shelf) -> None:
        async def evening() -> list[Any]:
            directory = opened(shelf)
            ref = directory.ref(LimitedActor, "a")
            ref.tell(Held(asyncio.Event()))
            senders = [asyncio.create_task(ref.send(Added(1))) for _ in range(10)]
            await asyncio.sleep(1.0)
            await directory.shutdown(deadline=1.0)
            return await asyncio.gather(*senders, return_exceptions=True)

        outcomes = in_virtual_time(evening())

        assert [type(o) for o in outcomes] == [type(None)] * 3 + [ShutDownError] * 7

    def test_closing_twice_is_closing_once(self, shelf: Shelf) -> None:
        async def evening() -> list[Any]:
            directory = opened(shelf)
            directory.ref(SumActor, "a").tell(Held(asyncio.Event()))
            return await asyncio.gather(directory.shutdown(1.0), directory.shutdown(9.0))

        first, second = in_virtual_time(evening())

        assert first == second
        assert [ref.key for ref in first] == ["a"]


class TestWork:
    def test_piped_work_is_awaited(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory, gate = opened(shelf), asyncio.get_running_loop().create_future()
            directory.ref(SumActor, "a").tell(Fetched(gate))
            asyncio.get_running_loop().call_later(2.0, gate.set_result, 5)
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert (late, took) == ([], 2.0)
        assert shelf.kept == {"a": 5}

    def test_but_not_for_ever_and_the_actor_is_flushed_without_it(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory, gate = opened(shelf), asyncio.get_running_loop().create_future()
            directory.ref(SumActor, "a").tell(Added(3))
            directory.ref(SumActor, "a").tell(Fetched(gate))
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert (late, took) == ([], 4.0)
        assert shelf.kept == {"a": 3}

    def test_timers_are_not_awaited(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            directory.ref(SumActor, "a").tell(AddedSoon(5, seconds=1.0))
            return await closing(shelf, directory)

        assert in_virtual_time(evening()) == ([], 0.0)

    def test_an_answer_that_is_still_owed_fails(self, shelf: Shelf) -> None:
        async def evening() -> None:
            directory = opened(shelf)
            answer = directory.ref(SumActor, "a").ask(Echo(1, asyncio.Event()))
            await directory.shutdown()
            with pytest.raises(ActivationError):
                await answer

        in_virtual_time(evening())

    def test_there_is_no_time_for_pauses(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            ref = directory.ref(SumActor, "a")
            for _ in range(8):
                ref.tell(Broken())
            ref.tell(Added(1))
            await asyncio.sleep(2.0)
            return await closing(shelf, directory)

        assert in_virtual_time(evening()) == ([], 0.0)
        assert shelf.kept == {"a": 1}

    def test_nor_for_loads_that_fail(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            shelf.broken_loads = 2
            directory.ref(SumActor, "a").tell(Added(1))
            await asyncio.sleep(0.01)
            late_and_took = await closing(shelf, directory)
            assert [dead.reason for dead in directory.dead_letters] == ["not_loaded"]
            return late_and_took

        assert in_virtual_time(evening()) == ([], 0.0)


class TestOrder:
    def test_whom_others_flush_into_is_flushed_last(self, shelf: Shelf) -> None:
        async def evening() -> list[Any]:
            directory = opened(shelf)
            foremost = directory.ref(ForemostActor, "foremost")
            await foremost.ask(ReadTotal())
            for key in "abc":
                await directory.ref(SumActor, key).ask(ReadTotal())

            async def slow_flush(key: str) -> None:
                if key != "foremost":
                    await foremost.ask(ReadTotal())

            shelf.slow_flush = slow_flush
            return await directory.shutdown()

        assert in_virtual_time(evening()) == []
        assert shelf.story[-1] == ("flush", "foremost")
        assert shelf.of("foremost") == ["load", "flush"]

    def test_whoever_is_woken_by_a_flush_is_flushed_too(self, shelf: Shelf) -> None:
        async def evening() -> list[Any]:
            directory = opened(shelf)
            await directory.ref(ForemostActor, "foremost").ask(ReadTotal())

            async def slow_flush(key: str) -> None:
                if key == "foremost":
                    directory.ref(SumActor, "woken").tell(Added(6))

            shelf.slow_flush = slow_flush
            return await directory.shutdown()

        assert in_virtual_time(evening()) == []
        assert shelf.kept["woken"] == 6


class TestTheLate:
    def test_are_named_and_take_nobody_along(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            directory.ref(SumActor, "stuck").tell(Held(asyncio.Event()))
            for key in "abc":
                directory.ref(SumActor, key).tell(Added(1))
            directory.ref(ForemostActor, "foremost").tell(Added(1))
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert late == ["stuck"]
        assert took == pytest.approx(8.0, abs=0.2)
        assert shelf.kept == {"a": 1, "b": 1, "c": 1, "foremost": 1}

    def test_leave_no_ask_unanswered_and_no_message_unaccounted_for(self, shelf: Shelf) -> None:
        async def evening() -> list[str]:
            directory = opened(shelf)
            ref = directory.ref(SumActor, "stuck")
            ref.tell(Held(asyncio.Event()))
            ref.tell(Added(1))
            answer = ref.ask(ReadTotal())
            await directory.shutdown(deadline=1.0)
            with pytest.raises(ShutDownError):
                await answer
            assert len(asyncio.all_tasks()) == 1
            return [f"{dead.message}: {dead.reason}" for dead in directory.dead_letters]

        assert in_virtual_time(evening()) == ["Held: shut_down", "Added: shut_down"]

    def test_a_flush_that_failed_is_tried_again_while_there_is_time(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            directory.ref(SumActor, "a").tell(Added(3))
            shelf.broken_flushes = 10
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert late == []
        assert took == pytest.approx(1.0)
        assert shelf.kept == {"a": 3}

    def test_a_flush_that_always_fails_is_reported(self, shelf: Shelf) -> None:
        async def evening() -> tuple[list[Any], float]:
            directory = opened(shelf)
            directory.ref(SumActor, "a").tell(Added(3))
            shelf.broken_flushes = 1_000_000
            return await closing(shelf, directory)

        late, took = in_virtual_time(evening())

        assert late == ["a"]
        assert took == pytest.approx(8.0, abs=0.2)
        assert shelf.broken_flushes < 1_000_000 - 70
