"""Opinions: what the bar thinks of topics, lightly held.

Rule 1: a topic is lower case, one to three words, and never a person.
Rule 2: talking about a topic moves sentiment towards the tone of the talk, less the more it was
discussed;
        interest rises towards 1 and halves in thirty days of silence.
Rule 3: an opinion is worth saying only when its topic comes up.
"""

import math
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from storage.records import Opinion

HALF_LIFE: Final = timedelta(days=30)
INTEREST_STEP: Final = 0.15
LONGEST_TOPIC: Final = 40
LEAST_INTEREST: Final = 0.15

TOPICS: Final = frozenset(
    {
        "rain",
        "snow",
        "autumn",
        "winter",
        "spring",
        "summer",
        "coffee",
        "tea",
        "whisky",
        "wine",
        "beer",
        "cooking",
        "baking",
        "bread",
        "soup",
        "music",
        "vinyl",
        "guitar",
        "piano",
        "jazz",
        "metal",
        "opera",
        "singing",
        "dancing",
        "painting",
        "drawing",
        "photography",
        "poetry",
        "novels",
        "books",
        "films",
        "cinema",
        "theatre",
        "football",
        "basketball",
        "running",
        "cycling",
        "hiking",
        "climbing",
        "swimming",
        "chess",
        "sailing",
        "gardening",
        "knitting",
        "trains",
        "lighthouses",
        "stars",
        "astronomy",
        "cats",
        "dogs",
        "birds",
        "bees",
        "horses",
        "sea",
        "mountains",
        "forests",
        "cities",
        "night",
        "mornings",
        "letters",
        "radio",
        "games",
    }
)
"""What the bar cares to have a leaning about: things, weather and pastimes; no people, no
politics.
"""

WORD: Final = re.compile(r"[^\W\d_]+")


def interest_now(opinion: Opinion, now: datetime) -> float:
    """Return the interest in a topic after the silence since it was last discussed."""
    silence = max(now - opinion.last_reinforced_at, timedelta())
    return opinion.interest * math.exp2(-(silence / HALF_LIFE))


def topics_in(text: str) -> tuple[str, ...]:
    """Return the topics that come up in `text`, in order, each once."""
    words = (word.casefold() for word in WORD.findall(text))
    return tuple(dict.fromkeys(word for word in words if word in TOPICS))


def discussed(
    opinion: Opinion | None, guild_id: int | None, topic: str, valence: float, now: datetime
) -> Opinion:
    """Return the opinion on `topic` after one more talk about it with this tone (-1 to 1)."""
    if opinion is None:
        return Opinion(
            guild_id=guild_id,  # type: ignore[arg-type]
            topic=topic.casefold()[:LONGEST_TOPIC],
            sentiment=max(-1.0, min(valence, 1.0)) / 2,
            interest=2 * INTEREST_STEP,
            discussion_count=1,
            formed_at=now,
            last_reinforced_at=now,
        )
    interest = interest_now(opinion, now)
    pull = 1.0 / (opinion.discussion_count + 2)
    return replace(
        opinion,
        sentiment=opinion.sentiment + (max(-1.0, min(valence, 1.0)) - opinion.sentiment) * pull,
        interest=interest + (1.0 - interest) * INTEREST_STEP,
        discussion_count=opinion.discussion_count + 1,
        last_reinforced_at=max(now, opinion.last_reinforced_at),
    )


def mattering(
    opinions: dict[str, Opinion], text: str, now: datetime, limit: int
) -> tuple[Opinion, ...]:
    """Return the opinions whose topic comes up in `text`, the most interesting first."""
    known = [opinions[topic] for topic in topics_in(text) if topic in opinions]
    worth = [o for o in known if interest_now(o, now) >= LEAST_INTEREST]
    return tuple(sorted(worth, key=lambda o: (-interest_now(o, now), o.topic))[:limit])
