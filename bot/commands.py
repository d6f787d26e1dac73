"""What `/mood`, `/relationship`, `/memory`, `/forget`, `/about` and `/help` say, behind every door.

Discord's cogs and the terminal ask here; each command asks actors and puts the answer into words.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, get_args

from actors import messages as m
from actors.directory import Directory
from actors.house import HouseActor
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.relationship import RelationshipActor
from bot.calendar import CalendarCommands, named
from storage.ids import RowId
from storage.records import FactType, Person, Place, UserFact

ABOUT: Final = (
    "I'm Bartender, a companion for those who love deeply and feel intensely. I am a computer "
    "program, not a human being, and I cannot feel human emotion. I listen, I remember what you "
    "tell me, and I let you forget it again: /memory shows it, /forget deletes it. What you say "
    "in a direct message stays out of servers.\n"
    "I may not be suitable for some minors. I am no therapist, and no clinician has reviewed me. "
    "If somebody is in danger I answer from fixed texts and point to people who can help; how "
    "that works is written down in the project's care protocol."
)
HELP: Final = (
    "Just talk to me: mention me, reply to me, or write me a direct message.\n"
    "/mood  how the evening feels here\n"
    "/relationship  how well we know each other\n"
    "/memory  what I remember of you\n"
    "/forget  one thing (by its number), a kind of thing, or everything\n"
    "/remind  remind you of something: when, and what\n"
    "/birthday  wish you a happy birthday\n"
    "/events  what is waiting; cancel one\n"
    "/timezone  where your clock stands\n"
    "/checkins  whether I may ask how something went\n"
    "/about  what I am, and what I am not\n"
    "/help  this page"
)
UNAVAILABLE: Final = "I can't look that up right now. Please try again in a minute."
WHICH: Final = (
    "Which one? /memory lists them with their numbers; or say a kind (work, family, ...) "
    "or everything."
)
GONE: Final = (
    "Everything about you is deleted. If you come back, we start as strangers; that's all right."
)
SHOWN: Final = 25

MOODS: Final = {
    "steady": "Steady. The lights are low, the glasses are dry.",
    "warm": "Warm. It has been a good evening here.",
    "bright": "Bright. There is a bit of laughter in the room.",
    "tender": "Tender. People have been carrying things tonight, so it is quiet.",
}


class Commands:
    """Answers commands for any door."""

    def __init__(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self.calendar = CalendarCommands(directory, clock)

    async def answer(self, name: str, person: Person, place: Place, rest: str = "") -> str | None:
        """Return what command `name` says to `person` in `place`; None if there is no such
        command.
        """
        if name == "forget":
            return await self.forget(person, place, rest)
        looked_up = {"mood": self.mood, "relationship": self.relationship, "memory": self.memory}
        if name in looked_up:
            return await looked_up[name](person, place)
        if (answer := self.calendar.answers.get(name)) is not None:
            return await answer(person, place, rest)
        return {"about": ABOUT, "help": HELP}.get(name)

    async def mood(self, person: Person, place: Place) -> str:
        """Say how the evening feels in `place`."""
        ref = self._directory.ref(MoodActor, m.mood_key(place, person.user_id))
        reading = await ref.ask(m.ReadMood(self._clock()))
        words = MOODS.get(reading.label, MOODS["steady"])
        mood = reading.mood
        return f"{words}\n(valence {mood.valence:+.2f}, arousal {mood.arousal:+.2f})"

    async def relationship(self, person: Person, place: Place) -> str:
        """Say how well the bar knows `person`, in words and without promises."""
        ref = self._directory.ref(RelationshipActor, person.user_id)
        reading = await ref.ask(m.ReadRelationship(person, place.guild_id, self._clock()))
        count = reading.relationship.total_interactions
        times = "once" if count == 1 else f"{count} times"
        since = reading.relationship.first_interaction_at
        when = f", first on {since.day} {since:%B %Y}" if since else ""
        talked = f"We have talked {times} here{when}." if count else "We haven't talked here yet."
        return f"{reading.band}. {talked}"

    async def memory(self, person: Person, place: Place) -> str:
        """List what the bar remembers of `person` and may show in `place`."""
        facts = await self.facts(person, place)
        if not facts:
            return "I don't remember anything about you here yet. Tell me something, if you like."
        lines = [
            f"{f.fact_id}. {f.content} ({f.fact_type}, {f.learned_at:%Y-%m-%d})"
            for f in facts[:SHOWN]
        ]
        more = f"\n... and {len(facts) - SHOWN} more." if len(facts) > SHOWN else ""
        return (
            "\n".join(["What I remember of you:", *lines]) + more + "\n/forget NUMBER deletes one."
        )

    async def forget(self, person: Person, place: Place, what: str) -> str:
        """Delete the fact with that number, or all of that type.  Everything: see
        `forget_everything`.
        """
        facts = await self.facts(person, place)
        memory = self._directory.ref(MemoryActor, person.user_id)
        if what.isdecimal() and any(f.fact_id == int(what) for f in facts):
            await memory.ask(m.ForgetFacts(fact_ids=frozenset({RowId(int(what))})))
            return "Forgotten, for good."
        if what in get_args(FactType):
            ids = frozenset(
                f.fact_id for f in facts if f.fact_type == what and f.fact_id is not None
            )
            count = await memory.ask(m.ForgetFacts(fact_ids=ids)) if ids else 0
            return f"{count} forgotten, for good." if count else "There was nothing of that kind."
        return WHICH

    async def forget_everything(self, person: Person) -> str:
        """Delete all that is kept about `person`, everywhere.  Ask them first: it cannot be
        undone.
        """
        await self._directory.ref(HouseActor, m.OnlyOne).ask(m.ForgetPerson(person.user_id))
        return GONE

    async def waiting(self, person: Person, place: Place) -> Sequence[tuple[int, str]]:
        """Return the numbers and names of what waits for `person` and may be shown in `place`."""
        waiting = await self.calendar.waiting(person, place)
        return [(e.event_id, named(e)) for e in waiting if e.event_id is not None]

    async def facts(self, person: Person, place: Place) -> tuple[UserFact, ...]:
        return await self._directory.ref(MemoryActor, person.user_id).ask(
            m.ListFacts(place.guild_id)
        )
