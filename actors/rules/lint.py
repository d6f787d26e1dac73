"""Every text that goes out is read here first: what must never be said, is not.

Rule 1: a cliche, a diagnosis or a label is no violation where the person brought it up themselves.
Rule 2: numbers and addresses come from the table of resources, or not at all.
Rule 3: at most 90 words and one question; no lists, headings or mentions.
Rule 4: the lint only finds; what to do about it (once again, then a safe line) is the caller's.
Rule 5: safe lines pass the lint themselves, and do not repeat before all of them were said.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

HERE: Final = Path(__file__).parent

MOST_WORDS: Final = 90
MOST_QUESTIONS: Final = 1

Register = Literal["grief", "low", "neutral", "bright", "farewell"]

_PLAIN: Final = str.maketrans("\u2018\u2019\u02bc\u00b4`\u201c\u201d\u2011\u2010", "'''''\"\"--")
_URL: Final = re.compile(
    r"https?://[^\s)>]+|www\.[^\s)>]+"
    r"|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.(?:com|org|net|io|gg|app|dev|info|edu|gov|xyz|co\.uk)\b"
    r"(?:/[^\s)>]*)?"
)
_PHONE: Final = re.compile(r"(?<![\w.,:/-])\+?\(?\d(?:[\s().-]{0,2}\d){6,14}(?!\w)")
_DATES: Final = re.compile(
    r"(?:19|20)\d\d\s?-\s?(?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d|\d{1,2}[.-]\d{1,2}[.-](?:19|20)\d\d"
)
_SHORT_NUMBER: Final = re.compile(
    r"\b(?:call|dial|text|ring|phone|reach|number is|line is|hotline|helpline|lifeline|ruf|anrufen"
    r"|w[aä]hle?|appelle[rz]?|llama[r]?|marca|chiama|bel|zadzwo[nń]|ligue)\b[^.?!\n]{0,24}?"
    r"(?<![\d:.,-])(\d{3,6}|\d{2,3}[ -]\d{2,3}(?:[ -]\d{2,3})?)(?![\d:%.,]*\d)"
    r"(?!\s*(?:minutes?|hours?|days?|weeks?|months?|years?|people|friends|times|percent|km|miles))"
)
_LIFELINE: Final = re.compile(r"(?<![\d.,:-])988(?![\d.,:-]*\d)")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_LIST_LINE: Final = re.compile(
    r"^[ \t]*(?:[-*\u2022\u2013\u25cf][ \t]+|\d{1,2}[.)][ \t]+)", re.MULTILINE
)
_HEADING: Final = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+\S|\*\*[^*\n]{1,80}\*\*:?[ \t]*$|[^\n]{1,40}\n[=-]{3,40}[ \t]*$)",
    re.MULTILINE,
)
_MENTION: Final = re.compile(r"@everyone|@here|<(?:@[!&]?|#)\d+>|<a?:\w+:\d+>|</\w[^>]*:\d+>")
_MARKUP: Final = re.compile(
    r"```|^[ \t]*>{1,3}[ \t]|\[[^\]\n]{1,200}\]\(|\|\|[^|\n]{1,200}\|\||<[a-z/][^>\n]{0,80}>",
    re.MULTILINE,
)
_QUESTIONS: Final = re.compile(r"[?\uff1f\u061f]+")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a text breaks (a code), and the words of the text that break it."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    pattern: re.Pattern[str]
    echo: re.Pattern[str] | None

    def takes_up(self, words: str, heard: str) -> bool:
        """Tell whether `words` break the rule only by taking up what was `heard`."""
        if self.echo is None:
            return False
        if self.echo is self.pattern:
            return self.pattern.search(heard) is not None
        return any(term[0] in words for term in self.echo.finditer(heard))


def _load_rules(path: Path) -> tuple[_Rule, ...]:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_rule(entry) for entry in data["rule"])


def _rule(entry: Mapping[str, Any]) -> _Rule:
    pattern = re.compile("|".join(entry["say"]))
    match entry.get("echo"):
        case str() as terms:
            return _Rule(entry["name"], pattern, re.compile(terms))
        case True:
            return _Rule(entry["name"], pattern, pattern)
        case _:
            return _Rule(entry["name"], pattern, None)


RULES: Final = _load_rules(HERE / "lint.toml")
SAFE_LINES: Final[Mapping[str, list[str]]] = tomllib.loads(
    (HERE / "lines.toml").read_text(encoding="utf-8")
)


def violations(
    text: str, *, heard: str = "", allowed: frozenset[str] = frozenset()
) -> tuple[Violation, ...]:
    """Return every rule that `text` breaks, each at most once.

    Args:
        text: what the bar is about to say.
        heard: what the person said, whose words a reply may take up.
        allowed: numbers and addresses that may stand in it (`Resources.allowed`).
    """
    plain, echoed = _plain(text), _plain(heard)
    found = [
        Violation(rule.name, match[0])
        for rule in RULES
        if (match := rule.pattern.search(plain)) and not rule.takes_up(match[0], echoed)
    ]
    found += _numbers(plain, allowed)
    found += _shape(text)
    return tuple(found)


def safe_line(register: Register, turn: int) -> str:
    """Return a hand-written line that is safe to say; `turn` counts replies, and rotates them."""
    lines = SAFE_LINES[register]
    return lines[turn % len(lines)]


def _plain(text: str) -> str:
    flat = unicodedata.normalize("NFKC", text).translate(_PLAIN).lower()
    return re.sub(r"[ \t]+", " ", flat)


def _numbers(plain: str, allowed: frozenset[str]) -> list[Violation]:
    """Find numbers to call and addresses of the web that are not on the table."""
    digits = {_digits(entry) for entry in allowed} - {""}
    hosts = {entry for entry in allowed if not _digits(entry) or "." in entry}
    found = [
        Violation("address", match[0])
        for match in _URL.finditer(plain)
        if _host(match[0]) not in hosts
    ]
    calls = [match[0] for match in _PHONE.finditer(plain) if not _DATES.search(match[0])]
    calls += [match[1] for match in _SHORT_NUMBER.finditer(plain) if not _YEAR.fullmatch(match[1])]
    calls += [match[0] for match in _LIFELINE.finditer(plain)]
    found += [Violation("number", call) for call in calls if not _is_known(call, digits)]
    return [*{violation.rule: violation for violation in reversed(found)}.values()]


def _is_known(call: str, digits: set[str]) -> bool:
    """Tell whether a number is on the table, or the beginning of one cut short by the search."""
    return any(known.startswith(_digits(call)) for known in digits)


def _digits(entry: str) -> str:
    return "".join(sign for sign in entry if sign.isdigit())


def _host(url: str) -> str:
    return url.removeprefix("https://").removeprefix("http://").removeprefix("www.").split("/")[0]


def _shape(text: str) -> list[Violation]:
    """Find what is too long, asks too much, or is laid out like a document."""
    found = []
    words = text.split()
    if len(words) > MOST_WORDS:
        found.append(Violation("length", str(len(words))))
    if len(_QUESTIONS.findall(text)) > MOST_QUESTIONS:
        found.append(Violation("questions", "?"))
    if len(_LIST_LINE.findall(text)) > 1:
        found.append(Violation("list", "-"))
    for name, pattern in (("heading", _HEADING), ("mention", _MENTION), ("markup", _MARKUP)):
        if match := pattern.search(text):
            found.append(Violation(name, match[0].strip()))
    if not text.strip():
        found.append(Violation("empty", ""))
    return found
