"""What can go wrong between the bot and the REST API, and its rate limits."""

import asyncio
import fnmatch
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal

Drop = Literal["request", "answer"]

PER_CHANNEL: Final = frozenset({"channels", "guilds", "webhooks"})


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong the next `times` times a request matches; None: until cleared."""

    method: str
    path: str
    times: int | None = 1
    status: int | None = None
    body: dict[str, Any] | None = None
    seconds: float = 0.0
    drop: Drop | None = None

    def matches(self, method: str, path: str) -> bool:
        return (
            self.times != 0
            and self.method in ("*", method)
            and fnmatch.fnmatchcase(path, self.path)
        )

    def use_up(self) -> None:
        if self.times is not None:
            self.times -= 1


class Faults:
    """Faults in the order in which they were asked for; the first that matches happens.

    Paths are those behind `/api/v10`, with `*` for anything: `/channels/*/messages`.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(self, method: str, path: str, status: int, *, times: int | None = 1) -> None:
        self._faults.append(Fault(method, path, times, status, {"message": "broken", "code": 0}))

    def slow(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> None:
        self._faults.append(Fault(method, path, times, seconds=seconds))

    def lose_request(self, method: str, path: str, *, times: int | None = 1) -> None:
        """The connection breaks before the request is carried out."""
        self._faults.append(Fault(method, path, times, drop="request"))

    def lose_answer(self, method: str, path: str, *, times: int | None = 1) -> None:
        """The request is carried out; its answer never arrives."""
        self._faults.append(Fault(method, path, times, drop="answer"))

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        found = next((each for each in self._faults if each.matches(method, path)), None)
        if found is not None:
            found.use_up()
        return found


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds, for each channel on its own."""

    requests: int
    seconds: float


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


class RateLimits:
    """Buckets by route and channel.  Generous unless a test says otherwise."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._limits: dict[tuple[str, str], Limit] = {}
        self._windows: dict[tuple[str, str], _Window] = {}
        self._forced: list[tuple[float, bool]] = []
        self.generous = Limit(1_000, 1.0)

    def set(self, method: str, path: str, limit: Limit) -> None:
        """`path` as in Faults: `/channels/*/messages`."""
        self._limits[method, path] = limit

    def refuse_next(self, retry_after: float, *, everywhere: bool = False) -> None:
        """Answer the next request 429; `everywhere`: as the global limit."""
        self._forced.append((retry_after, everywhere))

    def check(self, method: str, path: str) -> tuple[dict[str, str], dict[str, Any] | None]:
        """Return the headers of the answer, and the body of a 429 if the limit is passed."""
        if self._forced:
            seconds, everywhere = self._forced.pop(0)
            self._counts["refused_429"] += 1
            return self._refusal_headers(everywhere), _too_many(seconds, everywhere=everywhere)
        limit, route = self._limit_of(method, path)
        now = asyncio.get_running_loop().time()
        window = self._windows.get((route, _major(path)))
        if window is None or window.ends_at <= now:
            window = self._windows[route, _major(path)] = _Window(now + limit.seconds)
        left = window.ends_at - now
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(max(0, limit.requests - window.used - 1)),
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": f"{abs(hash(route)):x}",
        }
        if window.used >= limit.requests:
            self._counts["refused_429"] += 1
            return headers | self._refusal_headers(False), _too_many(left, everywhere=False)
        window.used += 1
        return headers, None

    def _limit_of(self, method: str, path: str) -> tuple[Limit, str]:
        for (wanted, pattern), limit in self._limits.items():
            if wanted == method and fnmatch.fnmatchcase(path, pattern):
                return limit, f"{method} {pattern}"
        return self.generous, f"{method} {_shape(path)}"

    @staticmethod
    def _refusal_headers(everywhere: bool) -> dict[str, str]:
        # discord.py takes a 429 without Via for a ban by Cloudflare and gives up.
        headers = {"Via": "1.1 google"}
        return headers | {"X-RateLimit-Global": "true"} if everywhere else headers


def _too_many(seconds: float, *, everywhere: bool) -> dict[str, Any]:
    return {"message": "You are being rate limited.", "retry_after": seconds, "global": everywhere}


def _major(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] in PER_CHANNEL and len(parts) > 1 else ""


def _shape(path: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in path.split("/"))
