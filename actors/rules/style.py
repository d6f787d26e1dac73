"""Communication style: how a person likes to talk, learned from how they write.

Rule 1: every trait is a running average of what was seen, the newest weighing at least a
twentieth, so that
        people may change.
Rule 2: confidence grows with samples, n / (n + 10); below a half it shapes nothing.
"""

import re
from dataclasses import replace
from typing import Any, Final, Literal

from storage.records import CommunicationStyle

LEAST_WEIGHT: Final = 1 / 20
SAMPLES_TO_HALF: Final = 10
SURE: Final = 0.5
SHORT_WORDS: Final = 12
LONG_WORDS: Final = 45

EMOJI: Final = re.compile(r"[\U0001F300-\U0001FAFF☀-➿]|:[a-z0-9_]{2,32}:|<3|[:;]-?[)D(P]")
FUN: Final = re.compile(
    r"\b(?:lol|lmao|rofl|ha(?:ha)+|he(?:he)+|jk|kidding)\b|😂|🤣|😄", re.IGNORECASE
)
CASUAL: Final = re.compile(
    r"\b(?:u|ur|idk|tbh|ngl|gonna|wanna|gotta|kinda|yeah|yep|nah|thx|pls|omg|imo|btw|cuz)\b",
    re.IGNORECASE,
)
FORMAL: Final = re.compile(
    r"\b(?:would|could|shall|therefore|however|please|thank you|regarding|sincerely|moreover)\b",
    re.IGNORECASE,
)


def observed(style: CommunicationStyle, text: str, *, turn: int) -> CommunicationStyle:
    """Return the style after one more message.

    Args:
        style: as it was.
        text: what the person wrote; an empty one says nothing about style.
        turn: which turn of the sitting it was, from 1 (a sign of engagement).
    """
    words = text.split()
    if not words:
        return style
    count = style.samples_collected + 1
    weight = max(1.0 / count, LEAST_WEIGHT)
    signals = _engaged(style.engagement_signals, len(words), "?" in text, turn, weight)
    return replace(
        style,
        preferred_length=_length(signals["words"]),
        preferred_formality=_moved(style.preferred_formality, _formality(text), weight),
        emoji_affinity=_moved(style.emoji_affinity, min(len(EMOJI.findall(text)) / 2, 1.0), weight),
        humor_affinity=_moved(style.humor_affinity, 1.0 if FUN.search(text) else 0.0, weight),
        detail_preference=_moved(style.detail_preference, min(len(words) / 80, 1.0), weight),
        engagement_signals=signals,
        samples_collected=count,
        confidence=count / (count + SAMPLES_TO_HALF),
    )


def hints(style: CommunicationStyle) -> tuple[str, ...]:
    """Return what the prompt says about how this person likes to talk; nothing while unsure."""
    if style.confidence < SURE:
        return ()
    by_length = {
        "short": "they write briefly: one or two short sentences",
        "medium": "",
        "long": "they write at length: a fuller reply is welcome",
    }
    candidates = (
        by_length[style.preferred_length],
        "plain and casual" if style.preferred_formality < 0.35 else "",
        "somewhat formal" if style.preferred_formality > 0.65 else "",
        "an emoji now and then is welcome" if style.emoji_affinity > 0.4 else "",
        "light humour is welcome" if style.humor_affinity > 0.3 else "",
    )
    return tuple(hint for hint in candidates if hint)


def _engaged(
    signals: dict[str, Any], words: int, asks: bool, turn: int, weight: float
) -> dict[str, Any]:
    return {
        "words": _moved(float(signals.get("words", words)), words, weight),
        "questions": _moved(float(signals.get("questions", asks)), float(asks), weight),
        "longest_sitting": max(int(signals.get("longest_sitting", 0)), turn),
    }


def _length(words: float) -> Literal["short", "medium", "long"]:
    return "short" if words < SHORT_WORDS else "long" if words > LONG_WORDS else "medium"


def _formality(text: str) -> float:
    casual = len(CASUAL.findall(text)) + (text == text.lower()) + ("!!" in text)
    formal = len(FORMAL.findall(text)) + (text[:1].isupper() and text.rstrip()[-1:] in ".?")
    return 0.5 if casual == formal else formal / (casual + formal)


def _moved(average: float, value: float, weight: float) -> float:
    return average + (value - average) * weight
