"""Ids: one type for each thing that has one, so that a guild's id cannot be passed for a person's.

All are Discord snowflakes (unsigned, below 2**63); the terminal makes its own the same way.  Rows
of the database have ids of their own (`RowId`), which never leave storage except to name a row to
be changed.
"""

import hashlib
import secrets
from typing import Final, NewType

GuildId = NewType("GuildId", int)
UserId = NewType("UserId", int)
ChannelId = NewType("ChannelId", int)
MessageId = NewType("MessageId", int)
RowId = NewType("RowId", int)
"""The primary key of a row, given by the database."""

LARGEST: Final = 2**63 - 1
"""What a BIGINT column holds; a snowflake stays below it until the year 2084."""

_key = secrets.token_bytes(16)


def use_log_key(key: str) -> None:
    """Make `hashed` give the same marks in every process that is given the same `key`.

    Without it each process draws a key of its own, and marks of two runs cannot be compared.
    """
    global _key  # noqa: PLW0603 - one key per process is what "keyed hash" means
    _key = hashlib.blake2b(key.encode(), digest_size=16).digest()


def hashed(value: int | str) -> str:
    """Return the mark by which `value` (a person's or message's id) appears in logs: 12 hex digits.

    Keyed, so that nobody can find the id by hashing all ids.
    """
    return hashlib.blake2b(str(value).encode(), key=_key, digest_size=6).hexdigest()
