"""The circuit breaker: a provider that is down is left alone, and tried now and then.

Rule 1: five failures in a row open it; one success closes it.
Rule 2: after a rest one call goes out to see; it closes the breaker, or the next rest is twice as
long, up to five minutes.
Rule 3: calls that went out before it opened and fail afterwards change nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

FAILURES_TO_OPEN: Final = 5
FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(minutes=5)
MOST_DOUBLINGS: Final = 10


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
        if self.until is not None and now < self.until:
            return self.until - now
        return timedelta()

    def tried(self) -> "Breaker":
        """Return the breaker after a call went out (to be asked only when `wait` is zero)."""
        return replace(self, state="half_open") if self.state == "open" else self

    def worked(self) -> "Breaker":
        """Return the breaker after the provider answered: well, or with a refusal of its own."""
        return Breaker()

    def failed(self, now: datetime, jitter: float) -> "Breaker":
        """Return the breaker after a call found nobody there.

        Args:
            now: aware UTC.
            jitter: dice, 0 to 1.
        """
        if self.state == "open":
            return self
        failures = self.failures + 1
        if self.state == "closed" and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        rest = min(FIRST_REST * 2**self.rests, LONGEST_REST) * (0.5 + jitter / 2)
        return Breaker("open", failures, min(self.rests + 1, MOST_DOUBLINGS), now + rest)
