"""Who is being looked after, for how long, and what that changes.

Rule 1: a worry outlasts the message that woke it: 24 h after level 1 or a label, 72 h after 2-3.
Rule 2: while it holds the level never falls; a higher level raises it and starts its span anew.
Rule 3: the model's second opinion may raise a level, and lower only level 1.
Rule 4: resources are shown when the level rises, after 24 h, or on request; not more often.
Rule 5: while somebody is looked after there are no jokes, no opinions, no learning of facts and no
message of the bar's own accord; nothing said in a turn of level 1 or more becomes a fact.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

from actors.rules.normalise import folded
from actors.rules.sentinel import Label, Reading
from storage.records import CareState

SOFT_HOLD: Final = timedelta(hours=24)
"""How long a care state holds after level 1, or after a label without a level."""
HOLD: Final = timedelta(hours=72)
"""How long it holds after level 2 or 3."""
SHOWN_FOR: Final = timedelta(hours=24)
"""How long resources count as shown."""
MOST: Final = 3

Suspended = Literal["jokes", "opinions", "facts", "proactive"]
SUSPENDED: Final[frozenset[Suspended]] = frozenset({"jokes", "opinions", "facts", "proactive"})

_ASKS_FOR_HELP: Final = re.compile(
    r"\b(?:hot ?line|help ?line|crisis (?:line|number|text)|suicide line|lifeline|samaritans|988"
    r"|what(?:'s| is) the number|(?:phone )?number (?:to|i can|can i) call"
    r"|who (?:can|do|should) i (?:call|talk to|contact)|where (?:can|do) i get help"
    r"|get (?:me )?(?:some )?professional help|find (?:me )?(?:a therapist|someone to talk to)"
    r"|(?:crisis|mental health|support) resources?|resources for me|show (?:me )?(?:the )?resources"
    r"|emergency number"
    r"|telefonseelsorge|krisentelefon|notruf|hilfetelefon|notfallnummer"
    r"|wo (?:finde|bekomme) ich hilfe"
    r"|numero d'(?:urgence|aide)|ligne d'ecoute|sos amitie|ou trouver de l'aide"
    r"|linea de (?:ayuda|crisis)|numero de (?:ayuda|emergencia)"
    r"|donde (?:puedo )?(?:pedir|encontrar) ayuda"
    r"|numero verde|telefono amico|hulplijn|telefon zaufania)\b"
)


def heard(state: CareState | None, reading: Reading, now: datetime) -> CareState | None:
    """Return the care state after a message read as `reading`.

    Args:
        state: what was kept before, however old.
        reading: what the sentinel (and the model's second opinion) made of the message.
        now: aware UTC.

    Returns:
        None when nobody needs looking after; else a state that holds at least as long, and is at
        least as serious, as the one that still held.
    """
    held = state if state is not None and holds(state, now) else None
    if reading.level <= 0 and not reading.labels:
        return held
    level = min(reading.level, MOST)
    until = now + (HOLD if level >= 2 else SOFT_HOLD)
    labels = frozenset(map(str, reading.labels))
    if held is None:
        shown = state.resources_shown_at if state is not None else None
        return CareState(level, tuple(sorted(labels)), now, until, shown, reading.language)
    return replace(
        held,
        level=max(held.level, level),
        labels=tuple(sorted(labels.union(held.labels))),
        until=max(held.until, until),
        language=reading.language or held.language,
    )


def holds(state: CareState | None, now: datetime) -> bool:
    """Tell whether the person is still being looked after at `now` (aware UTC)."""
    return state is not None and now < state.until


def shown(state: CareState | None, now: datetime) -> CareState | None:
    """Return the state after resources were shown at `now`."""
    return None if state is None else replace(state, resources_shown_at=now)


def combined(sentinel_level: int, model_risk: int) -> int:
    """Return the level after the model's second opinion; both and the answer are 0 to 3.

    The higher wins; only level 1 may the model lower, so that a figure of speech costs nothing.
    """
    sentinel, model = (min(max(level, 0), MOST) for level in (sentinel_level, model_risk))
    return model if sentinel <= 1 else max(sentinel, model)


def resources_due(
    before: CareState | None, reading: Reading, now: datetime, *, asked: bool = False
) -> bool:
    """Tell whether this answer shows where help is.

    Args:
        before: the care state before this message (`heard` not yet applied).
        reading: this message.
        now: aware UTC.
        asked: the person asked for help or a number (`asks_for_help`).
    """
    if asked:
        return True
    needed = reading.level >= 2 or bool(reading.labels - {Label.PAST})
    if not needed:
        return False
    if before is None or not holds(before, now) or before.resources_shown_at is None:
        return True
    if now - before.resources_shown_at >= SHOWN_FOR or reading.level > before.level:
        return True
    return bool({str(label) for label in reading.labels - {Label.PAST}}.difference(before.labels))


def suspended(state: CareState | None, now: datetime) -> frozenset[Suspended]:
    """Return what the bar does not do for a person while they are looked after."""
    return SUSPENDED if holds(state, now) else frozenset()


def asks_for_help(text: str) -> bool:
    """Tell whether the words ask where help is, in so many words."""
    return _ASKS_FOR_HELP.search(folded(text[:4_000])) is not None
