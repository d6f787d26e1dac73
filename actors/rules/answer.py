"""The answer of a reply call: its form, and the one way to believe it.

Rule 1: exactly `reply` and `risk`, of exactly these types; anything else is a broken answer.
Rule 2: what is believed can be said: it has words, and no character that a door would choke on.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

LONGEST_REPLY: Final = 4_000
UNSAYABLE: Final = frozenset({"Cc", "Cs", "Cn"})

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"reply": {"type": "string"}, "risk": {"type": "integer", "enum": [0, 1, 2, 3]}},
    "required": ["reply", "risk"],
    "additionalProperties": False,
}


class ModelReply(BaseModel):
    """What the model must answer.  `risk`: its own reading of the person's safety."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    reply: str = Field(min_length=1, max_length=LONGEST_REPLY)
    risk: int = Field(ge=0, le=3)


def believed(data: Mapping[str, Any]) -> ModelReply | None:
    """Return the reply in a model's answer, or None if it is broken."""
    try:
        said = ModelReply.model_validate(dict(data))
    except ValidationError:
        return None
    text = "".join(c for c in said.reply if c in "\n\t" or sayable(c)).strip()
    return ModelReply(reply=text, risk=said.risk) if text else None


def sayable(character: str) -> bool:
    """Return whether a character can be said (no control characters, no lone surrogates)."""
    return unicodedata.category(character) not in UNSAYABLE
