import asyncio
import logging
import random
from collections.abc import AsyncIterator

import pykka
import pytest

from actors.directory import DeadLetter, Directory, Ref
from actors.runtime import (
    ActivationError,
    CancelledTurnError,
    DeadlockError,
    MailboxFullError,
    trace_id,
)
from tests.actors.ear import Clock
from tests.actors.summing import (
    SECRET,
    Added,
    AddedSoon,
    AskEachOther,
    AskEcho,
    AwaitCancelled,
    Broken,
    DeferAndFail,
    Divide,
    Echo,
    Fetched,
    ForemostActor,
    Held,
    Left,
    LimitedActor,
    Noticed,
    Passed,
    ReadTotal,
    ReadTrace,
    Shelf,
    Stubborn,
    SumActor,
    TimerTaken,
    opened,
)
from tests.actors.virtual_time import VirtualLoop, in_virtual_time


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def directory(shelf: Shelf, clock: Clock) -> AsyncIterator[Directory]:
    made = opened(shelf, capacity=5, idle_after=60.0, clock=clock, rng=random.Random(1))
    yield made
    await made.shutdown(deadline=2.0)


async def held(ref: Ref[SumActor], directory: Directory) -> asyncio.Event:
    """Have the actor in a turn that lasts until the returned gate opens."""
    gate = asyncio.Event()
    ref.tell(Held(gate))
    while not any(s.state == "working" and not s.waiting for s in directory.snapshot()):
        await asyncio.sleep(0)
    return gate


class TestTurns:
    async def test_turns_of_one_actor_are_serial(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")

        for number in range(200):
            ref.tell(Added(number))

        assert await ref.ask(ReadTotal()) == sum(range(200))

    async def test_an_error_goes_to_the_asker_and_the_actor_lives_on(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(5))

        with pytest.raises(ZeroDivisionError):
            await ref.ask(Divide(0))

        assert await ref.ask(ReadTotal()) == 5
        assert shelf.of("a") == ["load"]

    async def test_a_cancelled_wait_inside_a_turn_is_an_error_like_others(
        self, directory: Directory
    ) -> None:
        ref = directory.ref(SumActor, "a")

        with pytest.raises(CancelledTurnError):
            await ref.ask(AwaitCancelled())

        assert await ref.ask(ReadTotal()) == 0

    async def test_an_ask_that_is_not_answered_in_time_says_so(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")
        gate = await held(ref, directory)

        with pytest.raises(pykka.Timeout):
            await ref.ask(ReadTotal(), timeout=0.01)
        gate.set()

        assert await ref.ask(ReadTotal()) == 0

    def test_an_ask_waits_half_a_minute_if_nothing_else_is_said(self) -> None:
        async def evening() -> float:
            ref = opened(Shelf()).ref(SumActor, "a")
            ref.tell(Held(asyncio.Event()))
            with pytest.raises(pykka.Timeout):
                await ref.ask(ReadTotal())
            return asyncio.get_running_loop().time()

        assert in_virtual_time(evening()) == pytest.approx(30.0)

    async def test_an_actor_that_asks_itself_is_told_at_once(self, directory: Directory) -> None:
        with pytest.raises(DeadlockError):
            await directory.ref(SumActor, "a").ask(AskEachOther(("a",)))

    async def test_a_circle_of_asks_is_told_at_once(self, directory: Directory) -> None:
        with pytest.raises(DeadlockError):
            await directory.ref(SumActor, "a").ask(AskEachOther(("b", "c", "a")))

    async def test_a_chain_of_asks_is_none(self, directory: Directory) -> None:
        assert await directory.ref(SumActor, "a").ask(AskEachOther(("b", "c", "d"))) == 0

    async def test_nor_is_asking_back_later(self, directory: Directory) -> None:
        first, second = directory.ref(SumActor, "a"), directory.ref(SumActor, "b")

        await first.ask(AskEachOther(("b",)))

        assert await second.ask(AskEachOther(("a",))) == 0

    async def test_nor_is_a_circle_that_a_deferred_answer_opens(self, directory: Directory) -> None:
        gate = asyncio.Event()
        first = directory.ref(SumActor, "a").ask(AskEcho("b", gate))
        await directory.quiet(within=0.01)

        around = directory.ref(SumActor, "b").ask(AskEachOther(("c", "a")))
        await directory.quiet(within=0.01)
        gate.set()

        assert (await first, await around) == (1, 0)

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


class TestDeferredAnswers:
    async def test_come_after_the_turn_in_any_order(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")
        gates = [asyncio.Event() for _ in range(3)]
        answers = [ref.ask(Echo(n, gate)) for n, gate in enumerate(gates)]

        gates[2].set()
        last = await answers[2]
        gates[0].set()
        gates[1].set()

        assert (last, await answers[0], await answers[1]) == (2, 0, 1)

    async def test_keep_the_actor_in_memory(self, directory: Directory, shelf: Shelf) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.Event()
        answer = ref.ask(Echo(7, gate))
        assert await ref.ask(ReadTotal()) == 0

        ref.dismiss()
        gate.set()

        assert await answer == 7
        assert shelf.of("a") == ["load"]

    async def test_fail_with_an_activation_that_crashes(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")
        answer = ref.ask(Echo(7, asyncio.Event()))
        ref.tell(Broken())

        with pytest.raises(ActivationError):
            await answer

    async def test_a_handler_that_defers_and_then_raises_has_failed_the_asker_only(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")

        with pytest.raises(ValueError):
            await ref.ask(DeferAndFail())

        assert await ref.ask(ReadTotal()) == 0
        assert shelf.of("a") == ["load"]


class TestPipes:
    async def test_the_outcome_comes_back_as_a_message(self, directory: Directory) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.get_running_loop().create_future()
        ref.tell(Fetched(gate))
        assert await ref.ask(ReadTotal()) == 0

        gate.set_result(5)
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == 5

    @pytest.mark.parametrize("cancelled", [False, True])
    async def test_so_does_a_failure(self, directory: Directory, cancelled: bool) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.get_running_loop().create_future()
        ref.tell(Fetched(gate))
        await ref.ask(ReadTotal())

        _ = gate.cancel() if cancelled else gate.set_exception(OSError())
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == -1

    async def test_they_keep_the_actor_in_memory(self, directory: Directory, shelf: Shelf) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.get_running_loop().create_future()
        ref.tell(Fetched(gate))
        await ref.ask(ReadTotal())

        ref.dismiss()
        gate.set_result(5)
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == 5
        assert shelf.of("a") == ["load"]

    async def test_they_and_their_outcome_have_the_trace_they_began_with(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        token = trace_id.set("mine")
        directory.ref(SumActor, "a").tell(Noticed())
        trace_id.reset(token)
        directory.ref(SumActor, "a").tell(Added(1))

        await directory.quiet()

        assert shelf.traces == ["mine"] * 3

    async def test_what_was_taken_back_and_did_not_mind_is_not_heard(
        self, directory: Directory
    ) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Stubborn(5))
        await ref.ask(ReadTotal())

        ref.tell(Broken())
        await ref.ask(ReadTotal())
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == 0

    async def test_a_crash_takes_them_back(self, directory: Directory) -> None:
        ref, gate = directory.ref(SumActor, "a"), asyncio.get_running_loop().create_future()
        ref.tell(Fetched(gate))
        await ref.ask(ReadTotal())
        ref.tell(Broken())

        assert await ref.ask(ReadTotal()) == 0
        assert gate.cancelled()


class TestTimers:
    def test_are_messages_after_a_time(self) -> None:
        async def evening() -> tuple[int, int]:
            ref = opened(Shelf()).ref(SumActor, "a")
            ref.tell(AddedSoon(5, seconds=10.0))
            await asyncio.sleep(9.0)
            before = await ref.ask(ReadTotal())
            await asyncio.sleep(2.0)
            return before, await ref.ask(ReadTotal())

        assert in_virtual_time(evening()) == (0, 5)

    def test_of_the_same_name_replace_each_other(self) -> None:
        async def evening() -> int:
            ref = opened(Shelf()).ref(SumActor, "a")
            ref.tell(AddedSoon(5, seconds=10.0))
            ref.tell(AddedSoon(7, seconds=20.0))
            ref.tell(AddedSoon(100, seconds=10.0, name="other"))
            await asyncio.sleep(30.0)
            return await ref.ask(ReadTotal())

        assert in_virtual_time(evening()) == 107

    def test_that_were_taken_back_are_never_heard_even_if_they_had_rung(self) -> None:
        async def evening() -> int:
            ref, gate = opened(Shelf()).ref(SumActor, "a"), asyncio.Event()
            ref.tell(AddedSoon(5, seconds=1.0))
            ref.tell(Held(gate))
            ref.tell(TimerTaken())
            await asyncio.sleep(2.0)  # it rings behind the held turn
            gate.set()
            return await ref.ask(ReadTotal())

        assert in_virtual_time(evening()) == 0

    def test_keep_the_actor_in_memory_until_they_ring(self) -> None:
        shelf = Shelf()

        async def evening() -> list[str]:
            directory = opened(shelf, idle_after=60.0, clock=loop().now)
            directory.ref(SumActor, "a").tell(AddedSoon(5, seconds=500.0))
            await asyncio.sleep(499.0)
            before = shelf.of("a")
            await asyncio.sleep(499.0)
            return before

        assert in_virtual_time(evening()) == ["load"]
        assert shelf.of("a") == ["load", "flush"]
        assert shelf.kept == {"a": 5}


def loop() -> VirtualLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


class TestMailbox:
    async def test_a_full_one_refuses_the_outside_clearly(self, directory: Directory) -> None:
        ref = directory.ref(LimitedActor, "a")
        gate = await held(ref, directory)
        for _ in range(3):
            ref.tell(Added(1))

        with pytest.raises(MailboxFullError):
            ref.tell(Added(1))
        with pytest.raises(MailboxFullError):
            await ref.ask(ReadTotal())
        gate.set()
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == 3
        assert [d.reason for d in directory.dead_letters] == ["mailbox_full"]
        assert directory.counts["mailbox_full"] == 2

    async def test_what_actors_tell_each_other_always_fits(self, directory: Directory) -> None:
        ref, other = directory.ref(LimitedActor, "a"), directory.ref(LimitedActor, "b")
        gate = await held(ref, directory)

        for number in range(8):
            await other.ask(Divide(1))
            other.tell(Passed("a", number))
        await other.ask(Divide(1))
        gate.set()
        await directory.quiet()

        assert await ref.ask(ReadTotal()) == sum(range(8))
        assert not directory.dead_letters

    async def test_send_waits_for_room_and_keeps_the_order(self, directory: Directory) -> None:
        ref = directory.ref(LimitedActor, "a")
        gate = await held(ref, directory)

        async def sender() -> None:
            for _ in range(50):
                await ref.send(Added(1))

        sending = [asyncio.create_task(sender()) for _ in range(3)]
        gate.set()
        await asyncio.gather(*sending)
        await directory.quiet()

        assert directory.counts["mailbox_full"] == 0
        assert await ref.ask(ReadTotal()) == 150


class TestPassivation:
    async def test_state_survives_it(self, directory: Directory, shelf: Shelf) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(7))
        await directory.quiet()

        ref.dismiss()
        await directory.quiet()

        assert directory.active == 0
        assert await ref.ask(ReadTotal()) == 7
        assert shelf.of("a") == ["load", "flush", "load"]

    @pytest.mark.parametrize("busy", [False, True])
    async def test_an_actor_can_leave_by_itself_unless_it_is_busy(
        self, directory: Directory, shelf: Shelf, busy: bool
    ) -> None:
        directory.ref(SumActor, "a").tell(Left(busy))

        await directory.quiet()

        assert shelf.of("a") == (["load"] if busy else ["load", "flush"])

    async def test_whoever_is_told_something_before_it_can_leave_stays(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")
        await ref.ask(ReadTotal())

        ref.dismiss()
        ref.tell(Added(1))
        await directory.quiet()

        assert shelf.of("a") == ["load"]

    async def test_leaves_nothing_behind(self, directory: Directory) -> None:
        ref = directory.ref(SumActor, "a")
        await ref.ask(ReadTotal())
        assert len(directory.snapshot()) == 1

        ref.dismiss()
        await directory.quiet()

        assert directory.snapshot() == ()
        assert not directory._kinds[SumActor].cells

    async def test_messages_told_meanwhile_are_handled_in_order_after_it(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref, flushing, gate = directory.ref(SumActor, "a"), asyncio.Event(), asyncio.Event()

        async def slow_flush(_key: str) -> None:
            flushing.set()
            await gate.wait()

        shelf.slow_flush = slow_flush
        ref.tell(Added(1))
        await directory.quiet()
        ref.dismiss()
        await flushing.wait()
        for number in (10, 100):
            ref.tell(Added(number))
        states = [s.state for s in directory.snapshot()]
        gate.set()

        assert await ref.ask(ReadTotal()) == 111
        assert shelf.of("a") == ["load", "flush", "load"]
        assert states == ["flushing"]

    async def test_a_flush_that_fails_keeps_the_actor(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        ref = directory.ref(SumActor, "a")
        ref.tell(Added(3))
        await directory.quiet()
        shelf.broken_flushes = 1

        ref.dismiss()

        assert await ref.ask(ReadTotal()) == 3
        assert shelf.of("a") == ["load"]

    async def test_whoever_is_idle_for_too_long_leaves(
        self, directory: Directory, shelf: Shelf, clock: Clock
    ) -> None:
        early, late = directory.ref(SumActor, "early"), directory.ref(SumActor, "late")
        await early.ask(ReadTotal())
        clock.advance(seconds=40)
        await late.ask(ReadTotal())

        clock.advance(seconds=30)
        directory.sweep()
        await directory.quiet()

        assert (shelf.of("early"), shelf.of("late")) == (["load", "flush"], ["load"])

    async def test_whoever_is_told_something_is_not_idle(
        self, directory: Directory, shelf: Shelf, clock: Clock
    ) -> None:
        ref = directory.ref(SumActor, "a")

        for _ in range(5):
            ref.tell(Added(1))
            await directory.quiet()
            clock.advance(seconds=50)
            directory.sweep()

        assert await ref.ask(ReadTotal()) == 5
        assert shelf.of("a") == ["load"]

    async def test_whoever_is_busy_stands_in_nobodys_way(
        self, directory: Directory, shelf: Shelf, clock: Clock
    ) -> None:
        busy, idle = directory.ref(SumActor, "busy"), directory.ref(SumActor, "idle")
        gate = asyncio.get_running_loop().create_future()
        busy.tell(Fetched(gate))
        await busy.ask(ReadTotal())
        await idle.ask(ReadTotal())

        clock.advance(seconds=100)
        directory.sweep()
        await directory.quiet(within=0.01)
        gate.cancel()

        assert (shelf.of("busy"), shelf.of("idle")) == (["load"], ["load", "flush"])

    async def test_some_never_leave(self, directory: Directory, shelf: Shelf, clock: Clock) -> None:
        await directory.ref(ForemostActor, "").ask(ReadTotal())

        clock.advance(days=100)
        directory.sweep()
        for key in "abcdefgh":
            await directory.ref(SumActor, key).ask(ReadTotal())
        await directory.quiet()

        assert shelf.of("") == ["load"]

    async def test_over_capacity_the_longest_unused_leaves(
        self, directory: Directory, shelf: Shelf, clock: Clock
    ) -> None:
        for key in "abcde":
            clock.advance(seconds=1)
            await directory.ref(SumActor, key).ask(ReadTotal())
        clock.advance(seconds=1)
        await directory.ref(SumActor, "a").ask(ReadTotal())

        for key in "fg":
            await directory.ref(SumActor, key).ask(ReadTotal())
        await directory.quiet()

        assert directory.active == 5
        assert [k for event, k in shelf.story if event == "flush"] == ["b", "c"]

    async def test_leaving_has_no_part_in_the_trace_that_needs_the_room(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        async def noted(_key: str) -> None:
            shelf.traces.append(trace_id.get())

        shelf.slow_flush = noted
        token = trace_id.set("a guest's")
        for key in "abcdef":
            await directory.ref(SumActor, key).ask(ReadTotal())
        await directory.quiet()
        trace_id.reset(token)

        assert shelf.traces == [""]

    async def test_the_busy_do_not_hide_the_idle(self, directory: Directory, shelf: Shelf) -> None:
        gate = asyncio.get_running_loop().create_future()
        for key in range(40):
            await directory.ref(SumActor, str(key)).ask(ReadTotal())
            directory.ref(SumActor, str(key)).tell(Fetched(gate))

        for key in "abcdefghij":
            await directory.ref(SumActor, key).ask(ReadTotal())
        await directory.quiet(within=0.01)
        active = directory.active
        gate.set_result(1)
        await directory.quiet()

        assert active == 40
        assert directory.active == 5

    async def test_a_thousand_at_once_stay_within_capacity(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        for key in range(1_000):
            directory.ref(SumActor, str(key)).tell(Added(key))

        await directory.quiet()

        assert directory.active <= 5
        assert sum(shelf.kept.values()) == sum(int(key) for key in shelf.kept)
        assert len(shelf.kept) >= 995


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
        assert directory.snapshot()[0].restarts == 1

    async def test_a_clean_up_that_fails_too_changes_nothing(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        shelf.broken_cleanups = 1
        ref = directory.ref(SumActor, "a")

        ref.tell(Added(5))
        ref.tell(Broken())

        assert await ref.ask(ReadTotal()) == 0
        assert shelf.of("a") == ["load", "failure", "load"]

    def test_each_crash_in_a_row_means_a_longer_pause(self) -> None:
        async def evening() -> list[float]:
            ref = opened(Shelf(), rng=random.Random(3)).ref(SumActor, "a")
            pauses = []
            for _ in range(12):
                ref.tell(Broken())
                began = loop().time()
                await ref.ask(ReadTotal(), timeout=100.0)
                pauses.append(loop().time() - began)
            return pauses

        pauses = in_virtual_time(evening())

        for attempt, pause in enumerate(pauses):
            longest = min(0.25 * 2**attempt, 30.0)
            assert longest / 2 <= pause <= longest
        assert pauses[-1] > 15.0

    def test_a_crash_long_ago_is_forgiven(self) -> None:
        async def evening() -> float:
            ref = opened(Shelf()).ref(SumActor, "a")
            for _ in range(5):
                ref.tell(Broken())
                await asyncio.sleep(400.0)
            ref.tell(Broken())
            began = loop().time()
            await ref.ask(ReadTotal())
            return loop().time() - began

        assert in_virtual_time(evening()) <= 0.25

    def test_whoever_crashed_in_the_middle_of_something_is_loaded_without_a_message(
        self,
    ) -> None:
        shelf = Shelf()

        async def evening() -> None:
            ref = opened(shelf).ref(SumActor, "a")
            ref.tell(AddedSoon(1, seconds=100.0))
            ref.tell(Broken())
            await asyncio.sleep(10.0)

        in_virtual_time(evening())

        assert shelf.of("a") == ["load", "failure", "load"]

    def test_a_failed_load_answers_asks_and_keeps_what_was_told(self) -> None:
        shelf = Shelf()
        shelf.broken_loads = 1

        async def evening() -> int:
            ref = opened(shelf).ref(SumActor, "a")
            ref.tell(Added(4))
            for _ in range(3):  # the load is not tried again for those that come in the pause
                with pytest.raises(ActivationError):
                    await ref.ask(ReadTotal())
            await asyncio.sleep(1.0)
            return await ref.ask(ReadTotal())

        assert in_virtual_time(evening()) == 4

    async def test_a_failed_load_leaves_nothing_under_way(
        self, directory: Directory, shelf: Shelf
    ) -> None:
        loads: list[str] = []

        class EagerActor(SumActor):
            async def on_start(self) -> None:
                loads.append(trace_id.get())
                self.pipe(asyncio.sleep(0, 1), self.told)
                await super().on_start()

        directory.register(EagerActor, lambda key: EagerActor(key, shelf, directory))
        shelf.broken_loads = 1
        token = trace_id.set("mine")
        directory.ref(EagerActor, "a").tell(Added(10))
        trace_id.reset(token)

        while len(loads) < 2:
            await asyncio.sleep(0)
        await directory.quiet()

        assert await directory.ref(EagerActor, "a").ask(ReadTotal()) == 11
        assert loads == ["mine", "mine"]

    def test_loads_that_never_succeed_are_given_up_and_nothing_vanishes(self) -> None:
        shelf = Shelf()
        shelf.broken_loads = 1_000

        async def evening() -> list[DeadLetter]:
            directory = opened(shelf)
            directory.ref(SumActor, "a").tell(Added(4))
            directory.ref(SumActor, "a").tell(Added(5))
            await asyncio.sleep(1_000.0)
            assert directory.snapshot() == ()
            return list(directory.dead_letters)

        dead = in_virtual_time(evening())

        assert [(d.message, d.reason) for d in dead] == [("Added", "not_loaded")] * 2
        assert shelf.broken_loads == 1_000 - 16

    def test_nothing_said_reaches_the_logs(self, caplog: pytest.LogCaptureFixture) -> None:
        shelf = Shelf()
        shelf.broken_loads = shelf.broken_flushes = 1

        async def evening() -> None:
            directory = opened(shelf)
            ref = directory.ref(SumActor, "a guest's id")
            for message in (Added(1), Added(1), Broken(), Added(1)):
                ref.tell(message)
                await asyncio.sleep(1.0)
            ref.dismiss()
            with pytest.raises(ValueError):
                await ref.ask(DeferAndFail())
            await directory.shutdown()

        caplog.set_level(logging.DEBUG)
        in_virtual_time(evening())

        events = {record.getMessage() for record in caplog.records}
        assert {"actor.not_loaded", "actor.crashed", "actor.dead_letter"} <= events
        assert {"actor.activated", "actor.restarted", "actor.passivated"} <= events
        assert {"actor.flush_failed", "actor.ask_failed"} <= events
        written = " ".join(str(vars(record)) for record in caplog.records)
        assert SECRET not in written
        assert "a guest's id" not in written
        assert "summing.py:" in written


class TestDeadLetters:
    async def test_a_flood_is_counted_and_a_few_are_logged(
        self, directory: Directory, caplog: pytest.LogCaptureFixture
    ) -> None:
        ref = directory.ref(LimitedActor, "a")
        gate = await held(ref, directory)
        for _ in range(3):
            ref.tell(Added(1))

        for _ in range(500):
            with pytest.raises(MailboxFullError):
                ref.tell(Added(1))
        gate.set()

        logged = [r.getMessage() for r in caplog.records]
        assert logged.count("actor.dead_letter") == logged.count("actor.mailbox_full") == 10
        assert directory.counts["dead_mailbox_full"] == 500
        assert len(directory.dead_letters) == 100


class TestRegistration:
    async def test_of_a_class_happens_once(self, directory: Directory, shelf: Shelf) -> None:
        with pytest.raises(ValueError):
            directory.register(SumActor, lambda key: SumActor(key, shelf, directory))

    async def test_references_to_the_same_actor_are_equal(self, directory: Directory) -> None:
        first, second = directory.ref(SumActor, "a"), directory.ref(SumActor, "a")

        assert first == second
        assert len({first, second, directory.ref(SumActor, "b")}) == 2
        assert first != directory.ref(LimitedActor, "a")

    async def test_a_reference_does_not_show_its_key(self, directory: Directory) -> None:
        assert "guest" not in repr(directory.ref(SumActor, "guest"))
