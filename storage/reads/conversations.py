"""What a conversation wakes up with: the sitting, what is owed, who is being looked after."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import records as r
from storage.ids import ChannelId, MessageId, RowId, UserId
from storage.models import CareState, Channel, Conversation, Guild, GuildMember, Message, User

RECENT: Final = 30
"""How many messages of the active sitting a conversation wakes up with."""

MESSAGE: Final = (
    Message.discord_message_id,
    Message.role,
    Message.content,
    Message.created_at,
    Message.conversation_id,
    Message.image_urls,
    Message.care_level,
    Conversation.guild_id,
    Conversation.channel_id,
)
NEWEST: Final = (Message.created_at.desc(), Message.discord_message_id.desc(), Message.id.desc())
OLDEST: Final = (Message.created_at, Message.discord_message_id, Message.id)


async def load_conversation(
    connection: AsyncConnection, user_id: UserId, channel_id: ChannelId, now: datetime
) -> r.ConversationState:
    """Return the active sitting of a person in a channel, with its latest messages, what is owed,
    and the care state if it still holds at `now`.
    """
    sitting = await load_sitting(connection, user_id, channel_id)
    messages: tuple[r.PastMessage, ...] = ()
    if sitting is not None:
        wanted = said().where(Message.conversation_id == sitting.row)
        messages = await newest(connection, wanted, RECENT)
    owed = await load_owed_messages(connection, user_id, channel_id)
    care = await load_care(connection, user_id, channel_id, now)
    return r.ConversationState(sitting, messages, owed, care)


async def load_sitting(
    connection: AsyncConnection, user_id: UserId, channel_id: ChannelId
) -> r.Conversation | None:
    """Return the active sitting of a person in a channel."""
    found = await connection.execute(
        select(
            Conversation.id,
            Conversation.started_at,
            Conversation.last_message_at,
            Conversation.message_count,
        )
        .join(User)
        .where(
            User.discord_id == user_id,
            Conversation.channel_id == channel_id,
            Conversation.is_active,
        )
        .order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
        .limit(1)
    )
    row = found.first()
    return None if row is None else r.Conversation(RowId(row.id), *row[1:])


def said() -> Any:
    """Select messages with where and by whom they were said."""
    return (
        select(*MESSAGE, User.discord_id.label("person"))
        .select_from(Message)
        .join(Conversation)
        .join(User, User.id == Message.user_id)
    )


async def newest(connection: AsyncConnection, wanted: Any, limit: int) -> tuple[r.PastMessage, ...]:
    """Return the newest `limit` of the `wanted` messages, oldest first."""
    rows = (await connection.execute(wanted.order_by(*NEWEST).limit(limit))).all()
    return tuple(past_message(row) for row in reversed(rows))


def past_message(row: Any) -> r.PastMessage:
    """Return a row of `said` as a record."""
    return r.PastMessage(
        message_id=row.discord_message_id,
        role=row.role,
        text=row.content,
        at=row.created_at,
        conversation=RowId(row.conversation_id),
        user_id=UserId(row.person),
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        image_urls=tuple(row.image_urls or ()),
        care_level=row.care_level,
    )


def is_owed() -> ColumnElement[bool]:
    """Say of a message that it has not had its answer."""
    return and_(Message.expects_answer, Message.answered_at.is_(None))


async def load_owed_messages(
    connection: AsyncConnection, user_id: UserId, channel_id: ChannelId
) -> tuple[r.OwedMessage, ...]:
    """Return what a person said in a channel that has not had its answer, oldest first."""
    wanted = (
        select(
            *MESSAGE,
            User.discord_id.label("person"),
            User.discord_username,
            User.discord_display_name,
            User.locale,
            GuildMember.guild_nickname,
            GuildMember.roles,
            GuildMember.joined_guild_at,
            Guild.name.label("guild_name"),
            Channel.kind,
        )
        .select_from(Message)
        .join(Conversation)
        .join(User, User.id == Message.user_id)
        .outerjoin(Guild, Guild.discord_id == Conversation.guild_id)
        .outerjoin(
            GuildMember, and_(GuildMember.guild_id == Guild.id, GuildMember.user_id == User.id)
        )
        .outerjoin(Channel, Channel.discord_id == Conversation.channel_id)
        .where(User.discord_id == user_id, Conversation.channel_id == channel_id, is_owed())
        .order_by(*OLDEST)
    )
    return tuple(owed_message(row) for row in await connection.execute(wanted))


def owed_message(row: Any) -> r.OwedMessage:
    """Return a row with its person and place as a record."""
    person = r.Person(
        user_id=UserId(row.person),
        username=row.discord_username,
        display_name=row.discord_display_name or row.discord_username,
        nickname=row.guild_nickname,
        roles=tuple(row.roles or ()),
        joined_guild_at=row.joined_guild_at,
        locale=row.locale,
    )
    kind: Any = row.kind or ("dm" if row.guild_id is None else "text")
    return r.OwedMessage(
        person=person,
        place=r.Place(row.guild_id, ChannelId(row.channel_id), row.guild_name or "", kind),
        message_id=MessageId(row.discord_message_id),
        text=row.content,
        at=row.created_at,
        conversation=RowId(row.conversation_id),
        image_urls=tuple(row.image_urls or ()),
        care_level=row.care_level,
    )


async def load_owed(connection: AsyncConnection) -> tuple[tuple[UserId, ChannelId], ...]:
    """Return whose conversations are owed an answer, and where, longest waiting first."""
    rows: Any = await connection.execute(
        select(User.discord_id, Conversation.channel_id)
        .select_from(Message)
        .join(Conversation)
        .join(User, User.id == Message.user_id)
        .where(is_owed(), Conversation.channel_id.is_not(None))
        .order_by(*OLDEST)
    )
    return tuple(dict.fromkeys((UserId(user), ChannelId(channel)) for user, channel in rows))


async def load_care(
    connection: AsyncConnection, user_id: UserId, channel_id: ChannelId, now: datetime
) -> r.CareState | None:
    """Return the care state of a person in a channel, if it holds at `now`."""
    found = await connection.execute(
        select(
            CareState.level,
            CareState.labels,
            CareState.since,
            CareState.until,
            CareState.resources_shown_at,
            CareState.language,
        )
        .join(User, User.id == CareState.user_id)
        .where(
            User.discord_id == user_id,
            CareState.channel_id == channel_id,
            CareState.until > now,
        )
    )
    row = found.first()
    if row is None:
        return None
    shown = row.resources_shown_at
    return r.CareState(row.level, tuple(row.labels), row.since, row.until, shown, row.language)
