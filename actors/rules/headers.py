"""Headers: what a provider's answer says about its limits.

Rule 1: a header that cannot be read says nothing; none can raise or give a number without bounds.
"""

import re
from collections.abc import Mapping
from typing import Final

from actors.rules.budget import BucketName, Seen

PIECE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
PLAIN: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
LONGEST: Final = 7 * 86_400.0
NAMED: Final[tuple[tuple[str, BucketName], ...]] = (
    ("(TPD)", "tokens_day"),
    ("(RPD)", "requests_day"),
    ("(TPM)", "tokens_minute"),
    ("(RPM)", "requests_minute"),
)
"""How Groq names the limit in the message of a refusal."""


def seen(headers: Mapping[str, str]) -> Seen:
    """Return what the headers of an answer say about limits."""
    return Seen(
        requests_limit=whole(headers.get("x-ratelimit-limit-requests")),
        requests_left=whole(headers.get("x-ratelimit-remaining-requests")),
        tokens_limit=whole(headers.get("x-ratelimit-limit-tokens")),
        tokens_left=whole(headers.get("x-ratelimit-remaining-tokens")),
    )


def whole(text: str | None) -> int | None:
    """Return a header's whole number, None if it holds none."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 11:
        return None
    return int(text)


def seconds(text: str | None) -> float | None:
    """Return a header's duration (`7.66s`, `2m59.56s`, `120`) in seconds, None if it holds none.

    Never more than a week: whoever says more has made a mistake.
    """
    if text is None:
        return None
    if PLAIN.fullmatch(text):
        return min(float(text), LONGEST)
    pieces = PIECE.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return min(sum(float(number) * UNITS[unit] for number, unit in pieces), LONGEST)


def refused_wait(headers: Mapping[str, str], bucket: BucketName | None) -> float | None:
    """Return how many seconds a refusal asks to be left alone, None if it does not say."""
    asked = seconds(headers.get("retry-after"))
    if asked is not None:
        return asked
    resets = {
        "tokens_minute": seconds(headers.get("x-ratelimit-reset-tokens")),
        "requests_day": seconds(headers.get("x-ratelimit-reset-requests")),
    }
    return resets.get(bucket) if bucket is not None else None


def named_bucket(message: str, headers: Mapping[str, str]) -> BucketName | None:
    """Return which limit a refusal is about, None if it does not say."""
    for mark, bucket in NAMED:
        if mark in message:
            return bucket
    if whole(headers.get("x-ratelimit-remaining-requests")) == 0:
        return "requests_day"
    if whole(headers.get("x-ratelimit-remaining-tokens")) == 0:
        return "tokens_minute"
    return None
