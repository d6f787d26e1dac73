"""When something comes due, whether it is said then, and in which words.

Rule 1: times are meant on the person's own wall clock: "at nine" is nine in summer and in winter.
Rule 2: a wall time that the clocks skip is said as much later as they skip; one that comes twice,
the first time.
Rule 3: a day that a month does not have is its last: the 31st in April, 29 February in most years.
Rule 4: the next occurrence lies after now: what was missed is not said again one by one.
Rule 5: a reminder that was asked for is always said, with a word about being late if it is.  A
birthday is wished up to three days late, a follow-up one day; after that it is let go.
Rule 6: of its own accord the bar speaks only to who opted in, and at most once a week.
Rule 7: birthdays and follow-ups wait through the person's night, 22:00 to 08:00, and while they
are looked after.
Rule 8: the words shown back to a person are their own; no model writes what is said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

from storage.records import Event, EventKind, Recurrence

NIGHT_BEGINS: Final = time(22)
NIGHT_ENDS: Final = time(8)
LATEST: Final[Mapping[EventKind, timedelta]] = {
    "birthday": timedelta(days=3),
    "follow_up": timedelta(days=1),
}
"""How late something may still be said; what is missing here always is."""
LATE: Final = timedelta(minutes=10)
"""From then on a reminder says that it is late."""
APART: Final = timedelta(days=7)
"""How far apart messages of the bar's own accord are."""
GREETING_HOUR: Final = time(9)
"""When a birthday is wished, and a day is asked after."""
LONGEST_TITLE: Final = 200
LAST_DAY_EVERYWHERE: Final = 28
NO_PLACES: Final = ("Etc/", "SystemV/", "US/", "posix/", "right/")
LEAP_YEAR: Final = 2000
"""Where birthdays are anchored: a year that has every day, and says nothing about anybody's age."""
FREQUENCIES: Final[Mapping[Recurrence, Literal[0, 1, 2, 3]]] = {
    "daily": DAILY,
    "weekly": WEEKLY,
    "monthly": MONTHLY,
    "yearly": YEARLY,
}


# --- wall clocks ---------------------------------------------------------------------------------


@cache
def zones() -> Mapping[str, str]:
    """Return the IANA time zones by their names in lower case."""
    return {zone.casefold(): zone for zone in sorted(available_timezones())}


def known_zone(name: str) -> str | None:
    """Return the IANA time zone that `name` means, whatever its case and spaces; None: none."""
    return zones().get("_".join(name.casefold().split()))


def zones_like(typed: str) -> tuple[str, ...]:
    """Return the places whose time zone may be meant, those first that begin like `typed`."""
    wanted = "_".join(typed.casefold().split())
    places = [zone for zone in zones().values() if "/" in zone and not zone.startswith(NO_PLACES)]
    found = [zone for zone in places if wanted in zone.casefold()]
    exact = [zone for zone in found if zone.casefold().rsplit("/")[-1] == wanted]
    begins = sorted(found, key=lambda zone: f"/{wanted}" not in f"/{zone.casefold()}")
    return tuple(exact or begins)


def instant(wall: datetime, zone: str, *, fold: Literal[0, 1] = 0) -> datetime:
    """Return when a clock in `zone` shows `wall` (naive), as aware UTC; see rule 2.

    `fold` 1: of a time that the clock shows twice, the second.
    """
    return wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def wall(at: datetime, zone: str) -> datetime:
    """Return what a clock in `zone` shows at `at`, as a naive time."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def shown(at: datetime, zone: str) -> str:
    """Return `at` as it is written for a person: day of the week, date, time, time zone."""
    there = wall(at, zone)
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M} ({zone})"


def awake(at: datetime, zone: str) -> datetime:
    """Return `at` if it is day in `zone` then, else when the night ends."""
    there = wall(at, zone)
    if NIGHT_ENDS <= there.time() < NIGHT_BEGINS:
        return at
    morning = there.date() + timedelta(days=there.time() >= NIGHT_BEGINS)
    return instant(datetime.combine(morning, NIGHT_ENDS), zone)


# --- recurrence ----------------------------------------------------------------------------------


def following(anchor: datetime, zone: str, recurs: Recurrence, after: datetime) -> datetime | None:
    """Return the first occurrence after `after`; None if there is none (`recurs` is "none").

    Args:
        anchor: the first occurrence, on the wall clock of `zone` (naive).
        zone: an IANA time zone.
        recurs: how often.
        after: aware UTC.
    """
    if recurs == "none":
        return None
    near = wall(after, zone) - timedelta(days=1)  # no clock was ever set by more than a day
    for candidate in _occurrences(anchor, recurs).xafter(near, inc=True):
        at = instant(candidate, zone)
        if at > after:
            return at
    return None


def _occurrences(anchor: datetime, recurs: Recurrence) -> rrule:
    frequency, day = FREQUENCIES[recurs], anchor.day
    if recurs == "monthly" and day > LAST_DAY_EVERYWHERE:
        days = tuple(range(LAST_DAY_EVERYWHERE, day + 1))
        return rrule(frequency, dtstart=anchor, bymonthday=days, bysetpos=-1)
    if recurs == "yearly" and (anchor.month, day) == (2, 29):
        return rrule(frequency, dtstart=anchor, bymonth=2, bymonthday=(28, 29), bysetpos=-1)
    return rrule(frequency, dtstart=anchor)


def birthday(month: int, day: int, zone: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the anchor of a birthday and when it is wished next.  29 February is a day.

    Raises:
        ValueError: there is no such day.
    """
    anchor = datetime.combine(date(LEAP_YEAR, month, day), GREETING_HOUR)
    today = wall(now, zone).date()
    begins = datetime.combine(today, time.min)
    at = following(anchor, zone, "yearly", instant(begins, zone) - timedelta(microseconds=1))
    assert at is not None  # noqa: S101 - a year has every birthday, see rule 3
    return anchor, at


# --- what is done when something came due --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What matters about a person when something of theirs came due.

    `zone`: where they say they live now.  `spoke_at`: when the bar last wrote to them of its own
    accord.
    """

    name: str = ""
    zone: str | None = None
    opted_in: bool = False
    cared_for_until: datetime | None = None
    spoke_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Say it now."""

    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; look again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LetGo:
    """Do not say it.  `reason` is a code."""

    reason: str


Verdict = Say | Wait | LetGo


def verdict(event: Event, person: Circumstances, now: datetime) -> Verdict:
    """Return what is done about an event that is due at `now` (aware UTC)."""
    zone = person.zone or event.zone
    if event.kind == "reminder":
        return Say(words(event, person.name, zone, now))
    if event.proactive and not person.opted_in:
        return LetGo("not_opted_in")
    earliest = max(now, person.cared_for_until or now)
    if event.proactive and person.spoke_at is not None:
        earliest = max(earliest, person.spoke_at + APART)
    earliest = awake(earliest, zone)
    if earliest - event.at > LATEST[event.kind]:
        return LetGo("too_late")
    return Wait(earliest) if earliest > now else Say(words(event, person.name, zone, now))


def words(event: Event, name: str, zone: str, now: datetime) -> str:
    """Return what is said."""
    match event.kind:
        case "birthday":
            return _birthday(name, belated=wall(now, zone).date() > wall(event.at, zone).date())
        case "follow_up":
            return (
                f"You told me: \u201c{event.title}\u201d That day has passed now. "
                "How was it for you? No need to answer."
            )
        case "reminder":
            asked = f"You asked me to remind you: {event.title}"
            if event.source_message_id is not None:
                asked = f"You asked me: \u201c{event.title}\u201d"
            meant = f"It was meant for {shown(event.at, zone)}. I was away then, so it comes late."
            return f"{asked}\n{meant}" if now - event.at > LATE else asked


def _birthday(name: str, *, belated: bool) -> str:
    to = f", {name}" if name else ""
    if belated:
        return f"Happy belated birthday{to}. I was away on the day. May the new year be kind."
    return f"Happy birthday{to}. May today hold something good for you."


def succeeding(event: Event, zone: str | None, now: datetime) -> datetime | None:
    """Return when `event` comes again, after both itself and now; None: it does not."""
    if event.anchor is None:
        return None
    return following(event.anchor, zone or event.zone, event.recurs, max(event.at, now))
