"""Mood: steady presence.  Formulas and numbers: the project's care guide, "Mood of a guild".

Rule 1: silence pulls a mood towards REST and never past it; half of the way in 13.86 hours.
Rule 2: a heard message pulls towards a target near REST; it is never mirrored.
Rule 3: one person's many messages weigh less and less, and an hour moves valence by at most 0.10.
Rule 4: sadness alone never pushes valence below -0.05; a crisis calms.
Rule 5: a mood stays within its clamps whatever is heard.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from storage.ids import UserId
from storage.records import Mood

DECAY: Final = 0.05
"""Share of the distance to REST lost per hour of silence, continuously compounded (half-life
13.86 h).
"""
REST_VALENCE: Final = 0.10
REST_AROUSAL: Final = -0.20
STEP: Final = 0.12
HOURLY_LIMIT: Final = 0.10
VALENCE_RANGE: Final = (-0.25, 0.60)
AROUSAL_RANGE: Final = (-0.60, 0.40)
SADDEST: Final = -0.05
CRISIS_TARGET: Final = (0.05, -0.45)
CRISIS_LEVEL: Final = 2
FORGOTTEN: Final = 0.01
"""A talker whose weight has decayed below this is not kept any longer."""

Label = Literal["steady", "warm", "bright", "tender"]


@dataclass(frozen=True, slots=True)
class Talk:
    """How much people have said lately, and how far valence has moved: what damps the mood.

    `weights`: each person's recent messages at `at`, decaying with a constant of one hour.
    `moved`: how far valence has moved in total lately, decaying the same way.
    """

    at: datetime
    weights: MappingProxyType[UserId, float] = field(default_factory=lambda: MappingProxyType({}))
    moved: float = 0.0


def at_rest(guild_id: int | None, now: datetime) -> Mood:
    """Return the mood of a guild where nothing has been said yet."""
    return Mood(guild_id, REST_VALENCE, REST_AROUSAL, now, first_activated_at=now)  # type: ignore[arg-type]


def settled(mood: Mood, now: datetime) -> Mood:
    """Return `mood` after the silence since it was last updated.

    Exact for any gap: settling over two halves equals settling once over the whole, and no
    silence changes nothing (the form `kept * x + lost * rest` is exact at zero hours).

    Args:
        mood: any mood; its `updated_at` is aware UTC.
        now: aware UTC.  A `now` before `updated_at` (clocks differ between hosts) counts as no
        silence.

    Raises:
        TypeError: if `now` is naive.
    """
    hours = max((now - mood.updated_at) / timedelta(hours=1), 0.0)
    lost = -math.expm1(-DECAY * hours)
    kept = 1.0 - lost
    return replace(
        mood,
        valence=kept * mood.valence + lost * REST_VALENCE,
        arousal=kept * mood.arousal + lost * REST_AROUSAL,
        updated_at=max(now, mood.updated_at),
    )


def target(valence: float, arousal: float, care_level: int) -> tuple[float, float]:
    """Return where a message with this tone pulls a mood to."""
    if care_level >= CRISIS_LEVEL:
        return CRISIS_TARGET
    if valence < 0:
        return REST_VALENCE + 0.15 * valence, REST_AROUSAL + 0.30 * valence
    return REST_VALENCE + 0.5 * valence, REST_AROUSAL + 0.4 * max(0.0, arousal)


def heard(
    mood: Mood,
    talk: Talk,
    user_id: UserId,
    now: datetime,
    *,
    valence: float,
    arousal: float,
    care_level: int = 0,
) -> tuple[Mood, Talk]:
    """Return mood and talk after a person's message.

    Args:
        mood: the guild's mood, however old.
        talk: what has been said lately.
        user_id: whose message it is.
        now: aware UTC.
        valence: the message's tone, -1 to 1.
        arousal: likewise.
        care_level: 0 to 3; from 2 on the mood is calmed whatever the tone.
    """
    before = settled(mood, now)
    faded = _faded(talk, now)
    weight = faded.weights.get(user_id, 0.0)
    step = STEP / (1.0 + weight)
    to_valence, to_arousal = target(_unit(valence), _unit(arousal), care_level)
    left = max(HOURLY_LIMIT - faded.moved, 0.0)
    move = _clamped(step * (to_valence - before.valence), (-left, left))
    moved_to = _clamped(before.valence + move, VALENCE_RANGE)
    if move < 0:  # never below SADDEST by sadness, and not up to it either if it is there already
        moved_to = max(moved_to, min(SADDEST, before.valence))
    after = replace(
        before,
        valence=moved_to,
        arousal=_clamped(before.arousal + step * (to_arousal - before.arousal), AROUSAL_RANGE),
    )
    weights = MappingProxyType({**faded.weights, user_id: weight + 1.0})
    return after, Talk(before.updated_at, weights, faded.moved + abs(moved_to - before.valence))


def label(mood: Mood) -> Label:
    """Return the one word for a mood: it changes tempo, length and warmth only."""
    if mood.valence < REST_VALENCE - 0.05 or mood.arousal < REST_AROUSAL - 0.10:
        return "tender"
    if mood.valence > REST_VALENCE + 0.08:
        return "bright" if mood.arousal > REST_AROUSAL + 0.08 else "warm"
    return "steady"


def _faded(talk: Talk, now: datetime) -> Talk:
    hours = max((now - talk.at) / timedelta(hours=1), 0.0)
    kept = math.exp(-hours)
    weights = {user: weight * kept for user, weight in talk.weights.items()}
    lasting = {user: weight for user, weight in weights.items() if weight >= FORGOTTEN}
    return Talk(max(now, talk.at), MappingProxyType(lasting), talk.moved * kept)


def _unit(value: float) -> float:
    return _clamped(value, (-1.0, 1.0))


def _clamped(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
