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
from actors.directory import Directory
from actors.language import LanguageActor
from actors.memory import MemoryActor
from actors.mood import MoodActor
from actors.opinions import OpinionActor
from actors.relationship import RelationshipActor
from actors.rules import care, disclosure, frames, lint, prompt, resources, tone
from actors.rules.sentinel import Label, Reading
from actors.rules.style import hints
from storage.ids import MessageId, RowId, hashed
from storage.records import (
    CareState,
    CommunicationStyle,
    Mood,
    PastMessage,
    Person,
    Place,
    Relationship,
    UserFact,
)

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 5.0
"""How long a reply waits for each of mood, relationship, memory and opinions before it does
without.
"""
LATE: Final = timedelta(minutes=15)
FRAME_LEVEL: Final = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A heard message that waits for its answer.

    `unsure`: an earlier run of the program may have answered it already.
    """

    message_id: MessageId
    text: str
    at: datetime
    reading: Reading
    image_urls: tuple[str, ...] = ()
    quoted: str = ""
    unsure: bool = False
    care_before: CareState | None = None


@dataclass(frozen=True, slots=True)
class Burst:
    """What one reply answers: everything that waits, and what was said before it in this
    sitting.
    """

    turn: str
    person: Person
    place: Place
    waiting: tuple[Waiting, ...]
    past: tuple[PastMessage, ...]
    care: CareState | None
    depth: int
    conversation_started: datetime

    @property
    def text(self) -> str:
        return "\n".join(w.text for w in self.waiting)

    @property
    def level(self) -> int:
        return max(w.reading.level for w in self.waiting)

    @property
    def reading(self) -> Reading:
        """The most serious reading of the burst, with the labels of all."""
        worst = max((w.reading for w in self.waiting), key=lambda reading: reading.level)
        labels = frozenset[Label]().union(*(w.reading.labels for w in self.waiting))
        return replace(worst, labels=labels)

    @property
    def care_before(self) -> CareState | None:
        """How the person was looked after before this burst."""
        return self.waiting[0].care_before


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
    stages_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the state actors answered; each may be missing, and the reply does without it."""

    mood: m.MoodReading
    relationship: m.RelationshipReading
    recall: m.Recall
    opinions: tuple[str, ...]


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
        if disclosure.asked_if_human(burst.text):
            draft = m.Draft(disclosure.HONEST_ANSWER, voice="house", reason="asked_if_human")
            checked = draft.text
        else:
            draft = await self._ask_model(burst, around)
            checked = await self._checked(burst, around, draft)
        level = care.combined(burst.level, draft.risk)
        if fixed := self.by_heart(burst, level, around.relationship.preferences):
            return fixed
        checked = self._careful(burst, level, checked, draft.voice)
        told = disclosure.due(
            last_disclosed_at=around.relationship.last_disclosed_at,
            conversation_started=burst.conversation_started,
            now=now,
            preferences=around.relationship.preferences,
            first_of_sitting=burst.depth == 1,
            direct=burst.place.is_direct,
        )
        felt = tone.appraise(burst.text)
        return Composed(
            text=f"{checked}\n{told.text}" if told else checked,
            level=level,
            disclosed=told is not None or draft.reason == "asked_if_human",
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
        felt = tone.appraise(burst.text)
        return lint.safe_line(lint.register_of(burst.text, felt.valence), burst.depth)


def prompt_parts(
    burst: Burst, around: Surroundings, now: datetime, note: str = ""
) -> tuple[m.PromptPart, ...]:
    """Return the prompt for `burst`: the stable persona, the notes, the sitting, the burst."""
    reading = around.relationship
    late = now - burst.waiting[0].at
    scene = prompt.Scene(
        name=reading.name,
        now=now,
        direct=burst.place.is_direct,
        mood=around.mood.label,
        band=reading.band,
        burst=tuple(w.text for w in burst.waiting),
        history=tuple(
            prompt.Line("user" if p.role == "user" else "assistant", p.text) for p in burst.past
        ),
        profile=tuple(fact_note(f, reading.name) for f in around.recall.profile),
        facts=tuple(fact_note(f, reading.name) for f in around.recall.facts),
        messages=tuple(prompt.Note(r.text, r.at, r.said_by) for r in around.recall.messages),
        opinions=around.opinions,
        style=hints(reading.style or CommunicationStyle(burst.person.user_id)),
        care_level=max(
            burst.level, burst.care.level if burst.care and burst.care.until > now else 0
        ),
        late_minutes=int(late / timedelta(minutes=1)) if late > LATE else 0,
        quoted=burst.waiting[-1].quoted,
    )
    *history, last = prompt.turns(scene)
    images = tuple(url for w in burst.waiting for url in w.image_urls)
    return (
        m.PromptPart("system", prompt.persona()),
        m.PromptPart("system", prompt.notes(scene) + (f"\n{note}" if note else "")),
        *(m.PromptPart(line.role, line.text) for line in history),
        m.PromptPart("user", last.text or "(an image)", images),
    )


def fact_note(fact: UserFact, name: str) -> prompt.Note:
    """Return a fact as a line of the notes; one about somebody else says so."""
    past = " (was so earlier)" if fact.temporal == "past" else ""
    about = "" if fact.about == "self" else f"about {fact.about}, told by {name}: "
    return prompt.Note(f"{about}{fact.content}{past}", fact.learned_at)


def house_context(burst: Burst, around: Surroundings) -> m.HouseContext:
    """Return what the house voice needs to answer `burst` when the model is away."""
    known = (*around.recall.facts, *around.recall.profile)
    return m.HouseContext(
        text=burst.text,
        name=around.relationship.name,
        turn=burst.depth,
        seed=int(hashed(burst.person.user_id), 16),
        tone=tone.appraise(burst.text).valence,
        known=tuple(dict.fromkeys(f.content for f in known if f.about == "self")),
    )


def opinion_line(topic: str, sentiment: float) -> str:
    """Return an opinion as the prompt shows it."""
    leaning = "fond of" if sentiment > 0.2 else "not fond of" if sentiment < -0.2 else "torn about"
    return f"{leaning} {prompt.as_data(topic)}."
