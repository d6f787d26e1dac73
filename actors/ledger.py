"""What a conversation writes down: pure functions from what happened to what is kept and told."""

from datetime import datetime
from typing import Any

from actors import messages as m
from actors.briefing import Burst, Waiting
from actors.composing import Composed
from actors.rules import care, prompt, sentinel
from actors.rules.sentinel import Reading
from storage.ids import MessageId, RowId, hashed
from storage.records import (
    CareCount,
    CareState,
    HeardMessage,
    KeptCare,
    KnownChannel,
    OwedMessage,
    PastMessage,
    SaidReply,
    Write,
)


def heard_message(heard: m.MessageHeard, reading: Reading, row: RowId | None) -> HeardMessage:
    """Return a message as it is kept; `row`: its conversation, None to open one."""
    return HeardMessage(
        person=heard.person,
        place=heard.place,
        message_id=heard.message_id,
        text=heard.text,
        at=heard.at,
        conversation=row,
        image_urls=heard.image_urls,
        token_count=prompt.tokens(heard.text),
        care_level=reading.level,
        expects_answer=heard.addressed,
    )


def waiting(
    heard: m.MessageHeard, reading: Reading, before: CareState | None, *, unsure: bool
) -> Waiting:
    """Return a message as it waits for its answer; `before`: how the person was looked after."""
    return Waiting(
        heard.message_id,
        heard.text,
        heard.at,
        reading,
        heard.image_urls,
        heard.quoted,
        unsure,
        before,
    )


def owed_waiting(owed: OwedMessage, care: CareState | None) -> Waiting:
    """Return a message that an earlier run of the program owed an answer to."""
    reading = sentinel.read(owed.text)
    return Waiting(
        owed.message_id,
        owed.text,
        owed.at,
        reading,
        owed.image_urls,
        unsure=True,
        care_before=care,
    )


def heard_extra(heard: m.MessageHeard, reading: Reading) -> dict[str, Any]:
    """Return what the log says of a message: where and how much, never what."""
    return {
        "guild_id": heard.place.guild_id,
        "user": hashed(heard.person.user_id),
        "care_level": reading.level,
        "characters": len(heard.text),
        "images": len(heard.image_urls),
    }


def ended_extra(burst: Burst, composed: Composed, now: datetime) -> dict[str, Any]:
    """Return what the log says of an exchange."""
    return {
        "guild_id": burst.place.guild_id,
        "user": hashed(burst.person.user_id),
        "messages": len(burst.waiting),
        "care_level": composed.level,
        "voice": composed.voice,
        "total_ms": round((now - burst.waiting[0].at).total_seconds() * 1000),
        **composed.stages_ms,
    }


def channel_of(heard: m.MessageHeard) -> KnownChannel:
    """Return the channel of a message, and that it was heard up to this one."""
    place = heard.place
    return KnownChannel(place.channel_id, place.guild_id, place.kind, heard.message_id)


def heard_line(heard: m.MessageHeard, row: RowId, level: int) -> PastMessage:
    """Return a message as a line of the running sitting."""
    return PastMessage(
        message_id=heard.message_id,
        role="user",
        text=heard.text,
        at=heard.at,
        conversation=row,
        user_id=heard.person.user_id,
        guild_id=heard.place.guild_id,
        channel_id=heard.place.channel_id,
        care_level=level,
    )


def said_line(
    burst: Burst, composed: Composed, reply_id: MessageId | None, row: RowId, now: datetime
) -> PastMessage:
    """Return a reply as a line of the running sitting."""
    return PastMessage(
        message_id=reply_id,
        role="assistant",
        text=composed.text,
        at=now,
        conversation=row,
        user_id=burst.person.user_id,
        guild_id=burst.place.guild_id,
        channel_id=burst.place.channel_id,
        care_level=composed.level,
    )


def said(
    burst: Burst,
    composed: Composed,
    message_ids: tuple[MessageId, ...],
    row: RowId | None,
    state: CareState | None,
    now: datetime,
) -> tuple[CareState | None, tuple[Write, ...]]:
    """Return the care state after a reply was said, and all that is kept of the reply."""
    before, place = state, burst.place
    writes: list[Write] = [said_reply(burst, composed, message_ids, row, now)]
    if composed.level > burst.level:  # the model read more in it than the words alone
        state = care.heard(state, Reading(composed.level), now)
    if composed.resources_shown:
        state = care.shown(state, now)
        writes.append(referral(burst, composed, now))
    if state != before:
        writes.append(KeptCare(burst.person.user_id, place.channel_id, state))
    return state, tuple(writes)


def said_reply(
    burst: Burst,
    composed: Composed,
    message_ids: tuple[MessageId, ...],
    row: RowId | None,
    now: datetime,
) -> SaidReply:
    """Return a reply as it is kept; the newest message of the burst is the one it references."""
    return SaidReply(
        user_id=burst.person.user_id,
        place=burst.place,
        conversation=row,
        answers=tuple(w.message_id for w in reversed(burst.waiting)),
        message_ids=message_ids,
        text=composed.text,
        at=now,
        token_count=composed.token_count or prompt.tokens(composed.text),
        care_level=composed.level,
    )


def referral(burst: Burst, composed: Composed, now: datetime) -> CareCount:
    """Return one more referral of this month; no person in it."""
    month = now.date().replace(day=1)
    return CareCount(month, burst.place.guild_id, "referral", composed.level)


def exchange(
    burst: Burst,
    composed: Composed,
    reply_id: MessageId | None,
    row: RowId | None,
    now: datetime,
) -> m.ExchangeEnded:
    """Return what the state actors are told when a reply was said."""
    return m.ExchangeEnded(
        person=burst.person,
        place=burst.place,
        message_ids=tuple(w.message_id for w in burst.waiting),
        text=burst.text,
        reply=composed.text,
        at=now,
        valence=composed.valence,
        arousal=composed.arousal,
        care_level=max(composed.level, burst.level),
        depth=burst.depth,
        opened_sitting=burst.depth == 1,
        disclosed=composed.disclosed,
        recalled=composed.recalled,
        messages=tuple((w.message_id, w.text, w.at) for w in burst.waiting),
        conversation=row,
        reply_id=reply_id,
    )
