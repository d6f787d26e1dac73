"""The statements of the state tables, written once for both databases.

A state row is one that is there or not, and of which the last write wins: mood, relationship,
style... Each `Upsert` says which columns a row has, in order, and what makes it unique; the SQL of
either database follows from that and from the types of `storage.models`.

Rule 1: a row's person is given by Discord id (`user_id`); the database puts the key of the row of
`users` instead, and refuses the row if there is none.
"""

# ruff: noqa: S608 - every part of these statements is a constant of ours; values are bound

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from storage.models import Base
from storage.schema import dialect_of
from storage.types import PortableJSON, SafeString


@dataclass(frozen=True, slots=True)
class Upsert:
    """How the rows of one state table are kept.

    `key`: what makes a row unique; `null`: the part of it that may be NULL.
    `adds`: columns that count up; `grows`: that never go back; `stays`: that keep their first.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    null: str | None = None
    adds: frozenset[str] = frozenset()
    grows: frozenset[str] = frozenset()
    stays: frozenset[str] = frozenset()

    @property
    def is_dated(self) -> bool:
        """Whether rows say when they were made and changed."""
        return "updated_at" in Base.metadata.tables[self.table].columns

    @property
    def of_person(self) -> bool:
        """Whether rows belong to a person."""
        return "user_id" in self.columns

    def changes(self, bigger: str) -> str:
        """Return what is set when the row is there already; `bigger` is the database's word for
        the greater of two values.
        """
        parts = [self._change(name, bigger) for name in self.columns if name not in self.key]
        if self.is_dated:
            parts.append("updated_at = excluded.updated_at")
        return ", ".join(parts)

    def _change(self, name: str, bigger: str) -> str:
        if name in self.adds:
            return f"{name} = t.{name} + excluded.{name}"
        if name in self.grows:
            both = f"coalesce(t.{name}, excluded.{name}), coalesce(excluded.{name}, t.{name})"
            return f"{name} = {bigger}({both})"
        if name in self.stays:
            return f"{name} = coalesce(t.{name}, excluded.{name})"
        return f"{name} = excluded.{name}"


MOODS: Final = Upsert(
    "bot_states",
    (
        "guild_id",
        "mood_valence",
        "mood_arousal",
        "mood_updated_at",
        "total_messages_sent",
        "total_facts_learned",
        "total_users_known",
        "first_activated_at",
    ),
    key=("guild_id",),
    null="guild_id",
    stays=frozenset({"first_activated_at"}),
)
OPINIONS: Final = Upsert(
    "bot_opinions",
    (
        "guild_id",
        "topic",
        "sentiment",
        "interest_level",
        "discussion_count",
        "reasoning",
        "formed_at",
        "last_reinforced_at",
    ),
    key=("guild_id", "topic"),
    null="guild_id",
)
RELATIONSHIPS: Final = Upsert(
    "user_relationships",
    (
        "user_id",
        "guild_id",
        "relationship_score",
        "total_interactions",
        "positive_interactions",
        "negative_interactions",
        "avg_message_length",
        "conversation_depth_avg",
        "shared_references",
        "first_interaction_at",
        "last_interaction_at",
        "growth_day",
        "turns_today",
        "growth_today",
    ),
    key=("user_id", "guild_id"),
    null="guild_id",
)
STYLES: Final = Upsert(
    "user_communication_styles",
    (
        "user_id",
        "preferred_length",
        "preferred_formality",
        "emoji_affinity",
        "humor_affinity",
        "detail_preference",
        "engagement_signals",
        "samples_collected",
        "confidence",
    ),
    key=("user_id",),
)
PREFERENCES: Final = Upsert(
    "user_preferences",
    ("user_id", "preference_key", "preference_value"),
    key=("user_id", "preference_key"),
)
CARES: Final = Upsert(
    "care_states",
    (
        "user_id",
        "channel_id",
        "level",
        "labels",
        "since",
        "until",
        "resources_shown_at",
        "language",
    ),
    key=("user_id", "channel_id"),
)
COUNTS: Final = Upsert(
    "care_counts",
    ("month", "guild_id", "kind", "level", "count"),
    key=("month", "guild_id", "kind", "level"),
    null="guild_id",
    adds=frozenset({"count"}),
)
USAGE: Final = Upsert(
    "model_usage",
    (
        "day",
        "guild_id",
        "model",
        "calls",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "cost_usd",
    ),
    key=("day", "guild_id", "model"),
    null="guild_id",
    adds=frozenset({"calls", "prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd"}),
)
WATERMARKS: Final = Upsert(
    "watermarks",
    ("user_id", "guild_id", "last_message_id"),
    key=("user_id", "guild_id"),
    null="guild_id",
)
CHANNELS: Final = Upsert(
    "channels",
    ("discord_id", "guild_id", "kind", "last_message_id", "last_seen_at"),
    key=("discord_id",),
    grows=frozenset({"last_message_id"}),
)
SETTINGS: Final = Upsert("settings", ("key", "value"), key=("key",))

STATES: Final = {
    "moods": MOODS,
    "relationships": RELATIONSHIPS,
    "styles": STYLES,
    "opinions": OPINIONS,
    "preferences": PREFERENCES,
    "cares": CARES,
    "watermarks": WATERMARKS,
    "channels": CHANNELS,
    "settings": SETTINGS,
    "counts": COUNTS,
    "usage": USAGE,
}
"""Every state table, by the name of its rows in a batch."""

FACT: Final = (
    "fact_type",
    "fact_content",
    "confidence",
    "source",
    "is_active",
    "learned_at",
    "last_referenced_at",
    "category",
    "importance",
    "temporal_relevance",
    "expiry_date",
    "extracted_from_message_id",
    "guild_id",
    "about",
    "slot",
    "cardinality",
    "sensitivity",
    "happens_on",
    "evidence",
    "times_recalled",
    "superseded_by",
)
"""What is kept of a fact besides its owner."""

SHIFT: Final = (
    "guild_id",
    "valence",
    "arousal",
    "trigger_type",
    "trigger_user_id",
    "trigger_description",
    "recorded_at",
)
"""What is kept of a change of mood."""


def sqlite_upsert(kept: Upsert) -> str:
    """Return SQLite's statement for one row: its columns, then the time it is written (twice,
    if it is dated).
    """
    person = "(SELECT id FROM users WHERE discord_id = ?)"
    values = [person if name == "user_id" else "?" for name in kept.columns]
    columns = list(kept.columns)
    if kept.is_dated:
        columns += ["created_at", "updated_at"]
        values += ["?", "?"]
    changes = kept.changes("max")
    conflicts = [f"ON CONFLICT ({', '.join(kept.key)}) DO UPDATE SET {changes}"]
    if kept.null is not None:
        rest = [name for name in kept.key if name != kept.null] or [f"({kept.null} IS NULL)"]
        target = f"({', '.join(rest)}) WHERE {kept.null} IS NULL"
        conflicts.append(f"ON CONFLICT {target} DO UPDATE SET {changes}")
    return (
        f"INSERT INTO {kept.table} AS t ({', '.join(columns)}) VALUES ({', '.join(values)}) "
        + " ".join(conflicts)
    )


@cache
def postgres_upsert(name: str, kept: Upsert) -> str:
    """Return PostgreSQL's part of a statement for many rows: an array for each column, then the
    time they are written.  The people are looked up in `who`.
    """
    columns = list(kept.columns)
    values = [value_of(kept.table, column) for column in columns]
    joined = ""
    if kept.of_person:
        values[columns.index("user_id")] = "who.id"
        joined = " LEFT JOIN who ON who.discord_id = i.user_id"
    if kept.is_dated:
        columns += ["created_at", "updated_at"]
        values += ["w.at", "w.at"]
        joined += " CROSS JOIN written_at w"
    return (
        f"{name} AS (INSERT INTO {kept.table} AS t ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM {unnested(kept.table, kept.columns, 'i')}{joined}"
        f" ON CONFLICT ({', '.join(kept.key)}) DO UPDATE SET {kept.changes('greatest')})"
    )


def value_of(table: str, column: str, source: str = "i") -> str:
    """Return how PostgreSQL reads an incoming column: JSON travels as text."""
    is_json = isinstance(Base.metadata.tables[table].columns[column].type, PortableJSON)
    return f"{source}.{column}::jsonb" if is_json else f"{source}.{column}"


@cache
def array_type(table: str, column: str) -> str:
    """Return the type of PostgreSQL in which a column's values travel."""
    kind = Base.metadata.tables[table].columns[column].type
    if isinstance(kind, PortableJSON | SafeString):
        return "text"
    return str(kind.compile(dialect=dialect_of("postgresql")))


def unnested(table: str, columns: Iterable[str], alias: str, *more: tuple[str, str]) -> str:
    """Return arrays, one for each column, as a table; `more` are names and types of others."""
    names = [*columns, *(name for name, _ in more)]
    types = [*(array_type(table, column) for column in columns), *(kind for _, kind in more)]
    arrays = ", ".join(f"?::{kind}[]" for kind in types)
    return f"unnest({arrays}) AS {alias} ({', '.join(names)})"
