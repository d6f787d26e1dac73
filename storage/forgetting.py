"""Forgetting: hard deletes, everywhere, with a tombstone that nothing can be read from.

Rule 1: what is forgotten is gone from every table, with all that was made from it: a message takes
the facts and events drawn from it and the reply to it along; a fact those that it replaced.
Rule 2: a tombstone is a salted hash.  It keeps a forgotten message from becoming a fact later on,
and tells whoever restores an old backup what must be forgotten again.
Rule 3: what is owed an answer is not expired.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.batch import tombstone
from storage.ids import ChannelId, MessageId, RowId, UserId
from storage.models import (
    Base,
    CareState,
    Conversation,
    FactAssociation,
    Message,
    ScheduledEvent,
    Tombstone,
    User,
    UserFact,
)
from storage.salt import tombstone_salt

CRISIS_LEVEL = 1
"""From which care level on a message is a crisis turn, and kept for the shorter time."""
EVENTS_LONGER = timedelta(days=7)
"""How much longer than messages past events are kept: the bar's own accord is counted by them."""

Forgotten = tuple[UserId, ChannelId, MessageId]


async def bury(
    connection: AsyncConnection, scope: str, things: Iterable[object], now: datetime
) -> None:
    """Leave a tombstone for each of `things`."""
    salt = await tombstone_salt(connection)
    rows = [
        {"hash": tombstone(salt, scope, thing), "scope": scope, "erased_at": now}
        for thing in things
    ]
    if rows:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        stones = insert(Tombstone).on_conflict_do_nothing(index_elements=["hash"])
        await connection.execute(stones, rows)


async def erase_messages(
    connection: AsyncConnection, message_ids: Collection[MessageId], now: datetime
) -> tuple[Forgotten, ...]:
    """Delete messages, the replies to them, and the facts and events drawn from them.

    Returns:
        Those that were kept, each with its person and channel.
    """
    wanted = list(message_ids)
    found: Any = await connection.execute(
        select(Message.id, User.discord_id, Conversation.channel_id, Message.discord_message_id)
        .select_from(Message)
        .join(Conversation)
        .join(User, User.id == Message.user_id)
        .where(
            or_(
                Message.discord_message_id.in_(wanted),
                Message.answers_message_id.in_(wanted),
            )
        )
    )
    rows = found.all()
    ids = [row.discord_message_id for row in rows]
    await erase_facts_where(connection, UserFact.extracted_from_message_id.in_(wanted), now)
    drawn = ScheduledEvent.source_message_id.in_(wanted)
    await connection.execute(delete(ScheduledEvent).where(drawn))
    await connection.execute(delete(Message).where(Message.id.in_([row.id for row in rows])))
    await bury(connection, "message", ids, now)
    return tuple((user, channel, message_id) for _, user, channel, message_id in rows)


async def erase_facts(
    connection: AsyncConnection,
    user_id: UserId,
    fact_ids: Collection[RowId],
    now: datetime,
    *,
    fact_type: str | None = None,
    everything: bool = False,
) -> int:
    """Delete facts of a person: the named ones, all of a type, or all there are.

    Returns:
        How many went, without the older versions that went with them.
    """
    theirs = UserFact.user_id.in_(select(User.id).where(User.discord_id == user_id))
    if everything:
        which: ColumnElement[bool] = theirs
    elif fact_type is not None:
        which = theirs & or_(UserFact.id.in_(list(fact_ids)), UserFact.fact_type == fact_type)
    else:
        which = theirs & UserFact.id.in_(list(fact_ids))
    return await erase_facts_where(connection, which, now)


async def erase_facts_where(
    connection: AsyncConnection, which: ColumnElement[bool], now: datetime
) -> int:
    """Delete the facts that `which` says, with those that they replaced, and bury them."""
    named = (await connection.execute(select(UserFact.id).where(which))).scalars().all()
    gone, fresh = set(named), set(named)
    while fresh:
        older = select(UserFact.id).where(UserFact.superseded_by.in_(list(fresh)))
        fresh = set((await connection.execute(older)).scalars()) - gone
        gone |= fresh
    if gone:
        texts = await connection.execute(
            select(UserFact.user_id, UserFact.fact_type, UserFact.fact_content).where(
                UserFact.id.in_(list(gone))
            )
        )
        things = [
            f"{user}:{kind}:{' '.join(text.casefold().split())}" for user, kind, text in texts
        ]
        linked = or_(
            FactAssociation.fact_id_1.in_(list(gone)), FactAssociation.fact_id_2.in_(list(gone))
        )
        await connection.execute(delete(FactAssociation).where(linked))
        await connection.execute(delete(UserFact).where(UserFact.id.in_(list(gone))))
        await bury(connection, "fact", things, now)
    return len(named)


async def erase_expired(
    connection: AsyncConnection, messages_before: datetime, crisis_before: datetime
) -> int:
    """Delete messages that were kept long enough, the sittings that this leaves empty, events that
    are over, and care states that ended before `crisis_before`.  What was learned from them stays.

    Returns:
        How many messages went.
    """
    is_old = Message.created_at < messages_before
    is_old_crisis = (Message.care_level >= CRISIS_LEVEL) & (Message.created_at < crisis_before)
    is_owed = Message.expects_answer & Message.answered_at.is_(None)
    gone = await connection.execute(delete(Message).where(or_(is_old, is_old_crisis), ~is_owed))
    left = exists().where(Message.conversation_id == Conversation.id)
    await connection.execute(
        delete(Conversation).where(Conversation.last_message_at < crisis_before, ~left)
    )
    await connection.execute(delete(CareState).where(CareState.until < crisis_before))
    is_over = ScheduledEvent.status != "pending"
    is_past = ScheduledEvent.updated_at < messages_before - EVENTS_LONGER
    await connection.execute(delete(ScheduledEvent).where(is_over, is_past))
    return int(gone.rowcount)


async def erase_person(
    connection: AsyncConnection, user_id: UserId, now: datetime
) -> tuple[int, frozenset[ChannelId]]:
    """Delete a person and everything of theirs.

    Returns:
        How many rows went, and in which channels they had talked.
    """
    key = (
        await connection.execute(select(User.id).where(User.discord_id == user_id))
    ).scalar_one_or_none()
    await bury(connection, "person", [user_id], now)
    if key is None:
        return 0, frozenset()
    channels = await connection.execute(
        select(Conversation.channel_id).where(Conversation.user_id == key).distinct()
    )
    talked_in = frozenset(ChannelId(channel) for channel in channels.scalars() if channel)
    rows = 1
    for table in Base.metadata.sorted_tables:
        if "user_id" in table.columns:
            count = select(func.count()).select_from(table).where(table.c.user_id == key)
            rows += (await connection.execute(count)).scalar_one()
    await connection.execute(delete(User).where(User.id == key))
    return rows, talked_in


async def was_forgotten(connection: AsyncConnection, scope: str, thing: Any) -> bool:
    """Whether there is a tombstone for `thing`."""
    salt = await tombstone_salt(connection)
    mark = tombstone(salt, scope, thing)
    found = await connection.execute(select(Tombstone.id).where(Tombstone.hash == mark))
    return found.first() is not None
