"""What the house keeps for itself: tables that the founding guide does not have.

`docs/database.md` says why each of them is there.
"""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.columns import (
    Base,
    Code,
    Counter,
    Dated,
    Key,
    Kind,
    Level,
    List,
    Moment,
    Name,
    Since,
    Snowflake,
    UserKey,
    one_of,
    share,
)
from storage.types import PortableJSON, SafeString


class CareState(Dated, Base):
    """That a person is being looked after in a channel, and until when."""

    __tablename__ = "care_states"
    __table_args__ = (UniqueConstraint("user_id", "channel_id"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    channel_id: Mapped[Snowflake]
    level: Mapped[Level]
    labels: Mapped[List]
    since: Mapped[Moment]
    until: Mapped[Moment]
    resources_shown_at: Mapped[Moment | None]
    language: Mapped[Code | None]


class CareCount(Base):
    """How often help was named in a month: counts, nobody's."""

    __tablename__ = "care_counts"
    __table_args__ = one_of("care_counts", "month", "guild_id", "kind", "level", null="guild_id")

    id: Mapped[Key]
    month: Mapped[date]
    guild_id: Mapped[Snowflake | None]
    kind: Mapped[Kind]
    level: Mapped[Level]
    count: Mapped[Counter]


class Channel(Dated, Base):
    """A channel where the bar was spoken to: where to look for what it missed."""

    __tablename__ = "channels"

    id: Mapped[Key]
    discord_id: Mapped[Snowflake] = mapped_column(unique=True, index=True)
    guild_id: Mapped[Snowflake | None]
    kind: Mapped[Code]
    last_message_id: Mapped[Snowflake | None]
    last_seen_at: Mapped[Since]


class Watermark(Dated, Base):
    """Up to which message facts have been drawn from a person's words in a scope."""

    __tablename__ = "watermarks"
    __table_args__ = one_of("watermarks", "user_id", "guild_id", null="guild_id")

    id: Mapped[Key]
    user_id: Mapped[UserKey]
    guild_id: Mapped[Snowflake | None]
    last_message_id: Mapped[Snowflake]


class Tombstone(Base):
    """That something was forgotten: a salted hash, from which nothing can be read."""

    __tablename__ = "tombstones"
    __table_args__ = (Index("ix_tombstones_hash", "hash", unique=True),)

    id: Mapped[Key]
    hash: Mapped[str] = mapped_column(SafeString(64))
    scope: Mapped[Code]
    erased_at: Mapped[Since]


class Setting(Dated, Base):
    """A value the bar keeps for itself."""

    __tablename__ = "settings"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(SafeString(100), unique=True)
    value: Mapped[Any | None] = mapped_column(PortableJSON)


class ModelUsage(Base):
    """Tokens and cost of a language model on one day in one guild (NULL: direct messages)."""

    __tablename__ = "model_usage"
    __table_args__ = one_of("model_usage", "day", "guild_id", "model", null="guild_id")

    id: Mapped[Key]
    day: Mapped[date]
    guild_id: Mapped[Snowflake | None]
    model: Mapped[Name]
    calls: Mapped[Counter]
    prompt_tokens: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    cached_tokens: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    completion_tokens: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    cost_usd: Mapped[float] = share()
