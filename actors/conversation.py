"""The conversation: one for each person and channel, from a message heard to its answer said and
kept.

Rule 1: a message is durable before its answer is said; while the notebook (the database) is away,
only somebody in danger is answered.
Rule 2: every addressed message is answered once: what waits is known to storage, and what may have
been said before a crash is looked for before it is said again.
Rule 3: messages that arrive while an answer is being made are answered together with it.
Rule 4: a turn never waits for the model or the door: those run beside the mailbox and come back as
messages.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from actors import ledger
from actors import messages as m
from actors.briefing import Burst
from actors.composing import Composed, Composer
from actors.directory import Directory, VirtualActor
from actors.language import LanguageActor
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.notebook import Notebook
from actors.opinions import OpinionActor
from actors.pending import Pending
from actors.relationship import RelationshipActor
from actors.rules import care, sentinel
from actors.rules.sentinel import Reading
from actors.runtime import Told
from actors.sitting import RunningSitting
from actors.storage import StorageActor
from storage.errors import RowRefusedError, StorageError, StorageUnavailableError
from storage.ids import MessageId, hashed
from storage.records import (
    CareState,
    EditedMessage,
    Heard,
    KeptCare,
    Person,
    Place,
    Write,
)

log = logging.getLogger(__name__)

FRAME_LEVEL: Final = 2
NOTEBOOK_AWAY: Final = (
    "I can't reach my notebook right now, and I don't want to lose what you said. "
    "Give me a little while; I'll answer as soon as I can write again."
)
NOT_WRITTEN: Final = (
    "I couldn't write that message down, so I'd rather not answer it half. "
    "Could you say it in other words?"
)


@dataclass(frozen=True, slots=True)
class ReplyComposed(Told):
    """An answer is ready, or could not be made.  To self."""

    burst: Burst
    outcome: Composed | Exception


@dataclass(frozen=True, slots=True)
class ReplyUttered(Told):
    """The door said the answer, or could not.  To self."""

    burst: Burst
    composed: Composed
    outcome: tuple[MessageId, ...] | Exception


@dataclass(frozen=True, slots=True)
class RetryDue(Told):
    """Time to try again what failed.  To self."""


@dataclass(frozen=True, slots=True)
class NoticeUttered(Told):
    """A word about a delay was said, or not; either way is fine.  To self."""


ConversationInbox = (
    m.MessageHeard
    | m.MessageEdited
    | m.AnswerAwaited
    | m.MessagesForgotten
    | m.PersonForgotten
    | ReplyComposed
    | ReplyUttered
    | RetryDue
    | NoticeUttered
)


class ConversationActor(VirtualActor):
    """Answers one person in one channel.

    Owns:    the running sitting, the care state, and what is still unanswered.
    Hears:   MessageHeard, MessageEdited, AnswerAwaited, MessagesForgotten, PersonForgotten.
    Answers: nothing; its answer is what the door says.
    Tells:   ExchangeEnded to mood, relationship, memory and opinions; SittingEnded to memory.
    Asks:    storage; the composer asks the others.
    """

    mailbox_limit = 200

    def __init__(
        self,
        key: m.ConversationKey,
        *,
        directory: Directory,
        composer: Composer,
        outbox: m.Outbox,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(key)
        self._user_id, self._channel_id = key
        self._directory = directory
        self._composer = composer
        self._outbox = outbox
        self._clock = clock
        self._notebook = Notebook(directory.ref(StorageActor, m.OnlyOne))
        self._pending = Pending()
        self._sitting = RunningSitting()
        self._care: CareState | None = None
        self._person: Person | None = None
        self._place: Place | None = None
        self._turns = 0
        self._loaded = False

    # --- life

    async def on_start(self) -> None:
        """Load the sitting and what is owed.  With the database away, start with nothing: a person
        in danger is answered all the same.
        """
        if not await self._load():
            self._try_later()

    async def _load(self) -> bool:
        """Load, unless that is done; return whether it is."""
        if self._loaded:
            return True
        load = m.LoadConversation(self._user_id, self._channel_id, self._clock())
        try:
            state = await self._notebook.ask(load)
        except StorageError:
            return False
        self._loaded = True
        self._sitting.load(state.conversation, state.messages)
        self._care = self._care or state.care
        for owed in state.owed:
            self._person, self._place = owed.person, owed.place
            self._pending.add(ledger.owed_waiting(owed, self._care))
        return True

    async def receive(self, message: ConversationInbox) -> None:
        match message:
            case m.MessageHeard():
                await self._hear(message)
            case m.MessageEdited():
                await self._edited(message)
            case m.AnswerAwaited():
                self._answer()
            case m.MessagesForgotten():
                self._forget(message.message_ids)
            case m.PersonForgotten():
                self._forget_everything()
            case ReplyComposed():
                self._composed(message)
            case ReplyUttered():
                await self._uttered(message)
            case RetryDue():
                await self._retry()
            case NoticeUttered():
                pass
            case _:
                assert_never(message)

    # --- hearing

    async def _hear(self, heard: m.MessageHeard) -> None:
        started = time.perf_counter()
        reading = sentinel.read(heard.text)
        self._person, self._place = heard.person, heard.place
        if heard.message_id in self._pending or self._notebook.knows(heard.message_id):
            return
        before = self._care
        try:
            kept = await self._keep(heard, reading)
        except RowRefusedError:
            self._refused(heard)
            return
        except StorageError as error:
            self._notebook_away(heard, reading, error)
            return
        took = round((time.perf_counter() - started) * 1000, 2)
        seen = ledger.heard_extra(heard, reading)
        log.info("conversation.heard", extra={**seen, "fresh": kept.fresh, "kept_ms": took})
        if kept.answered or not heard.addressed:
            return
        unsure = heard.caught_up or not kept.fresh
        self._pending.add(ledger.waiting(heard, reading, before, unsure=unsure))
        self._answer(grown=True)

    async def _keep(self, heard: m.MessageHeard, reading: Reading) -> Heard:
        """Make the message durable; the sitting it belongs to is settled on the way."""
        if not await self._load():
            raise StorageUnavailableError("not loaded yet")
        sitting, is_another = self._sitting.spoken(heard.at)
        state = care.heard(self._care, reading, heard.at)
        writes: list[Write] = [ledger.heard_message(heard, reading, sitting.row)]
        writes.append(ledger.channel_of(heard))
        if state != self._care:
            writes.append(KeptCare(self._user_id, self._channel_id, state))
        kept: Heard = (await self._notebook.keep(writes))[0]
        self._care = state
        if is_another:
            self._sitting.end()
            ended = m.SittingEnded(heard.place.guild_id, heard.at)
            self._directory.ref(MemoryActor, self._user_id).tell(ended)
        if kept.fresh:
            self._sitting.go_on(sitting, ledger.heard_line(heard, kept.conversation, reading.level))
        return kept

    def _refused(self, heard: m.MessageHeard) -> None:
        """The database will never take this message: say so once, and let it go."""
        log.error("conversation.refused", extra={"guild_id": heard.place.guild_id})
        if heard.addressed:
            self._notice(heard, NOT_WRITTEN)

    def _notice(self, heard: m.MessageHeard, text: str) -> None:
        notice = m.Reply(self._user_id, heard.place, heard.message_id, text, notice=True)
        self.pipe(self._outbox.say(notice), lambda _outcome: NoticeUttered())

    def _notebook_away(self, heard: m.MessageHeard, reading: Reading, error: StorageError) -> None:
        """Hold on to a message that could not be kept.  Danger is answered at once, the rest
        later.
        """
        extra = {"error": type(error).__name__, "care_level": reading.level}
        log.warning("conversation.not_kept", extra={**extra, "guild_id": heard.place.guild_id})
        before = self._care
        self._care = care.heard(before, reading, heard.at)
        if heard.addressed and reading.level >= FRAME_LEVEL:
            self._pending.add(ledger.waiting(heard, reading, before, unsure=False))
            self._notebook.hold([ledger.heard_message(heard, reading, self._sitting.row)])
            self._answer(grown=True)
        else:
            self._notebook.unheard.append(heard)
            if heard.addressed and not self._notebook.has_noticed:
                self._notebook.has_noticed = True
                self._notice(heard, NOTEBOOK_AWAY)
        self._try_later()

    def _try_later(self) -> None:
        self.after(self._notebook.pause(), RetryDue(), name="retry")

    async def _retry(self) -> None:
        if not await self._load():
            self._try_later()
            return
        unheard, self._notebook.unheard = self._notebook.unheard, []
        for heard in unheard:
            await self._hear(heard)
        if not self._notebook.unheard:
            await self._keep_or_hold()
        self._answer()

    async def _keep_or_hold(self, *writes: Write) -> None:
        if not await self._notebook.keep_or_hold(writes):
            self._try_later()

    # --- answering

    def _answer(self, *, grown: bool = False) -> None:
        """Start making the answer to all that waits, unless one is being said or made already."""
        if not self._pending.may_begin(grown=grown) or self._person is None or self._place is None:
            return
        self._turns += 1
        burst = Burst(
            turn=f"{hashed(self._user_id)}-{hashed(self._channel_id)}-{self._turns}",
            person=self._person,
            place=self._place,
            waiting=tuple(self._pending.waiting),
            past=tuple(p for p in self._sitting.lines if p.message_id not in self._pending),
            care=self._care,
            depth=self._sitting.depth + 1,
            conversation_started=self._sitting.started_at or self._clock(),
        )
        if overtaken := self._pending.begin(burst):
            language = self._directory.ref(LanguageActor, m.OnlyOne)
            language.tell(m.DraftWithdrawn(overtaken.turn))
        self.pipe(self._composer.compose(burst), lambda outcome: ReplyComposed(burst, outcome))

    def _composed(self, ready: ReplyComposed) -> None:
        burst, composed = ready.burst, ready.outcome
        if not self._pending.is_under_way(burst):
            return
        if isinstance(composed, Exception):
            if not isinstance(composed, m.DoorClosedError):
                log.error("conversation.failed", extra={"error": type(composed).__name__})
            self._pending.given_up()
            self._try_later()
            return
        self._pending.being_said()
        if composed.said_as:
            self.tell_self(ReplyUttered(burst, composed, composed.said_as))
            return
        reply = m.Reply(
            user_id=self._user_id,
            place=burst.place,
            answers=burst.waiting[-1].message_id,
            text=composed.text,
            resources=composed.resources,
        )
        self.pipe(self._outbox.say(reply), lambda outcome: ReplyUttered(burst, composed, outcome))

    async def _uttered(self, uttered: ReplyUttered) -> None:
        burst, composed, outcome = uttered.burst, uttered.composed, uttered.outcome
        if not self._pending.is_under_way(burst):
            return  # the person asked to be forgotten while the answer was on its way
        if isinstance(outcome, Exception) and not isinstance(outcome, m.CannotSayError):
            log.warning("conversation.not_said", extra={"error": type(outcome).__name__})
            self._pending.given_up()
            self._try_later()
            return
        message_ids = () if isinstance(outcome, Exception) else outcome
        self._pending.answered(burst)
        await self._keep_said(burst, composed, message_ids)
        if composed.too_young:
            await self._let_go()
        self._answer()

    async def _keep_said(
        self, burst: Burst, composed: Composed, message_ids: tuple[MessageId, ...]
    ) -> None:
        started, now = time.perf_counter(), self._clock()
        self._sitting.depth += 1
        row, first = self._sitting.row, message_ids[0] if message_ids else None
        self._care, writes = ledger.said(burst, composed, message_ids, row, self._care, now)
        await self._keep_or_hold(*writes)
        if row is not None:
            self._sitting.add(ledger.said_line(burst, composed, first, row, now))
        self._exchange_ended(ledger.exchange(burst, composed, first, row, now))
        took = round((time.perf_counter() - started) * 1000, 2)
        extra = {**ledger.ended_extra(burst, composed, now), "said_kept_ms": took}
        log.info("exchange.ended", extra=extra)

    def _exchange_ended(self, ended: m.ExchangeEnded) -> None:
        directory, guild_id = self._directory, ended.place.guild_id
        directory.ref(MoodActor, m.mood_key(ended.place, self._user_id)).tell(ended)
        directory.ref(RelationshipActor, self._user_id).tell(ended)
        directory.ref(MemoryActor, self._user_id).tell(ended)
        directory.ref(OpinionActor, guild_id or 0).tell(ended)

    # --- second thoughts

    async def _edited(self, edited: m.MessageEdited) -> None:
        reading = sentinel.read(edited.text)
        if self._pending.edited(edited.message_id, edited.text, reading):
            self._answer(grown=True)
        self._sitting.edited(edited.message_id, edited.text)
        writes: list[Write] = [EditedMessage(edited.message_id, edited.text, edited.at)]
        state = care.heard(self._care, reading, edited.at)
        if state != self._care:  # danger that was written into an old message is not overlooked
            self._care = state
            writes.append(KeptCare(self._user_id, self._channel_id, state))
        await self._keep_or_hold(*writes)

    def _forget(self, message_ids: frozenset[MessageId]) -> None:
        self._notebook.forget(message_ids)
        self._sitting.forget(message_ids)
        if self._pending.forget(message_ids):
            self._answer()

    async def _let_go(self) -> None:
        """Delete everything of somebody who said that they are under 13."""
        try:
            await self._notebook.ask(m.ErasePerson(self._user_id))
        except StorageError as error:
            log.warning("person.not_forgotten", extra={"error": type(error).__name__})
            return
        self._directory.ref(MemoryActor, self._user_id).tell(m.PersonForgotten())
        self._directory.ref(RelationshipActor, self._user_id).tell(m.PersonForgotten())
        self._forget_everything()
        log.info("person.forgotten", extra={"reason": "too_young"})

    def _forget_everything(self) -> None:
        self._care = None
        self._sitting.clear()
        self._pending.clear()
        self._notebook.clear()
