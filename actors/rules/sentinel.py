"""Is somebody in danger?  Decided by words alone, before anything else is done with a message.

Rule 1: never raises, and takes time linear in the text (well under 1 ms for 500 characters).
Rule 2: a guard (game, song, joke, past, another person, "not") holds within its clause only.
Rule 3: so what is added around a clause never lowers its level; it can only raise it.
Rule 4: a level speaks of danger to the person who writes; a label says whom else it is about.
Rule 5: with the words alone, missing somebody costs more than asking one kind question.

The phrases are in sentinel.toml (English, in depth) and sentinel_world.toml (levels 2 and 3 in
other languages).  No clinician has reviewed them.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

from actors.rules.lexicon import Lexicon, Pattern, Phrases, load
from actors.rules.normalise import clauses, folded

HERE: Final = Path(__file__).parent
LEXICON: Final[Lexicon] = load(HERE / "sentinel.toml", HERE / "sentinel_world.toml")

LONGEST: Final = 12_000
"""Characters that are read; Discord allows 4,000.  Of a longer text both ends are read."""

_MOST_MATCHES: Final = 12
"""Of one phrase in one clause; keeps a clause of a thousand "die" linear."""
_LEFT: Final = 90
"""Characters before a match in which its subject and its "not" are looked for."""
_UNCAPPED: Final = 3
_MANY_SOFT_SIGNS: Final = 3


class Label(StrEnum):
    """Whom or what a message is about, other than danger to its writer."""

    OTHER = "other"
    """Worry about another person."""
    PAST = "past"
    """Survived, and past."""
    BEREAVED = "bereaved"
    """Lost somebody to suicide."""
    VIOLENCE = "violence"
    """Abuse or violence, suffered or (with THREAT) meant for somebody else."""
    THREAT = "threat"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the sentinel read: 0 nothing, 1 soft signs, 2 ideation or self-harm, 3 imminent.

    `language` is a two-letter code, or None if the words do not tell.
    """

    level: int
    labels: frozenset[Label] = frozenset()
    language: str | None = None


CALM: Final = Reading(0)

_LABEL_KINDS: Final = {
    "other": frozenset({Label.OTHER}),
    "bereaved": frozenset({Label.BEREAVED}),
    "violence": frozenset({Label.VIOLENCE}),
    "threat": frozenset({Label.VIOLENCE, Label.THREAT}),
}
_PRESENT_VERBS: Final = frozenset(
    ("am", "want", "wants", "feel", "feeling", "going", "will", "wish", "need", "can")
)
_LIVING: Final = frozenset(("live", "living", "exist", "existing", "be", "here", "alive"))
_WANTING: Final = frozenset(("want", "need", "ready", "would"))
_SCRIPTS: Final = tuple(
    (re.compile(f"[{signs}]"), language)
    for signs, language in (
        ("\uac00-\ud7a3\u1100-\u11ff", "ko"),
        ("\u3040-\u30ff", "ja"),
        ("\u4e00-\u9fff", "zh"),
        ("\u0456\u0454\u0491", "uk"),
        ("\u0430-\u044f", "ru"),
        ("\u03b1-\u03c9", "el"),
        ("\u0621-\u064a", "ar"),
        ("\u05d0-\u05ea", "he"),
        ("\u0904-\u0939", "hi"),
        ("\u0e01-\u0e2e", "th"),
    )
)


@dataclass(slots=True)
class _Findings:
    """What has been found so far in one message.  Everything here only grows."""

    level: int = 0
    labels: set[Label] = field(default_factory=set)
    signs: set[str] = field(default_factory=set)
    soft: set[str] = field(default_factory=set)
    languages: Counter[str] = field(default_factory=Counter)

    def raised(self, level: int, pattern: Pattern) -> None:
        self.level = max(self.level, level)
        if level:
            self.languages[pattern.rule.language] += level
        if pattern.rule.kind == "soft":
            self.soft.add(pattern.rule.name)


def read(text: str) -> Reading:
    """Return how much danger the words of `text` speak of.

    Args:
        text: anything a person can type, any length, any characters.

    Returns:
        The highest level of any clause, raised where signs stand together (a goodbye beside a
        wish to die, means at hand beside despair).
    """
    plain = folded(text if len(text) <= LONGEST else text[: LONGEST // 2] + text[-LONGEST // 2 :])
    found = _Findings()
    spoken: Counter[str] = Counter()
    for clause in clauses(plain, LEXICON.vocabulary):
        words = clause.split()
        for word in words:
            for tongue in LEXICON.tongues.get(word, ()):
                spoken[tongue] += 1
        _read_clause(clause, words, found)
    if not plain.isascii():
        _read_unspaced(plain, found)
    _stand_together(found)
    return Reading(found.level, frozenset(found.labels), _language(plain, spoken, found.languages))


def language_of(text: str) -> str | None:
    """Return the language the words of `text` tell of, as a two-letter code."""
    return read(text).language


def _read_clause(clause: str, words: list[str], found: _Findings) -> None:
    candidates = LEXICON.dangers.candidates(words)
    guards: frozenset[str] | None = None
    for pattern in candidates:
        for match in islice(pattern.regex.finditer(clause), _MOST_MATCHES):
            if guards is None:
                guards = _guards(clause, words)
            if _judge(pattern, match, guards, found):
                break


def _guards(clause: str, words: list[str]) -> frozenset[str]:
    return frozenset(
        pattern.rule.name
        for pattern in LEXICON.guards.candidates(words)
        if pattern.regex.search(clause)
    )


def _judge(
    pattern: Pattern, match: re.Match[str], guards: frozenset[str], found: _Findings
) -> bool:
    """Add what a match means to `found`; return whether it counted."""
    rule = pattern.rule
    if _goes_on_harmlessly(rule, match):
        return False
    cap = min((LEXICON.caps.get(g, {}).get(rule.kind, _UNCAPPED) for g in guards), default=3)
    if rule.kind in _LABEL_KINDS:
        if cap:
            found.labels |= _LABEL_KINDS[rule.kind]
        return bool(cap)
    if rule.kind == "flag":
        if cap:
            found.signs.add(rule.name)
        return bool(cap)
    left = match.string[max(0, match.start() - _LEFT) : match.start()]
    cap = min(cap, _cap_by_subject(left, rule.kind, rule.language, found))
    if cap and _is_past(match, guards):
        found.labels.add(Label.PAST)
        return False
    level = min(rule.level, cap)
    if level == 2 and "tonight" in guards and _is_meant_now(rule.kind, match):
        level = 3
    found.raised(level, pattern)
    return level == rule.level


def _goes_on_harmlessly(rule: Phrases, match: re.Match[str]) -> bool:
    """Tell whether what follows makes it a figure of speech, or a place to live."""
    clause, end = match.string, match.end()
    if rule.unless_next and rule.unless_next.match(clause, end):
        return True
    lives = match[0].rstrip().rpartition(" ")[2] in _LIVING
    return bool(lives and rule.unless_live_next and rule.unless_live_next.match(clause, end))


def _cap_by_subject(left: str, kind: str, language: str, found: _Findings) -> int:
    """Return the highest level for words of which somebody else may be the subject."""
    before = LEXICON.before
    if kind == "farewell":
        return _UNCAPPED
    if language != "en":
        return 0 if before["negated_abroad"].search(left) else _UNCAPPED
    if before["negated"].search(left) or before["anybody"].search(left):
        return 0
    if before["quoted"].search(left):
        return 1
    if before["them"].search(left) or before["told"].search(left):
        found.labels.add(Label.OTHER)
        return 0
    return _UNCAPPED


def _is_past(match: re.Match[str], guards: frozenset[str]) -> bool:
    if "past" not in guards or "present" in guards:
        return False
    if "used to " in match.string:
        return True
    return "pastverb" in guards and not _PRESENT_VERBS.intersection(match[0].split())


def _is_meant_now(kind: str, match: re.Match[str]) -> bool:
    if kind in ("explicit", "slang", "here", "world"):
        return True
    return kind == "plain" and bool(_WANTING.intersection(match[0].split()))


def _read_unspaced(plain: str, found: _Findings) -> None:
    """Read the languages that put no spaces between words."""
    joined = "".join(plain.split())
    for pattern in LEXICON.unspaced:
        if pattern.regex.search(joined):
            found.raised(pattern.rule.level, pattern)


def _stand_together(found: _Findings) -> None:
    """Raise the level for signs that mean more beside each other than alone."""
    signs = found.signs
    if Label.PAST in found.labels and "relapse" in signs:
        found.level = max(found.level, 2)
    if Label.BEREAVED in found.labels and "reunion" in signs:
        found.level = max(found.level, 2)
    if found.level == 2 and signs & {"goodbye", "parting", "means"}:
        found.level = 3
    if found.level == 1 and (len(found.soft) >= _MANY_SOFT_SIGNS or signs & {"goodbye", "means"}):
        found.level = 2


def _language(plain: str, spoken: Counter[str], matched: Counter[str]) -> str | None:
    if matched:
        return max(matched, key=lambda language: (matched[language], spoken[language]))
    if not plain.isascii():
        for script, language in _SCRIPTS:
            if script.search(plain):
                return language
    best = spoken.most_common(2)
    if not best or best[0][1] < 2 or (len(best) == 2 and best[0][1] == best[1][1]):
        return None
    return best[0][0]
