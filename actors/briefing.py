"""What a reply is made from: the burst it answers, what the state actors said, and the prompt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from actors import messages as m
from actors.memory import BAR
from actors.rules import prompt, tone
from actors.rules.sentinel import Label, Reading
from actors.rules.style import hints
from storage.ids import MessageId, hashed
from storage.records import CareState, CommunicationStyle, PastMessage, Person, Place, UserFact

LATE: Final = timedelta(minutes=15)
"""After so long the prompt is told that the person had to wait."""


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
class Surroundings:
    """What the state actors answered; each may be missing, and the reply does without it."""

    mood: m.MoodReading
    relationship: m.RelationshipReading
    recall: m.Recall
    opinions: tuple[str, ...]


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
        said=(*told_before(burst), *(r for r in around.recall.messages if r.said_by != BAR)),
        now=burst.waiting[-1].at,
    )


def told_before(burst: Burst) -> tuple[m.RecalledMessage, ...]:
    """Return what the person said in this sitting before the burst, the latest first.

    Recall leaves it out, since the prompt shows it; the house voice has no prompt.
    """
    return tuple(
        m.RecalledMessage(past.message_id, "", past.text, past.at)
        for past in reversed(burst.past)
        if past.role == "user" and past.care_level == 0
    )


def opinion_line(topic: str, sentiment: float) -> str:
    """Return an opinion as the prompt shows it."""
    leaning = "fond of" if sentiment > 0.2 else "not fond of" if sentiment < -0.2 else "torn about"
    return f"{leaning} {prompt.as_data(topic)}."
