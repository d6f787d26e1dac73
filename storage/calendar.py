"""The calendar: what comes due, and who sees to it.

Rule 1: an event is claimed by one process at a time, in one atomic UPDATE.  A claim ends when its
time is up, so that what a killed process had claimed is claimed again; the new claim says since
when the event may have been said.
Rule 2: only the holder of a claim settles it.  The next occurrence is written in the same commit.
Rule 3: of what the bar says of its own accord, one event of a person is claimed at a time: how
long ago the last one was is known before the next is claimed.
Rule 4: an event drawn from a message is kept once, and not at all once the message was forgotten.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, insert, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import records as r
from storage.forgetting import was_forgotten
from storage.ids import RowId, UserId
from storage.models import CareState, ScheduledEvent, User, UserPreference
from storage.types import UtcDateTime

E = ScheduledEvent

TIME_ZONE: Final = "time_zone"
"""The preference that holds a person's IANA time zone."""
CHECK_INS: Final = "check_ins"
"""The preference that lets the bar write of its own accord ("yes")."""
MOST_PENDING: Final = 50
"""How many events of one person may be waiting."""
CLAIMS_LOCK: Final = 0x62617263
"""PostgreSQL's advisory lock under which processes claim one after the other."""


# --- keeping -------------------------------------------------------------------------------------


async def keep_event(
    connection: AsyncConnection, person: r.Person, event: r.Event, now: datetime
) -> r.Event | None:
    """Keep an event that `person` asked for.  A new birthday takes the place of the old one.

    Returns:
        It, as kept; None if too much of theirs is waiting already.
    """
    key = await _person_key(connection, person, now)
    if event.kind == "birthday":
        old = (E.user_id == key) & (E.event_type == "birthday") & (E.status == "pending")
        await connection.execute(
            update(E).where(old).values(status="cancelled", claimed_by=None, updated_at=now)
        )
    waiting = select(func.count()).where(E.user_id == key, E.status == "pending")
    if (await connection.scalar(waiting) or 0) >= MOST_PENDING:
        return None
    return await _insert(connection, key, event, now)


async def note_events(
    connection: AsyncConnection, events: Iterable[r.Event], now: datetime
) -> tuple[r.Event, ...]:
    """Keep events that were drawn from what people said; return those that were new."""
    kept = []
    for event in events:
        key = await connection.scalar(select(User.id).where(User.discord_id == event.user_id))
        if key is None or await _is_known(connection, key, event):
            continue
        if await was_forgotten(connection, "message", event.source_message_id):
            continue
        kept.append(await _insert(connection, key, event, now))
    return tuple(kept)


async def _is_known(connection: AsyncConnection, key: int, event: r.Event) -> bool:
    """Whether there is no room for `event`: it is kept, or so is a birthday, or too much waits."""
    theirs = select(func.count()).where(E.user_id == key)
    waiting = theirs.where(E.status == "pending")
    same = theirs.where(E.source_message_id == event.source_message_id)
    if event.kind == "birthday":
        same = waiting.where(E.event_type == "birthday")
    is_there = bool(await connection.scalar(same.where(E.event_type == event.kind)))
    return is_there or (await connection.scalar(waiting) or 0) >= MOST_PENDING


async def _insert(connection: AsyncConnection, key: int, event: r.Event, now: datetime) -> r.Event:
    context: dict[str, Any] = {"zone": event.zone}
    if event.anchor is not None:
        context["anchor"] = event.anchor.isoformat()
    made = insert(E).values(
        user_id=key,
        guild_id=event.guild_id,
        channel_id=event.channel_id,
        event_type=event.kind,
        trigger_at=event.at,
        title=event.title,
        context=context,
        is_recurring=event.recurs != "none",
        recurrence_rule=None if event.recurs == "none" else event.recurs,
        is_proactive=event.proactive,
        source_message_id=event.source_message_id,
        created_at=now,
        updated_at=now,
    )
    row = (await connection.execute(made.returning(E.__table__))).one()
    return scheduled(row, event.user_id)


async def _person_key(connection: AsyncConnection, person: r.Person, now: datetime) -> int:
    """Return the key of a person's row, made on first sight, with the names they have now."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    seen = {
        "discord_username": person.username,
        "discord_display_name": person.display_name,
        "last_seen_at": now,
        "updated_at": now,
    }
    made = dialect.insert(User).values(
        discord_id=person.user_id, first_seen_at=now, created_at=now, **seen
    )
    await connection.execute(made.on_conflict_do_update(index_elements=["discord_id"], set_=seen))
    found = await connection.execute(select(User.id).where(User.discord_id == person.user_id))
    return found.scalar_one()


# --- looking -------------------------------------------------------------------------------------


async def load_events(connection: AsyncConnection, user_id: UserId) -> tuple[r.Event, ...]:
    """Return everything that is, was or was to be due for a person, by its time."""
    rows = await connection.execute(
        select(E.__table__)
        .join(User, User.id == E.user_id)
        .where(User.discord_id == user_id)
        .order_by(E.trigger_at, E.id)
    )
    return tuple(scheduled(row, user_id) for row in rows)


async def cancel_event(
    connection: AsyncConnection, user_id: UserId, event_id: RowId, now: datetime
) -> r.Event | None:
    """Cancel what waits, with all that would follow it; None if nothing of theirs waits there."""
    theirs = E.user_id.in_(select(User.id).where(User.discord_id == user_id))
    changed = await connection.execute(
        update(E)
        .where(E.id == event_id, theirs, E.status == "pending")
        .values(status="cancelled", claimed_by=None, updated_at=now)
        .returning(E.__table__)
    )
    row = changed.one_or_none()
    return None if row is None else scheduled(row, user_id)


def scheduled(row: Any, user_id: UserId) -> r.Event:
    """Return a row of `scheduled_events` as a record."""
    anchor = row.context.get("anchor")
    return r.Event(
        event_id=RowId(row.id),
        user_id=user_id,
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        kind=row.event_type,
        at=row.trigger_at,
        title=row.title,
        zone=row.context.get("zone", "UTC"),
        recurs=row.recurrence_rule or "none",
        anchor=datetime.fromisoformat(anchor) if anchor else None,
        proactive=row.is_proactive,
        source_message_id=row.source_message_id,
        status=row.status,
        triggered_at=row.triggered_at,
    )


# --- claiming ------------------------------------------------------------------------------------


async def claim_events(
    connection: AsyncConnection, by: str, now: datetime, until: datetime, limit: int
) -> r.Claim:
    """Claim what is due, the longest waiting first.

    Args:
        connection: in a transaction of its own.
        by: names the process; nobody else settles what it claims.
        now: aware UTC.
        until: when the claim ends.
        limit: at most so many.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(CLAIMS_LOCK)))
    free = and_(
        E.status == "pending",
        E.trigger_at <= now,
        or_(E.not_before.is_(None), E.not_before <= now),
    )
    chosen = await connection.execute(
        select(E.id, E.claimed_at).where(free).order_by(E.trigger_at, E.id).limit(limit)
    )
    before = {row.id: row.claimed_at for row in chosen}
    claimed = await connection.execute(
        update(E)
        .where(free, E.id.in_(list(before)))
        .values(
            claimed_by=by,
            not_before=until,
            claimed_at=func.coalesce(E.claimed_at, literal(now, UtcDateTime)),
        )
        .returning(E.__table__)
    )
    in_order = sorted(claimed, key=lambda row: (row.trigger_at, row.id))
    rows = await _one_each(connection, in_order, before)
    due = await _with_people(connection, rows, before)
    return r.Claim(due, await _next_at(connection))


async def _one_each(
    connection: AsyncConnection, rows: Sequence[Any], before: Mapping[int, datetime | None]
) -> list[Any]:
    """Return the rows that stay claimed; see rule 3.  The others wait until the claim is over."""
    at_work = and_(E.is_proactive, E.status == "pending", E.claimed_by.is_not(None))
    theirs = E.user_id.in_([row.user_id for row in rows if row.is_proactive])
    others = select(E.user_id).where(at_work, theirs, E.id.not_in([row.id for row in rows]))
    busy = set((await connection.execute(others)).scalars())
    kept, put_back = [], []
    for row in rows:
        if row.is_proactive and row.user_id in busy:
            put_back.append(row.id)
            continue
        kept.append(row)
        if row.is_proactive:
            busy.add(row.user_id)
    if put_back:
        fresh = [each for each in put_back if before[each] is None]
        change = update(E).values(claimed_by=None)
        await connection.execute(change.where(E.id.in_(put_back)))
        await connection.execute(change.values(claimed_at=None).where(E.id.in_(fresh)))
    return kept


async def _with_people(
    connection: AsyncConnection, rows: Sequence[Any], before: Mapping[int, datetime | None]
) -> tuple[r.DueEvent, ...]:
    keys = {row.user_id for row in rows}
    if not keys:
        return ()
    found = await connection.execute(select(User.__table__).where(User.id.in_(keys)))
    people = {row.id: row for row in found}
    wishes = await _wishes(connection, keys)
    cares = await _latest(connection, CareState.user_id, CareState.until, keys)
    spoke = await _latest(
        connection, E.user_id, E.triggered_at, keys, E.is_proactive & (E.status == "triggered")
    )
    return tuple(
        r.DueEvent(
            event=scheduled(row, UserId(people[row.user_id].discord_id)),
            said_since=before[row.id],
            name=called(people[row.user_id]),
            zone=wishes[row.user_id].get(TIME_ZONE) or None,
            opted_in=wishes[row.user_id].get(CHECK_INS) == "yes",
            cared_for_until=cares.get(row.user_id),
            spoke_at=spoke.get(row.user_id),
        )
        for row in rows
    )


async def _wishes(
    connection: AsyncConnection, keys: Collection[int]
) -> Mapping[int, Mapping[str, str]]:
    """Return what people have set, as far as it matters here."""
    kept = UserPreference
    wishes: dict[int, dict[str, str]] = {key: {} for key in keys}
    found = await connection.execute(
        select(kept.user_id, kept.preference_key, kept.preference_value).where(
            kept.user_id.in_(keys), kept.preference_key.in_((TIME_ZONE, CHECK_INS))
        )
    )
    for key, name, value in found:
        wishes[key][name] = value or ""
    return wishes


async def _latest(
    connection: AsyncConnection,
    owner: Any,
    moment: Any,
    keys: Collection[int],
    which: ColumnElement[bool] | None = None,
) -> Mapping[int, datetime]:
    """Return the latest `moment` of each person who has one."""
    found = await connection.execute(
        select(owner, func.max(moment, type_=UtcDateTime))
        .where(owner.in_(keys), true() if which is None else which)
        .group_by(owner)
    )
    return {key: at for key, at in found if at is not None}


async def _next_at(connection: AsyncConnection) -> datetime | None:
    """Return when something can be claimed; what was put back waits for its `not_before`."""
    waits = E.status == "pending"
    untouched = await connection.scalar(
        select(E.trigger_at).where(waits, E.not_before.is_(None)).order_by(E.trigger_at).limit(1)
    )
    put_back = await connection.scalar(
        select(E.not_before).where(waits, E.not_before.is_not(None)).order_by(E.not_before).limit(1)
    )
    return min((at for at in (untouched, put_back) if at is not None), default=None)


def called(row: Any) -> str:
    """Return what a person is called."""
    return str(row.custom_name or row.discord_display_name or row.discord_username or "")


# --- settling ------------------------------------------------------------------------------------


async def settle_event(connection: AsyncConnection, settled: r.Settled) -> bool:
    """Write down what became of a claimed event, and when it comes again.

    Returns:
        Whether the claim still held; if not, nothing changed.
    """
    done: dict[str, Any] = {
        "status": settled.status,
        "not_before": settled.not_before,
        "claimed_by": None,
        "updated_at": settled.at,
    }
    if not settled.unsure:
        done["claimed_at"] = None
    if settled.status == "triggered":
        done["triggered_at"] = settled.at
    held = (E.id == settled.event_id) & (E.claimed_by == settled.by) & (E.status == "pending")
    changed = await connection.execute(update(E).where(held).values(**done).returning(E.__table__))
    row = changed.one_or_none()
    if row is None:
        return False
    if settled.again is not None:
        event = scheduled(row, UserId(0))
        await _insert(connection, row.user_id, replace(event, at=settled.again), settled.at)
    return True
