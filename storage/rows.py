"""Records as rows: tuples in the order of their statement in `storage.statements`."""

import math
from typing import Any, Final

from storage import records as r
from storage.times import ensure_utc
from storage.types import storable, storable_json

Row = tuple[Any, ...]
NAME: Final = 255
"""How long a name may be (VARCHAR(255)); a longer one is cut, in both databases."""


def finite(value: float) -> float:
    """Return `value` if it is a number that a row can hold.

    Raises:
        ValueError: it is NaN or infinite (PostgreSQL would take it, SQLite would make it NULL).
    """
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)


def fact_row(fact: r.UserFact) -> Row:
    """Return what is kept of a fact besides its owner, in the order of `statements.FACT`."""
    return (
        fact.fact_type,
        storable(fact.content),
        finite(fact.confidence),
        fact.source,
        fact.is_active,
        ensure_utc(fact.learned_at),
        fact.last_referenced_at and ensure_utc(fact.last_referenced_at),
        fact.fact_type,
        finite(fact.importance),
        fact.temporal,
        fact.expires_at and ensure_utc(fact.expires_at),
        fact.source_message_id,
        fact.guild_id,
        storable(fact.about)[:NAME],
        storable(fact.slot)[:50],
        fact.cardinality,
        fact.sensitivity,
        storable(fact.happens_on)[:20],
        storable(fact.evidence),
        fact.times_recalled,
        fact.superseded_by,
    )


def mood_row(mood: r.Mood) -> Row:
    """Return the row of a guild's mood, in the order of its statement."""
    at = ensure_utc(mood.updated_at)
    return (
        mood.guild_id,
        finite(mood.valence),
        finite(mood.arousal),
        at,
        mood.total_messages_sent,
        mood.total_facts_learned,
        mood.total_users_known,
        ensure_utc(mood.first_activated_at) if mood.first_activated_at else at,
    )


def opinion_row(opinion: r.Opinion) -> Row:
    """Return the row of an opinion, in the order of its statement; topics are lower case."""
    return (
        opinion.guild_id,
        storable(opinion.topic).lower()[:NAME],
        finite(opinion.sentiment),
        finite(opinion.interest),
        opinion.discussion_count,
        opinion.reasoning and storable(opinion.reasoning),
        ensure_utc(opinion.formed_at),
        ensure_utc(opinion.last_reinforced_at),
    )


def relationship_row(known: r.Relationship) -> Row:
    """Return the row of a relationship, in the order of its statement."""
    first, last = known.first_interaction_at, known.last_interaction_at
    return (
        known.user_id,
        known.guild_id,
        finite(known.score),
        known.total_interactions,
        known.positive_interactions,
        known.negative_interactions,
        finite(known.avg_message_length),
        finite(known.conversation_depth_avg),
        storable_json(known.shared_references),
        first and ensure_utc(first),
        last and ensure_utc(last),
        known.day,
        known.turns_today,
        finite(known.growth_today),
    )


def style_row(style: r.CommunicationStyle) -> Row:
    """Return the row of a communication style, in the order of its statement."""
    return (
        style.user_id,
        style.preferred_length,
        finite(style.preferred_formality),
        finite(style.emoji_affinity),
        finite(style.humor_affinity),
        finite(style.detail_preference),
        storable_json(style.engagement_signals),
        style.samples_collected,
        finite(style.confidence),
    )
