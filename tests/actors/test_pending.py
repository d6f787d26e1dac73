from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.briefing import Burst, Waiting
from actors.pending import REDRAFTS, Pending
from actors.rules.sentinel import Reading
from storage.ids import ChannelId, MessageId, UserId
from storage.records import Person, Place

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_waiting(number: int, level: int = 0) -> Waiting:
    return Waiting(MessageId(number), f"word {number}", NOON, Reading(level))


def a_burst(pending: Pending, turn: str) -> Burst:
    return Burst(
        turn=turn,
        person=Person(UserId(1), "ada", "Ada"),
        place=Place(ChannelId(2), None, "dm"),
        waiting=tuple(pending.waiting),
        past=(),
        care=None,
        depth=1,
        conversation_started=NOON,
    )


class TestBegin:
    def test_a_growing_burst_is_begun_anew_a_few_times_then_answered_as_it_stands(self) -> None:
        pending = Pending()
        begun = 0

        for number in range(20):
            pending.add(a_waiting(number))
            if pending.may_begin(grown=True):
                pending.begin(a_burst(pending, f"turn {number}"))
                begun += 1

        assert begun == 1 + REDRAFTS

    def test_danger_is_never_left_for_the_next_answer(self) -> None:
        pending = Pending()
        for number in range(10):
            pending.add(a_waiting(number))
            pending.begin(a_burst(pending, f"turn {number}"))

        pending.add(a_waiting(10, level=2))

        assert pending.may_begin(grown=True)

    def test_what_is_being_said_is_not_begun_anew(self) -> None:
        pending = Pending()
        pending.add(a_waiting(1))
        pending.begin(a_burst(pending, "one"))
        pending.being_said()

        pending.add(a_waiting(2, level=3))

        assert not pending.may_begin(grown=True)


class Evening(RuleBasedStateMachine):
    """Whatever happens in whatever order: every message gets one answer, or waits, or is
    forgotten.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pending = Pending()
        self.drafts: list[Burst] = []
        self.said: Burst | None = None
        self.answers: dict[int, int] = {}
        self.forgotten: set[int] = set()
        self.numbers = 0

    @rule(level=st.integers(0, 3))
    def somebody_speaks(self, level: int) -> None:
        self.numbers += 1
        self.pending.add(a_waiting(self.numbers, level))
        self.begin(grown=True)

    @rule()
    def it_is_tried_again(self) -> None:
        self.begin(grown=False)

    def begin(self, *, grown: bool) -> None:
        if self.pending.may_begin(grown=grown):
            burst = a_burst(self.pending, f"turn {len(self.drafts)} {self.numbers}")
            self.pending.begin(burst)
            self.drafts.append(burst)

    @precondition(lambda self: self.drafts)
    @rule(works=st.booleans(), data=st.data())
    def a_draft_comes_back(self, works: bool, data: st.DataObject) -> None:
        burst = self.drafts.pop(data.draw(st.integers(0, len(self.drafts) - 1)))
        if not self.pending.is_under_way(burst):
            return
        if works:
            self.pending.being_said()
            self.said = burst
        else:
            self.pending.given_up()

    @precondition(lambda self: self.said)
    @rule(works=st.booleans())
    def the_door_reports(self, works: bool) -> None:
        burst, self.said = self.said, None
        assert burst is not None
        if not self.pending.is_under_way(burst):
            return
        if not works:
            self.pending.given_up()
            return
        self.pending.answered(burst)
        for waiting in burst.waiting:
            self.answers[waiting.message_id] = self.answers.get(waiting.message_id, 0) + 1

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def a_message_is_deleted(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.numbers))
        self.forgotten.add(number)
        if self.pending.forget(frozenset({MessageId(number)})):
            self.begin(grown=False)

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def a_message_is_edited(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.numbers))
        there = MessageId(number) in self.pending
        assert self.pending.edited(MessageId(number), "other words", Reading(0)) == there

    @invariant()
    def nothing_is_answered_twice(self) -> None:
        assert set(self.answers.values()) <= {1}

    @invariant()
    def nothing_is_lost(self) -> None:
        waiting = {w.message_id for w in self.pending.waiting}
        everything = set(range(1, self.numbers + 1))
        assert everything == waiting | set(self.answers) | (self.forgotten & everything)

    @invariant()
    def what_is_forgotten_does_not_wait(self) -> None:
        assert not self.forgotten & {w.message_id for w in self.pending.waiting}


TestEvening = Evening.TestCase
TestEvening.settings = settings(max_examples=60, stateful_step_count=30)


def test_edited_words_are_the_ones_that_are_answered() -> None:
    pending = Pending()
    pending.add(a_waiting(1))

    pending.edited(MessageId(1), "what I meant", Reading(0))

    assert pending.waiting == [replace(a_waiting(1), text="what I meant")]
