"""Budgets: when a call of the model may go out, and whose is next.

Rule 1: four buckets a model (requests and tokens, a minute and a day) refill evenly; a call goes
out when all
        four hold it.
Rule 2: what the provider's headers say is believed over our own count.
Rule 3: next is the most urgent kind; within it the guild that used least lately, then the person,
then the
        one who waits longest.
Rule 4: background work goes out only while half of the minute is free.
Rule 5: a provider that fails five times in a row is left alone for a while; then one call tries
it again.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
LONGEST_WAIT: Final = timedelta(seconds=45)
"""A reply that has waited so long is answered by the house voice instead."""
QUEUE_CAP: Final = 6
"""So many calls of one guild (or one person's direct messages) may wait."""
USAGE_HALF_LIFE: Final = timedelta(minutes=5)
FAILURES_TO_OPEN: Final = 5
FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(minutes=5)


class Urgency(IntEnum):
    """Kinds of calls, the most urgent first."""

    CRISIS = 0
    REPLY = 1
    FACTS = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows; the defaults are Groq's free tier."""

    requests_minute: float = 30
    requests_day: float = 1_000
    tokens_minute: float = 8_000
    tokens_day: float = 200_000


UNLIMITED: Final = Limits(math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Bucket:
    """So much is left at `at` of `capacity`, which refills evenly within `period`."""

    capacity: float
    left: float
    period: timedelta
    at: datetime

    def filled(self, now: datetime) -> "Bucket":
        """Return the bucket at `now` (aware UTC)."""
        if now <= self.at or math.isinf(self.capacity):
            return self
        gained = self.capacity * ((now - self.at) / self.period)
        return replace(self, left=min(self.capacity, self.left + gained), at=now)

    def wait_for(self, amount: float) -> timedelta:
        """Return how long until the bucket holds `amount` (or all it can hold, if that is less)."""
        missing = min(amount, self.capacity) - self.left
        if missing <= 0:
            return timedelta()
        return self.period * (missing / self.capacity)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a model's limits."""

    requests_minute: Bucket
    requests_day: Bucket
    tokens_minute: Bucket
    tokens_day: Bucket

    @classmethod
    def full(cls, limits: Limits, now: datetime) -> "Budget":
        """Return a budget of which nothing has been used."""
        return cls(
            Bucket(limits.requests_minute, limits.requests_minute, MINUTE, now),
            Bucket(limits.requests_day, limits.requests_day, DAY, now),
            Bucket(limits.tokens_minute, limits.tokens_minute, MINUTE, now),
            Bucket(limits.tokens_day, limits.tokens_day, DAY, now),
        )

    def filled(self, now: datetime) -> "Budget":
        """Return the budget at `now`."""
        return Budget(
            self.requests_minute.filled(now),
            self.requests_day.filled(now),
            self.tokens_minute.filled(now),
            self.tokens_day.filled(now),
        )

    def wait_for(self, tokens: float, urgency: Urgency) -> timedelta:
        """Return how long a call of so many tokens must wait; zero: it may go out now."""
        wait = max(
            self.requests_minute.wait_for(1),
            self.requests_day.wait_for(1),
            self.tokens_minute.wait_for(tokens),
            self.tokens_day.wait_for(tokens),
        )
        if urgency is Urgency.FACTS and not wait:
            half = self.tokens_minute.capacity / 2
            return self.tokens_minute.wait_for(max(half, tokens)) if math.isfinite(half) else wait
        return wait

    def spent(self, tokens: float) -> "Budget":
        """Return the budget after a call of so many tokens went out (negative: it cost less)."""
        calls = 1 if tokens > 0 else 0
        return Budget(
            _less(self.requests_minute, calls),
            _less(self.requests_day, calls),
            _less(self.tokens_minute, tokens),
            _less(self.tokens_day, tokens),
        )

    def corrected(
        self,
        requests_limit: int | None,
        requests_left: int | None,
        tokens_limit: int | None,
        tokens_left: int | None,
    ) -> "Budget":
        """Return the budget as the provider's headers say it is (requests a day, tokens a
        minute).
        """
        return replace(
            self,
            requests_day=_told(self.requests_day, requests_limit, requests_left),
            tokens_minute=_told(self.tokens_minute, tokens_limit, tokens_left),
        )

    def emptied(self, wait: timedelta, *, daily: bool) -> "Budget":
        """Return the budget after the provider refused: nothing goes out for `wait`."""
        bucket = self.requests_day if daily else self.requests_minute
        if math.isinf(bucket.capacity):
            return self
        debt = 1 - bucket.capacity * (wait / bucket.period)
        lowered = replace(bucket, left=min(bucket.left, debt))
        return (
            replace(self, requests_day=lowered) if daily else replace(self, requests_minute=lowered)
        )


def _less(bucket: Bucket, amount: float) -> Bucket:
    return replace(bucket, left=min(bucket.left - amount, bucket.capacity))


def _told(bucket: Bucket, limit: int | None, left: int | None) -> Bucket:
    capacity = float(limit) if limit else bucket.capacity
    held = bucket.left if left is None else float(left)
    return replace(bucket, capacity=capacity, left=min(held, capacity))


@dataclass(frozen=True, slots=True)
class Request:
    """A call that waits.  `guild`: the guild, or (negative) the person of a direct message."""

    turn: str
    urgency: Urgency
    guild: int
    user: int
    tokens: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """What each guild and person used lately, in tokens that fade with a half-life of five
    minutes.
    """

    at: datetime
    guilds: dict[int, float]
    users: dict[int, float]

    def faded(self, now: datetime) -> "Usage":
        """Return the usage at `now`; what has all but faded is dropped."""
        kept = math.exp2(-(max(now - self.at, timedelta()) / USAGE_HALF_LIFE))
        return Usage(max(now, self.at), _faded(self.guilds, kept), _faded(self.users, kept))

    def used(self, request: Request) -> "Usage":
        """Return the usage after `request` went out."""
        guilds = {
            **self.guilds,
            request.guild: self.guilds.get(request.guild, 0.0) + request.tokens,
        }
        users = {**self.users, request.user: self.users.get(request.user, 0.0) + request.tokens}
        return Usage(self.at, guilds, users)


def _faded(amounts: dict[int, float], kept: float) -> dict[int, float]:
    return {key: value * kept for key, value in amounts.items() if value * kept >= 1.0}


def next_up(waiting: tuple[Request, ...], usage: Usage) -> Request | None:
    """Return whose call is next (rule 3); None if nobody waits."""

    def turn(request: Request) -> tuple[int, float, float, datetime]:
        by_guild, by_user = usage.guilds.get(request.guild, 0.0), usage.users.get(request.user, 0.0)
        return request.urgency, by_guild, by_user, request.since

    return min(waiting, key=turn, default=None)


def is_full(waiting: tuple[Request, ...], guild: int) -> bool:
    """Return whether a guild has as many replies waiting as it may."""
    mine = (r for r in waiting if r.guild == guild and r.urgency is Urgency.REPLY)
    return sum(1 for _ in mine) >= QUEUE_CAP


@dataclass(frozen=True, slots=True)
class Breaker:
    """Keeps calls from a provider that is down.

    closed: calls go out.  open: none does until `until`.  half_open: one is out to see.
    """

    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    rests: int = 0
    until: datetime | None = None

    def wait(self, now: datetime) -> timedelta | None:
        """Return how long calls must wait; zero: not at all; None: until the trial call is back."""
        if self.state == "half_open":
            return None
        if self.state == "open" and self.until is not None and now < self.until:
            return self.until - now
        return timedelta()

    def tried(self) -> "Breaker":
        """Return the breaker after a call went out."""
        return replace(self, state="half_open") if self.state == "open" else self

    def worked(self) -> "Breaker":
        """Return the breaker after a call came back well."""
        return Breaker()

    def failed(self, now: datetime, jitter: float) -> "Breaker":
        """Return the breaker after a call failed.  `jitter`: dice, 0 to 1."""
        failures = self.failures + 1
        if self.state != "half_open" and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        rest = min(FIRST_REST * 2**self.rests, LONGEST_REST) * (0.5 + jitter / 2)
        return Breaker("open", failures, min(self.rests + 1, 10), now + rest)


def retry_pause(attempt: int, jitter: float) -> timedelta:
    """Return how long to wait before trying a failed call again.  `jitter`: dice, 0 to 1."""
    return timedelta(seconds=min(0.5 * 2**attempt, 8.0) * (0.5 + jitter / 2))
