"""What is known of a person: how to talk with them, and what they told."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import records as r
from storage.ids import RowId, UserId
from storage.models import (
    User,
    UserCommunicationStyle,
    UserFact,
    UserPreference,
    UserRelationship,
    Watermark,
)
from storage.reads.conversations import newest, said


async def load_person(connection: AsyncConnection, user_id: UserId) -> r.PersonState:
    """Return what is known of how to talk with a person."""
    user = (
        await connection.execute(select(User.__table__).where(User.discord_id == user_id))
    ).first()
    if user is None:
        return r.PersonState(None, None, (), None, {})
    person = r.Person(
        user_id=user_id,
        username=user.discord_username,
        display_name=user.discord_display_name or user.discord_username,
        locale=user.locale,
    )
    relationships = await connection.execute(
        select(UserRelationship.__table__)
        .where(UserRelationship.user_id == user.id)
        .order_by(UserRelationship.id)
    )
    preferences = await connection.execute(
        select(UserPreference.preference_key, UserPreference.preference_value).where(
            UserPreference.user_id == user.id
        )
    )
    return r.PersonState(
        person=person,
        custom_name=user.custom_name,
        relationships=tuple(relationship(row, user_id) for row in relationships),
        style=await load_style(connection, user.id, user_id),
        preferences={key: value or "" for key, value in preferences},
    )


def relationship(row: Any, user_id: UserId) -> r.Relationship:
    """Return a row of `user_relationships` as a record."""
    return r.Relationship(
        user_id=user_id,
        guild_id=row.guild_id,
        score=row.relationship_score,
        total_interactions=row.total_interactions,
        positive_interactions=row.positive_interactions,
        negative_interactions=row.negative_interactions,
        avg_message_length=row.avg_message_length,
        conversation_depth_avg=row.conversation_depth_avg,
        shared_references=row.shared_references,
        first_interaction_at=row.first_interaction_at,
        last_interaction_at=row.last_interaction_at,
        day=row.growth_day,
        turns_today=row.turns_today,
        growth_today=row.growth_today,
    )


async def load_style(
    connection: AsyncConnection, key: int, user_id: UserId
) -> r.CommunicationStyle | None:
    """Return how the person with this row key likes to talk."""
    table = UserCommunicationStyle
    row = (await connection.execute(select(table.__table__).where(table.user_id == key))).first()
    if row is None:
        return None
    return r.CommunicationStyle(
        user_id=user_id,
        preferred_length=row.preferred_length,
        preferred_formality=row.preferred_formality,
        emoji_affinity=row.emoji_affinity,
        humor_affinity=row.humor_affinity,
        detail_preference=row.detail_preference,
        engagement_signals=row.engagement_signals,
        samples_collected=row.samples_collected,
        confidence=row.confidence,
    )


async def load_memory(connection: AsyncConnection, user_id: UserId, limit: int) -> r.MemoryState:
    """Return a person's active facts (oldest first), the `limit` newest messages of their
    conversations, and how far facts were drawn from them.
    """
    facts = await connection.execute(
        select(UserFact.__table__)
        .join(User, User.id == UserFact.user_id)
        .where(User.discord_id == user_id, UserFact.is_active)
        .order_by(UserFact.id)
    )
    marks: Any = await connection.execute(
        select(Watermark.guild_id, Watermark.last_message_id)
        .join(User, User.id == Watermark.user_id)
        .where(User.discord_id == user_id)
        .order_by(Watermark.id)
    )
    return r.MemoryState(
        facts=tuple(user_fact(row, user_id) for row in facts),
        messages=await newest(connection, said().where(User.discord_id == user_id), limit),
        watermarks=tuple(r.Watermark(user_id, guild_id, last) for guild_id, last in marks),
    )


def user_fact(row: Any, user_id: UserId) -> r.UserFact:
    """Return a row of `user_facts` as a record."""
    return r.UserFact(
        fact_id=RowId(row.id),
        user_id=user_id,
        guild_id=row.guild_id,
        fact_type=row.fact_type,
        content=row.fact_content,
        confidence=row.confidence,
        importance=row.importance,
        learned_at=row.learned_at,
        about=row.about,
        slot=row.slot,
        cardinality=row.cardinality,
        sensitivity=row.sensitivity,
        temporal=row.temporal_relevance,
        source=row.source,
        is_active=row.is_active,
        expires_at=row.expiry_date,
        happens_on=row.happens_on,
        source_message_id=row.extracted_from_message_id,
        evidence=row.evidence,
        last_referenced_at=row.last_referenced_at,
        times_recalled=row.times_recalled,
        superseded_by=row.superseded_by,
    )
