"""How a message sounds: bright or dark, loud or quiet.  No model, about 330 words and some rules.

Rule 1: both axes stay in [-1, 1]; a text without any sign of tone is (0, 0).
Rule 2: a clause that speaks of loss never counts as bright: "I miss her laugh" is about missing.
Rule 3: a message that speaks of loss is never bright as a whole.
Rule 4: "not" turns the three words after it, and weakly: "not good" is less dark than "bad" is.
Rule 5: arousal is heard on the surface too: exclamation marks, capitals, stretched words.

Source: the shape of the rules is that of lexicon methods in general (negation, strengthening, the
weight of what follows "but"); words and weights are our own judgement, not fitted to data.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actors.rules.lint import Register
from actors.rules.normalise import folded

LONGEST: Final = 4_000
CALM_ENOUGH: Final = 0.15
"""Valence within this of zero is neither low nor bright."""

_SPREAD: Final = 1.1
"""How many strong words it takes to near the ends: v = s / sqrt(s * s + SPREAD)."""
_TURNED: Final = -0.55
_REACH: Final = 3
_STRONGER: Final = 1.35
_WEAKER: Final = 0.6
_AFTER_BUT: Final = 1.4
_BEFORE_BUT: Final = 0.6
_LOSS: Final = -0.45
_LOSS_CEILING: Final = -0.15
_EMOJI: Final = 0.6
_GOOD_NEWS: Final = 0.6
_SHOUTED_FROM: Final = 2
"""A single capitalised word ("OK", "NASA") is no shouting."""

_CLAUSE: Final = re.compile(r"[.!?;\n]+|,")
_WORD: Final = re.compile(r"[^\W_]+")
_SHOUTED: Final = re.compile(r"\b[A-Z]{3,}\b")
_STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")
_ENDINGS: Final = re.compile(r"([!?]+)")


@dataclass(frozen=True, slots=True)
class Tone:
    """Valence (dark -1 to bright 1) and arousal (quiet -1 to loud 1) of a message."""

    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class _Lexicon:
    valence: Mapping[str, float]
    arousal: Mapping[str, float]
    negations: frozenset[str]
    stronger: frozenset[str]
    weaker: frozenset[str]
    buts: frozenset[str]
    loss: re.Pattern[str]
    farewell: re.Pattern[str]
    good_news: re.Pattern[str]
    bright: frozenset[str]
    dark: frozenset[str]
    loud: frozenset[str]


def _spread(entries: list[dict[str, Any]], key: str) -> dict[str, float]:
    return {word: entry[key] for entry in reversed(entries) for word in entry["say"].split()}


def _phrases(phrases: list[str]) -> str:
    return "|".join(re.escape(folded(phrase)) for phrase in sorted(phrases, key=len, reverse=True))


def _load(path: Path) -> _Lexicon:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    turns, loss, emoji = data["turns"], data["loss"], data["emoji"]
    plain = "|".join(loss["words"].split())
    miss, ones = (r"|".join(loss[key].split()) for key in ("miss", "missed_ones"))
    return _Lexicon(
        valence=_spread(data["words"], "valence"),
        arousal=_spread(data["arousal"], "level"),
        negations=frozenset(turns["negations"].split()),
        stronger=frozenset(turns["stronger"].split()),
        weaker=frozenset(turns["weaker"].split()),
        buts=frozenset(turns["buts"].split()),
        loss=re.compile(
            rf"\b(?:{plain})\b|\b(?:{_phrases(loss['phrases'])})\b"
            rf"|\b(?:{miss}) (?:so much |terribly |really )?(?:{ones})\b"
        ),
        farewell=re.compile(rf"\b(?:{_phrases(data['farewell']['phrases'])})\b"),
        good_news=re.compile(rf"\b(?:{_phrases(data['good_news']['phrases'])})\b"),
        bright=frozenset(emoji["bright"]),
        dark=frozenset(emoji["dark"]),
        loud=frozenset(emoji["loud"]),
    )


LEXICON: Final = _load(Path(__file__).parent / "tone.toml")
_NOT_LOSS: Final = re.compile(
    r"\b(?:dead|died|dying|death) (?:inside joke|battery|phone|pixel|line|lift|laughing|of laugh\w+"
    r"|tired|weight|end|serious|wrong|to (?:see|know|try|hear|meet|get))\b"
    r"|\b(?:battery|phone|laptop|server|internet|wifi|car|plant|character|boss|i|we) (?:just )?"
    r"(?:is |has |was )?(?:dead|died)\b|\bpassed (?:the|my|all|every|with|an?|her|his)\b"
    r"|\bmiss(?:ed|ing)? the (?:bus|train|flight|call|deadline|point|shot|boat|meeting|class)\b"
    r"|\b(?:wake up|woke|wake me)\b|\bput down (?:the|my|a)\b|\bleft me (?:a|some|the)\b"
)


def appraise(text: str) -> Tone:
    """Return how `text` sounds.  Never raises; reads the first 4,000 characters."""
    read = text[:LONGEST]
    plain = folded(read)
    total, loud, grieves = 0.0, 0.0, False
    for clause in _CLAUSE.split(plain):
        lost = _is_loss(clause)
        grieves = grieves or lost
        score, stir = _scored(clause)
        total += min(score, 0.0) + _LOSS if lost else score
        loud += stir
    total += _EMOJI * (_count(read, LEXICON.bright) * (not grieves) - _count(read, LEXICON.dark))
    valence = total / math.sqrt(total * total + _SPREAD)
    if grieves:
        valence = min(valence, _LOSS_CEILING)
    return Tone(_clamped(valence), _clamped(math.tanh(loud) + _surface(read)))


def mourns(text: str) -> bool:
    """Tell whether the words speak of a loss: a death, a parting, somebody missed."""
    return any(map(_is_loss, _CLAUSE.split(folded(text[:LONGEST]))))


def register(text: str) -> Register:
    """Return in which voice an answer to `text` belongs (see `lint.safe_line`)."""
    if mourns(text):
        return "grief"
    tone = appraise(text)
    if tone.valence < -CALM_ENOUGH:
        return "low"
    if LEXICON.farewell.search(folded(text[:LONGEST])):
        return "farewell"
    return "bright" if tone.valence > CALM_ENOUGH else "neutral"


def _is_loss(clause: str) -> bool:
    return LEXICON.loss.search(_NOT_LOSS.sub(" ", clause.replace("'", ""))) is not None


def _scored(clause: str) -> tuple[float, float]:
    """Return the valence and the arousal of a clause's words."""
    words = _WORD.findall(_STRETCHED.sub(r"\1", clause.replace("'", "")))
    total = _GOOD_NEWS * len(LEXICON.good_news.findall(clause.replace("'", "")))
    loud = 0.0
    for i, word in enumerate(words):
        loud += LEXICON.arousal.get(word, 0.0)
        value = LEXICON.valence.get(word, 0.0)
        if word in LEXICON.buts:
            total *= _BEFORE_BUT
        if value:
            weight = _AFTER_BUT if LEXICON.buts.intersection(words[:i][-8:]) else 1.0
            total += weight * _turned(value, words[max(0, i - _REACH) : i])
    return total, loud * 0.6


def _turned(value: float, before: list[str]) -> float:
    """Return a word's valence after the words before it: turned, strengthened or weakened."""
    if before and before[-1] in LEXICON.stronger:
        value *= _STRONGER
    if before and before[-1] in LEXICON.weaker:
        value *= _WEAKER
    if LEXICON.negations.intersection(before):
        value *= _TURNED
    return value


def _surface(text: str) -> float:
    """Return the arousal of how it is typed: marks, capitals, stretched words, loud emoji."""
    marks = sum(min(len(run), 3) for run in _ENDINGS.findall(text) if "!" in run)
    shouted = len(_SHOUTED.findall(text))
    letters = sum(map(str.isalpha, text)) or 1
    capitals = sum(map(str.isupper, text)) / letters
    loud = 0.12 * min(marks, 4)
    if shouted >= _SHOUTED_FROM or (shouted and capitals > 0.6):
        loud += 0.25 + 0.3 * capitals
    loud += 0.12 * min(len(_STRETCHED.findall(text)), 2)
    loud += 0.1 * min(_count(text, LEXICON.loud), 3)
    quiet = 0.1 * min(text.count("...") + text.count("\u2026"), 2)
    return loud - quiet


def _count(text: str, signs: frozenset[str]) -> int:
    return min(sum(text.count(sign) for sign in signs), 3)


def _clamped(value: float) -> float:
    return max(-1.0, min(1.0, value))
