"""What a conversation writes down: pure functions from what happened to what is kept and told."""

from datetime import datetime

from actors import messages as m
from actors.briefing import Burst
from actors.composing import Composed
from actors.rules import prompt
from actors.rules.sentinel import Reading
from storage.ids import MessageId, RowId
from storage.records import (
    CareCount,
    HeardMessage,
    KnownChannel,
    PastMessage,
    SaidReply,
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
