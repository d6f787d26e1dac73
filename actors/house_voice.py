"""The house voice: a small hand-written listener for when the language model is away.

Rule 1: it says back one thing of this very message, asks at most one question, promises nothing.
Rule 2: it says plainly that it is the simple voice when it begins to speak.
Rule 3: the same message at the same turn gets the same words; the next turn gets others.
Rule 4: what it remembers it quotes, with its day; it makes nothing up and says when it has nothing.
Rule 5: a goodbye is a goodbye: no question, nothing remembered.

All it ever says is in `house_voice.toml` (English) and `house_voice_world.toml`; how words are said
back is in `rules.echo`.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from actors.messages import HouseContext, RecalledMessage
from actors.rules.echo import Thing, echo_of, plain_name, thing_in
from actors.rules.words import terms

LINES_FILE: Final = Path(__file__).with_name("house_voice.toml")
WORLD_FILE: Final = Path(__file__).with_name("house_voice_world.toml")
ENGLISH: Final = "en"
ENGLISH_WORDS: Final = frozenset(
    """
    the i i'm my is and to you it of was he she not that this for with have had just so but we
    they be are what when how me in on at do don't can feel think know like
    """.split()  # noqa: SIM905 - a text is read more easily than forty strings
)
WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
SPELLED: Final = {
    **{word.replace("'", ""): word for word in (
        "i'm", "i've", "don't", "can't", "won't", "didn't", "doesn't", "isn't", "wasn't", "haven't",
        "couldn't", "wouldn't", "shouldn't", "what's", "that's", "she's", "he's", "they're",
        "you're",
    )},
    "u": "you", "ur": "you're", "r": "are", "pls": "please",
}  # fmt: skip
"""How words are spelled that many write without their apostrophe."""
LAST_LATIN: Final = 0x24F
MOST_WORDS: Final = 60
QUOTED_WORDS: Final = 18
LONGEST_KNOWN: Final = 160
SAME_MATTER: Final = 2
"""So many words a memory must share with a message to be brought up with it unasked."""
ASKED_SHARE: Final = 0.5
"""So many of the words of a question about the past a memory must hold to be its answer."""
LOW_TONE: Final = -0.25
BRIGHT_TONE: Final = 0.5
UNSAYABLE: Final = re.compile(r"https?:|www\.|[<>@#*_`|/\\{}\[\]~^]|\d{5,}|\?")
QUOTES: Final = str.maketrans(dict.fromkeys('\u201c\u201d\u201e"', "'"))
WEAVING: Final = frozenset(
    {"pet", "grief", "breakup", "missing", "illness", "lonely", "anger", "worry", "tired", "sad",
     "setback", "joy", "birthday", "low", "plain"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """The house voice's book: what tells each kind of talk, and the lines for it."""

    kinds: dict[str, re.Pattern[str]]
    lines: dict[str, list[str]]
    introductions: dict[str, str]


@cache
def script() -> Script:
    """Return the book, read once."""
    data = tomllib.loads(LINES_FILE.read_text(encoding="utf-8"))
    kinds = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in data["kinds"].items()}
    return Script(kinds, data["lines"], data["introduction"])


def speak(context: HouseContext, introduction: str | None = None) -> str:
    """Return what the house voice says to a message.

    Args:
        context: the message, and what may be said of the person here.
        introduction: why it speaks instead of the model (a code, see `Draft.reason`), if that is
            to be told; None if it is known already.

    Returns:
        At most 60 words, the introduction not counted, and at most one question.
    """
    tongue = language_of(context.text)
    if tongue != ENGLISH:
        said, introductions = abroad(tongue, context), {"other": world()[tongue].introduction}
    else:
        kind = kind_of(context.text)
        line = remembered(context) if kind == "recall" else chosen(kind, context)
        said, introductions = woven(line, kind, context), script().introductions
    if introduction is None:
        return said
    return f"{said}\n{introductions.get(introduction, introductions['other'])}"


def kind_of(text: str) -> str:
    """Return what kind of talk a message is."""
    folded = WORD.sub(_spelled, _folded(text))
    for kind, pattern in script().kinds.items():
        if pattern.search(folded):
            return kind
    if not folded:
        return "silence"
    if is_foreign(folded):
        return "foreign"
    return "question" if folded.endswith("?") else "plain"


def _folded(text: str) -> str:
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold().strip()


def _spelled(word: re.Match[str]) -> str:
    return SPELLED.get(word[0], word[0])


def chosen(kind: str, context: HouseContext) -> str:
    """Return a line of that kind, about the thing or with an echo of the message if it has one."""
    thing, echo = thing_in(context.text), echo_of(context.text)
    felt = _felt(kind, context.tone)
    if felt == "greeting" and (known := _sayable(context.known[:1])):
        return _filled("greeting_known", context, Thing(), "", known=known[0])
    return _filled(_pool(felt, thing, echo, context.turn), context, thing, echo)


def _felt(kind: str, tone: float) -> str:
    """Return the kind of a plain message as its tone has it."""
    if kind != "plain":
        return kind
    return "low" if tone <= LOW_TONE else "joy" if tone >= BRIGHT_TONE else kind


def _pool(kind: str, thing: Thing, echo: str, turn: int) -> str:
    """Return the name of the list of lines to choose from."""
    lines = script().lines
    fitting = [
        f"{kind}_lost" if thing.lost else "",
        f"{kind}_thing" if thing else "",
        f"{kind}_echo" if echo else "",
    ]
    pools = [name for name in fitting if name in lines]
    if pools[:1] == [f"{kind}_thing"] and len(pools) > 1 and turn % 2 == 0:
        return pools[1]  # now and then the sentence instead of whom it is about
    return pools[0] if pools else kind


def _filled(pool: str, context: HouseContext, thing: Thing, echo: str, **more: str) -> str:
    lines = script().lines[pool]
    line = lines[(context.seed + context.turn) % len(lines)]
    name = plain_name(context.name)
    slots = {
        "thing": thing.full,
        "who": thing.short,
        "echo": echo,
        "name": f", {name}" if name else "",
        **more,
    }
    return _capitalised(line.format_map(slots))


def _capitalised(text: str) -> str:
    """Return `text` with a capital at the beginning of each of its sentences."""
    return re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)


# --- other languages


@dataclass(frozen=True, slots=True)
class Tongue:
    """What it can say in another language."""

    words: frozenset[str]
    introduction: str
    kinds: dict[str, re.Pattern[str]]
    lines: dict[str, list[str]]


@cache
def world() -> dict[str, Tongue]:
    """Return the book of other languages, read once."""
    data = tomllib.loads(WORLD_FILE.read_text(encoding="utf-8"))
    return {
        code: Tongue(
            frozenset(book["words"].split()),
            book["introduction"],
            {kind: re.compile(pattern) for kind, pattern in book["kinds"].items()},
            book["lines"],
        )
        for code, book in data.items()
    }


def language_of(text: str) -> str:
    """Return the language of a message, as a code; English unless another is plain."""
    words = WORD.findall(_folded(text))
    found = {code: sum(w in tongue.words for w in words) for code, tongue in world().items()}
    best = max(found, key=lambda code: found[code])
    english = sum(word in ENGLISH_WORDS for word in words)
    enough = found[best] >= 2 or (found[best] == 1 and len(words) <= 2)
    return best if enough and found[best] > english else ENGLISH


def is_foreign(text: str) -> bool:
    """Return whether most letters of a text are of a script that it cannot read."""
    letters = [c for c in text if c.isalpha()]
    return sum(ord(c) > LAST_LATIN for c in letters) > len(letters) / 2


def abroad(code: str, context: HouseContext) -> str:
    """Return a line in another language."""
    folded = context.text.casefold().strip()
    tongue = world()[code]
    told = (kind for kind, pattern in tongue.kinds.items() if pattern.search(folded))
    kind = next(told, "question" if folded.endswith("?") else "plain")
    lines = tongue.lines[kind]
    name = plain_name(context.name)
    line = lines[(context.seed + context.turn) % len(lines)]
    return line.format_map({"name": f", {name}" if name else ""})


# --- what it remembers


def woven(said: str, kind: str, context: HouseContext) -> str:
    """Return the line with what is remembered of the same matter, if there is something.

    Only of other days (today's is still in the ear), and only every other turn.
    """
    if _felt(kind, context.tone) not in WEAVING or context.turn % 2:
        return said
    for quoted in _quotes(context):
        if _is_today(quoted, context) or not _belongs(quoted.text, context.text):
            continue
        more = _filled("weave_said", context, Thing(), "", **_quote(quoted, context))
        return _together(more, said)
    for known in _sayable(context.known):
        if _belongs(known, context.text):
            return _together(_filled("weave_known", context, Thing(), "", known=known), said)
    return said


def _belongs(memory: str, text: str) -> bool:
    """Return whether a memory is of the same matter as a message: somebody's name, or words."""
    shared = set(terms(memory)) & set(terms(text))
    return len(shared) >= SAME_MATTER or bool(shared & set(terms(thing_in(text).name)))


def remembered(context: HouseContext) -> str:
    """Return what is remembered of what the person asks about; or that nothing is."""
    asked = set(terms(context.text)) - ABOUT_MEMORY
    known = _sayable(context.known)
    fitting = [fact for fact in known if _holds(fact, asked)] if asked else known
    if fitting:
        return _fitted("recall_known", context, fitting)
    for quoted in _quotes(context):
        if _holds(quoted.text, asked) if asked else _tells(quoted.text):
            return _filled("recall_said", context, Thing(), "", **_quote(quoted, context))
    return _filled("recall", context, Thing(), "")


ABOUT_MEMORY: Final = frozenset(terms("remember know recall tell told call called name named old"))


def _holds(memory: str, asked: set[str]) -> bool:
    """Return whether a memory has enough of the words asked for."""
    return len(asked & set(terms(memory))) >= max(1.0, ASKED_SHARE * len(asked))


def _tells(memory: str) -> bool:
    """Return whether a memory says something of the person or of theirs."""
    return bool(thing_in(memory) or echo_of(memory))


def _fitted(pool: str, context: HouseContext, facts: list[str]) -> str:
    """Return a line with as many facts as fit."""
    for count in range(min(len(facts), 4), 1, -1):
        said = _filled(pool, context, Thing(), "", known="; ".join(facts[:count]))
        if len(said.split()) <= MOST_WORDS:
            return said
    return _filled(pool, context, Thing(), "", known=facts[0])


def _together(one: str, other: str) -> str:
    both = f"{one} {other}"
    return both if len(both.split()) <= MOST_WORDS else other


def _sayable(facts: tuple[str, ...]) -> list[str]:
    """Return the facts that can stand in a line: whole, short, without a question or markup."""
    return [
        fact.strip().rstrip(".!")
        for fact in facts
        if fact.strip() and len(fact) <= LONGEST_KNOWN and not UNSAYABLE.search(fact)
    ]


def _quotes(context: HouseContext) -> list[RecalledMessage]:
    """Return what the person said earlier that can be quoted, best first."""
    heard = " ".join(context.text.split())
    return [
        past
        for past in context.said
        if len(past.text.split()) > 2
        and not UNSAYABLE.search(past.text)
        and " ".join(past.text.split()) not in heard
    ]


def _quote(past: RecalledMessage, context: HouseContext) -> dict[str, str]:
    words = past.text.translate(QUOTES).split()
    cut = " ".join(words[:QUOTED_WORDS]) + ("\u2026" if len(words) > QUOTED_WORDS else "")
    when = "earlier" if _is_today(past, context) else f"on {past.at.day} {past.at:%B}"
    return {"quote": cut, "when": when}


def _is_today(past: RecalledMessage, context: HouseContext) -> bool:
    return context.now is not None and past.at.date() == context.now.date()
