"""Column types that mean the same in PostgreSQL and SQLite, and text that both can hold.

Rule 1: a time is aware UTC on the way in and on the way out, whatever the database made of it.
Rule 2: JSON is JSONB in PostgreSQL and JSON in SQLite; a list of texts is TEXT[] or JSON.
Rule 3: no text is refused for its characters: what PostgreSQL cannot hold is replaced by a visible
stand-in before it leaves Python, for both databases alike, so that they never disagree.
"""

# ruff: noqa: ARG002 - the signatures are SQLAlchemy's

import json
import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, JSON, BigInteger, DateTime, Dialect, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.times import ensure_utc

__all__ = [
    "BigKey",
    "PortableJSON",
    "SafeString",
    "SafeText",
    "StringList",
    "UtcDateTime",
    "ensure_utc",
    "storable",
    "storable_json",
]

UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL refuses in text, and halves of surrogate pairs, which are no characters."""

JSON_TEXT: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)

BigKey: Final = BigInteger().with_variant(Integer, "sqlite")
"""A primary key that the database gives: BIGSERIAL, or SQLite's INTEGER PRIMARY KEY."""


def storable(text: str) -> str:
    """Return `text` as every database can hold it: NUL becomes U+2400 (its picture), half of a
    surrogate pair U+FFFD.  Most text comes back as it is.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return UNSTORABLE.sub(lambda found: "\u2400" if found[0] == "\x00" else "\ufffd", text)


def storable_value(value: Any) -> Any:
    """Return a JSON value with every text in it made storable, keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable_value(item) for item in value]
    return value


def storable_json(value: Any) -> str:
    """Return `value` as JSON text that both databases hold.

    Raises:
        ValueError: it holds a number that JSON has no word for (NaN, infinity).
        TypeError: it holds something that is no JSON.
    """
    if not value and isinstance(value, dict | list | tuple):
        return "{}" if isinstance(value, dict) else "[]"
    return JSON_TEXT.encode(storable_value(value))


class UtcDateTime(TypeDecorator[datetime]):
    """TIMESTAMPTZ in PostgreSQL; in SQLite, which knows no zones, the UTC time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = ensure_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else ensure_utc(value)


class PortableJSON(TypeDecorator[Any]):
    """JSONB in PostgreSQL, JSON in SQLite; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        json_type = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(json_type(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return storable_value(value)


class StringList(TypeDecorator[list[str]]):
    """TEXT[] in PostgreSQL, a JSON array in SQLite."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = ARRAY(Text()) if dialect.name == "postgresql" else JSON()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> list[str] | None:
        return None if value is None else [storable(text) for text in value]


class SafeText(TypeDecorator[str]):
    """TEXT that takes any Python string (Rule 3)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class SafeString(TypeDecorator[str]):
    """VARCHAR(n) that takes any Python string (Rule 3); a longer one is cut in both databases."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self._length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)[: self._length]
