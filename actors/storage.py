"""The storage actor: the one way to the database.

Rule 1: a save is answered after its commit, and saves that come while one commits wait together
for the next: under load a commit holds hundreds of them, at rest one, and nobody waits for a timer.
Rule 2: an erasure takes its place in the row of saves: what was asked to be kept before it is
erased, what is asked after it stays.
Rule 3: reads do not wait for commits.
Rule 4: with the database away everybody hears so, soon; the actor lives and tries again.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from actors import messages as m
from actors.directory import VirtualActor
from actors.runtime import Reply, Told
from storage import calendar, forgetting, reads
from storage.database import Database
from storage.errors import RowRefusedError, StorageClosedError, StorageUnavailableError
from storage.records import Write
from storage.times import Clock, utc_now
from storage.writes import Committed, Writer

log = logging.getLogger(__name__)

MOST_ASKS: Final = 512
"""How many asks one commit holds at most: more would not be faster, only later."""
MOST_WAITING: Final = 20_000
"""How many asks may wait; more are refused, so that a stuck database does not fill the memory."""
MOST_READS: Final = 8
"""How many reads are under way at a time."""

Work = Callable[[Any], Awaitable[Any]]
"""What is done with a connection."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A save or an erasure whose turn has not come."""

    reply: Reply
    writes: Sequence[Write] = ()
    erase: Work | None = None


@dataclass(frozen=True, slots=True)
class CommitEnded(Told):
    """A group commit is over."""

    asks: tuple[Waiting, ...]
    outcome: Committed | Exception
    ms: float


@dataclass(frozen=True, slots=True)
class ErasureEnded(Told):
    """An erasure is over."""

    ask: Waiting
    outcome: Any


@dataclass(frozen=True, slots=True)
class ReadEnded(Told):
    """A read is over."""

    reply: Reply
    outcome: Any


Asks = (
    m.Save
    | m.LoadConversation
    | m.LoadMood
    | m.LoadPerson
    | m.LoadMemory
    | m.LoadOpinions
    | m.LoadOwed
    | m.LoadChannels
    | m.LoadSetting
    | m.LoadEvents
    | m.EraseMessages
    | m.EraseFacts
    | m.EraseExpired
    | m.ErasePerson
    | m.PlanEvent
    | m.KeepEvents
    | m.CancelEvent
    | m.ClaimEvents
    | m.SettleEvent
)
StorageInbox = Asks | CommitEnded | ErasureEnded | ReadEnded


class StorageActor(VirtualActor):
    """Keeps and loads everything.

    Owns:    the connection that writes, and the asks that wait for it.
    Hears:   CommitEnded, ErasureEnded, ReadEnded, from itself.
    Answers: Save, Load*, Erase*, and what the calendar asks.
    Tells:   nobody.
    """

    mailbox_limit: ClassVar[int | None] = MOST_WAITING

    def __init__(self, key: Any, *, database: Database, clock: Clock = utc_now) -> None:
        super().__init__(key)
        self._database = database
        self._clock = clock
        self._writer = Writer(database)
        self._waiting: deque[Waiting] = deque()
        self._busy = False
        self._readers = asyncio.Semaphore(MOST_READS)

    async def receive(self, message: StorageInbox) -> Any:
        match message:
            case m.Save():
                self._enqueue(Waiting(self.defer(), message.writes))
            case CommitEnded():
                self._committed(message)
            case ErasureEnded():
                self._busy = False
                answer(message.ask.reply, message.outcome)
                self._next()
            case ReadEnded():
                answer(message.reply, message.outcome)
            case m.EraseMessages() | m.EraseFacts() | m.EraseExpired() | m.ErasePerson():
                self._enqueue(Waiting(self.defer(), erase=self._erasure(message)))
            case (
                m.PlanEvent() | m.KeepEvents() | m.CancelEvent() | m.ClaimEvents() | m.SettleEvent()
            ):
                work = calendar_work(message, self._clock())
                self._enqueue(Waiting(self.defer(), erase=work))
            case _:
                reply = self.defer()
                self.pipe(self._read(reading(message)), lambda got: ReadEnded(reply, got))

    async def on_stop(self) -> None:
        while self._waiting:
            self._waiting.popleft().reply.fail(StorageClosedError())
        await self._writer.close()

    # --- writing, one thing at a time
    # -----------------------------------------------------------

    def _enqueue(self, ask: Waiting) -> None:
        if len(self._waiting) >= MOST_WAITING:
            log.warning("storage.unavailable", extra={"reason": "full", "asks": 1})
            ask.reply.fail(StorageUnavailableError("too many are waiting"))
            return
        self._waiting.append(ask)
        self._next()

    def _next(self) -> None:
        """Start on what waits, unless something is being written."""
        if self._busy or not self._waiting:
            return
        self._busy = True
        first = self._waiting[0]
        if first.erase is not None:
            self._waiting.popleft()
            self.pipe(self._erase(first.erase), lambda got: ErasureEnded(first, got))
            return
        asks = self._together()
        started = time.perf_counter()
        commit = self._writer.commit([ask.writes for ask in asks], self._clock())
        self.pipe(
            commit,
            lambda got: CommitEnded(asks, got, (time.perf_counter() - started) * 1_000),
        )

    def _together(self) -> tuple[Waiting, ...]:
        """Take the saves that wait, up to the next erasure."""
        asks: list[Waiting] = []
        while self._waiting and len(asks) < MOST_ASKS and self._waiting[0].erase is None:
            asks.append(self._waiting.popleft())
        return tuple(asks)

    def _committed(self, ended: CommitEnded) -> None:
        self._busy = False
        self._next()  # the next commit is under way while this one's askers are answered
        if isinstance(ended.outcome, Exception):
            outcomes: Sequence[Any] = [ended.outcome] * len(ended.asks)
        else:
            outcomes = ended.outcome.outcomes
            self._report(ended, ended.outcome)
        for ask, outcome in zip(ended.asks, outcomes, strict=True):
            answer(ask.reply, outcome)

    def _report(self, ended: CommitEnded, committed: Committed) -> None:
        refused = [o for o in committed.outcomes if isinstance(o, RowRefusedError)]
        failed = [o for o in committed.outcomes if isinstance(o, Exception)]
        if kept := len(committed.outcomes) - len(failed):
            log.info(
                "storage.committed",
                extra={
                    "rows": committed.rows,
                    "asks": kept,
                    "ms": round(ended.ms, 2),
                    "transactions": committed.transactions,
                    "waiting": len(self._waiting),
                },
            )
        for error in refused:
            log.warning("storage.refused", extra={"reason": error.reason, "kind": error.kind})
        if len(failed) > len(refused):
            error_of_all = next(o for o in failed if not isinstance(o, RowRefusedError))
            log.warning(
                "storage.unavailable",
                extra={
                    "reason": getattr(error_of_all, "reason", type(error_of_all).__name__),
                    "asks": len(failed) - len(refused),
                },
            )

    async def _erase(self, work: Work) -> Any:
        async with self._database.writing() as connection:
            return await work(connection)

    def _erasure(
        self, message: m.EraseMessages | m.EraseFacts | m.EraseExpired | m.ErasePerson
    ) -> Work:
        now = self._clock()
        match message:
            case m.EraseMessages():
                return lambda c: forgetting.erase_messages(c, message.message_ids, now)
            case m.EraseFacts():
                return lambda c: forgetting.erase_facts(
                    c,
                    message.user_id,
                    message.fact_ids,
                    now,
                    fact_type=message.fact_type,
                    everything=message.everything,
                )
            case m.EraseExpired():
                return lambda c: forgetting.erase_expired(
                    c, message.messages_before, message.crisis_before
                )
            case m.ErasePerson():
                return lambda c: forgetting.erase_person(c, message.user_id, now)

    # --- reading, beside it
    # ---------------------------------------------------------------------

    async def _read(self, work: Work) -> Any:
        async with self._readers, self._database.reading() as connection:
            return await work(connection)


def reading(message: Any) -> Work:  # noqa: PLR0911 - one line for each thing to load
    """Return what loads the answer to `message`."""
    match message:
        case m.LoadConversation(user_id, channel_id, at):
            return lambda c: reads.load_conversation(c, user_id, channel_id, at)
        case m.LoadMood(guild_id):
            return lambda c: reads.load_mood(c, guild_id)
        case m.LoadPerson(user_id):
            return lambda c: reads.load_person(c, user_id)
        case m.LoadMemory(user_id, limit):
            return lambda c: reads.load_memory(c, user_id, limit)
        case m.LoadOpinions(guild_id):
            return lambda c: reads.load_opinions(c, guild_id)
        case m.LoadOwed():
            return reads.load_owed
        case m.LoadChannels():
            return reads.load_channels
        case m.LoadSetting(key):
            return lambda c: reads.load_setting(c, key)
        case m.LoadEvents(user_id):
            return lambda c: calendar.load_events(c, user_id)
    raise TypeError(f"StorageActor does not answer {type(message).__name__}")


def calendar_work(
    message: m.PlanEvent | m.KeepEvents | m.CancelEvent | m.ClaimEvents | m.SettleEvent,
    now: datetime,
) -> Work:
    """Return what does what the calendar asks; it takes its place in the row of saves."""
    match message:
        case m.PlanEvent(person, event):
            return lambda c: calendar.keep_event(c, person, event, now)
        case m.KeepEvents(events):
            return lambda c: calendar.note_events(c, events, now)
        case m.CancelEvent(user_id, event_id):
            return lambda c: calendar.cancel_event(c, user_id, event_id, now)
        case m.ClaimEvents(by, at, until, limit):
            return lambda c: calendar.claim_events(c, by, at, until, limit)
        case m.SettleEvent(settled):
            return lambda c: calendar.settle_event(c, settled)


def answer(reply: Reply, outcome: Any) -> None:
    """Give an asker the outcome."""
    if isinstance(outcome, Exception):
        reply.fail(outcome)
    else:
        reply.answer(outcome)
