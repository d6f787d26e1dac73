"""Every value that storage loads and saves: what the actors know of the tables.

Two kinds.  *Records* are what is kept (`Mood`, `Relationship`, `UserFact`...): an actor owns one,
changes it by a rule, and saves it whole; of two saves of one record the later wins.  *Writes* are
things that happened (`HeardMessage`, `SaidReply`...): each is kept, once.

`guild_id` None is a direct message in every record that has one, except where it says "global".
All times are aware UTC.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId

Role = Literal["user", "assistant", "system"]
FactType = Literal[
    "hobby",
    "work",
    "family",
    "preference",
    "location",
    "event",
    "relationship",
    "general",
    "attachment_pattern",
    "grief_context",
    "coping_mechanism",
]
Sensitivity = Literal["plain", "private", "sensitive"]
Temporal = Literal["past", "present", "future", "timeless"]
EventKind = Literal["birthday", "follow_up", "reminder"]
Recurrence = Literal["none", "daily", "weekly", "monthly", "yearly"]

SENSITIVE_TYPES: Final = frozenset({"grief_context", "attachment_pattern", "coping_mechanism"})


# --- who and where -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who spoke, as the door saw them."""

    user_id: UserId
    username: str
    display_name: str
    nickname: str | None = None
    roles: tuple[str, ...] = ()
    joined_guild_at: datetime | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said.  `guild_id` None: in a direct message."""

    guild_id: GuildId | None
    channel_id: ChannelId
    guild_name: str = ""
    kind: Literal["dm", "text", "thread", "terminal"] = "text"

    @property
    def is_direct(self) -> bool:
        """Whether nobody else reads along."""
        return self.guild_id is None


# --- what happened (writes: each kept once) ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A person's message.  `conversation` None: it opens a new one.

    `expects_answer`: it was meant for the bar and is owed an answer until `SaidReply` names it.
    A `message_id` that is kept already changes nothing.
    """

    person: Person
    place: Place
    message_id: MessageId
    text: str
    at: datetime
    conversation: RowId | None
    image_urls: tuple[str, ...] = ()
    token_count: int = 0
    care_level: int = 0
    expects_answer: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What storage says to a `HeardMessage` once it is durable.

    `fresh` False: the message was there before (`answered` tells whether it has had its answer).
    """

    message_id: MessageId
    conversation: RowId
    fresh: bool
    answered: bool = False


@dataclass(frozen=True, slots=True)
class SaidReply:
    """The bar's reply as it was said.  `answers`: all messages it settles; the first is the one
    referenced.

    `message_ids`: the Discord ids of its parts, in order; empty when the door could not say it
    (a deleted channel), which settles the messages all the same.  `conversation` None: the one of
    the message it answers (which may be a `HeardMessage` earlier in the same batch).
    """

    user_id: UserId
    place: Place
    conversation: RowId | None
    answers: tuple[MessageId, ...]
    message_ids: tuple[MessageId, ...]
    text: str
    at: datetime
    token_count: int = 0
    care_level: int = 0


@dataclass(frozen=True, slots=True)
class EditedMessage:
    """A message that its author changed; only the text of a kept message is replaced."""

    message_id: MessageId
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MoodShift:
    """One line of `mood_history`.  `trigger_description` is a code, never text."""

    guild_id: GuildId
    valence: float
    arousal: float
    trigger_type: Literal["conversation", "time_decay", "event"]
    trigger_user_id: UserId | None
    trigger_description: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Tokens and cost of one call of a language model; added up by day, guild and model."""

    guild_id: GuildId | None
    model: str
    at: datetime
    calls: int = 1
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class CareCount:
    """One more referral of a kind in a month; added up, no person in it."""

    month: date
    guild_id: GuildId | None
    kind: str
    level: int
    count: int = 1


# --- what is kept (records: the last write wins) -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conversation:
    """A sitting: what one person and the bar say to each other in one channel until 60 minutes of
    silence.
    """

    row: RowId | None
    started_at: datetime
    last_message_at: datetime
    message_count: int = 1


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message of a conversation as it is kept."""

    message_id: MessageId | None
    role: Role
    text: str
    at: datetime
    conversation: RowId
    user_id: UserId
    guild_id: GuildId | None = None
    channel_id: ChannelId | None = None
    image_urls: tuple[str, ...] = ()
    care_level: int = 0


@dataclass(frozen=True, slots=True)
class CareState:
    """That somebody is being looked after: held for a while after a worrying message."""

    level: int
    labels: tuple[str, ...]
    since: datetime
    until: datetime
    resources_shown_at: datetime | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class KeptCare:
    """A person's care state in a channel; `state` None clears it."""

    user_id: UserId
    channel_id: ChannelId
    state: CareState | None


@dataclass(frozen=True, slots=True)
class Mood:
    """A guild's mood and statistics: its row of `bot_states`."""

    guild_id: GuildId | None
    valence: float
    arousal: float
    updated_at: datetime
    total_messages_sent: int = 0
    total_facts_learned: int = 0
    total_users_known: int = 0
    first_activated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """How well the bar knows a person in one guild (None: overall).  `score` 0 to 100.

    `day`: the person's local day that `turns_today` counts; `growth_today` is the presence
    already credited.
    """

    user_id: UserId
    guild_id: GuildId | None
    score: float = 0.0
    total_interactions: int = 0
    positive_interactions: int = 0
    negative_interactions: int = 0
    avg_message_length: float = 0.0
    conversation_depth_avg: float = 0.0
    shared_references: dict[str, Any] = field(default_factory=dict)
    first_interaction_at: datetime | None = None
    last_interaction_at: datetime | None = None
    day: date | None = None
    turns_today: int = 0
    growth_today: float = 0.0


@dataclass(frozen=True, slots=True)
class CommunicationStyle:
    """How a person likes to talk; shares are 0 to 1, `confidence` grows with
    `samples_collected`.
    """

    user_id: UserId
    preferred_length: Literal["short", "medium", "long"] = "medium"
    preferred_formality: float = 0.3
    emoji_affinity: float = 0.3
    humor_affinity: float = 0.3
    detail_preference: float = 0.5
    engagement_signals: dict[str, Any] = field(default_factory=dict)
    samples_collected: int = 0
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Preference:
    """One setting of a person; `value` None removes it."""

    user_id: UserId
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class UserFact:
    """Something the bar knows about a person.  `fact_id` None: not kept yet.

    `guild_id` is its scope, the place where it was learned (None: a direct message).
    `superseded_by`: the fact that took its place.
    """

    fact_id: RowId | None
    user_id: UserId
    guild_id: GuildId | None
    fact_type: FactType
    content: str
    confidence: float
    importance: float
    learned_at: datetime
    about: str = "self"
    slot: str = ""
    cardinality: Literal["one", "many"] = "many"
    sensitivity: Sensitivity = "plain"
    temporal: Temporal = "present"
    source: Literal["conversation", "auto_extraction", "manual"] = "auto_extraction"
    is_active: bool = True
    expires_at: datetime | None = None
    happens_on: str = ""
    source_message_id: MessageId | None = None
    evidence: str = ""
    last_referenced_at: datetime | None = None
    times_recalled: int = 0
    superseded_by: RowId | None = None


@dataclass(frozen=True, slots=True)
class FactSave:
    """Keep `fact` (new, or as it now is).  `replaces`: the facts that this new one takes the
    place of, which storage links to it (`superseded_by`, and a 'supersedes' association).
    """

    fact: UserFact
    replaces: tuple[RowId, ...] = ()


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to which message facts have been drawn from what a person said in a scope."""

    user_id: UserId
    guild_id: GuildId | None
    last_message_id: MessageId


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the bar thinks of a topic in a guild (None: everywhere)."""

    guild_id: GuildId | None
    topic: str
    sentiment: float
    interest: float
    discussion_count: int
    formed_at: datetime
    last_reinforced_at: datetime
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel where the bar has been spoken to, and the last message of it that was heard."""

    channel_id: ChannelId
    guild_id: GuildId | None
    kind: str
    last_message_id: MessageId | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A value the bar keeps for itself under a key (the hash of its commands, its salt)."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class GuildState:
    """That the bar joined (`active`) or left a guild."""

    guild_id: GuildId
    name: str
    active: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """Something that comes due: one occurrence of it.  `event_id` None: not kept yet.

    `guild_id`, `channel_id`: where it was asked for, which is where it is said.  `anchor`: what
    the wall clock in `zone` showed at its first occurrence (naive), for what recurs.
    `proactive`: nobody asked for it in so many words, so it needs the person's leave.
    `source_message_id`: the message that it was drawn from.
    """

    event_id: RowId | None
    user_id: UserId
    guild_id: GuildId | None
    channel_id: ChannelId
    kind: EventKind
    at: datetime
    title: str
    zone: str = "UTC"
    recurs: Recurrence = "none"
    anchor: datetime | None = None
    proactive: bool = False
    source_message_id: MessageId | None = None
    status: Literal["pending", "triggered", "cancelled"] = "pending"
    triggered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event that came due, claimed for this process, with what matters about its person.

    `said_since`: an earlier claim may have said it already, at that time or later.
    `spoke_at`: when the bar last wrote to the person of its own accord.
    """

    event: Event
    said_since: datetime | None
    name: str
    zone: str | None
    opted_in: bool
    cared_for_until: datetime | None
    spoke_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a process took upon itself.  `next_at`: when something can be claimed again."""

    due: tuple[DueEvent, ...]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed event; only the process that holds the claim can say so.

    `status` pending: it is put back until `not_before`; `unsure`: it may have been said.
    `again`: when it comes again.
    """

    event_id: RowId
    by: str
    at: datetime
    status: Literal["pending", "triggered", "cancelled"]
    not_before: datetime | None = None
    unsure: bool = False
    again: datetime | None = None


# --- what an actor loads when it wakes -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A heard message that has not had its answer."""

    person: Person
    place: Place
    message_id: MessageId
    text: str
    at: datetime
    conversation: RowId
    image_urls: tuple[str, ...] = ()
    care_level: int = 0


@dataclass(frozen=True, slots=True)
class ConversationState:
    """What a conversation actor wakes up with: the active sitting, its latest messages (oldest
    first, at most 30), what is owed (oldest first), and whether the person is being looked after.
    """

    conversation: Conversation | None
    messages: tuple[PastMessage, ...]
    owed: tuple[OwedMessage, ...]
    care: CareState | None


@dataclass(frozen=True, slots=True)
class PersonState:
    """What a relationship actor wakes up with."""

    person: Person | None
    custom_name: str | None
    relationships: tuple[Relationship, ...]
    style: CommunicationStyle | None
    preferences: dict[str, str]


@dataclass(frozen=True, slots=True)
class MemoryState:
    """What a memory actor wakes up with: all active facts, and the newest messages (oldest
    first).
    """

    facts: tuple[UserFact, ...]
    messages: tuple[PastMessage, ...]
    watermarks: tuple[Watermark, ...]


Write = (
    HeardMessage
    | SaidReply
    | EditedMessage
    | MoodShift
    | ModelUse
    | CareCount
    | KeptCare
    | Mood
    | Relationship
    | CommunicationStyle
    | Preference
    | FactSave
    | Watermark
    | Opinion
    | KnownChannel
    | Setting
    | GuildState
)
"""Everything one group commit can hold.

Answers: `HeardMessage` -> `Heard`; `FactSave` -> `RowId`; all others -> None.
"""
