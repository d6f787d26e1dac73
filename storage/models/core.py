"""People, guilds, what was said and what was learned: the founding core tables."""

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.columns import (
    NEVER_AGAIN,
    Base,
    Code,
    Counter,
    Dated,
    Key,
    Kind,
    Level,
    List,
    Mapping,
    Moment,
    Name,
    No,
    Since,
    Snowflake,
    Texts,
    UserKey,
    Words,
    Yes,
    share,
)
from storage.types import SafeString


class User(Dated, Base):
    """A person."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_last_seen_at", "last_seen_at"), NEVER_AGAIN)

    id: Mapped[Key]
    discord_id: Mapped[Snowflake] = mapped_column(unique=True, index=True)
    discord_username: Mapped[Name] = mapped_column(default="", server_default=text("''"))
    discord_display_name: Mapped[Name | None]
    custom_name: Mapped[Name | None]
    first_seen_at: Mapped[Since]
    last_seen_at: Mapped[Since]
    is_active: Mapped[Yes]
    locale: Mapped[Code | None]

    @property
    def display_name(self) -> str:
        """What to call them: the name they chose, else the one Discord shows."""
        return self.custom_name or self.discord_display_name or self.discord_username


class UserPreference(Dated, Base):
    """One setting of a person."""

    __tablename__ = "user_preferences"
    __table_args__ = (UniqueConstraint("user_id", "preference_key"),)

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    preference_key: Mapped[str] = mapped_column(SafeString(100))
    preference_value: Mapped[Words | None]


class UserFact(Dated, Base):
    """Something the bar knows about a person; `guild_id` is the scope it was learned in."""

    __tablename__ = "user_facts"
    __table_args__ = (
        Index(
            "ix_user_facts_extracted_from_message_id",
            "extracted_from_message_id",
            postgresql_where=text("extracted_from_message_id IS NOT NULL"),
            sqlite_where=text("extracted_from_message_id IS NOT NULL"),
        ),
        Index(
            "ix_user_facts_superseded_by",
            "superseded_by",
            postgresql_where=text("superseded_by IS NOT NULL"),
            sqlite_where=text("superseded_by IS NOT NULL"),
        ),
        NEVER_AGAIN,
    )

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    fact_type: Mapped[Kind] = mapped_column(index=True)
    fact_content: Mapped[Words]
    confidence: Mapped[float] = share(1.0)
    source: Mapped[Kind] = mapped_column(default="conversation", server_default="conversation")
    is_active: Mapped[Yes] = mapped_column(index=True)
    learned_at: Mapped[Since]
    last_referenced_at: Mapped[Moment | None]
    category: Mapped[Kind | None]
    importance: Mapped[float] = share(0.5)
    temporal_relevance: Mapped[Code] = mapped_column(default="present", server_default="present")
    expiry_date: Mapped[Moment | None]
    extracted_from_message_id: Mapped[Snowflake | None]
    extraction_context: Mapped[Words | None]

    guild_id: Mapped[Snowflake | None]
    about: Mapped[Name] = mapped_column(default="self", server_default="self")
    slot: Mapped[Kind] = mapped_column(default="", server_default=text("''"))
    cardinality: Mapped[Code] = mapped_column(default="many", server_default="many")
    sensitivity: Mapped[Code] = mapped_column(default="plain", server_default="plain")
    happens_on: Mapped[Code] = mapped_column(default="", server_default=text("''"))
    evidence: Mapped[Words] = mapped_column(default="", server_default=text("''"))
    times_recalled: Mapped[Counter]
    superseded_by: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("user_facts.id", ondelete="SET NULL")
    )


class Guild(Dated, Base):
    """A Discord server."""

    __tablename__ = "guilds"

    id: Mapped[Key]
    discord_id: Mapped[Snowflake] = mapped_column(unique=True, index=True)
    name: Mapped[Name] = mapped_column(default="", server_default=text("''"))
    joined_at: Mapped[Since]
    is_active: Mapped[Yes]
    settings: Mapped[Mapping]


class GuildMember(Dated, Base):
    """A person in a guild; here both ids are keys of rows."""

    __tablename__ = "guild_members"
    __table_args__ = (UniqueConstraint("guild_id", "user_id"),)

    id: Mapped[Key]
    guild_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("guilds.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UserKey]
    guild_nickname: Mapped[Name | None]
    roles: Mapped[Texts | None]
    joined_guild_at: Mapped[Moment | None]


class Conversation(Dated, Base):
    """A sitting: what one person and the bar say in one channel until 60 minutes of silence."""

    __tablename__ = "conversations"
    __table_args__ = NEVER_AGAIN

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    guild_id: Mapped[Snowflake | None]
    channel_id: Mapped[Snowflake | None] = mapped_column(index=True)
    started_at: Mapped[Since]
    last_message_at: Mapped[Since] = mapped_column(index=True)
    message_count: Mapped[Counter]
    is_active: Mapped[Yes] = mapped_column(index=True)


class Message(Base):
    """One message of a conversation; `created_at` is when it was said.

    `user_id` is the person of the conversation, in the bar's own messages too.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_created_at", "created_at"),
        Index(
            "ix_messages_owed",
            "created_at",
            postgresql_where=text("expects_answer AND answered_at IS NULL"),
            sqlite_where=text("expects_answer AND answered_at IS NULL"),
        ),
        Index(
            "ix_messages_answers_message_id",
            "answers_message_id",
            postgresql_where=text("answers_message_id IS NOT NULL"),
            sqlite_where=text("answers_message_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    conversation_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UserKey]
    discord_message_id: Mapped[Snowflake | None] = mapped_column(unique=True)
    role: Mapped[Code]
    content: Mapped[Words]
    has_images: Mapped[No]
    image_urls: Mapped[List | None]
    token_count: Mapped[int | None]
    created_at: Mapped[Since]
    updated_at: Mapped[Since]

    expects_answer: Mapped[No]
    answered_at: Mapped[Moment | None]
    answers_message_id: Mapped[Snowflake | None]
    part_ids: Mapped[List | None]
    care_level: Mapped[Level]
