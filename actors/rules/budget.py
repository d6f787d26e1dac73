"""Budgets: when a call of a language model may go out.

Rule 1: four buckets a model (requests and tokens, a minute and a day) refill evenly; a call goes
out when all four hold it.
Rule 2: a call is charged as estimated when it goes out, and settled to what it cost when it is
back: nothing is charged twice, and no debt is forgiven.
Rule 3: what the provider's headers say is believed over our own count, less what is still under
way.
Rule 4: after a refusal nothing goes out before the time that the provider named.
Rule 5: background work goes out only while half of the minute is free.
Rule 6: a call larger than a bucket goes out when the bucket is full: it waits, but not for ever.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from actors.rules.fairness import BACKGROUND, Urgency
from actors.rules.prompt import tokens

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
IMAGE_TOKENS: Final = 1_000
PART_TOKENS: Final = 4
"""What the frame around each part of a prompt costs."""
TYPICAL_ANSWER: Final = 0.35
"""Share of the room for an answer that one takes, as a rule."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 8.0

BucketName = Literal["requests_minute", "requests_day", "tokens_minute", "tokens_day"]
DAILY: Final[frozenset[str]] = frozenset({"requests_day", "tokens_day"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows; the defaults are Groq's free tier."""

    requests_minute: float = 30
    requests_day: float = 1_000
    tokens_minute: float = 8_000
    tokens_day: float = 200_000


UNLIMITED: Final = Limits(math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the headers of an answer say about the limits; None where they say nothing.

    Requests are counted per day, tokens per minute (that is how Groq does it).
    """

    requests_limit: int | None = None
    requests_left: int | None = None
    tokens_limit: int | None = None
    tokens_left: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """So much is left at `at` of `capacity`, which refills evenly within `period`.

    `left` may be below zero: a debt, paid off by waiting.
    """

    capacity: float
    left: float
    period: timedelta
    at: datetime

    def filled(self, now: datetime) -> "Bucket":
        """Return the bucket at `now` (aware UTC).  A `now` in its past changes nothing."""
        if now <= self.at or math.isinf(self.capacity):
            return self
        gained = self.capacity * ((now - self.at) / self.period)
        return replace(self, left=min(self.capacity, self.left + gained), at=now)

    def wait_for(self, amount: float) -> timedelta:
        """Return how long until the bucket holds `amount` (or all it can hold, if that is less)."""
        missing = min(amount, self.capacity) - self.left
        if missing <= 0:
            return timedelta()
        if self.capacity <= 0:
            return self.period
        return self.period * (missing / self.capacity)

    def less(self, amount: float) -> "Bucket":
        """Return the bucket without `amount` (negative: with more, up to its capacity)."""
        return replace(self, left=min(self.left - amount, self.capacity))

    def told(self, limit: int | None, left: int | None, under_way: float) -> "Bucket":
        """Return the bucket as the provider says it is, less what is `under_way`."""
        capacity = float(limit) if limit else self.capacity
        held = self.left if left is None else left - under_way
        return replace(self, capacity=capacity, left=min(held, capacity))


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a model's limits.  `shut_until`: the provider refused until then."""

    requests_minute: Bucket
    requests_day: Bucket
    tokens_minute: Bucket
    tokens_day: Bucket
    shut_until: datetime | None = None

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
            None if self.shut_until is None or self.shut_until <= now else self.shut_until,
        )

    def wait_for(self, need: float, urgency: Urgency, now: datetime) -> timedelta:
        """Return how long a call of `need` tokens must wait; zero: it may go out now.

        To be asked of a budget that is `filled` to `now`.
        """
        waits = [
            self.requests_minute.wait_for(1),
            self.requests_day.wait_for(1),
            self.tokens_minute.wait_for(need),
            self.tokens_day.wait_for(need),
        ]
        if self.shut_until is not None:
            waits.append(self.shut_until - now)
        if urgency in BACKGROUND:
            waits += [_until_half(self.requests_minute), _until_half(self.tokens_minute)]
        return max(waits)

    def scarce(self, need: float) -> BucketName:
        """Return which bucket a call of `need` tokens waits for longest."""
        waits: dict[BucketName, timedelta] = {
            "requests_minute": self.requests_minute.wait_for(1),
            "requests_day": self.requests_day.wait_for(1),
            "tokens_minute": self.tokens_minute.wait_for(need),
            "tokens_day": self.tokens_day.wait_for(need),
        }
        return max(waits, key=lambda name: waits[name])

    def spent(self, need: float) -> "Budget":
        """Return the budget after a call of `need` tokens went out."""
        return replace(
            self,
            requests_minute=self.requests_minute.less(1),
            requests_day=self.requests_day.less(1),
            tokens_minute=self.tokens_minute.less(need),
            tokens_day=self.tokens_day.less(need),
        )

    def settled(self, need: float, used: float) -> "Budget":
        """Return the budget after a call charged with `need` tokens turned out to have `used`."""
        return replace(
            self,
            tokens_minute=self.tokens_minute.less(used - need),
            tokens_day=self.tokens_day.less(used - need),
        )

    def corrected(self, seen: Seen, under_way: tuple[int, float] = (0, 0.0)) -> "Budget":
        """Return the budget as the provider's headers say it is.

        Args:
            seen: the headers of the answer that has just come back.
            under_way: calls and tokens of the calls that are still out: the provider may not
                have counted them when it wrote the headers.
        """
        calls, need = under_way
        return replace(
            self,
            requests_day=self.requests_day.told(seen.requests_limit, seen.requests_left, calls),
            tokens_minute=self.tokens_minute.told(seen.tokens_limit, seen.tokens_left, need),
        )

    def refused(
        self, wait: timedelta, bucket: BucketName | None, need: float, now: datetime
    ) -> "Budget":
        """Return the budget after the provider refused a call of `need` tokens for `wait`.

        Args:
            wait: how long it wants to be left alone.
            bucket: the limit it named, if it named one: that bucket then holds just this call
                when the wait is over.
            need: the tokens of the call.
            now: aware UTC; the budget is `filled` to it.
        """
        until = now + wait
        shut = replace(self, shut_until=max(until, self.shut_until or until))
        if bucket is None or math.isinf(getattr(self, bucket).capacity):
            return shut
        held: Bucket = getattr(self, bucket)
        amount = min(need if bucket.startswith("tokens") else 1, held.capacity)
        lowered = replace(held, left=min(held.left, amount - held.capacity * (wait / held.period)))
        changed: dict[str, Any] = {bucket: lowered}
        return replace(shut, **changed)


def _until_half(bucket: Bucket) -> timedelta:
    return timedelta() if math.isinf(bucket.capacity) else bucket.wait_for(bucket.capacity / 2)


def need_of(texts: Iterable[str], images: int, room: int) -> int:
    """Return about how many tokens a call will cost.

    Args:
        texts: the parts of its prompt.
        images: how many pictures go along.
        room: how many tokens the answer may have at most.
    """
    words = sum(tokens(text) + PART_TOKENS for text in texts)
    return words + images * IMAGE_TOKENS + math.ceil(room * TYPICAL_ANSWER)


def retry_pause(attempt: int, jitter: float) -> timedelta:
    """Return how long to wait before trying a failed call again.

    Args:
        attempt: how often it was tried, from 1.
        jitter: dice, 0 to 1; so that those who failed together do not come back together.
    """
    longest = min(FIRST_PAUSE * 2 ** min(attempt - 1, 10), LONGEST_PAUSE)
    return timedelta(seconds=longest * (0.5 + jitter / 2))
