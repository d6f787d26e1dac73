"""When and how the bar says what it is: a program.  And whom it may be talking with.

Rule 1: the very first reply says it in full, and that it may not suit some minors.
Rule 2: the first reply of each of the person's days says it in full.
Rule 3: every new conversation says it in one small line.
Rule 4: after every three hours of continuous talk (one hour for a stated minor) it is said again,
with a suggestion to take a break.
Rule 5: asked whether it is human, it always says no.
Rule 6: an age counts only where it is stated, about oneself, in the present.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from actors.rules.normalise import folded

BREAK_AFTER: Final = timedelta(hours=3)
BREAK_AFTER_FOR_MINORS: Final = timedelta(hours=1)
ADULT: Final = 18
YOUNGEST: Final = 13
"""Below this stated age: stop, explain, delete."""

Kind = Literal["first", "daily", "conversation", "break"]

STATEMENT: Final = "I am a computer program, not a human being, and cannot feel human emotion."
MINOR_NOTE: Final = "Companion programs like this one may not be suitable for some minors."
TEXTS: Final[Mapping[Kind, str]] = {
    "first": f"{STATEMENT} {MINOR_NOTE}",
    "daily": STATEMENT,
    "conversation": "A reminder: I am a computer program, not a human being.",
    "break": (
        f"We have been talking for a good while. {STATEMENT} "
        "This is a fine moment for a break: some water, a window, somebody nearby."
    ),
}
HONEST_ANSWER: Final = (
    "No human being is writing this. I am a computer program, and I cannot feel human emotion. "
    "I can listen, remember what you let me remember, and answer."
)
TOO_YOUNG: Final = (
    "Thank you for telling me. I am a computer program, and I am not made for anyone under 13, so "
    "I have to stop here; what I kept of our talk is deleted. If something is weighing on you, "
    "please tell a grown-up you trust: a parent, a teacher, a school nurse."
)
_SMALL: Final = frozenset({"conversation"})


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What to say.  `small`: one quiet line under the reply rather than a sentence before it."""

    kind: Kind
    text: str
    small: bool = False


def due(
    last_disclosed_at: datetime | None,
    conversation_started: datetime,
    continuous_since: datetime,
    now: datetime,
    local_offset: timedelta = timedelta(0),
    minor: bool = False,
    *,
    first_dm: bool = False,
) -> Disclosure | None:
    """Return what this reply has to disclose, or None.

    Args:
        last_disclosed_at: when any disclosure was last made to this person; None if never.
        conversation_started: when this conversation (until an hour's silence) began.
        continuous_since: since when they have talked without a real break.
        now: aware UTC, like all times here.
        local_offset: the person's offset from UTC, which decides where their day begins.
        minor: they stated an age under 18.
        first_dm: this is the first direct message, even if they met in a guild before.
    """
    if last_disclosed_at is None or first_dm:
        return _disclosure("first")
    if _breaks(continuous_since, now, minor) > _breaks(continuous_since, last_disclosed_at, minor):
        return _disclosure("break")
    if _day(last_disclosed_at, local_offset) < _day(now, local_offset):
        return _disclosure("daily")
    if last_disclosed_at < conversation_started:
        return _disclosure("conversation")
    return None


def _disclosure(kind: Kind) -> Disclosure:
    return Disclosure(kind, TEXTS[kind], kind in _SMALL)


def _breaks(since: datetime, now: datetime, minor: bool) -> int:
    """Return how many breaks were due between the two times."""
    span = BREAK_AFTER_FOR_MINORS if minor else BREAK_AFTER
    return max(now - since, timedelta(0)) // span


def _day(moment: datetime, local_offset: timedelta) -> int:
    return (moment.astimezone(UTC) + local_offset).toordinal()


_ASKED: Final = re.compile(
    r"\b(?:(?:are|r) (?:you|u|ya)|am i (?:talking|speaking|chatting) (?:to|with)|is this|is that"
    r"|you(?:'re| are)|ur|is there)(?: (?:really|actually|even|just|truly|like|honestly|still|only"
    r"|not|secretly))*(?: (?:an?|some|the))?(?: (?:real|actual|living|live|human|true))*"
    r" (?:human(?: being)?|humans|person|people|bot|chat ?bot|robot|ai|a\.i\.|machine"
    r"|computer(?: program)?|program|programme|software|real|alive|sentient|conscious|llm"
    r"|chatgpt|gpt|man or (?:a )?machine|guy|woman|man|someone|somebody)\b"
    r"|\bdo you (?:really |actually |even )?(?:have (?:feelings|emotions|a body|a soul)"
    r"|feel (?:anything|things|emotions?|pain|love))\b"
    r"|\bbist du (?:\w+ )?(?:ein |eine |echt|ki\b)(?:\w+ )?(?:mensch|bot|roboter|maschine|ki"
    r"|programm|person)?\b"
    r"|\b(?:es[- ]tu|t'es|tu es) (?:un |une |vraiment )*(?:humaine?|robot|bot|ia|vraie personne"
    r"|machine|reel|reelle)\b"
    r"|\beres (?:un |una |realmente |de )*(?:human[oa]|robot|bot|ia|persona|maquina|verdad|real)\b"
)
_CLAIMED: Final = re.compile(r"\b(?:you're|you are|ur) (?!not|really|actually|just|even)")


def asked_if_human(text: str) -> bool:
    """Tell whether the words ask (or doubt) whether a human being is answering."""
    plain = folded(text[:4_000])
    match = _ASKED.search(plain)
    if match is None:
        return False
    return "?" in plain or _CLAIMED.match(match[0]) is None


_NOT_AN_AGE: Final = (
    r"(?! ?(?:[%/:.,]\d|%|/|st\b|nd\b|rd\b|th\b|mins?\b|minut\w+|hours?|hrs?|h\b|days?"
    r"|weeks?|months?"
    r"|km|k\b|kg|lbs?|pounds|cm|m\b|ft|feet|foot|inch|miles?|percent|points?|dollars|bucks|euros"
    r"|beers?|drinks?|shots?|pages?|episodes?|chapters?|games?|wins?|kills?|levels?|people|of\b"
    r"|in\b|and (?:0|a half hours)|times|am\b|pm\b|o'?clock|behind|ahead|down\b|up\b|away|late"
    r"|short|over\b|under\b|votes?|subs?|bits?|fps|ping|floors?|stops?|steps?|rooms?|cards?|left"
    r"|to go|seconds?|secs?|degrees|grams?|mg|cups?|calories|books?|songs?|friends?|messages?"
    r"|pushups?|reps?|laps?|th floor))"
)
_STATED_AGE: Final = re.compile(
    r"(?:^|(?<![\w']))(?:i'?m|i am|im|my age is|age:?|i(?:'ve| have)? just turned|i turned"
    r"|i'?m (?:a|an|only|just|already|actually|literally|like)|i am (?:a|an|only|just|already)"
    r"|im (?:a|an|only|just|already))"
    r"(?: (?:only|just|already|actually|literally|now|like|a|an))* (\d{1,3})(?!\d)"
    rf"{_NOT_AN_AGE}"
    r"|(?:^|(?<![\w']))(\d{1,2}) ?(?:yo|y/o|y\.o\.|years? old|yr old)(?:\b|$) (?:here|girl|boy|guy)"
    r"|\b(?:as an?|being) (\d{1,2})[- ](?:yo|y/o|years?[- ]old)"
    r"|^(\d{1,2}) ?(?:/ ?)?[mf](?:\b(?! of)|$)"
    r"|\bich bin (?:erst |schon |gerade )?(\d{1,3})(?: (?:jahre?|geworden|und|aber)\b|[.!,?]|$)"
    r"|\bj'ai (\d{1,3}) ans\b"
    r"|\b(?:tengo|tenho|ho|mam) (\d{1,3}) (?:anos|anni|lat|lata)\b"
    r"|\bik ben (?:pas |net |al )?(\d{1,3})(?: jaar\b|[.!,?]|$)"
)
_NEXT_AGE: Final = re.compile(
    r"\bi(?:'ll| will|'m going to|'m gonna| am going to)? ?(?:turn|be turning|turning|am turning"
    r"|'m turning|be) (\d{1,2}) (?:next|this|in|on|soon|tomorrow)\b"
    r"|\bi'?m turning (\d{1,2})\b"
)
_NOT_NOW: Final = re.compile(
    r"(?:when|since|until|till|before|like|as if|wish|if|feel(?:s|ing)? like|pretend(?:ing)?|act"
    r"|acting like|says?|said|think|thinks) (?:that )?$"
)
OLDEST: Final = 120


def stated_age(text: str) -> int | None:
    """Return the age the person says they have now, or None.

    "I turn 13 next week" is 12; "when I was 12", "my son is 12" and "I'm 12 minutes late" are
    nothing.  The first statement counts.
    """
    plain = folded(text[:4_000])
    for match in _STATED_AGE.finditer(plain):
        if _NOT_NOW.search(plain[max(0, match.start() - 24) : match.start()]):
            continue
        age = int(next(group for group in match.groups() if group))
        if 3 < age <= OLDEST:
            return age
    coming = _NEXT_AGE.search(plain)
    if coming:
        return int(coming[1] or coming[2]) - 1
    return None
