"""Mood, opinions, relationships and what comes due: the founding "living" tables."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.columns import (
    Base,
    Code,
    Counter,
    Dated,
    Key,
    Kind,
    Mapping,
    Moment,
    Name,
    No,
    Since,
    Snowflake,
    UserKey,
    Words,
    one_of,
    share,
)
from storage.types import SafeString


class BotState(Dated, Base):
    """The mood and statistics of a guild; NULL is the bar as a whole."""

    __tablename__ = "bot_states"
    __table_args__ = (
        Index(
            "ix_bot_states_guild_id", "guild_id", unique=True, postgresql_nulls_not_distinct=True
        ),
        Index(
            "uq_bot_states_no_guild_id",
            text("(guild_id IS NULL)"),
            unique=True,
            sqlite_where=text("guild_id IS NULL"),
            info={"only": "sqlite"},
        ).ddl_if(dialect="sqlite"),
    )

    id: Mapped[Key]
    guild_id: Mapped[Snowflake | None]
    mood_valence: Mapped[float] = share()
    mood_arousal: Mapped[float] = share()
    mood_updated_at: Mapped[Since]
    total_messages_sent: Mapped[Counter]
    total_facts_learned: Mapped[Counter]
    total_users_known: Mapped[Counter]
    first_activated_at: Mapped[Since]
    preferences: Mapped[Mapping]


class BotOpinion(Dated, Base):
    """What the bar thinks of a topic in a guild; NULL is everywhere."""

    __tablename__ = "bot_opinions"
    __table_args__ = one_of("bot_opinions", "guild_id", "topic", null="guild_id")

    id: Mapped[Key]
    guild_id: Mapped[Snowflake | None] = mapped_column(index=True)
    topic: Mapped[Name] = mapped_column(index=True)
    sentiment: Mapped[float] = share()
    interest_level: Mapped[float] = share(0.5)
    discussion_count: Mapped[Counter]
    reasoning: Mapped[Words | None]
    formed_at: Mapped[Since]
    last_reinforced_at: Mapped[Since]


class UserRelationship(Dated, Base):
    """How well the bar knows a person in a guild; NULL is overall."""

    __tablename__ = "user_relationships"
    __table_args__ = one_of("user_relationships", "user_id", "guild_id", null="guild_id")

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    guild_id: Mapped[Snowflake | None] = mapped_column(index=True)
    relationship_score: Mapped[float] = share()
    total_interactions: Mapped[Counter]
    positive_interactions: Mapped[Counter]
    negative_interactions: Mapped[Counter]
    avg_message_length: Mapped[float] = share()
    conversation_depth_avg: Mapped[float] = share()
    shared_references: Mapped[Mapping]
    first_interaction_at: Mapped[Moment | None]
    last_interaction_at: Mapped[Moment | None]

    growth_day: Mapped[date | None]
    turns_today: Mapped[Counter]
    growth_today: Mapped[float] = share()


class UserCommunicationStyle(Dated, Base):
    """How a person likes to talk."""

    __tablename__ = "user_communication_styles"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="CASCADE"), unique=True, index=True
    )
    preferred_length: Mapped[Code] = mapped_column(default="medium", server_default="medium")
    preferred_formality: Mapped[float] = share(0.3)
    emoji_affinity: Mapped[float] = share(0.3)
    humor_affinity: Mapped[float] = share(0.3)
    detail_preference: Mapped[float] = share(0.5)
    engagement_signals: Mapped[Mapping]
    samples_collected: Mapped[Counter]
    confidence: Mapped[float] = share()


class ScheduledEvent(Dated, Base):
    """Something to come back to: a birthday, a follow-up, a reminder."""

    __tablename__ = "scheduled_events"

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    guild_id: Mapped[Snowflake | None]
    channel_id: Mapped[Snowflake | None]
    event_type: Mapped[Kind]
    trigger_at: Mapped[Moment] = mapped_column(index=True)
    title: Mapped[Name]
    context: Mapped[Mapping]
    is_recurring: Mapped[No]
    recurrence_rule: Mapped[str | None] = mapped_column(SafeString(100))
    status: Mapped[Code] = mapped_column(index=True, default="pending", server_default="pending")
    triggered_at: Mapped[Moment | None]

    is_proactive: Mapped[No]
    source_message_id: Mapped[Snowflake | None] = mapped_column(index=True)
    not_before: Mapped[Moment | None]
    claimed_at: Mapped[Moment | None]
    claimed_by: Mapped[Code | None]


class FactAssociation(Base):
    """That two facts belong together."""

    __tablename__ = "fact_associations"
    __table_args__ = (UniqueConstraint("fact_id_1", "fact_id_2"),)

    id: Mapped[Key]
    fact_id_1: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user_facts.id", ondelete="CASCADE"), index=True
    )
    fact_id_2: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user_facts.id", ondelete="CASCADE"), index=True
    )
    association_type: Mapped[Kind]
    strength: Mapped[float] = share(0.5)
    discovered_at: Mapped[Since]
    created_at: Mapped[Since]


class MoodHistory(Dated, Base):
    """One change of a guild's mood; `trigger_description` is a code, never text."""

    __tablename__ = "mood_history"

    id: Mapped[Key]
    guild_id: Mapped[Snowflake | None] = mapped_column(index=True)
    valence: Mapped[float]
    arousal: Mapped[float]
    trigger_type: Mapped[Kind]
    trigger_user_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="SET NULL")
    )
    trigger_description: Mapped[Words | None]
    recorded_at: Mapped[Since] = mapped_column(index=True)
