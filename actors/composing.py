"""Making one reply: ask around, build the prompt, have it drafted, check it, add what is due.

Runs beside the conversation's mailbox and owns nothing: a `Burst` goes in, a `Composed` comes
out, so that a burst which has grown in the meantime can simply be composed again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from actors import messages as m
from actors.briefing import (
    Burst,
    Surroundings,
    house_context,
    opinion_line,
    prompt_parts,
)
from actors.directory import Directory
from actors.language import LanguageActor
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.opinions import OpinionActor
from actors.relationship import UTC_OFFSET_MINUTES, RelationshipActor
from actors.rules import care, disclosure, frames, lint, resources, tone
from storage.ids import MessageId, RowId, UserId
from storage.records import (
    Mood,
    Relationship,
)

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 5.0
"""How long a reply waits for each of mood, relationship, memory and opinions before it does
without.
"""
FRAME_LEVEL: Final = 2
STATED_AGE: Final = "stated_age"
ASKED_IF_HUMAN: Final = "asked_if_human"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Composed:
    """A reply ready to be said.  `said_as`: it was said already, by these messages (found, not
    made).
    """

    text: str
    level: int = 0
    resources: str = ""
    resources_shown: bool = False
    disclosed: bool = False
    valence: float = 0.0
    arousal: float = 0.0
    recalled: tuple[RowId, ...] = ()
    token_count: int = 0
    voice: str = "house"
    said_as: tuple[MessageId, ...] = ()
    too_young: bool = False
    stages_ms: dict[str, float] = field(default_factory=dict)


class Composer:
    """Makes replies for every conversation of the process; keeps no state of its own."""

    def __init__(
        self,
        directory: Directory,
        outbox: m.Outbox,
        clock: Callable[[], datetime],
        country: str | None = None,
    ) -> None:
        self._directory = directory
        self._outbox = outbox
        self._clock = clock
        self._country = country

    async def compose(self, burst: Burst) -> Composed:
        """Return the reply to `burst`.  Never fails for the model's, memory's or mood's sake."""
        if found := await self._found(burst):
            return found
        if fixed := self.by_heart(burst, burst.level):
            return fixed
        started = time.perf_counter()
        await self._outbox.typing(burst.place)
        around = await self._ask_around(burst)
        asked = time.perf_counter()
        composed = await self._drafted(burst, around)
        stages = composed.stages_ms | {"asked_ms": round((asked - started) * 1000, 2)}
        return replace(composed, stages_ms=stages)

    def by_heart(
        self, burst: Burst, level: int, preferences: Mapping[str, str] | None = None
    ) -> Composed | None:
        """Return the fixed answer, if this burst gets one: in danger, for a worry about somebody,
        or when help was asked for.  Needs neither model nor database nor time.

        `level`: the sentinel's, or the higher one that the model's second opinion gave.
        """
        now = self._clock()
        reading = replace(burst.reading, level=max(level, burst.level))
        asked = care.asks_for_help(burst.text)
        due = care.resources_due(burst.care_before, reading, now, asked=asked)
        if reading.level < FRAME_LEVEL and not due:
            return None
        here = resources.resources_for(
            (preferences or {}).get("country") or self._country,
            burst.person.locale,
            reading.language,
            today=now.date(),
        )
        direct = burst.place.is_direct
        framed = frames.frame(
            reading, burst.care, in_guild=not direct, resources=here, turn=burst.depth, due=due
        )
        sheet = frames.sheet(here, reading.labels, reading.language) if due else ""
        text = framed.text
        if due and direct and not framed.show_resources:
            text = f"{framed.text}\n{sheet}"  # asked for without a worry: the frame has no numbers
        felt = tone.appraise(burst.text)
        return Composed(
            text=text,
            level=reading.level,
            resources="" if direct else sheet,
            resources_shown=due,
            disclosed=reading.level >= FRAME_LEVEL,
            valence=felt.valence,
            arousal=felt.arousal,
            voice=f"frame_{framed.kind}",
        )

    async def _found(self, burst: Burst) -> Composed | None:
        """Look for a reply that an earlier run said but could not write down any more."""
        for waiting in reversed(burst.waiting):
            if not waiting.unsure:
                continue
            if said := await self._outbox.find_said(burst.place, waiting.message_id):
                text, message_ids = said
                return Composed(text, burst.level, said_as=message_ids, voice="found")
        return None

    async def _ask_around(self, burst: Burst) -> Surroundings:
        now, place, person = self._clock(), burst.place, burst.person
        directory, user_id = self._directory, burst.person.user_id
        in_prompt = frozenset(p.message_id for p in burst.past if p.message_id is not None)
        in_prompt |= {w.message_id for w in burst.waiting}
        calm = Mood(place.guild_id, 0.10, -0.20, now)
        stranger = Relationship(user_id, place.guild_id)
        name = person.nickname or person.display_name or person.username
        mood, relationship, recall, opinions = await asyncio.gather(
            self._or(
                directory.ref(MoodActor, m.mood_key(place, user_id)).ask(
                    m.ReadMood(now), timeout=ASK_SECONDS
                ),
                m.MoodReading(calm, "steady"),
            ),
            self._or(
                directory.ref(RelationshipActor, user_id).ask(
                    m.ReadRelationship(person, place.guild_id, now), timeout=ASK_SECONDS
                ),
                m.RelationshipReading(stranger, stranger, "New Face", None, {}, name, None),
            ),
            self._or(
                directory.ref(MemoryActor, user_id).ask(
                    m.RecallMemory(burst.text, place.guild_id, now, in_prompt), timeout=ASK_SECONDS
                ),
                m.Recall(),
            ),
            self._or(
                directory.ref(OpinionActor, place.guild_id or 0).ask(
                    m.ReadOpinions(burst.text, now), timeout=ASK_SECONDS
                ),
                (),
            ),
        )
        held = care.holds(burst.care, now)
        leanings = () if held else tuple(opinion_line(o.topic, o.sentiment) for o in opinions)
        return Surroundings(mood, relationship, recall, leanings)

    async def _or(self, asked: Awaitable[T], without: T) -> T:
        """Return the answer, or `without` it: an actor that cannot answer must not silence the
        bar.
        """
        try:
            return await asked
        except Exception as error:  # noqa: BLE001 - whatever failed there was logged there
            log.warning("conversation.did_without", extra={"error": type(error).__name__})
            return without

    async def _drafted(self, burst: Burst, around: Surroundings) -> Composed:
        now = self._clock()
        age = disclosure.stated_age(burst.text)
        if age is not None and age < disclosure.YOUNGEST:
            return Composed(disclosure.TOO_YOUNG, disclosed=True, too_young=True)
        if age is not None:
            await self._note_age(burst.person.user_id, age)
        if disclosure.asked_if_human(burst.text):
            draft = m.Draft(disclosure.HONEST_ANSWER, voice="house", reason=ASKED_IF_HUMAN)
            checked = draft.text
        else:
            draft = await self._ask_model(burst, around)
            checked = await self._checked(burst, around, draft)
        level = care.combined(burst.level, draft.risk)
        if fixed := self.by_heart(burst, level, around.relationship.preferences):
            return fixed
        if draft.reason != ASKED_IF_HUMAN:
            checked = self._careful(burst, level, checked, draft.voice)
        told = disclosed(burst, around.relationship, now)
        felt = tone.appraise(burst.text)
        return Composed(
            text=f"{checked}\n{told.text}" if told else checked,
            level=level,
            disclosed=told is not None or draft.reason == ASKED_IF_HUMAN,
            valence=felt.valence,
            arousal=felt.arousal,
            recalled=tuple(f.fact_id for f in around.recall.facts if f.fact_id is not None),
            token_count=draft.completion_tokens,
            voice=draft.voice,
            stages_ms={"queued_ms": draft.queued_ms, "model_ms": draft.model_ms},
        )

    def _careful(self, burst: Burst, level: int, text: str, voice: str) -> str:
        """Return the reply as it is said to somebody who is looked after."""
        language = burst.reading.language
        if level == 1:
            asks = voice == "model" and "?" in text
            return text if asks else frames.question(language, burst.depth)
        if voice == "house" and care.holds(burst.care, self._clock()):
            return frames.followup(language, burst.depth)
        return text

    async def _note_age(self, user_id: UserId, age: int) -> None:
        """Keep a stated age: it shortens the time to a break."""
        ref = self._directory.ref(RelationshipActor, user_id)
        await self._or(ref.ask(m.SetPreference(STATED_AGE, str(age)), timeout=ASK_SECONDS), None)

    async def _ask_model(self, burst: Burst, around: Surroundings, note: str = "") -> m.Draft:
        request = m.DraftReply(
            turn=burst.turn,
            guild_id=burst.place.guild_id,
            user_id=burst.person.user_id,
            prompt=prompt_parts(burst, around, self._clock(), note),
            house=house_context(burst, around),
            crisis=burst.level > 0 or care.holds(burst.care, self._clock()),
            again=bool(note),
        )
        return await self._directory.ref(LanguageActor, m.OnlyOne).ask(request, timeout=120.0)

    async def _checked(self, burst: Burst, around: Surroundings, draft: m.Draft) -> str:
        """Return the draft if it keeps the rules of care; else one regeneration's; else a safe
        line.
        """
        broken = lint.violations(draft.text, heard=burst.text)
        if not broken:
            return draft.text
        log.info(
            "lint.refused",
            extra={"rules": ",".join(sorted({v.rule for v in broken})), "voice": draft.voice},
        )
        if draft.voice == "model":
            rules = ", ".join(sorted({v.rule for v in broken}))
            again = await self._ask_model(burst, around, f"Your last draft broke: {rules}.")
            if not lint.violations(again.text, heard=burst.text):
                return again.text
        return lint.safe_line(tone.register(burst.text), burst.depth)


def disclosed(
    burst: Burst, relationship: m.RelationshipReading, now: datetime
) -> disclosure.Disclosure | None:
    """Return what this reply has to say about what the bar is, if anything."""
    preferences = relationship.preferences
    age, offset = preferences.get(STATED_AGE, ""), preferences.get(UTC_OFFSET_MINUTES, "")
    return disclosure.due(
        relationship.last_disclosed_at,
        burst.conversation_started,
        burst.conversation_started,
        now,
        timedelta(minutes=int(offset)) if offset.lstrip("-").isdecimal() else timedelta(),
        age.isdecimal() and int(age) < disclosure.ADULT,
    )
