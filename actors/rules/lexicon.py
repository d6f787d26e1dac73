"""The sentinel's phrases: read from TOML, compiled into bounded patterns, found by their words.

A phrase is words with spaces between them, matched against a canonical clause:

    die|be_dead      one of these; `_` joins the words of one choice
    <want>           one of a named list from [sets]
    so|very?         may be missing
    ^   $            the clause begins here, ends here
    ..   ...         up to two, up to five other words (never "not")
    #   ##   ####    a number; a number of eight or more; a year
    suicid*          a word that begins so

Rule 1: a phrase is tried only in a clause that holds a word it cannot do without.
Rule 2: every repetition is bounded, so a match costs time linear in its clause.
Rule 3: a phrase that cannot be read stops the program at start, not in a conversation.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from actors.rules.normalise import Vocabulary, folded

_GAPS: Final = {"..": r"(?:(?!not )\S+ ){0,2}?", "...": r"(?:(?!not )\S+ ){0,5}?"}
_ENDS: Final = {"^": r"(?<!.)", "$": r"(?!.)"}
_NUMBERS: Final = {
    "#": r"(?:\d{1,4}|one|two|three|four|five|six|seven|a few|several)",
    "##": (
        r"(?:[89]|[1-9]\d{1,3}|eight|nine|ten|eleven|twelve|fifteen|sixteen|twenty|thirty|forty"
        r"|fifty|sixty|hundred|dozens|several|too many|a lot of)"
    ),
    "####": r"(?:19|20)\d\d",
}
_PREFIX: Final = 4
"""A `word*` is indexed by this many of its letters, so it must have at least as many."""


class LexiconError(ValueError):
    """A phrase or rule in the sentinel's data cannot be read."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """One rule: phrases that mean the same.  `kind` names the row of caps that guards it."""

    name: str
    kind: str
    level: int
    language: str
    unless_next: re.Pattern[str] | None = None
    unless_live_next: re.Pattern[str] | None = None
    """The same, for a match that ends in a word of living ("live" in a town, with a friend)."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One compiled phrase of a rule."""

    rule: Phrases
    regex: re.Pattern[str]


@dataclass(slots=True)
class Index:
    """Patterns by a word they need.  Filled once, at import; read only after that."""

    words: dict[str, list[Pattern]] = field(default_factory=dict)
    prefixes: dict[str, list[Pattern]] = field(default_factory=dict)

    def add(self, keys: Iterable[str], pattern: Pattern) -> None:
        for key in keys:
            if key.endswith("*"):
                self.prefixes.setdefault(key[:_PREFIX], []).append(pattern)
            else:
                self.words.setdefault(key, []).append(pattern)

    def candidates(self, words: Iterable[str]) -> list[Pattern]:
        """Return the patterns that may match a clause of these words, each once."""
        found: dict[int, Pattern] = {}
        for word in words:
            for pattern in self.words.get(word, ()):
                found[id(pattern)] = pattern
            for pattern in self.prefixes.get(word[:_PREFIX], ()):
                found[id(pattern)] = pattern
        return list(found.values())


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything the sentinel knows by heart."""

    dangers: Index
    guards: Index
    caps: Mapping[str, Mapping[str, int]]
    vocabulary: Vocabulary
    before: Mapping[str, re.Pattern[str]]
    unspaced: tuple[Pattern, ...]
    tongues: Mapping[str, tuple[str, ...]]
    """Frequent little words, each with the languages that have it."""


@dataclass(slots=True)
class _Reader:
    """Compiles phrases, and notes every word it meets for the vocabulary.

    `common`: words too frequent to look a phrase up by, if it has any other.
    """

    sets: Mapping[str, list[str]]
    common: frozenset[str]
    words: set[str] = field(default_factory=set)

    def choices(self, element: str) -> Iterator[str]:
        for choice in element.split("|"):
            if choice.startswith("<") and choice.endswith(">"):
                if choice[1:-1] not in self.sets:
                    raise LexiconError(f"no set is called {choice}")
                for member in self.sets[choice[1:-1]]:
                    yield from self.choices(member)
            else:
                yield _folded(choice)

    def compiled(self, phrase: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
        """Return the pattern of a phrase, and the words of which a clause must hold one."""
        parts: list[str] = []
        anchors: list[tuple[str, ...]] = []
        for element in phrase.split():
            if element in _GAPS:
                parts.append(_GAPS[element])
            elif element in _ENDS:
                parts.append(_ENDS[element])
            else:
                choices = tuple(self.choices(element.removesuffix("?")))
                self.words.update(w for c in choices for w in c.split() if w.isalpha())
                group = "|".join(map(_literal, sorted(choices, key=len, reverse=True)))
                optional = element.endswith("?")
                parts.append(f"(?:{group})" + ("?" if optional else ""))
                if not optional and all(_is_word(self.key(choice)) for choice in choices):
                    anchors.append(choices)
        if not anchors:
            raise LexiconError(f"a phrase needs a word it cannot do without: {phrase!r}")
        keys = min(map(self.keys, anchors), key=self.frequency)
        return re.compile(r"(?:^|(?<= ))" + "".join(parts)), keys

    def key(self, choice: str) -> str:
        """Return the word that this choice is least often found without."""
        return min(
            choice.split(), key=lambda word: (not _is_word(word), word in self.common, -len(word))
        )

    def keys(self, choices: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(self.key, choices)))

    def frequency(self, keys: tuple[str, ...]) -> tuple[int, int]:
        return sum(key in self.common for key in keys), len(keys)


def _folded(words: str) -> str:
    return " ".join(folded(words.replace("_", " "), one_script=False).replace("'", " ").split())


def _literal(choice: str) -> str:
    return "".join(f"{_word(word)} " for word in choice.split())


def _word(word: str) -> str:
    if word in _NUMBERS:
        return _NUMBERS[word]
    return re.escape(word[:-1]) + r"\S*" if word.endswith("*") else re.escape(word)


def _is_word(key: str) -> bool:
    return key not in _NUMBERS and (not key.endswith("*") or len(key) > _PREFIX)


def _rules(
    table: list[dict[str, Any]], reader: _Reader, language: str, index: Index, kind: str = ""
) -> None:
    for entry in table:
        rule = Phrases(
            name=entry["name"],
            kind=entry.get("kind", kind),
            level=entry.get("level", 0),
            language=language,
            unless_next=_any_of(entry.get("unless_next", ()), reader),
            unless_live_next=_any_of(entry.get("unless_live_next", ()), reader),
        )
        for phrase in entry["say"]:
            regex, keys = reader.compiled(phrase)
            index.add(keys, Pattern(rule, regex))


def _any_of(phrases: Iterable[str], reader: _Reader) -> re.Pattern[str] | None:
    patterns = [reader.compiled(phrase)[0].pattern for phrase in phrases]
    return re.compile("|".join(patterns)) if patterns else None


def _before(reader: _Reader, entry: Mapping[str, list[str]]) -> dict[str, re.Pattern[str]]:
    """Compile what stands right before a match: each part once, the last one up to five times."""
    compiled = {}
    for name, parts in entry.items():
        groups = [f"(?:{'|'.join(map(_literal, reader.choices(part)))})" for part in parts]
        compiled[name] = re.compile(r"(?:^|(?<= ))" + "".join(groups) + "{0,5}$")
    return compiled


def load(english: Path, world: Path) -> Lexicon:
    """Read the data files; raise `LexiconError` for what cannot be read in them."""
    data = tomllib.loads(english.read_text(encoding="utf-8"))
    others = tomllib.loads(world.read_text(encoding="utf-8"))
    reader = _Reader(data["sets"], frozenset(_folded(data["language"]["common"]).split()))
    dangers, guards = Index(), Index()
    _rules(data["danger"], reader, "en", dangers)
    _rules(data["guard"], reader, "en", guards)
    before = _before(reader, data["before"])
    tongues = dict.fromkeys(data["language"]["words"].split(), ("en",))
    unspaced: list[Pattern] = []
    for language, entry in others.items():
        _rules(entry.get("danger", []), reader, language, dangers)
        _rules(entry.get("guard", []), reader, language, guards)
        for word in set(_folded(entry.get("words", "")).split()):
            tongues[word] = (*tongues.get(word, ()), language)
        for raw in entry.get("unspaced", ()):
            rule = Phrases(raw["name"], raw["kind"], raw["level"], language)
            unspaced += [Pattern(rule, re.compile(_folded(say))) for say in raw["say"]]
    aliases = {_folded(key): value for key, value in data["aliases"].items()}
    words = reader.words | set(data["language"]["more_words"].split())
    return Lexicon(
        dangers=dangers,
        guards=guards,
        caps=data["caps"],
        vocabulary=Vocabulary.of(words, aliases),
        before=before,
        unspaced=tuple(unspaced),
        tongues=tongues,
    )
