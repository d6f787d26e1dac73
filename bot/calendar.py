"""What `/remind`, `/birthday`, `/events`, `/timezone` and `/checkins` say, behind every door.

Rule 1: a time is said back in full, as it was understood; what is unclear is asked about.
Rule 2: a reminder that sounds like somebody in danger is answered, not planned.
Rule 3: what was asked for in a direct message is listed and cancelled in direct messages only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from actors import messages as m
from actors.calendar import CalendarActor
from actors.directory import Directory
from actors.relationship import RelationshipActor
from actors.rules import calendar, frames, resources, sentinel, times
from actors.rules.times import Understood
from storage.calendar import CHECK_INS, MOST_PENDING, TIME_ZONE
from storage.ids import RowId
from storage.records import Event, Person, Place, Recurrence

REPEATED_AFTER: Final = timedelta(hours=1)
SHOWN: Final = 25
EVERY: Final[dict[Recurrence, str]] = {
    "none": "",
    "daily": "every day",
    "weekly": "every week",
    "monthly": "every month",
    "yearly": "every year",
}
REMIND_HELP: Final = (
    "Tell me when and what: /remind in 20 minutes call Ana; /remind tomorrow at 9 the letter; "
    "/remind every Monday at 18:00 the bins."
)
WHAT: Final = "And what shall I remind you of then?"
TOO_LONG: Final = (
    f"That is long for a reminder. Could you say it in {calendar.LONGEST_TITLE} letters?"
)
FULL: Final = (
    f"{MOST_PENDING} things are waiting for you already. /events shows them, and cancels what you "
    "don't need."
)
NOT_PLANNED: Final = (
    "I haven't set that as a reminder. I'd rather hear about it from you: write to me, or to "
    "somebody you trust."
)
NO_SUCH_EVENT: Final = "Nothing of yours waits here under that number. /events lists what does."
NOTHING_WAITS: Final = "Nothing is waiting here. /remind sets a reminder, /birthday your birthday."
BIRTHDAY_HELP: Final = (
    "When is it? For example: /birthday 3 May. \u201c/birthday none\u201d forgets it."
)
BIRTHDAY_GONE: Final = "I'll let that day pass quietly. Nothing about your birthday is waiting."
OVERHEARD: Final = " Others here will read it; in a direct message they won't."
ZONE_HELP: Final = (
    "I don't know your time zone yet. Name it like this: /timezone Europe/Berlin (a big city will "
    "often do)."
)
ZONE_UNKNOWN: Final = (
    "I don't know that one. Try Europe/Berlin, America/New_York, or the nearest big city."
)
CHECKINS_ON: Final = (
    "All right. Now and then, once a week at most and never between 22:00 and 08:00 your time, "
    "I'll ask how something went that you told me about. /checkins off ends it."
)
CHECKINS_OFF: Final = "All right, I'll only write when you do. Reminders you set still come."
CHECKINS_HELP: Final = "Shall I ask now and then how something went? /checkins on, /checkins off."
STOPPED: Final = "All right, no more of these."
NOT_YOURS: Final = "That one belongs to somebody else."


class CalendarCommands:
    """Answers what concerns the calendar, for any door."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._calendar = directory.ref(CalendarActor, m.OnlyOne)
        self.answers = {
            "remind": self.remind,
            "birthday": self.birthday,
            "events": self.events,
            "timezone": self.timezone,
            "checkins": self.checkins,
            "again": self.again,
            "stop": self.stop,
        }
        """What answers each command, and each button under what came due."""

    # --- reminders

    async def remind(self, person: Person, place: Place, rest: str) -> str:
        """Plan a reminder.  `rest`: when and what, on one line or on two."""
        wishes, now = await self._wishes(person, place), self._clock()
        zone = wishes.get(TIME_ZONE)
        when, two_lines, what = rest.partition("\n")
        found = times.read(when, now, zone)
        if not two_lines:
            found, what = times.split(rest, now, zone)
        what = " ".join(what.split())
        if not isinstance(found, Understood):
            unread = REMIND_HELP if not rest.strip() else times.NOT_A_TIME
            return unread if found is None else found.question
        if not what or len(what) > calendar.LONGEST_TITLE:
            return TOO_LONG if what else WHAT
        if (answer := self._worry(what, person)) is not None:
            return answer
        event = self._event(person, place, found.at, what, zone or "UTC", found)
        if await self._calendar.ask(m.PlanEvent(person, event)) is None:
            return FULL
        assumed = " You named no hour, so I took nine in the morning." if found.hour_assumed else ""
        often = f", {EVERY[found.recurs]}" if found.recurs != "none" else ""
        return f"I'll remind you here: {said(found.at, zone, place)}{often}.{assumed}"

    def _event(
        self, person: Person, place: Place, at: datetime, what: str, zone: str, found: Understood
    ) -> Event:
        return Event(
            event_id=None,
            user_id=person.user_id,
            guild_id=place.guild_id,
            channel_id=place.channel_id,
            kind="reminder",
            at=at,
            title=what,
            zone=zone,
            recurs=found.recurs,
            anchor=found.wall if found.recurs != "none" else None,
        )

    def _worry(self, what: str, person: Person) -> str | None:
        """Return what to say instead of planning, to somebody who may be in danger."""
        reading = sentinel.read(what)
        if reading.level == 0 and not reading.labels:
            return None
        near = resources.resources_for(
            None, person.locale, reading.language, today=self._clock().date()
        )
        frame = frames.frame(reading, None, in_guild=False, resources=near, turn=0)
        return f"{frame.text}\n\n{NOT_PLANNED}"

    async def again(self, person: Person, place: Place, rest: str) -> str:
        """Remind once more, an hour later; `rest`: of which event."""
        at = self._clock() + REPEATED_AFTER
        asked = m.RepeatEvent(person, RowId(int(rest)), at)
        if await self._calendar.ask(asked) is None:
            return NOT_YOURS
        zone = (await self._wishes(person, place)).get(TIME_ZONE)
        return f"I'll remind you again: {said(at, zone, place)}."

    # --- birthdays

    async def birthday(self, person: Person, place: Place, rest: str) -> str:
        """Plan the wishes for a birthday, or with "none" forget it."""
        wishes = await self._wishes(person, place)
        if rest.strip().casefold() in {"none", "off", "forget"}:
            for event in await self._calendar.ask(m.ListEvents(person.user_id, None)):
                if event.kind == "birthday" and event.event_id is not None:
                    await self._calendar.ask(m.CancelEvent(person.user_id, event.event_id))
            return BIRTHDAY_GONE
        day = times.read_birthday(rest)
        if not isinstance(day, tuple):
            return BIRTHDAY_HELP if day is None else day.question
        if (zone := wishes.get(TIME_ZONE)) is None:
            return times.ZONE_NEEDED
        anchor, at = calendar.birthday(*day, zone, self._clock())
        event = Event(
            event_id=None,
            user_id=person.user_id,
            guild_id=place.guild_id,
            channel_id=place.channel_id,
            kind="birthday",
            at=at,
            title="birthday",
            zone=zone,
            recurs="yearly",
            anchor=anchor,
        )
        if await self._calendar.ask(m.PlanEvent(person, event)) is None:
            return FULL
        wished = f"I'll wish you a happy birthday here: {said(at, zone, place)}, every year."
        return wished if place.is_direct else wished + OVERHEARD

    # --- what waits

    async def events(self, person: Person, place: Place, rest: str) -> str:
        """List what waits, or (`rest`: "cancel" and a number) cancel it."""
        waiting = await self.waiting(person, place)
        number = rest.strip().casefold().removeprefix("cancel").strip(" .#")
        if number:
            chosen = next((e for e in waiting if str(e.event_id) == number), None)
            return NO_SUCH_EVENT if chosen is None else await self._cancel(person, chosen)
        wishes = await self._wishes(person, place)
        zone = wishes.get(TIME_ZONE)
        lines = [f"{e.event_id}. {line(e, zone, place)}" for e in waiting[:SHOWN]]
        more = [f"... and {len(waiting) - SHOWN} more."] if len(waiting) > SHOWN else []
        lines = [*lines, *more, "/events cancel NUMBER cancels one."] if lines else [NOTHING_WAITS]
        on = wishes.get(CHECK_INS) == "yes"
        known = f"Your time zone: {zone}." if zone else ZONE_HELP
        return "\n".join([*lines, f"{known} Check-ins are {'on' if on else 'off'} (/checkins)."])

    async def _cancel(self, person: Person, event: Event) -> str:
        assert event.event_id is not None  # noqa: S101 - for the type checker: it is kept
        gone = await self._calendar.ask(m.CancelEvent(person.user_id, event.event_id))
        return NO_SUCH_EVENT if gone is None else f"Cancelled: {named(event)}."

    async def waiting(self, person: Person, place: Place) -> Sequence[Event]:
        """Return what waits for `person` and may be shown in `place`."""
        return await self._calendar.ask(m.ListEvents(person.user_id, place.guild_id))

    async def stop(self, person: Person, _place: Place, rest: str) -> str:
        """Write no more of what this event was: birthdays, or all that nobody asked for."""
        stopped = await self._calendar.ask(m.StopEvents(person.user_id, RowId(int(rest))))
        if stopped is None:
            return NOT_YOURS
        if stopped.proactive:
            await self._set(person, CHECK_INS, "no")
        return STOPPED

    # --- what the person sets

    async def timezone(self, person: Person, place: Place, rest: str) -> str:
        """Keep the time zone that is named, or say which is known."""
        if not rest.strip():
            known = (await self._wishes(person, place)).get(TIME_ZONE)
            return f"Your time zone: {known}." if known else ZONE_HELP
        zone = calendar.known_zone(rest)
        if zone is None:
            like = calendar.zones_like(rest)
            if len(like) != 1:
                return f"Which one: {', '.join(like[:8])}?" if like else ZONE_UNKNOWN
            (zone,) = like
        await self._set(person, TIME_ZONE, zone)
        clock = calendar.wall(self._clock(), zone)
        return f"Thank you. It is {clock:%H:%M} where you are, then ({zone})."

    async def checkins(self, person: Person, place: Place, rest: str) -> str:
        """Let the bar write of its own accord, or not."""
        wanted = rest.strip().casefold()
        if wanted not in {"on", "off"}:
            return CHECKINS_HELP
        if wanted == "on" and not (await self._wishes(person, place)).get(TIME_ZONE):
            return times.ZONE_NEEDED
        await self._set(person, CHECK_INS, "yes" if wanted == "on" else "no")
        return CHECKINS_ON if wanted == "on" else CHECKINS_OFF

    async def _wishes(self, person: Person, place: Place) -> dict[str, str]:
        known = self._directory.ref(RelationshipActor, person.user_id)
        reading = await known.ask(m.ReadRelationship(person, place.guild_id, self._clock()))
        return dict(reading.preferences)

    async def _set(self, person: Person, key: str, value: str) -> None:
        known = self._directory.ref(RelationshipActor, person.user_id)
        await known.ask(m.SetPreference(key, value))


def said(at: datetime, zone: str | None, place: Place) -> str:
    """Return a time in full: by the person's clock, or as Discord shows it to them."""
    if zone is not None:
        return calendar.shown(at, zone)
    return calendar.shown(at, "UTC") if place.kind == "terminal" else f"<t:{at.timestamp():.0f}:F>"


def named(event: Event) -> str:
    """Return what an event is called."""
    return "happy birthday" if event.kind == "birthday" else event.title


def line(event: Event, zone: str | None, place: Place) -> str:
    """Return an event as it is listed."""
    often = f", {EVERY[event.recurs]}" if event.recurs != "none" else ""
    kind = "I'll ask after: " if event.kind == "follow_up" else ""
    return f"{kind}{named(event)} ({said(event.at, zone, place)}{often})"
