"""The conversation: one for each person and channel, from a message heard to its answer said and
kept.

Rule 1: a message is durable before its answer is said; while the notebook (the database) is away,
only
        somebody in danger is answered.
Rule 2: every addressed message is answered once: what waits is known to storage, and what may
have been
        said before a crash is looked for before it is said again.
Rule 3: messages that arrive while an answer is being made are answered together with it.
Rule 4: a turn never waits for the model or the door: those run beside the mailbox and come back
as messages.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from actors import ledger
from actors import messages as m
from actors.briefing import Burst, Waiting
from actors.composing import Composed, Composer
from actors.directory import Directory, VirtualActor
from actors.language import LanguageActor
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.opinions import OpinionActor
from actors.relationship import RelationshipActor
from actors.rules import care, sentinel, sittings
from actors.rules.sentinel import Reading
from actors.runtime import Told
from actors.storage import StorageActor
from storage.errors import RowRefusedError, StorageError, StorageUnavailableError
from storage.ids import MessageId, RowId, hashed
from storage.records import (
    CareState,
    Conversation,
    EditedMessage,
    Heard,
    KeptCare,
    PastMessage,
    Person,
    Place,
    Write,
)

log = logging.getLogger(__name__)

PAST_MESSAGES: Final = 30
REDRAFTS: Final = 3
"""How often a growing burst starts its answer anew; then it is answered as it stands."""
RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
SAVING_SECONDS: Final = 20.0
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
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._sitting: Conversation | None = None
        self._care: CareState | None = None
        self._past: deque[PastMessage] = deque(maxlen=PAST_MESSAGES)
        self._person: Person | None = None
        self._place: Place | None = None
        self._waiting: list[Waiting] = []
        self._unsaved: list[m.MessageHeard] = []
        self._unkept: list[Write] = []
        self._burst: Burst | None = None
        self._saying = False
        self._redrafts = 0
        self._depth = 0
        self._turns = 0
        self._failures = 0
        self._noticed = False
        self._loaded = False

    # --- life
    # ---------------------------------------------------------------------------------------

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
            state = await self._storage.ask(load, timeout=SAVING_SECONDS)
        except StorageError:
            return False
        self._loaded = True
        self._sitting, self._care = state.conversation, self._care or state.care
        self._past.extend(state.messages)
        self._depth = sum(1 for p in state.messages if p.role == "assistant")
        for owed in state.owed:
            self._person, self._place = owed.person, owed.place
            reading = sentinel.read(owed.text)
            waiting = Waiting(owed.message_id, owed.text, owed.at, reading, owed.image_urls)
            self._waiting.append(replace(waiting, unsure=True, care_before=self._care))
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
    # --------------------------------------------------------------------------------------

    async def _hear(self, heard: m.MessageHeard) -> None:
        started = time.perf_counter()
        reading = sentinel.read(heard.text)
        self._person, self._place = heard.person, heard.place
        known = any(w.message_id == heard.message_id for w in self._waiting)
        if known or any(u.message_id == heard.message_id for u in self._unsaved):
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
        log.info(
            "conversation.heard",
            extra={
                "guild_id": heard.place.guild_id,
                "user": hashed(self._user_id),
                "care_level": reading.level,
                "fresh": kept.fresh,
                "characters": len(heard.text),
                "images": len(heard.image_urls),
                "kept_ms": round((time.perf_counter() - started) * 1000, 2),
            },
        )
        if kept.answered or not heard.addressed:
            return
        unsure = heard.caught_up or not kept.fresh
        self._await_answer(heard, reading, before, unsure=unsure)
        self._answer(grown=True)

    def _await_answer(
        self,
        heard: m.MessageHeard,
        reading: Reading,
        before: CareState | None,
        *,
        unsure: bool,
    ) -> None:
        self._waiting.append(
            Waiting(
                heard.message_id,
                heard.text,
                heard.at,
                reading,
                heard.image_urls,
                heard.quoted,
                unsure,
                before,
            )
        )

    async def _keep(self, heard: m.MessageHeard, reading: Reading) -> Heard:
        """Make the message durable; the sitting it belongs to is settled on the way."""
        if not await self._load():
            raise StorageUnavailableError("not loaded yet")
        sitting, effects = sittings.spoken(self._sitting, heard.at)
        state = care.heard(self._care, reading, heard.at)
        writes: list[Write] = [
            ledger.heard_message(heard, reading, sitting.row),
            ledger.channel_of(heard),
        ]
        if state != self._care:
            writes.append(KeptCare(self._user_id, self._channel_id, state))
        answers = await self._storage.ask(m.Save(tuple(writes)), timeout=SAVING_SECONDS)
        kept: Heard = answers[0]
        self._failures = 0
        self._noticed = False
        self._care = state
        for effect in effects:
            if isinstance(effect, sittings.Close):
                self._sitting_ended(heard.place, heard.at)
        if kept.fresh:
            self._sitting = replace(sitting, row=kept.conversation)
            self._past.append(ledger.heard_line(heard, kept.conversation, reading.level))
        return kept

    @property
    def _row(self) -> RowId | None:
        """The running sitting's row; None while none is kept."""
        return self._sitting.row if self._sitting else None

    def _sitting_ended(self, place: Place, at: datetime) -> None:
        self._past.clear()
        self._depth = 0
        self._directory.ref(MemoryActor, self._user_id).tell(m.SittingEnded(place.guild_id, at))

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
        log.warning(
            "conversation.not_kept",
            extra={
                "error": type(error).__name__,
                "care_level": reading.level,
                "guild_id": heard.place.guild_id,
            },
        )
        before = self._care
        self._care = care.heard(before, reading, heard.at)
        if heard.addressed and reading.level >= FRAME_LEVEL:
            self._await_answer(heard, reading, before, unsure=False)
            self._unkept.append(ledger.heard_message(heard, reading, self._row))
            self._answer(grown=True)
        else:
            self._unsaved.append(heard)
            if heard.addressed and not self._noticed:
                self._noticed = True
                self._notice(heard, NOTEBOOK_AWAY)
        self._try_later()

    def _try_later(self) -> None:
        seconds = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        self._failures += 1
        self.after(seconds, RetryDue(), name="retry")

    async def _retry(self) -> None:
        if not await self._load():
            self._try_later()
            return
        unsaved, self._unsaved = self._unsaved, []
        for heard in unsaved:
            await self._hear(heard)
        if self._unkept and not self._unsaved:
            await self._keep_rest()
        self._answer()

    async def _keep_rest(self) -> None:
        try:
            await self._storage.ask(m.Save(tuple(self._unkept)), timeout=SAVING_SECONDS)
        except RowRefusedError:
            log.error("conversation.refused", extra={"writes": len(self._unkept)})
            self._unkept.clear()
        except StorageError:
            self._try_later()
        else:
            self._unkept.clear()
            self._failures = 0

    # --- answering
    # --------------------------------------------------------------------------------------

    def _answer(self, *, grown: bool = False) -> None:
        """Start making the answer to all that waits, unless one is being said or made already."""
        if not self._waiting or self._saying or self._person is None or self._place is None:
            return
        if self._burst is not None:
            urgent = max(w.reading.level for w in self._waiting) >= FRAME_LEVEL
            if not grown or (self._redrafts >= REDRAFTS and not urgent):
                return
            self._redrafts += 1
            self._directory.ref(LanguageActor, m.OnlyOne).tell(m.DraftWithdrawn(self._burst.turn))
        self._turns += 1
        burst = Burst(
            turn=f"{hashed(self._user_id)}-{hashed(self._channel_id)}-{self._turns}",
            person=self._person,
            place=self._place,
            waiting=tuple(self._waiting),
            past=self._past_before_waiting(),
            care=self._care,
            depth=self._depth + 1,
            conversation_started=self._sitting.started_at if self._sitting else self._clock(),
        )
        self._burst = burst
        self.pipe(self._composer.compose(burst), lambda outcome: ReplyComposed(burst, outcome))

    def _past_before_waiting(self) -> tuple[PastMessage, ...]:
        waiting = {w.message_id for w in self._waiting}
        return tuple(p for p in self._past if p.message_id not in waiting)

    def _composed(self, ready: ReplyComposed) -> None:
        burst, composed = ready.burst, ready.outcome
        if self._burst is None or burst.turn != self._burst.turn:
            return
        if isinstance(composed, m.DoorClosedError):
            self._burst = None
            self._try_later()
            return
        if isinstance(composed, Exception):
            log.error(
                "conversation.failed", extra={"error": type(composed).__name__, "stage": "compose"}
            )
            self._burst = None
            self._try_later()
            return
        self._saying = True
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
        if self._burst is None or burst.turn != self._burst.turn:
            return  # the person asked to be forgotten while the answer was on its way
        self._saying = False
        self._burst = None
        if isinstance(outcome, Exception) and not isinstance(outcome, m.CannotSayError):
            log.warning("conversation.not_said", extra={"error": type(outcome).__name__})
            self._try_later()
            return
        message_ids = () if isinstance(outcome, Exception) else outcome
        self._redrafts = 0
        said = {w.message_id for w in burst.waiting}
        self._waiting = [w for w in self._waiting if w.message_id not in said]
        await self._keep_said(burst, composed, message_ids)
        if composed.too_young:
            await self._let_go()
        self._answer()

    async def _keep_said(
        self, burst: Burst, composed: Composed, message_ids: tuple[MessageId, ...]
    ) -> None:
        started, now = time.perf_counter(), self._clock()
        self._depth += 1
        writes = self._said_writes(burst, composed, message_ids, now)
        try:
            await self._storage.ask(m.Save((*self._unkept, *writes)), timeout=SAVING_SECONDS)
        except StorageError as error:
            log.warning(
                "conversation.not_kept", extra={"error": type(error).__name__, "stage": "said"}
            )
            self._unkept.extend(writes)
            self._try_later()
        else:
            self._unkept.clear()
        row, first = self._row, message_ids[0] if message_ids else None
        if row is not None:
            self._past.append(ledger.said_line(burst, composed, first, row, now))
        self._exchange_ended(ledger.exchange(burst, composed, first, row, now))
        log.info(
            "exchange.ended",
            extra={
                "guild_id": burst.place.guild_id,
                "user": hashed(self._user_id),
                "messages": len(burst.waiting),
                "care_level": composed.level,
                "voice": composed.voice,
                "total_ms": round((now - burst.waiting[0].at).total_seconds() * 1000),
                "said_kept_ms": round((time.perf_counter() - started) * 1000, 2),
                **composed.stages_ms,
            },
        )

    def _said_writes(
        self, burst: Burst, composed: Composed, message_ids: tuple[MessageId, ...], now: datetime
    ) -> list[Write]:
        writes: list[Write] = [ledger.said_reply(burst, composed, message_ids, self._row, now)]
        state = self._care
        if composed.level > burst.level:  # the model read more in it than the words alone
            state = care.heard(state, Reading(composed.level), now)
        if composed.resources_shown:
            state = care.shown(state, now)
        if state != self._care:
            self._care = state
            writes.append(KeptCare(self._user_id, self._channel_id, state))
        if composed.resources_shown:
            writes.append(ledger.referral(burst, composed, now))
        return writes

    def _exchange_ended(self, ended: m.ExchangeEnded) -> None:
        directory, guild_id = self._directory, ended.place.guild_id
        directory.ref(MoodActor, m.mood_key(ended.place, self._user_id)).tell(ended)
        directory.ref(RelationshipActor, self._user_id).tell(ended)
        directory.ref(MemoryActor, self._user_id).tell(ended)
        directory.ref(OpinionActor, guild_id or 0).tell(ended)

    # --- second thoughts
    # -----------------------------------------------------------------------------------

    async def _edited(self, edited: m.MessageEdited) -> None:
        reading = sentinel.read(edited.text)
        for index, waiting in enumerate(self._waiting):
            if waiting.message_id == edited.message_id:
                self._waiting[index] = replace(waiting, text=edited.text, reading=reading)
                self._answer(grown=True)
        for index, line in enumerate(self._past):
            if line.message_id == edited.message_id:
                self._past[index] = replace(line, text=edited.text)
        writes: list[Write] = [EditedMessage(edited.message_id, edited.text, edited.at)]
        state = care.heard(self._care, reading, edited.at)
        if state != self._care:  # danger that was written into an old message is not overlooked
            self._care = state
            writes.append(KeptCare(self._user_id, self._channel_id, state))
        try:
            await self._storage.ask(m.Save(tuple(writes)), timeout=SAVING_SECONDS)
        except StorageError:
            self._unkept.extend(writes)
            self._try_later()

    def _forget(self, message_ids: frozenset[MessageId]) -> None:
        self._waiting = [w for w in self._waiting if w.message_id not in message_ids]
        self._unsaved = [u for u in self._unsaved if u.message_id not in message_ids]
        kept = [p for p in self._past if p.message_id not in message_ids]
        self._past.clear()
        self._past.extend(kept)
        burst = self._burst
        if burst and not self._saying and any(w.message_id in message_ids for w in burst.waiting):
            self._burst = None
            self._answer()

    async def _let_go(self) -> None:
        """Delete everything of somebody who said that they are under 13."""
        try:
            await self._storage.ask(m.ErasePerson(self._user_id), timeout=SAVING_SECONDS)
        except StorageError as error:
            log.warning("person.not_forgotten", extra={"error": type(error).__name__})
            return
        self._directory.ref(MemoryActor, self._user_id).tell(m.PersonForgotten())
        self._directory.ref(RelationshipActor, self._user_id).tell(m.PersonForgotten())
        self._forget_everything()
        log.info("person.forgotten", extra={"reason": "too_young"})

    def _forget_everything(self) -> None:
        self._sitting = self._care = self._burst = None
        self._saying = False
        self._past.clear()
        self._waiting.clear()
        self._unsaved.clear()
        self._unkept.clear()
        self._depth = 0
