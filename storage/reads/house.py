"""What belongs to nobody: moods, opinions, channels, settings."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import records as r
from storage.ids import GuildId
from storage.models import BotOpinion, BotState, Channel, Setting


async def load_mood(connection: AsyncConnection, guild_id: GuildId | None) -> r.Mood | None:
    """Return a guild's mood, or the global one."""
    row = (
        await connection.execute(
            select(BotState.__table__).where(BotState.guild_id.is_not_distinct_from(guild_id))
        )
    ).first()
    if row is None:
        return None
    return r.Mood(
        guild_id=row.guild_id,
        valence=row.mood_valence,
        arousal=row.mood_arousal,
        updated_at=row.mood_updated_at,
        total_messages_sent=row.total_messages_sent,
        total_facts_learned=row.total_facts_learned,
        total_users_known=row.total_users_known,
        first_activated_at=row.first_activated_at,
    )


async def load_opinions(
    connection: AsyncConnection, guild_id: GuildId | None
) -> tuple[r.Opinion, ...]:
    """Return a guild's opinions, or the global ones, by topic."""
    rows = await connection.execute(
        select(BotOpinion.__table__)
        .where(BotOpinion.guild_id.is_not_distinct_from(guild_id))
        .order_by(BotOpinion.topic)
    )
    return tuple(
        r.Opinion(
            guild_id=row.guild_id,
            topic=row.topic,
            sentiment=row.sentiment,
            interest=row.interest_level,
            discussion_count=row.discussion_count,
            formed_at=row.formed_at,
            last_reinforced_at=row.last_reinforced_at,
            reasoning=row.reasoning,
        )
        for row in rows
    )


async def load_channels(connection: AsyncConnection) -> tuple[r.KnownChannel, ...]:
    """Return every channel where the bar was spoken to."""
    rows: Any = await connection.execute(
        select(
            Channel.discord_id, Channel.guild_id, Channel.kind, Channel.last_message_id
        ).order_by(Channel.id)
    )
    return tuple(r.KnownChannel(*row) for row in rows)


async def load_setting(connection: AsyncConnection, key: str) -> Any:
    """Return the value kept under `key`, or None."""
    found = await connection.execute(select(Setting.value).where(Setting.key == key))
    return found.scalar_one_or_none()
