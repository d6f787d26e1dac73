"""Fairness: whose call of the language model is next.

Rule 1: the most urgent kind first: somebody in danger, then replies, then background work.
Rule 2: within a kind the guild that used least lately; then the person; then who waits longest.
Rule 3: usage fades by half every five minutes, so nobody pays for yesterday.
Rule 4: a guild may have six replies waiting, and a reply waits 45 seconds at most; somebody in
danger is never turned away.
"""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

LONGEST_WAIT: Final = timedelta(seconds=45)
"""A reply that has waited so long is answered by the house voice instead."""
LONGEST_BACKGROUND_WAIT: Final = timedelta(minutes=8)
QUEUE_CAP: Final = 6
"""So many calls of one guild (or one person's direct messages) may wait."""
HALF_LIFE: Final = timedelta(minutes=5)
PRUNED_AT: Final = 4_096
EPOCH: Final = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class Urgency(IntEnum):
    """Kinds of calls, the most urgent first."""

    CRISIS = 0
    REPLY = 1
    FACTS = 2
    OPINIONS = 3


BACKGROUND: Final = frozenset({Urgency.FACTS, Urgency.OPINIONS})


@dataclass(frozen=True, slots=True)
class Request:
    """A call that waits.  `guild`: the guild, or (negative) the person of a direct message.

    `number` tells it from all others; `tokens` is what it will cost, as estimated.
    """

    number: int
    urgency: Urgency
    guild: int
    user: int
    tokens: int
    since: datetime

    @property
    def gives_up_at(self) -> datetime:
        """When it is no use any more."""
        background = self.urgency in BACKGROUND
        return self.since + (LONGEST_BACKGROUND_WAIT if background else LONGEST_WAIT)


class Usage:
    """What each guild and person used lately, in tokens that fade.

    Kept as logarithms that grow with time instead of amounts that shrink: so that nothing needs
    to be touched while time passes, and two of them compare the same at any time.
    """

    def __init__(self) -> None:
        self._marks: dict[Hashable, float] = {}
        self._prune_at = PRUNED_AT

    def __len__(self) -> int:
        return len(self._marks)

    def used(self, request: Request, now: datetime) -> None:
        """Note that `request` went out at `now`."""
        for who in (("guild", request.guild), ("user", request.user)):
            self._add(who, max(request.tokens, 1), now)
        if len(self._marks) > self._prune_at:
            faded = _age(now)  # the mark of one token
            self._marks = {who: mark for who, mark in self._marks.items() if mark > faded}
            self._prune_at = max(PRUNED_AT, 2 * len(self._marks))

    def of_guild(self, guild: int, now: datetime) -> float:
        """Return the tokens that weigh on a guild (or a person's direct messages) at `now`."""
        return self._amount(("guild", guild), now)

    def of_user(self, user: int, now: datetime) -> float:
        """Return the tokens that weigh on a person at `now`."""
        return self._amount(("user", user), now)

    def rank(self, request: Request) -> tuple[int, float, float, datetime, int]:
        """Return what requests are ordered by: the smallest is next."""
        return (
            request.urgency,
            self._marks.get(("guild", request.guild), -math.inf),
            self._marks.get(("user", request.user), -math.inf),
            request.since,
            request.number,
        )

    def _add(self, who: Hashable, amount: float, now: datetime) -> None:
        self._marks[who] = math.log2(self._amount(who, now) + amount) + _age(now)

    def _amount(self, who: Hashable, now: datetime) -> float:
        mark = self._marks.get(who)
        return 0.0 if mark is None else math.exp2(min(mark - _age(now), 64.0))


def _age(now: datetime) -> float:
    return (now - EPOCH) / HALF_LIFE


def next_up(waiting: Iterable[Request], usage: Usage) -> Request | None:
    """Return whose call is next (rules 1 and 2); None if nobody waits."""
    return min(waiting, key=usage.rank, default=None)


def is_full(waiting: Iterable[Request], asked: Request) -> bool:
    """Return whether there is no room for `asked` among those that wait (rule 4)."""
    if asked.urgency is Urgency.CRISIS:
        return False
    background = asked.urgency in BACKGROUND
    same = (
        r
        for r in waiting
        if r.guild == asked.guild
        and r.urgency is not Urgency.CRISIS
        and (r.urgency in BACKGROUND) is background
    )
    return sum(1 for _ in same) >= QUEUE_CAP
