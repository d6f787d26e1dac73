"""Events drawn from what people say: which of the extractor's are believed, when they come due.

Rule 1: like facts they rest on evidence: words of the person's own, copied from the message named.
Rule 2: only those words are ever shown back (`Event.title`); what the extractor writes is not.
Rule 3: a reminder is one that was asked for in so many words, a birthday the person's own; whatever
else lies ahead is asked after on the next day, which takes the person's leave.
Rule 4: a time is meant on the person's wall clock; without a time zone nothing is planned.
Rule 5: an event belongs to the place where it was said.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors.rules import calendar
from actors.rules.extraction import Proposal, Said, is_evidence
from storage.ids import ChannelId, GuildId, MessageId, UserId
from storage.records import Event, EventKind, Recurrence

MOST_EVENTS: Final = 4
SHORTEST_EVIDENCE: Final = 6
LONGEST_EVIDENCE: Final = 160
FURTHEST: Final = timedelta(days=400)
"""What lies further ahead than this is not planned from a passing word."""

ASKED: Final = re.compile(
    r"\bremind me\b|\bdon'?t let me forget\b|\berinner[e]? mich\b|\brappelle[- ]moi\b"
    r"|\brecu[eé]rdame\b|\bricordami\b|\bherinner me\b|\bprzypomnij mi\b|\blembra[- ]me\b",
    re.IGNORECASE,
)
OWN_BIRTHDAY: Final = re.compile(
    r"\bmy (?:\d+(?:st|nd|rd|th) )?birthday\b|\bi was born\b|\bi turn \d+|\bi'?m turning \d+"
    r"|\bmein(?:en|em)? (?:\d+\. )?geburtstag\b|\bich (?:habe|hab) .{0,30}geburtstag\b"
    r"|\bmon anniversaire\b|\bmi cumplea[nñ]os\b|\bil mio compleanno\b",
    re.IGNORECASE,
)


class NotedEvent(BaseModel):
    """One event as the extractor must write it; anything else is dropped."""

    model_config = ConfigDict(extra="forbid")

    type: EventKind
    at: str = Field(max_length=40)
    recurs: Recurrence = "none"
    evidence: str = Field(max_length=400)
    source: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """An event that somebody spoke of, before anybody knows where their clock stands.

    `at`: what their wall clock will show (naive).  `has_hour`: an hour was named.
    """

    kind: EventKind
    at: datetime
    has_hour: bool
    recurs: Recurrence
    evidence: str
    message_id: MessageId
    channel_id: ChannelId


def drawn(
    data: Mapping[str, Any], said: Sequence[Said]
) -> tuple[tuple[Drawn, ...], tuple[str, ...]]:
    """Return the events of an extractor's answer that are believed, and why others are not.

    Args:
        data: the answer, unchecked.
        said: the messages it was given, in order.
    """
    sources = {f"m{n}": s for n, s in enumerate(said, start=1) if not s.by_bar}
    listed = data.get("events")
    items = listed if isinstance(listed, list) else []
    kept: list[Drawn] = []
    rejected = ["too_many_events"] * max(len(items) - MOST_EVENTS, 0)
    for item in items[:MOST_EVENTS]:
        try:
            noted = NotedEvent.model_validate(item)
        except ValidationError:
            rejected.append("event_form")
            continue
        found = _believed(noted, sources.get(noted.source))
        if isinstance(found, Drawn):
            kept.append(found)
        else:
            rejected.append(found)
    return tuple(kept), tuple(rejected)


def ahead(proposals: Sequence[Proposal], said: Sequence[Said]) -> tuple[Drawn, ...]:
    """Return what to ask after because a fact to come was learned."""
    channels = {s.message_id: s.channel_id for s in said}
    kept = []
    for proposal in proposals:
        fact, source = proposal.fact, proposal.fact.source_message_id
        channel_id = channels.get(source) if source is not None else None
        at = _moment(fact.happens_on)
        is_ahead = proposal.op in {"add", "update"} and fact.temporal == "future"
        plain = fact.sensitivity == "plain" and fact.about == "self"
        if is_ahead and plain and at and source is not None and channel_id is not None:
            evidence = " ".join(fact.evidence.split())
            kept.append(Drawn("follow_up", at[0], at[1], "none", evidence, source, channel_id))
    return tuple(kept)


def planned(
    event: Drawn,
    user_id: UserId,
    guild_id: GuildId | None,
    now: datetime,
    *,
    zone: str | None,
    opted_in: bool,
) -> Event | str:
    """Return the event to keep, or a code for why there is none."""
    proactive = event.kind != "reminder"
    if zone is None:
        return "event_no_zone"
    if proactive and not opted_in:
        return "event_no_leave"
    wall, recurs = event.at, event.recurs
    if not event.has_hour or proactive:
        wall = datetime.combine(wall.date(), calendar.GREETING_HOUR)
    if event.kind == "follow_up":
        wall, recurs = wall + timedelta(days=1), "none"
    at = calendar.instant(wall, zone)
    if event.kind == "birthday":
        recurs = "yearly"
        wall, at = calendar.birthday(wall.month, wall.day, zone, now)
    if at <= now and recurs != "none":
        at = calendar.following(wall, zone, recurs, now) or at
    is_past = at <= now and event.kind != "birthday"
    if is_past or at > now + FURTHEST:
        return "event_time"
    return Event(
        event_id=None,
        user_id=user_id,
        guild_id=guild_id,
        channel_id=event.channel_id,
        kind=event.kind,
        at=at,
        title=event.evidence,
        zone=zone,
        recurs=recurs,
        anchor=None if recurs == "none" else wall,
        proactive=proactive,
        source_message_id=event.message_id,
    )


def _believed(noted: NotedEvent, source: Said | None) -> Drawn | str:
    """Return the event, or a code for why it is not believed."""
    evidence = " ".join(noted.evidence.split())
    if source is None or source.channel_id is None:
        return "event_source"
    too_short = len(evidence) < SHORTEST_EVIDENCE
    if too_short or len(evidence) > LONGEST_EVIDENCE or not is_evidence(evidence, source.text):
        return "event_evidence"
    at = _moment(noted.at)
    if at is None:
        return "event_time"
    kind: EventKind = noted.type
    if kind == "reminder" and ASKED.search(source.text) is None:
        kind = "follow_up"
    if kind == "birthday" and OWN_BIRTHDAY.search(evidence) is None:
        return "event_not_own"
    return Drawn(kind, *at, noted.recurs, evidence, source.message_id, source.channel_id)


def _moment(text: str) -> tuple[datetime, bool] | None:
    """Return the wall time that an ISO date or time names, and whether it names an hour."""
    form: Literal["day", "hour"] = "hour" if re.search(r"\d[T ]\d\d:\d\d", text) else "day"
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if form == "day" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
        return None
    return at.replace(tzinfo=None), form == "hour" or at.time() != time.min
