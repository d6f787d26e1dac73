"""What people mean by a time: "in 20 minutes", "tomorrow at 9", "every Monday at 18:00".

A small reader of plain English, of 24.12.2026 and of ISO 8601; it is meant to be strict.

Rule 1: what can mean two things is asked about, never chosen: 05/06, "next Friday", "at 6".
Rule 2: what is left out and has one sensible meaning is filled in, and said back: the year, and
nine in the morning for a day without an hour (`hour_assumed`).
Rule 3: everything but a span of time ("in 20 minutes") needs to know where the person's clock
stands; without a time zone they are asked.
Rule 4: what is past, what no clock shows and what one shows twice is asked about.
Rule 5: what reads like no time is None, so that the end of the time in "tomorrow at 9 call Ana" is
found.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from dateutil.relativedelta import relativedelta

from actors.rules.calendar import GREETING_HOUR, LEAP_YEAR, following, instant, wall
from storage.records import Recurrence

FURTHEST_YEARS: Final = 10
MOST_WORDS: Final = 9
"""No time has more words than this."""

_MONTH_NAMES: Final = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTHS: Final = {
    **{name: number for number, name in enumerate(_MONTH_NAMES, start=1)},
    **{name[:3]: number for number, name in enumerate(_MONTH_NAMES, start=1)},
    "sept": 9,
}
_DAY_NAMES: Final = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: Final = {
    **{name: number for number, name in enumerate(_DAY_NAMES)},
    **{name[:3]: number for number, name in enumerate(_DAY_NAMES)},
    "tues": 1,
    "weds": 2,
    "thur": 3,
    "thurs": 3,
}
_UNITS: Final = {
    "s": "seconds",
    "sec": "seconds",
    "m": "minutes",
    "min": "minutes",
    "h": "hours",
    "hr": "hours",
    "d": "days",
    "w": "weeks",
    **{name: f"{name}s" for name in ("second", "minute", "hour", "day", "week", "month", "year")},
}


def _one_of(names: object) -> str:
    return "|".join(sorted(map(str, names), key=len, reverse=True))  # type: ignore[call-overload]


_MONTH: Final = rf"(?P<month>{_one_of(_MONTHS)})\.?"
_NUMBER: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:,? (?P<year>\d{4}))?"
_DATES: Final = (
    rf"(?:on )?(?:the )?{_NUMBER}(?: of)? {_MONTH}{_YEAR}",
    rf"(?:on )?{_MONTH} (?:the )?{_NUMBER}{_YEAR}",
    r"(?:on )?(?P<year>\d{4})-(?P<monthnumber>\d{2})-(?P<day>\d{2})",
    r"(?:on )?(?P<day>\d{1,2})\.(?P<monthnumber>\d{1,2})\.(?P<year>\d{4})?",
    r"(?:on )?(?P<first>\d{1,2})/(?P<second>\d{1,2})(?:/(?P<year>\d{4}))?",
    r"(?:on )?the (?P<lone>\d{1,2})(?:st|nd|rd|th)",
    rf"(?:on |this |coming )?(?P<weekday>{_one_of(_WEEKDAYS)})",
    rf"(?:on )?next (?P<nextday>{_one_of(_WEEKDAYS)})",
    r"(?P<near>today|tonight|tomorrow|(?:the )?day after tomorrow)",
)
_TIME: Final = (
    r"(?:(?:at|@) ?)?(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?"
    r" ?(?P<half>am|pm|a\.m\.|p\.m\.|o'?clock)?|(?P<named>noon|midnight))"
)
_MOMENTS: Final = tuple(
    re.compile(form)
    for dated in _DATES
    for form in (rf"{dated}(?:,? {_TIME})?", rf"{_TIME},? {dated}")
)
_ONLY_TIME: Final = re.compile(_TIME)
_SPAN: Final = re.compile(
    rf"(?P<count>\d{{1,5}}(?:\.\d)?|an?|half an?) ?(?P<unit>{_one_of(_UNITS)})s?"
    r"(?:,| and)?(?: |(?=\d)|$)"
)
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(?::\d{2})?(?:z|[+-]\d{2}:\d{2})?")
_EVERY: Final = re.compile(
    rf"(?:every (?P<unit>day|week|month|year|(?P<weekday>{_one_of(_WEEKDAYS)}))"
    r"|(?P<often>daily|weekly|monthly|yearly))(?: (?P<rest>.+))?"
)

ZONE_NEEDED: Final = (
    "What time is it where you are? Tell me your time zone once with /timezone (Europe/Berlin, for "
    "example), and I'll know what you mean. \u201cIn 20 minutes\u201d works without it."
)
NOT_A_TIME: Final = (
    "I couldn't read that time. Some that I can: in 20 minutes; tomorrow at 9; on Friday at 18:00; "
    "24 December 18:00; 2026-12-24 18:00; every Monday at 9."
)


@dataclass(frozen=True, slots=True)
class Understood:
    """A time that means one thing.  `wall`: what the person's clock shows then (naive), where that
    was what they named.  `hour_assumed`: they named a day only.
    """

    at: datetime
    wall: datetime | None = None
    recurs: Recurrence = "none"
    hour_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A time that needs a word more: what to ask."""

    question: str


Read = Understood | Unclear | None


class _AskError(Exception):
    """The question that ends a reading."""


def read(text: str, now: datetime, zone: str | None) -> Read:
    """Return what `text` means at `now` (aware UTC) in `zone` (None: not known)."""
    said = " ".join(text.casefold().strip(" ,!?").split())
    try:
        return _read(said, now, zone)
    except _AskError as asked:
        return Unclear(str(asked))
    except (ValueError, OverflowError):
        return Unclear("There is no such day or time. Could you check it?")


def split(text: str, now: datetime, zone: str | None) -> tuple[Read, str]:
    """Return the time that `text` begins with, and the words after it."""
    parts = text.split()
    for count in range(min(len(parts), MOST_WORDS), 0, -1):
        head = " ".join(parts[:count])
        if (found := read(head.rstrip(":"), now, zone)) is not None:
            rest = " ".join(parts[count:])
            return found, re.sub(r"^(?:to|that|about|[-:]) ", "", rest, flags=re.IGNORECASE)
    return None, text


def read_birthday(text: str) -> tuple[int, int] | Unclear | None:
    """Return the month and the day that `text` names; a year is let go of."""
    said = " ".join(text.casefold().strip(" ,!?").split())
    for dated in _DATES[:5]:
        if found := re.fullmatch(dated, said):
            try:
                month, day = _month_and_day(found.groupdict())
                date(LEAP_YEAR, month, day)
            except _AskError as asked:
                return Unclear(str(asked))
            except ValueError:
                return Unclear("There is no such day. Could you check it?")
            return month, day
    return None


# --- forms ---------------------------------------------------------------------------------------


def _read(said: str, now: datetime, zone: str | None) -> Read:
    if every := _EVERY.fullmatch(said):
        return _recurring(every, now, zone)
    if (span := _span(said, now, zone)) is not None:
        return span
    if _ISO.fullmatch(said):
        return _iso(said, now, zone)
    for form in _MOMENTS:
        if found := form.fullmatch(said):
            return _moment(found.groupdict(), now, zone)
    if (found := _ONLY_TIME.fullmatch(said)) and not said.isdecimal():
        return _today(found.groupdict(), now, zone)
    return None


def _span(said: str, now: datetime, zone: str | None) -> Understood | None:
    rest = said.removeprefix("in ")
    amounts: dict[str, float] = {}
    while rest and (part := _SPAN.match(rest)):
        count, unit = part["count"], _UNITS[part["unit"]]
        number = 0.5 if count.startswith("half") else 1.0 if count in {"a", "an"} else float(count)
        amounts[unit] = amounts.get(unit, 0) + number
        rest = rest[part.end() :]
    if rest or not amounts:
        return None
    seconds = timedelta(
        **{unit: amounts.pop(unit) for unit in ("seconds", "minutes", "hours") if unit in amounts}
    )
    if not amounts:
        return _sound(Understood(now + seconds), now)
    if any(count != int(count) for count in amounts.values()):
        raise _AskError("Half a day is hard to place. Could you say it in hours, or name the time?")
    there = wall(now, _needed(zone))
    days = relativedelta(**{unit: int(count) for unit, count in amounts.items()})  # type: ignore[arg-type]
    return _at_wall(there + days + seconds, now, zone)


def _iso(said: str, now: datetime, zone: str | None) -> Understood:
    named = datetime.fromisoformat(said.upper())
    if named.tzinfo is not None:
        return _sound(Understood(named.astimezone(UTC)), now)
    return _at_wall(named, now, zone)


def _moment(found: dict[str, str | None], now: datetime, zone: str | None) -> Understood:
    today = wall(now, _needed(zone)).date()
    tonight = found.get("near") == "tonight"
    clock = _clock(found, evening=tonight)
    if clock is None and found.get("near") in {"today", "tonight"}:
        raise _AskError(f"{str(found['near']).capitalize()} at what time?")
    day = _day(found, today)
    meant = _at_wall(datetime.combine(day, clock or GREETING_HOUR), now, zone)
    return replace(meant, hour_assumed=clock is None)


def _today(found: dict[str, str | None], now: datetime, zone: str | None) -> Understood:
    there, clock = wall(now, _needed(zone)), _clock(found)
    assert clock is not None  # noqa: S101 - it is all that was said
    if clock <= there.time():
        raise _AskError(
            f"{clock:%H:%M} has passed today. Do you mean tomorrow at {clock:%H:%M}? Then say so."
        )
    return _at_wall(datetime.combine(there.date(), clock), now, zone)


def _recurring(every: re.Match[str], now: datetime, zone: str | None) -> Read:
    unit, rest = every["unit"] or every["often"], every["rest"] or ""
    if every["weekday"]:
        rest, unit = f"{every['weekday']} {rest}".strip(), "week"
    recurs: Recurrence = {"d": "daily", "w": "weekly", "m": "monthly", "y": "yearly"}[unit[0]]  # type: ignore[assignment]
    forms = (_ONLY_TIME,) if recurs == "daily" else _MOMENTS
    found = next((match for form in forms if (match := form.fullmatch(rest))), None)
    if found is None:
        if rest:
            return None
        raise _AskError("At what time, each day?" if recurs == "daily" else "On which day?")
    return _first(found.groupdict(), recurs, now, _needed(zone))


def _first(
    found: dict[str, str | None], recurs: Recurrence, now: datetime, zone: str
) -> Understood:
    """Return the first time of something that recurs: here the past is no mistake."""
    today = wall(now, zone).date()
    clock = _clock(found)
    if recurs == "daily":
        day = today
    elif recurs == "weekly" and found.get("weekday"):
        day = today + timedelta((_WEEKDAYS[str(found["weekday"])] - today.weekday()) % 7)
    elif recurs == "monthly" and found.get("lone"):
        day = _of_month(int(str(found["lone"])), today)
    else:
        day = _day(found, today)
    first = datetime.combine(day, clock or GREETING_HOUR)
    at = instant(first, zone)
    if at <= now:
        at = following(first, zone, recurs, now) or at
    return Understood(at, first, recurs, hour_assumed=clock is None)


# --- parts ---------------------------------------------------------------------------------------


def _clock(found: dict[str, str | None], *, evening: bool = False) -> time | None:
    if found.get("named") == "midnight":
        raise _AskError(
            "Midnight is where two days meet. Could you say 23:59 or 00:01, and the day?"
        )
    if found.get("named") == "noon":
        return time(12)
    if found.get("hour") is None:
        return None
    hour, minute, half = int(str(found["hour"])), int(found["minute"] or 0), found["half"] or ""
    if half[:1] in {"a", "p"}:
        if not 1 <= hour <= 12:
            raise _AskError(f"{hour} {half} is on no clock. Could you check it?")
        return time(hour % 12 + 12 * half.startswith("p"), minute)
    if evening and 5 <= hour < 12:
        return time(hour + 12, minute)
    if found["minute"] is None and hour < 8:
        raise _AskError(f"{hour} in the morning or {hour + 12}:00? Could you say which?")
    return time(hour, minute)


def _day(found: dict[str, str | None], today: date) -> date:
    if near := found.get("near"):
        after = {"today": 0, "tonight": 0, "tomorrow": 1}.get(near, 2)
        return today + timedelta(days=after)
    if name := found.get("weekday"):
        ahead = (_WEEKDAYS[name] - today.weekday()) % 7
        if ahead == 0:
            week = today + timedelta(days=7)
            raise _AskError(
                f"Today is {today:%A}. Do you mean today, or {_date(week)}? Could you say which?"
            )
        return today + timedelta(days=ahead)
    if name := found.get("nextday"):
        first = today + timedelta(days=(_WEEKDAYS[name] - today.weekday()) % 7 or 7)
        second = first + timedelta(days=7)
        raise _AskError(f"Do you mean {_date(first)} or {_date(second)}? Could you say which?")
    if lone := found.get("lone"):
        raise _AskError(f"The {lone}. of which month?")
    month, number = _month_and_day(found)
    if found.get("year"):
        return date(int(str(found["year"])), month, number)
    return _coming(month, number, today)


def _month_and_day(found: dict[str, str | None]) -> tuple[int, int]:
    if found.get("first"):
        first, second = int(str(found["first"])), int(str(found["second"]))
        if first <= 12 and second <= 12 and first != second:
            raise _AskError("Which is the month there? Could you write it with the month's name?")
        return (second, first) if first > 12 else (first, second)
    if found.get("month"):
        return _MONTHS[str(found["month"])], int(str(found["day"]))
    return int(str(found["monthnumber"])), int(str(found["day"]))


def _coming(month: int, number: int, today: date) -> date:
    """Return the next such day, today included."""
    date(LEAP_YEAR, month, number)  # a day that no year has is refused
    for year in range(today.year, today.year + 9):
        try:
            day = date(year, month, number)
        except ValueError:
            continue
        if day >= today:
            return day
    raise AssertionError("unreachable: eight years have a 29 February, even around 2100")


def _of_month(number: int, today: date) -> date:
    """Return that day of a month that has it: where a monthly rule begins."""
    if not 1 <= number <= 31:
        raise _AskError("No month has that day. Could you check it?")
    month = today.replace(day=1)
    while True:
        try:
            return month.replace(day=number)
        except ValueError:
            month = (month + timedelta(days=-1)).replace(day=1)


def _at_wall(there: datetime, now: datetime, zone: str | None) -> Understood:
    there = there.replace(second=0, microsecond=0) if there.microsecond else there
    place = _needed(zone)
    at = instant(there, place)
    if wall(at, place) != there:
        raise _AskError("The clocks skip that time that night. Could you name another?")
    if instant(there, place, fold=1) != at:
        raise _AskError("The clocks show that time twice that night. Could you name another?")
    return _sound(Understood(at, there), now)


def _sound(meant: Understood, now: datetime) -> Understood:
    if meant.at <= now:
        raise _AskError("That is in the past, if I read it right. Could you name a time to come?")
    if meant.at > now + timedelta(days=366 * FURTHEST_YEARS):
        raise _AskError("That is very far away. Could you name a time within ten years?")
    return meant


def _needed(zone: str | None) -> str:
    if zone is None:
        raise _AskError(ZONE_NEEDED)
    return zone


def _date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
