"""Text as it was meant, out of text as it was typed.

Rule 1: nothing raises, whatever the text holds (NUL, lone surrogates, 100 marks on one letter).
Rule 2: time grows linearly with the text; every pattern here is bounded.
Rule 3: invisible characters, marks, look-alike letters, wide or fancy letters change nothing.
Rule 4: a word is repaired only into a word of the vocabulary, never into a guess.
Rule 5: what is said in one clause cannot change how another clause is read.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff"
    "\U000e0000-\U000e0fff]+"
)
_APOSTROPHES: Final = dict.fromkeys(
    map(ord, "\u2018\u2019\u201b\u02bc\u00b4\u0060\u2032\u02b9"), "'"
)
_LAUGHS: Final = dict.fromkeys(
    map(ord, "\U0001f602\U0001f923\U0001f480\U0001f606\U0001f639"), " lol "
)
_SONGS: Final = dict.fromkeys(map(ord, "\u266a\u266b\U0001f3b5\U0001f3b6"), " lyrics ")
_SMALL: Final = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡıłøđ", "abcdefghijklmnoprstuvwyzagilod")
_LETTERS: Final[dict[int, str | int | None]] = {
    **{0x1F1E6 + i: chr(97 + i) for i in range(26)},  # regional indicators
    **{0x1F150 + i: chr(97 + i) for i in range(26)},  # negative circled
    **{0x1F170 + i: chr(97 + i) for i in range(26)},  # negative squared
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("_"): " ",
}
_SIGNS: Final[dict[int, str | int | None]] = {
    **_APOSTROPHES,
    **_LAUGHS,
    **_SONGS,
    **_SMALL,
    **_LETTERS,
}

_LOOKALIKES: Final = str.maketrans(
    "авгԁеіјкӏмнорѕсттуѵԝхһ" + "αβεηικνορτυχωγ",
    "abrdeijklmhopscttyvwxh" + "abenikvoptuxwy",
)
_LOOKALIKE_SCRIPTS: Final = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_WORD: Final = re.compile(r"\w+")

_SPACED: Final = re.compile(
    r"(?<![^\W_])[^\W\d_]([ .\-*/|~+])[^\W\d_](?:\1[^\W\d_])+(?![^\W_])(?!')"
)
_BREAK: Final = re.compile(r"(?<![.!?;:,])[.!?;:,]++(?=\s|$)|[,;\n\r\u3002\u061f\u060c\u0964]+")
_TOKEN: Final = re.compile(r"[$@]?[^\W_](?:[^\W_]|['@$!*|+](?=[^\W_*]))*|\*[^\W_]+")
_LEET: Final = (
    str.maketrans("013457@$!|+", "oieastasiit"),
    str.maketrans("013457@$!|+", "oleastasilt"),
)
_LEET_SIGNS: Final = re.compile(r"[013457@$!|+]")
_SPLIT_SIGNS: Final = re.compile(r"[@$!*|+']+")
_NUMBER_GLUED: Final = re.compile(r"(\d+)([^\W\d_]+)")
_LONG_RUN: Final = re.compile(r"(.)\1{2,}")
_MOST_RUNS: Final = 4
_MOST_STARS: Final = 2
_SHORTEST_GLUED: Final = 6
_MOST_PIECES: Final = 12

_ENDINGS: Final = {"m": "am", "ve": "have", "ll": "will", "re": "are", "d": "would", "s": "is"}
_NOT: Final = {"ca": "can", "wo": "will", "sha": "shall", "ai": "am"}

_TURNS: Final = frozenset(("but", "however", "aber", "pero", "maar", "но"))
_LINKS: Final = frozenset(
    ("and", "so", "because", "cause", "cuz", "then", "though", "although", "since", "while", "yet")
)
_I: Final = frozenset(("i", "im", "ich", "je", "j", "ik", "yo", "io", "eu", "ja"))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that broken words may be repaired into, and other spellings of some of them."""

    words: frozenset[str]
    aliases: Mapping[str, str]
    longest: int

    @classmethod
    def of(cls, words: Iterable[str], aliases: Mapping[str, str]) -> "Vocabulary":
        """Build a vocabulary; the aliases' own spellings count as words of it."""
        known = frozenset(words) | frozenset(aliases)
        return cls(known, dict(aliases), max(map(len, known), default=0))


def folded(text: str, *, one_script: bool = True) -> str:
    """Return `text` in lower case without marks, invisible characters and look-alike letters.

    `one_script`: a text that look-alike letters alone make Latin is read as Latin.
    """
    if text.isascii():
        return _INVISIBLE.sub("", text).lower().replace("_", " ").replace("`", "'")
    plain = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text).translate(_APOSTROPHES))
    plain = unicodedata.normalize("NFKD", plain.casefold())
    plain = _INVISIBLE.sub("", _MARKS.sub("", plain)).translate(_SIGNS)
    if _LOOKALIKE_SCRIPTS.search(plain):
        plain = _in_one_script(plain, one_script)
    return unicodedata.normalize("NFC", plain)


def clauses(text: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the clauses of a folded `text`: repaired words, each followed by one space."""
    for part in _BREAK.split(_SPACED.sub(_joined, text)):
        words = [
            word for token in _TOKEN.findall(part) for word in _repaired(token, vocabulary).split()
        ]
        yield from _at_turns(words)


def _in_one_script(text: str, whole: bool) -> str:
    latin = text.translate(_LOOKALIKES)
    return latin if whole and latin.isascii() else _WORD.sub(_latin_if_mixed, text)


def _latin_if_mixed(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not any("a" <= sign <= "z" for sign in word):
        return word
    return word.translate(_LOOKALIKES)


def _joined(match: re.Match[str]) -> str:
    return match[0].replace(match[1], "")


def _at_turns(words: list[str]) -> Iterator[str]:
    """Split where a new statement about oneself begins, so that guards stay with their own."""
    start = 0
    for i, word in enumerate(words):
        turns = word in _TURNS or (word in _LINKS and bool(_I.intersection(words[i + 1 : i + 3])))
        if turns and i > start:
            yield " ".join(words[start:i]) + " "
            start = i
    if start < len(words):
        yield " ".join(words[start:]) + " "


def _repaired(token: str, vocabulary: Vocabulary) -> str:
    """Return `token` as words of the vocabulary where that can be done, else as it is."""
    alias = vocabulary.aliases.get(token)
    if alias is not None:
        return alias
    if token in vocabulary.words or token.isdigit():
        return token
    if token.isalpha():
        return _unstretched(token, vocabulary)
    if "'" in token:
        return _expanded(token, vocabulary)
    return _unmasked(token, vocabulary)


def _expanded(token: str, vocabulary: Vocabulary) -> str:
    head, _, tail = token.rpartition("'")
    if tail == "t" and head.endswith("n"):
        stem = head[:-1]
        return f"{_repaired(_NOT.get(stem, stem), vocabulary)} not"
    if head.count("'") == 0 and tail in _ENDINGS:
        return f"{_repaired(head, vocabulary)} {_ENDINGS[tail]}"
    return token.replace("'", " ")


def _unmasked(token: str, vocabulary: Vocabulary) -> str:
    """Undo leet ("k1ll", "$uicide"), stars ("k*ll") and numbers glued to words ("30pills")."""
    if _LEET_SIGNS.search(token):
        for table in _LEET:
            word = _unstretched(token.translate(table), vocabulary)
            if all(piece in vocabulary.words for piece in word.split()):
                return _spelled(word, vocabulary)
    stars = token.count("*")
    if 0 < stars <= _MOST_STARS:
        for vowels in product("aeiouy", repeat=stars):
            fill = iter(vowels)
            word = "".join(next(fill) if sign == "*" else sign for sign in token)
            if word in vocabulary.words:
                return _spelled(word, vocabulary)
    glued = _NUMBER_GLUED.fullmatch(token)
    if glued:
        return f"{glued[1]} {_unstretched(glued[2], vocabulary)}"
    return " ".join(_unstretched(part, vocabulary) for part in _SPLIT_SIGNS.split(token) if part)


def _spelled(words: str, vocabulary: Vocabulary) -> str:
    return " ".join(vocabulary.aliases.get(word, word) for word in words.split())


def _unstretched(token: str, vocabulary: Vocabulary) -> str:
    """Return "diiiie" as "die", then take apart what was glued together ("killmyself")."""
    if token in vocabulary.words:
        return vocabulary.aliases.get(token, token)
    runs = _LONG_RUN.findall(token)
    if not runs:
        return _unglued(token, vocabulary)
    for lengths in product((1, 2), repeat=min(len(runs), _MOST_RUNS)):
        word = _shortened(token, lengths)
        if word in vocabulary.words:
            return vocabulary.aliases.get(word, word)
    return _unglued(_LONG_RUN.sub(r"\1", token), vocabulary)


def _is_piece(piece: str, vocabulary: Vocabulary) -> bool:
    return piece in vocabulary.words and (len(piece) > 1 or piece in "ia")


def _shortened(token: str, lengths: tuple[int, ...]) -> str:
    left = iter(lengths)
    return _LONG_RUN.sub(lambda run: run[1] * next(left, 1), token)


def _unglued(token: str, vocabulary: Vocabulary) -> str:
    """Return the fewest vocabulary words that make up `token`, or `token` itself."""
    size = len(token)
    unlikely = size > _MOST_PIECES * vocabulary.longest
    if size < _SHORTEST_GLUED or unlikely or token in vocabulary.words:
        return vocabulary.aliases.get(token, token)
    fewest = [0, *([size + 1] * size)]
    cut = [0] * (size + 1)
    for start in range(size):
        pieces_so_far = fewest[start] + 1
        if pieces_so_far > _MOST_PIECES:
            continue
        for end in range(start + 1, min(size, start + vocabulary.longest) + 1):
            if pieces_so_far < fewest[end] and _is_piece(token[start:end], vocabulary):
                fewest[end], cut[end] = pieces_so_far, start
    if fewest[size] > _MOST_PIECES:
        return token
    pieces: list[str] = []
    while size:
        piece = token[cut[size] : size]
        pieces.append(vocabulary.aliases.get(piece, piece))
        size = cut[size]
    return " ".join(reversed(pieces))
