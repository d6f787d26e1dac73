"""Relationship: presence, not volume.  Formulas: the project's care guide, "Relationship".

Rule 1: a local day of presence is worth u <= 1: 0.25 for one turn, 0.6 from two, 1.0 at eight;
the score s
        (0 to 100) grows by (100 - s) * (1 - exp(-u / 60)).
Rule 2: tone weighs nothing, absence weighs nothing, words beyond the day's cap weigh nothing.
Rule 3: hostility only pauses that day's growth.
Rule 4: bands change the tone; they are never announced.
"""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from storage.records import Relationship

BANDS: Final = (
    (80.0, "Close Friend"),
    (60.0, "Trusted Regular"),
    (40.0, "Regular"),
    (20.0, "Familiar Face"),
    (-1.0, "New Face"),
)
"""What a score must be above."""
DAY_SCALE: Final = 60.0
FULL_DAY_TURNS: Final = 8
POSITIVE: Final = 0.2
NEGATIVE: Final = -0.2
FURTHEST_OFFSET: Final = timedelta(hours=14)


def band(score: float) -> str:
    """Return the name of the band of a score (0 to 100)."""
    return next(name for least, name in BANDS if score > least)


def presence(turns: int) -> float:
    """Return what a day with so many turns is worth, 0 to 1."""
    if turns <= 0:
        return 0.0
    if turns == 1:
        return 0.25
    return 0.6 + 0.4 * min(turns - 2, FULL_DAY_TURNS - 2) / (FULL_DAY_TURNS - 2)


def grown(score: float, worth: float) -> float:
    """Return a score after presence worth `worth`; growing in two steps equals growing once by
    their sum.
    """
    return score + (100.0 - score) * -math.expm1(-worth / DAY_SCALE)


def met(
    relationship: Relationship,
    now: datetime,
    *,
    length: int,
    depth: int,
    valence: float,
    hostile: bool = False,
    offset: timedelta = timedelta(),
) -> Relationship:
    """Return the relationship after one more turn.

    Args:
        relationship: as it was.
        now: aware UTC.
        length: characters the person wrote.
        depth: which turn of the sitting this was, from 1.
        valence: tone of the words, -1 to 1; counted, but without weight for the score.
        hostile: whether the words were an attack: that day grows no further.
        offset: the person's local time minus UTC, within 14 hours.
    """
    local = timezone(max(-FURTHEST_OFFSET, min(offset, FURTHEST_OFFSET))) if offset else UTC
    today = now.astimezone(local).date()
    if relationship.day is None or today > relationship.day:
        relationship = replace(relationship, day=today, turns_today=0, growth_today=0.0)
    turns = relationship.turns_today + 1
    # A day that was hostile has all its growth behind it.
    credited = 1.0 if hostile else max(relationship.growth_today, presence(turns))
    gained = 0.0 if hostile else credited - relationship.growth_today
    count = relationship.total_interactions + 1
    return replace(
        relationship,
        score=grown(relationship.score, gained),
        total_interactions=count,
        positive_interactions=relationship.positive_interactions + (valence > POSITIVE),
        negative_interactions=relationship.negative_interactions + (valence < NEGATIVE),
        avg_message_length=_averaged(relationship.avg_message_length, length, count),
        conversation_depth_avg=_averaged(relationship.conversation_depth_avg, depth, count),
        first_interaction_at=relationship.first_interaction_at or now,
        last_interaction_at=max(relationship.last_interaction_at or now, now),
        turns_today=turns,
        growth_today=credited,
    )


def _averaged(average: float, value: float, count: int) -> float:
    return average + (value - average) / count
