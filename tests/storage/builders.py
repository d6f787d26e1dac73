"""Records to test with: everything has a value, and a test says only what matters to it."""

from datetime import UTC, datetime
from typing import Any

from storage.ids import ChannelId, GuildId, MessageId, UserId
from storage.records import (
    CommunicationStyle,
    FactSave,
    HeardMessage,
    Mood,
    MoodShift,
    Person,
    Place,
    Relationship,
    SaidReply,
    UserFact,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANNA, BEN = UserId(1001), UserId(1002)
TAVERN, HARBOUR = GuildId(2001), GuildId(2002)
BAR, CORNER = ChannelId(3001), ChannelId(3002)


def a_person(user_id: UserId = ANNA, **changes: Any) -> Person:
    values: dict[str, Any] = {"username": f"user{user_id}", "display_name": f"Name {user_id}"}
    return Person(user_id=user_id, **{**values, **changes})


def a_place(
    guild_id: GuildId | None = TAVERN, channel_id: ChannelId = BAR, name: str = "The Tavern"
) -> Place:
    kind: Any = "dm" if guild_id is None else "text"
    return Place(guild_id, channel_id, "" if guild_id is None else name, kind)


def a_heard(message_id: int = 1, **changes: Any) -> HeardMessage:
    values: dict[str, Any] = {
        "person": a_person(),
        "place": a_place(),
        "message_id": MessageId(message_id),
        "text": f"words {message_id}",
        "at": NOON,
        "conversation": None,
    }
    return HeardMessage(**{**values, **changes})


def a_reply(answers: int = 1, message_id: int | None = None, **changes: Any) -> SaidReply:
    values: dict[str, Any] = {
        "user_id": ANNA,
        "place": a_place(),
        "conversation": None,
        "answers": (MessageId(answers),),
        "message_ids": (MessageId(message_id or answers + 500_000),),
        "text": f"answer to {answers}",
        "at": NOON,
    }
    return SaidReply(**{**values, **changes})


def a_mood(guild_id: GuildId | None = TAVERN, **changes: Any) -> Mood:
    values: dict[str, Any] = {"valence": 0.1, "arousal": -0.2, "updated_at": NOON}
    return Mood(guild_id, **{**values, **changes})


def a_shift(guild_id: GuildId = TAVERN, **changes: Any) -> MoodShift:
    values: dict[str, Any] = {
        "valence": 0.2,
        "arousal": 0.1,
        "trigger_type": "conversation",
        "trigger_user_id": ANNA,
        "trigger_description": "heard",
        "recorded_at": NOON,
    }
    return MoodShift(guild_id, **{**values, **changes})


def a_relationship(
    user_id: UserId = ANNA, guild_id: GuildId | None = TAVERN, **changes: Any
) -> Relationship:
    values: dict[str, Any] = {"score": 10.0, "total_interactions": 3, "day": NOON.date()}
    return Relationship(user_id, guild_id, **{**values, **changes})


def a_style(user_id: UserId = ANNA, **changes: Any) -> CommunicationStyle:
    return CommunicationStyle(user_id, **{"samples_collected": 4, **changes})


def a_fact(user_id: UserId = ANNA, **changes: Any) -> UserFact:
    values: dict[str, Any] = {
        "fact_id": None,
        "guild_id": TAVERN,
        "fact_type": "hobby",
        "content": "plays the cello",
        "confidence": 0.8,
        "importance": 0.6,
        "learned_at": NOON,
    }
    return UserFact(user_id=user_id, **{**values, **changes})


def a_fact_save(replaces: tuple[Any, ...] = (), **changes: Any) -> FactSave:
    return FactSave(a_fact(**changes), replaces)
