"""The calendar: one actor for the process, for everything that comes due."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.rules import calendar as rules
from actors.rules import events as drawing
from actors.rules.calendar import Circumstances, LetGo, Say, Wait
from actors.runtime import Told
from actors.storage import StorageActor
from storage.calendar import CHECK_INS, TIME_ZONE
from storage.ids import hashed
from storage.records import Claim, DueEvent, Event, Place, Settled

log = logging.getLogger(__name__)

CLAIM: Final = timedelta(minutes=1)
"""How long a claim lasts: longer than what is done under it, and how late a reminder may come
when the process is killed just then.
"""
SAYING_SECONDS: Final = 25.0
"""How long the door may take to say one thing, looking for it in the channel included."""
MOST_AT_ONCE: Final = 50
LONGEST_SLEEP: Final = timedelta(minutes=10)
"""Nothing is waited for longer: another process may have died, the machine may have slept."""
RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class EventsClaimed(Told):
    """Storage gave what is due, or could not.  To self."""

    claim: Claim | Exception


@dataclass(frozen=True, slots=True)
class EventHandled(Told):
    """One event was said, put off or let go, and that is kept; or not.  To self.

    `settled` None: its claim was lost, or could not be settled and will be taken up again.
    """

    settled: Settled | Exception | None


CalendarInbox = (
    m.EventsDue
    | m.PlanEvent
    | m.NoteEvents
    | m.ListEvents
    | m.CancelEvent
    | m.RepeatEvent
    | m.StopEvents
    | EventsClaimed
    | EventHandled
)


class CalendarActor(VirtualActor):
    """Says what comes due, once.

    Owns:    the one timer, set to what comes due next; what it has claimed.
    Hears:   EventsDue; EventsClaimed and EventHandled, from itself.
    Answers: PlanEvent, NoteEvents, ListEvents, CancelEvent, RepeatEvent, StopEvents.
    Asks:    storage, which gives every event to one process at a time; the door says it.
    """

    def __init__(
        self,
        key: str,
        *,
        directory: Directory,
        outbox: m.Outbox,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(key)
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._outbox = outbox
        self._clock = clock
        self._name = uuid.uuid4().hex[:16]
        self._looking = False
        self._look_again = False
        self._at_work = 0
        self._failures = 0
        self._next_at: datetime | None = None

    async def receive(self, message: CalendarInbox) -> Any:
        match message:
            case m.EventsDue():
                self._look()
            case EventsClaimed():
                self._claimed(message.claim)
            case EventHandled():
                self._handled(message.settled)
            case _:
                return await self._answer(message)
        return None

    async def _answer(
        self,
        asked: m.PlanEvent
        | m.NoteEvents
        | m.ListEvents
        | m.CancelEvent
        | m.RepeatEvent
        | m.StopEvents,
    ) -> Any:
        match asked:
            case m.PlanEvent():
                return await self._plan(asked)
            case m.NoteEvents():
                return await self._note(asked)
            case m.ListEvents():
                return await self._list(asked)
            case m.CancelEvent():
                return await self._storage.ask(asked)
            case m.RepeatEvent():
                return await self._repeat(asked)
            case m.StopEvents():
                return await self._end(asked)
            case _:
                assert_never(asked)

    # --- keeping

    async def _plan(self, asked: m.PlanEvent) -> Event | None:
        kept = await self._storage.ask(asked)
        if kept is not None:
            self._planned(kept)
        return kept

    async def _note(self, noted: m.NoteEvents) -> int:
        """Plan what was spoken of, by the person's own clock and with their leave."""
        set_by_them = (await self._storage.ask(m.LoadPerson(noted.user_id))).preferences
        events = []
        for drawn in noted.drawn:
            event = drawing.planned(
                drawn,
                noted.user_id,
                noted.guild_id,
                self._clock(),
                zone=set_by_them.get(TIME_ZONE) or None,
                opted_in=set_by_them.get(CHECK_INS) == "yes",
            )
            if isinstance(event, Event):
                events.append(event)
            else:
                extra = {"user": hashed(noted.user_id), "reason": event}
                log.info("event.not_planned", extra=extra)
        kept = await self._storage.ask(m.KeepEvents(tuple(events)))
        for event in kept:
            self._planned(event)
        return len(kept)

    def _planned(self, event: Event) -> None:
        self._wake_at(event.at)
        log.info(
            "event.planned",
            extra={
                "guild_id": event.guild_id,
                "user": hashed(event.user_id),
                "kind": event.kind,
                "recurs": event.recurs,
                "proactive": event.proactive,
            },
        )

    async def _list(self, asked: m.ListEvents) -> tuple[Event, ...]:
        events = await self._storage.ask(m.LoadEvents(asked.user_id))
        here = (e for e in events if asked.guild_id is None or e.guild_id == asked.guild_id)
        return tuple(event for event in here if event.status == "pending")

    async def _end(self, asked: m.StopEvents) -> Event | None:
        events = await self._storage.ask(m.LoadEvents(asked.user_id))
        this = next((e for e in events if e.event_id == asked.event_id), None)
        if this is None:
            return None
        for event in events:
            alike = event.kind == this.kind and event.proactive == this.proactive
            if alike and event.status == "pending" and event.event_id is not None:
                await self._storage.ask(m.CancelEvent(asked.user_id, event.event_id))
        return this

    async def _repeat(self, asked: m.RepeatEvent) -> Event | None:
        events = await self._storage.ask(m.LoadEvents(asked.person.user_id))
        same = next((e for e in events if e.event_id == asked.event_id), None)
        if same is None or same.kind != "reminder":
            return None
        once = replace(same, event_id=None, at=asked.at, recurs="none", anchor=None)
        return await self._plan(m.PlanEvent(asked.person, once))

    # --- waiting

    def _wake_at(self, at: datetime) -> None:
        """Look at what is due at `at`, or sooner if something else comes sooner."""
        if self._next_at is None or at < self._next_at:
            self._next_at = at
            wait = min(max(at - self._clock(), timedelta()), LONGEST_SLEEP)
            self.after(wait.total_seconds(), m.EventsDue(), name="due")

    def _look(self) -> None:
        """Claim what is due; while that is under way, or too much is at work, afterwards."""
        if self._looking or self._at_work >= MOST_AT_ONCE:
            self._look_again = True
            return
        self._looking, self._look_again = True, False
        now = self._clock()
        claim = m.ClaimEvents(self._name, now, now + CLAIM, MOST_AT_ONCE - self._at_work)
        self.pipe(self._claim(claim), EventsClaimed)

    async def _claim(self, claim: m.ClaimEvents) -> Claim:
        return await self._storage.ask(claim)

    def _claimed(self, claim: Claim | Exception) -> None:
        self._looking = False
        self._next_at = None
        if isinstance(claim, Exception):
            log.warning("event.not_claimed", extra={"error": type(claim).__name__})
            self._wake_at(self._clock() + self._pause())
            self._failures += 1
            return
        for due in claim.due:
            self._at_work += 1
            self.pipe(self._see_to(due), EventHandled)
        now = self._clock()
        self._wake_at(min(claim.next_at or now + LONGEST_SLEEP, now + LONGEST_SLEEP))
        if self._look_again:
            self._look()

    def _handled(self, settled: Settled | Exception | None) -> None:
        self._at_work -= 1
        if isinstance(settled, Exception):
            log.warning("event.not_settled", extra={"error": type(settled).__name__})
        elif settled is not None:
            self._failures = self._failures + 1 if settled.unsure else 0
            for at in (settled.not_before, settled.again):
                if at is not None:
                    self._wake_at(at)
        if self._look_again:
            self._look()

    def _pause(self) -> timedelta:
        seconds = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        return timedelta(seconds=seconds)

    # --- saying, beside the mailbox: nobody waits for anybody else's

    async def _see_to(self, due: DueEvent) -> Settled | None:
        """Do what is right with one event, and settle it."""
        settled, outcome = await self._done(due)
        held = await self._storage.ask(m.SettleEvent(settled))
        event = due.event
        late = max(settled.at - event.at, timedelta())
        log.info(
            "event.settled",
            extra={
                "guild_id": event.guild_id,
                "user": hashed(event.user_id),
                "kind": event.kind,
                "outcome": outcome if held else "lost",
                "late_s": round(late.total_seconds()),
            },
        )
        return settled if held else None

    async def _done(self, due: DueEvent) -> tuple[Settled, str]:
        """Return what became of an event, and a code for it."""
        try:
            async with asyncio.timeout(SAYING_SECONDS):
                return await self._said(due)
        except m.CannotSayError:
            return self._settled(due, "cancelled"), "gone"
        except (m.DoorClosedError, TimeoutError):
            return self._put_back(due), "door_closed"

    async def _said(self, due: DueEvent) -> tuple[Settled, str]:
        event = due.event
        assert event.event_id is not None  # noqa: S101 - for the type checker: it was claimed
        place = Place(event.guild_id, event.channel_id, kind="text" if event.guild_id else "dm")
        if due.said_since is not None and await self._outbox.find_event(
            place, event.event_id, due.said_since
        ):
            return self._over(due, "triggered"), "found"
        now = self._clock()
        person = Circumstances(due.name, due.zone, due.opted_in, due.cared_for_until, due.spoke_at)
        match rules.verdict(event, person, now):
            case Wait(until):
                return self._settled(due, "pending", not_before=until), "waits"
            case LetGo(reason):
                return self._over(due, "cancelled"), reason
            case Say(text):
                await self._outbox.say(
                    m.Reply(
                        event.user_id,
                        place,
                        m.NO_MESSAGE,
                        text,
                        event=event,
                        pings=event.kind == "reminder",
                    )
                )
                return self._over(due, "triggered"), "said"

    def _over(self, due: DueEvent, status: Any) -> Settled:
        again = rules.succeeding(due.event, due.zone, self._clock())
        return self._settled(due, status, again=again)

    def _put_back(self, due: DueEvent) -> Settled:
        until = self._clock() + self._pause()
        return self._settled(due, "pending", not_before=until, unsure=True)

    def _settled(self, due: DueEvent, status: Any, **more: Any) -> Settled:
        assert due.event.event_id is not None  # noqa: S101 - for the type checker
        return Settled(due.event.event_id, self._name, self._clock(), status, **more)
