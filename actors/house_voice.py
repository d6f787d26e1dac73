"""The house voice: a small hand-written listener for when the language model is away.

Rule 1: it reflects one thing of this very message, asks at most one question, and promises nothing.
Rule 2: it says plainly, at the first reply of a sitting, that it is the simple voice.
Rule 3: the same message at the same turn gets the same words; the next turn gets others.

The lines are in `house_voice.toml`, one list a mood of talk; `{thing}` is what the message is
about.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from actors.messages import HouseContext

LINES_FILE: Final = Path(__file__).with_name("house_voice.toml")
SIMPLE: Final = "(The simple voice tonight: no language model is connected.)"
LONGEST_ECHO: Final = 14

THING: Final = re.compile(
    r"\b(?:my|our)\s+((?:late |old |little |big |best |dear )?"
    r"(?:mom|mum|mother|dad|father|brother|sister"
    r"|son|daughter|wife|husband|partner|girlfriend|boyfriend|grand(?:ma|pa|mother|father)|aunt|uncle|cousin"
    r"|friend|dog|cat|puppy|kitten|rabbit|horse|boss|job|work|baby|ex|family|exam|interview))\b"
    r"(?:,?\s+(?:named |called )?([A-Z][\w'-]{1,24}))?"
)
NAMED: Final = re.compile(r"\b(?:miss|lost|loved|love|remember)\s+([A-Z][\w'-]{1,24})\b")
FIRST_PERSON: Final = re.compile(r"^(?:i|i'm|im|i've|my|we|our)\b", re.IGNORECASE)
TURNED: Final = {
    "i": "you", "i'm": "you're", "im": "you're", "i've": "you've", "i'll": "you'll", "i'd": "you'd",
    "my": "your", "mine": "yours", "me": "you", "myself": "yourself", "am": "are", "was": "were",
    "we": "you", "our": "your", "us": "you",
}  # fmt: skip
SECOND_PERSON: Final = re.compile(r"\b(?:you|your|u)\b", re.IGNORECASE)


@cache
def script() -> tuple[dict[str, re.Pattern[str]], dict[str, list[str]]]:
    """Return what tells each kind of talk, and the lines for it."""
    data = tomllib.loads(LINES_FILE.read_text(encoding="utf-8"))
    kinds = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in data["kinds"].items()}
    return kinds, data["lines"]


def lines() -> dict[str, list[str]]:
    """Return the lines by kind of talk."""
    return script()[1]


def speak(context: HouseContext, introduction: str | None = None) -> str:
    """Return what the house voice says to a message: at most 60 words, at most one question."""
    kind = kind_of(context.text)
    said = memory_of(context) if kind == "recall" else chosen(kind, context)
    return f"{said}\n{SIMPLE}" if introduction or context.turn <= 1 else said


def kind_of(text: str) -> str:
    """Return what kind of talk a message is."""
    folded = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold()
    for kind, pattern in script()[0].items():
        if pattern.search(folded):
            return kind
    if not folded.strip():
        return "silence"
    return "question" if folded.rstrip().endswith("?") else "plain"


def chosen(kind: str, context: HouseContext) -> str:
    """Return a line of that kind; with the thing or an echo of the message where it has one."""
    thing, echo = thing_in(context.text), echo_of(context.text)
    pool = lines()[kind]
    if thing:
        pool = lines().get(f"{kind}_thing", pool)
    elif echo and f"{kind}_echo" in lines():
        pool = lines()[f"{kind}_echo"]
    line = pool[(context.seed + context.turn) % len(pool)]
    known = context.known[context.turn % len(context.known)] if context.known else ""
    if kind == "greeting" and known:
        remembering = lines()["greeting_known"]
        line = remembering[(context.seed + context.turn) % len(remembering)]
    name = context.name if context.name and context.name != "friend" else ""
    filled = line.format(
        thing=thing, echo=echo, known=known.rstrip("."), name=f", {name}" if name else ""
    )
    return filled[:1].upper() + filled[1:]


def thing_in(text: str) -> str:
    """Return whom or what the message is about, as one says it back: `your sister Ana`; "" if
    unclear.
    """
    if found := THING.search(text):
        what, name = found.group(1).casefold(), found.group(2)
        return f"your {what} {name}" if name else f"your {what}"
    if (named := NAMED.search(text)) and named.group(1).casefold() not in TURNED:
        return named.group(1)
    return ""


def echo_of(text: str) -> str:
    """Return a short first-person sentence turned to the second; "" if it does not turn well."""
    sentences = [s.strip() for s in re.split(r"[.!?\n]+", text) if s.strip()]
    if not sentences:
        return ""
    last = sentences[-1]
    words = last.split()
    if len(words) > LONGEST_ECHO or len(words) < 3 or not FIRST_PERSON.match(last):
        return ""
    if SECOND_PERSON.search(last) or re.search(r"[<>@#*_`|/\\{}]|https?:", last):
        return ""
    turned = " ".join(
        TURNED.get(word.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"), word)
        for word in words
    )
    return turned.rstrip(",;:")


def memory_of(context: HouseContext) -> str:
    """Return what is remembered of this person, or that they have not told anything."""
    if not context.known:
        pool = lines()["recall"]
        return pool[(context.seed + context.turn) % len(pool)]
    shown = "; ".join(fact.rstrip(".") for fact in context.known[:4])
    return f"What I have of you: {shown}. Tell me if something is wrong."
