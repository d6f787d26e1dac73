import asyncio
import gc
import queue
import threading
from typing import Any

import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.failures import Limiter, about_error
from actors.futures import AsyncioFuture
from tests.actors.summing import AskEachOther, Divide, Held, ReadTotal, Shelf, SumActor, opened
from tests.actors.virtual_time import in_virtual_time


class TestAwait:
    async def test_returns_what_was_settled_before(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        future.set(5)

        assert await future == 5
        assert await future == 5

    async def test_returns_what_is_settled_later_to_all_who_wait(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        waiting = [asyncio.create_task(awaited(future)) for _ in range(3)]
        await asyncio.sleep(0)

        future.set(5)

        assert await asyncio.gather(*waiting) == [5, 5, 5]

    async def test_returns_what_another_thread_settles(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture(timeout=5.0)
        thread = threading.Thread(target=future.set, args=(5,))

        thread.start()

        assert await future == 5
        thread.join()

    async def test_raises_what_the_future_was_failed_with(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            future.set_exception()

        with pytest.raises(ZeroDivisionError):
            await future

    def test_gives_up_after_the_timeout_and_the_late_answer_is_no_error(self) -> None:
        async def evening() -> bool:
            future: AsyncioFuture[int] = AsyncioFuture(timeout=5.0)
            with pytest.raises(pykka.Timeout):
                await future
            assert asyncio.get_running_loop().time() == 5.0
            forsaken = future.forsaken
            future.set(1)
            return forsaken

        assert in_virtual_time(evening())

    async def test_works_on_what_was_mapped_and_joined(self) -> None:
        first: AsyncioFuture[int] = AsyncioFuture()
        second: AsyncioFuture[int] = AsyncioFuture()
        both = first.join(second).map(sum)

        first.set(1)
        second.set(2)

        assert await both == 3


async def awaited(future: AsyncioFuture[Any]) -> Any:
    return await future


class TestGet:
    async def test_refuses_to_block_a_loop(self) -> None:
        with pytest.raises(RuntimeError):
            AsyncioFuture[int]().get()

    def test_waits_in_a_thread(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        thread = threading.Thread(target=future.set, args=(5,))
        thread.start()

        assert future.get(timeout=5.0) == 5
        thread.join()

    def test_gives_up_after_the_timeout(self) -> None:
        with pytest.raises(pykka.Timeout):
            AsyncioFuture[int]().get(timeout=0.001)


class TestSettling:
    def test_happens_once(self) -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        future.set(1)

        with pytest.raises(queue.Full):
            future.set(2)
        with pytest.raises(queue.Full):
            future.set_exception((ValueError, ValueError(), None))

        assert future.get() == 1


class TestGarbage:
    @pytest.mark.parametrize("what", ["told", "asked", "failed", "timed out", "deadlocked"])
    async def test_nothing_is_left_for_the_collector(self, what: str) -> None:
        directory = opened(Shelf())
        ref = directory.ref(SumActor, "a")
        await ref.ask(ReadTotal())

        async def once() -> None:
            if what == "told":
                ref.tell(ReadTotal())  # type: ignore[arg-type]
            elif what == "asked":
                await ref.ask(ReadTotal())
            elif what == "failed":
                with pytest.raises(ZeroDivisionError):
                    await ref.ask(Divide(0))
            elif what == "timed out":
                gate = asyncio.Event()
                ref.tell(Held(gate))
                with pytest.raises(pykka.Timeout):
                    await ref.ask(ReadTotal(), timeout=0.0)
                gate.set()
            else:
                with pytest.raises(pykka.Timeout):
                    await ref.ask(AskEachOther(("a",)))

        await once()
        await directory.quiet()
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                await once()
            await directory.quiet()
            found = gc.collect()
        finally:
            gc.enable()
        await directory.shutdown()

        assert found < 50  # pytest's own, not one for each

    def test_nor_by_a_thread_that_gets_a_failure(self) -> None:
        def failed() -> AsyncioFuture[int]:
            future: AsyncioFuture[int] = AsyncioFuture()
            future.set_exception((ZeroDivisionError, ZeroDivisionError(), None))
            return future

        def once() -> None:
            with pytest.raises(ZeroDivisionError):
                failed().get()

        once()
        gc.collect()
        gc.disable()
        try:
            for _ in range(100):
                once()
            found = gc.collect()
        finally:
            gc.enable()

        assert found < 50


class TestLimiter:
    @given(
        gaps=st.lists(st.floats(0.0, 200.0), max_size=200),
        most=st.integers(1, 5),
    )
    def test_lets_some_of_each_period_through_and_loses_no_count(
        self, gaps: list[float], most: int
    ) -> None:
        limiter, now, through, told = Limiter(most, period=300.0), 0.0, [], 0

        for gap in gaps:
            now += gap
            if (held_back := limiter.admits(now)) is not None:
                through.append(now)
                told += held_back

        for first in through:
            assert sum(1 for t in through if first <= t < first + 300.0) <= 2 * most
        assert limiter.admits(now + 301.0) == len(gaps) - len(through) - told

    def test_the_first_of_a_flood_are_let_through(self) -> None:
        limiter = Limiter(3, period=300.0)

        assert [limiter.admits(0.0) for _ in range(5)] == [0, 0, 0, None, None]
        assert limiter.admits(300.0) == 2


class TestAboutError:
    def test_says_where_but_not_what(self) -> None:
        try:
            int("a secret")
        except ValueError as error:
            about = about_error(error)

        assert about["error"] == "ValueError"
        assert about["where"].startswith("test_futures.py:")
        assert "secret" not in str(about)
