"""READ THIS FIRST: every message between actors, in the order of a conversation.

    door -> ConversationActor -> StorageActor, MoodActor, RelationshipActor, MemoryActor,
    OpinionActor
                              -> LanguageActor -> the door says it -> StorageActor
                              -> ExchangeEnded to mood, relationship, memory, opinions

Rule 1: a told message (`Told`) says what happened, in the past tense, and is never answered.
Rule 2: an asked one (`Asked[T]`) is a verb, has the answer type T, and goes only to an actor
further down this file.
Rule 3: messages are values: frozen, made of ids, numbers and text.  Nothing in them is alive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from actors.rules.events import Drawn
from actors.runtime import Asked, Told
from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId
from storage.records import (
    Claim,
    CommunicationStyle,
    ConversationState,
    Event,
    FactType,
    KnownChannel,
    MemoryState,
    Mood,
    Opinion,
    Person,
    PersonState,
    Place,
    Relationship,
    Settled,
    UserFact,
    Write,
)

# --- keys: which actor of a kind -----------------------------------------------------------------

ConversationKey = tuple[UserId, ChannelId]
MoodKey = tuple[Literal["guild", "dm"], int]
"""A guild's mood, or the passing mood of one person's direct messages."""
NO_MESSAGE = MessageId(0)
"""What is answered by something that answers nothing."""
OnlyOne: Literal[""] = ""
"""The key of an actor that the process has one of."""


def mood_key(place: Place, user_id: UserId) -> MoodKey:
    """Return the key of the mood that holds in `place`; direct messages never move a guild's."""
    return ("dm", user_id) if place.guild_id is None else ("guild", place.guild_id)


# --- 1. heard: a door to ConversationActor -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageHeard(Told):
    """A person said something.  `addressed`: it was meant for the bar, which owes an answer.

    `quoted`: the text that it replies to, if it replies to something the bar said.
    `caught_up`: it was said while the bar was away.
    """

    person: Person
    place: Place
    message_id: MessageId
    text: str
    at: datetime
    image_urls: tuple[str, ...] = ()
    addressed: bool = True
    quoted: str = ""
    caught_up: bool = False


@dataclass(frozen=True, slots=True)
class MessageEdited(Told):
    """A person changed what they had said."""

    user_id: UserId
    place: Place
    message_id: MessageId
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnswerAwaited(Told):
    """The bar woke up, and this conversation is still owed an answer (the actor knows which)."""


@dataclass(frozen=True, slots=True)
class MessagesForgotten(Told):
    """Messages of this person were deleted for good: drop them from everything that is in
    memory.
    """

    message_ids: frozenset[MessageId]


@dataclass(frozen=True, slots=True)
class PersonForgotten(Told):
    """Everything about this person was deleted for good: start afresh."""


# --- 2. the house's book: doors to HouseActor ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessagesDeleted(Told):
    """Messages were deleted in a channel; a door knows neither their author nor whether they were
    kept.
    """

    channel_id: ChannelId
    message_ids: frozenset[MessageId]


@dataclass(frozen=True, slots=True)
class GuildJoined(Told):
    """The bar is (still) in this guild."""

    guild_id: GuildId
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GuildLeft(Told):
    """The bar was removed from this guild."""

    guild_id: GuildId
    at: datetime


@dataclass(frozen=True, slots=True)
class ReadChannels(Asked[tuple[KnownChannel, ...]]):
    """Every channel where the bar was ever spoken to: where to look for what it missed."""


@dataclass(frozen=True, slots=True)
class ReadSetting(Asked[Any]):
    """The value the bar keeps for itself under `key`, or None."""

    key: str


@dataclass(frozen=True, slots=True)
class KeepSetting(Asked[None]):
    """Keep `value` under `key`."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class ForgetPerson(Asked[None]):
    """Delete everything about a person, everywhere; answered when it is gone."""

    user_id: UserId


# --- 3. asked while a reply is made: ConversationActor and cogs to the state actors --------------


@dataclass(frozen=True, slots=True)
class MoodReading:
    """A mood as it is now, with its one-word label (steady, warm, bright, tender)."""

    mood: Mood
    label: str


@dataclass(frozen=True, slots=True)
class ReadMood(Asked[MoodReading]):
    """The mood as it is at `at`, silence included.  To MoodActor."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RelationshipReading:
    """What the bar knows of how to talk with a person in a place."""

    relationship: Relationship
    overall: Relationship
    band: str
    style: CommunicationStyle | None
    preferences: Mapping[str, str]
    name: str
    """What to call them: the custom name, else the guild nickname, else Discord's display name."""
    last_disclosed_at: datetime | None
    """When the bar last told this person that it is software."""


@dataclass(frozen=True, slots=True)
class ReadRelationship(Asked[RelationshipReading]):
    """To RelationshipActor.  `person`: as the door sees them now, for the name."""

    person: Person
    guild_id: GuildId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SetPreference(Asked[None]):
    """Keep (or with None remove) a setting of this person.  To RelationshipActor."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class RecalledMessage:
    """A past message worth showing to the model.  `said_by`: the person's name, or the bar's."""

    message_id: MessageId | None
    said_by: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recall:
    """What memory has to say: the pinned profile, and what matters to the words just heard, best
    first.
    """

    profile: tuple[UserFact, ...] = ()
    facts: tuple[UserFact, ...] = ()
    messages: tuple[RecalledMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class RecallMemory(Asked[Recall]):
    """To MemoryActor.  `in_prompt`: messages that the prompt shows anyway.

    `most`: how many messages at most.
    """

    query: str
    guild_id: GuildId | None
    at: datetime
    in_prompt: frozenset[MessageId] = frozenset()
    most: int = 12


@dataclass(frozen=True, slots=True)
class ListFacts(Asked[tuple[UserFact, ...]]):
    """The active facts that may be shown in this place (guild or, None, direct message), newest
    first.
    """

    guild_id: GuildId | None


@dataclass(frozen=True, slots=True)
class ForgetFacts(Asked[int]):
    """Delete facts for good: the named ones, all of a type, or (neither given) all.  The answer:
    how many.
    """

    fact_ids: frozenset[RowId] = frozenset()
    fact_type: FactType | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class CorrectFact(Asked[UserFact | None]):
    """Replace the wording of a fact with the person's own; None if there is no such fact."""

    fact_id: RowId
    content: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReadOpinions(Asked[tuple[Opinion, ...]]):
    """The opinions that matter to `text`, at most `limit`.  To OpinionActor (key: guild id or 0
    for global).
    """

    text: str
    at: datetime
    limit: int = 2


# --- 4. the model: ConversationActor and MemoryActor to LanguageActor ----------------------------


@dataclass(frozen=True, slots=True)
class PromptPart:
    """One turn of a prompt.  The first part (the persona) is byte-identical from call to call."""

    role: Literal["system", "user", "assistant"]
    content: str
    image_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HouseContext:
    """What the house voice needs when the model is away.  `turn` counts the bar's replies in this
    sitting.
    """

    text: str
    name: str
    turn: int
    seed: int
    tone: float = 0.0
    known: tuple[str, ...] = ()
    """Facts about this person that may be said here, as sentences in the third person."""
    said: tuple[RecalledMessage, ...] = ()
    """What this person said earlier that may be quoted here, best first."""
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply, before the lint.  `risk` 0-3 is the model's second opinion; the house voice has
    none (0).
    """

    text: str
    risk: int = 0
    voice: Literal["model", "house"] = "model"
    reason: str = ""
    """Why the house voice spoke: a code, e.g. `no_key`, `busy`, `away`, `broken_answer`,
    `budget`.
    """
    completion_tokens: int = 0
    queued_ms: float = 0.0
    model_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class DraftReply(Asked[Draft]):
    """Write a reply.  Never fails for the model's sake: it falls back to the house voice.

    `turn`: names this request, for `DraftWithdrawn`.  `crisis`: goes first in the queue.
    """

    turn: str
    guild_id: GuildId | None
    user_id: UserId
    prompt: tuple[PromptPart, ...]
    house: HouseContext
    crisis: bool = False
    again: bool = False
    """The first draft broke a rule of care; this is the one regeneration."""


@dataclass(frozen=True, slots=True)
class DraftWithdrawn(Told):
    """Nobody waits for this draft any more (the person went on talking): drop it if it is still
    queued.
    """

    turn: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the extractor said: the parsed JSON object, or None and why (`no_key`, `busy`, `away`,
    ...).
    """

    data: Mapping[str, Any] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExtractFacts(Asked[Extraction]):
    """Draw facts from messages, in the background.  `schema`: the JSON schema of the answer."""

    guild_id: GuildId | None
    user_id: UserId
    prompt: tuple[PromptPart, ...]
    schema: Mapping[str, Any]


# --- 5. the exchange is over: ConversationActor to the state actors ------------------------------


@dataclass(frozen=True, slots=True)
class ExchangeEnded(Told):
    """The bar has answered (and it is kept).  One for each reply, over the burst of messages it
    settles.

    `valence`, `arousal`: the appraised tone of the words, -1 to 1.  `care_level` of the burst, 0
    to 3.
    `depth`: the bar's replies so far in this sitting.  `opened_sitting`: it was the first.
    """

    person: Person
    place: Place
    message_ids: tuple[MessageId, ...]
    text: str
    reply: str
    at: datetime
    valence: float = 0.0
    arousal: float = 0.0
    care_level: int = 0
    depth: int = 1
    opened_sitting: bool = False
    disclosed: bool = False
    recalled: tuple[RowId, ...] = ()
    """Facts that the prompt showed."""
    messages: tuple[tuple[MessageId, str, datetime], ...] = field(default=())
    """The person's messages of this burst: id, text, time."""
    conversation: RowId | None = None
    reply_id: MessageId | None = None
    """The message (its first part) in which the bar answered."""


@dataclass(frozen=True, slots=True)
class SittingEnded(Told):
    """Sixty minutes of silence: to MemoryActor, which then draws facts from what is left."""

    guild_id: GuildId | None
    at: datetime


# --- the calendar: doors and MemoryActor to CalendarActor ----------------------------------------


@dataclass(frozen=True, slots=True)
class EventsDue(Told):
    """Something may have come due: the bar opened, or the time that was waited for is here."""


@dataclass(frozen=True, slots=True)
class PlanEvent(Asked[Event | None]):
    """Keep an event that a person asked for; a new birthday takes the place of the old one.  The
    answer: it, as kept; None if too much of theirs is waiting already.
    """

    person: Person
    event: Event


@dataclass(frozen=True, slots=True)
class NoteEvents(Asked[int]):
    """Plan what a person spoke of in a place, if it can be and they gave leave.  The answer: how
    many are new.
    """

    user_id: UserId
    guild_id: GuildId | None
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class ListEvents(Asked[tuple[Event, ...]]):
    """What waits for a person and may be shown in this place, the soonest first."""

    user_id: UserId
    guild_id: GuildId | None


@dataclass(frozen=True, slots=True)
class CancelEvent(Asked[Event | None]):
    """Cancel what waits, with all that would follow it; None if nothing of theirs waits there."""

    user_id: UserId
    event_id: RowId


@dataclass(frozen=True, slots=True)
class StopEvents(Asked[Event | None]):
    """Cancel all that waits of this event's kind.  The answer: it; None if it is not theirs."""

    user_id: UserId
    event_id: RowId


@dataclass(frozen=True, slots=True)
class RepeatEvent(Asked[Event | None]):
    """Remind the person once more, at `at`, of what they were reminded of."""

    person: Person
    event_id: RowId
    at: datetime


# --- 6. storage: everyone to StorageActor --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Save(Asked[tuple[Any, ...]]):
    """Keep `writes`; answered only after the commit that holds them, with one answer for each
    write:

    `Heard` for a `HeardMessage`, the row's id for a `FactSave`, else None (see
    storage.records.Write). If the database refuses one of them the ask fails with
    `RowRefusedError`; if it is away, with
    `StorageUnavailableError`.
    """

    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class LoadConversation(Asked[ConversationState]):
    """What a conversation actor wakes up with."""

    user_id: UserId
    channel_id: ChannelId
    at: datetime


@dataclass(frozen=True, slots=True)
class LoadMood(Asked[Mood | None]):
    """A guild's mood (None as guild: the global row); None if it has none yet."""

    guild_id: GuildId | None


@dataclass(frozen=True, slots=True)
class LoadPerson(Asked[PersonState]):
    """What a relationship actor wakes up with."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class LoadMemory(Asked[MemoryState]):
    """What a memory actor wakes up with: active facts, and the `limit` newest messages of this
    person's conversations (the bar's replies in them included).
    """

    user_id: UserId
    limit: int = 5_000


@dataclass(frozen=True, slots=True)
class LoadOpinions(Asked[tuple[Opinion, ...]]):
    """A guild's opinions (None: the global ones)."""

    guild_id: GuildId | None


@dataclass(frozen=True, slots=True)
class LoadOwed(Asked[tuple[ConversationKey, ...]]):
    """The conversations that are owed an answer, longest waiting first."""


@dataclass(frozen=True, slots=True)
class LoadChannels(Asked[tuple[KnownChannel, ...]]):
    """Every channel where the bar was spoken to."""


@dataclass(frozen=True, slots=True)
class LoadSetting(Asked[Any]):
    """The value kept under `key`, or None."""

    key: str


@dataclass(frozen=True, slots=True)
class LoadEvents(Asked[tuple[Event, ...]]):
    """Everything that is, was or was to be due for a person, by its time."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class KeepEvents(Asked[tuple[Event, ...]]):
    """Keep events that were drawn from messages, each once.  The answer: those that are new."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class ClaimEvents(Asked[Claim]):
    """Take upon oneself, until `until`, at most `limit` events that are due at `at`; see
    storage.calendar.  `by` names the one who does.
    """

    by: str
    at: datetime
    until: datetime
    limit: int


@dataclass(frozen=True, slots=True)
class SettleEvent(Asked[bool]):
    """Write down what became of a claimed event; False: the claim no longer held."""

    settled: Settled


@dataclass(frozen=True, slots=True)
class EraseMessages(Asked[tuple[tuple[UserId, ChannelId, MessageId], ...]]):
    """Delete messages for good, with the facts drawn from them.  The answer: those that were kept,
    each with its person and channel.
    """

    message_ids: frozenset[MessageId]


@dataclass(frozen=True, slots=True)
class EraseFacts(Asked[int]):
    """Delete facts of a person for good, with the older ones that they replaced, leaving
    tombstones: the named ones, all of a type, or `everything` (inactive ones too).  The answer:
    how many.
    """

    user_id: UserId
    fact_ids: frozenset[RowId] = frozenset()
    fact_type: FactType | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class EraseExpired(Asked[int]):
    """Delete what is past its keeping: raw messages said before `messages_before`, crisis turns
    said before
    `crisis_before`.  Messages that are owed an answer stay.  The answer: how many.
    """

    messages_before: datetime
    crisis_before: datetime


@dataclass(frozen=True, slots=True)
class ErasePerson(Asked[tuple[int, frozenset[ChannelId]]]):
    """Delete a person and everything of theirs for good, leaving a tombstone.

    The answer: how many rows went, and in which channels they had talked.
    """

    user_id: UserId


# --- 7. back to the door -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door is to say.  `answers`: the message it references, which is also its nonce.

    `resources`: the help that a button opens, for the person alone ("" for none).
    `notice`: not the answer, only a word about its delay; it references nothing.
    `event`: it answers nothing (`answers` is 0), for this came due; its nonce is the event's.
    `pings`: the person asked to be called.
    """

    user_id: UserId
    place: Place
    answers: MessageId
    text: str
    resources: str = ""
    notice: bool = False
    event: Event | None = None
    pings: bool = False


class Outbox(Protocol):
    """How an actor reaches the person: given by the door, the only thing that travels back."""

    async def say(self, reply: Reply) -> tuple[MessageId, ...]:
        """Say it, in as many messages as it takes; return their ids, in order.

        Saying the same reply (same `answers`) again within minutes says nothing twice.

        Raises:
            CannotSayError: it never will be possible (channel deleted, forbidden, message gone).
            DoorClosedError: not now; the reply stays owed.
        """

    async def find_said(
        self, place: Place, message_id: MessageId
    ) -> tuple[str, tuple[MessageId, ...]] | None:
        """Return text and ids of the reply to `message_id` that was said already, or None."""

    async def find_event(
        self, place: Place, event_id: RowId, since: datetime
    ) -> tuple[MessageId, ...] | None:
        """Return the ids of the message about an event that was said since then, or None.

        Raises:
            DoorClosedError: nobody can tell at the moment.
        """

    async def typing(self, place: Place) -> None:
        """Show that an answer is being written; fails silently."""


class CannotSayError(Exception):
    """The door cannot say this, now or later."""


class DoorClosedError(Exception):
    """The door cannot say anything at the moment."""
