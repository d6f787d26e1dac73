"""Echoes: saying back what somebody said, in the second person, and what it is about.

Rule 1: only a statement about the speaker is turned, and only a short one: "I had to sell my
mother's house" becomes "you had to sell your mother's house".
Rule 2: nothing is said back that would hurt or do harm there: no verdict on oneself, no talk of
dying, no coarse words, no numbers, addresses or markup.
Rule 3: names and relations are said back as they were given, never guessed.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

LONGEST_ECHO: Final = 14
SHORTEST_ECHO: Final = 3
LONGEST_NAME: Final = 32

_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`", "'"))
_SENTENCE: Final = re.compile(r"[^.!?\u2026\n]+[.!?\u2026]*")
_CLAUSE: Final = re.compile(
    r"[,;:\u2013\u2014]\s+|\s+-\s+"
    r"|\s+(?:but|because|so|cause|cuz|and(?=\s+(?:i|i'm|i've|my|we)\b))\s+",
    re.IGNORECASE,
)
_FILLER: Final = re.compile(
    r"^(?:well|so|and|but|ok|okay|yeah|yes|no|oh|hey|hi|hello|honestly|also|just|like|anyway|man"
    r"|i mean|i guess|i think|i suppose|because|cause|tbh|sorry),?\s+",
    re.IGNORECASE,
)
_OWN: Final = re.compile(
    r"^(?:(?:today|yesterday|tonight|lately|sometimes|now|again),?\s+)?"
    r"(?:i|i'm|im|i've|ive|i'd|i'll|we|we're|we've|my|our)\b",
    re.IGNORECASE,
)
_UNTURNABLE: Final = re.compile(
    r"\b(?:you|your|yours|u|ur|yourself|thou|ya|bot|bartender)\b"
    r"|[<>@#*_`|/\\{}\[\]\"\u201c\u201d~^=]|https?:|www\.|\d{4,}|:\w+:",
    re.IGNORECASE,
)
_UNKIND: Final = re.compile(
    r"\b(?:stupid|idiots?|dumb|worthless|useless|ugly|fat|losers?|failures?|pathetic|burden|trash"
    r"|disgusting|broken|weak|crazy|insane|unlov\w+|hate|deserve\w*|fault|blame"
    r"|die|dying|dead inside|kill\w*|suicid\w*|cut|cutting|hurt(?:ing)? myself|end it|overdos\w*"
    r"|pills?|meds?|medication|drunk|purg\w*|starv\w*"
    r"|fuck\w*|shit\w*|bitch\w*|cunt|dick|cock|puss\w*|sex\w*|porn\w*|nudes?|horny|naked|rap(?:e|ed)"
    r"|nigg\w*|fag\w*|retard\w*|slut\w*|whore\w*)\b",
    re.IGNORECASE,
)
_TURNED: Final = {
    "i": "you", "i'm": "you're", "im": "you're", "i've": "you've", "ive": "you've",
    "i'll": "you'll", "i'd": "you'd", "me": "you", "my": "your", "mine": "yours",
    "myself": "yourself", "we": "you", "we're": "you're", "we've": "you've", "we'll": "you'll",
    "we'd": "you'd", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
}  # fmt: skip
_AFTER_I: Final = {"am": "are", "was": "were", "wasn't": "weren't"}
_BETWEEN: Final = frozenset({"never", "just", "really", "only", "still", "also", "always", "once"})
_TOKEN: Final = re.compile(r"[\w']+|[^\w']+")

_RELATION: Final = (
    r"mom|mum|mommy|mama|mother|dad|daddy|papa|father|parents|brother|sister|siblings?|twin|son"
    r"|daughter|kids?|child(?:ren)?|baby|wife|husband|fiance|fiancee|partner|girlfriend|boyfriend"
    r"|ex(?:-(?:wife|husband|girlfriend|boyfriend))?|grand(?:ma|pa|mother|father|parents|son|daughter)"
    r"|nana|nan|aunt|uncle|cousin|niece|nephew|(?:step|foster )?(?:mother|father|brother|sister)"
    r"|mother-in-law|father-in-law|friends?|best friend|roommate|flatmate|neighbou?r|teacher|mentor"
    r"|colleagues?|coworkers?|co-workers?|team"
)
_ANIMAL: Final = (
    r"dog|cat|puppy|kitten|kitty|rabbit|bunny|horse|pony|parrot|budgie|bird|hamster|guinea pig"
    r"|ferret|rat|turtle|tortoise|lizard|snake|goldfish|fish|pet"
)
_MATTER: Final = (
    r"boss|manager|job|work|shift|school|college|university|course|thesis|exams?|finals|interview"
    r"|presentation|deadline|family|marriage|wedding|divorce|relationship|house|flat|apartment|home"
    r"|garden|car|bike|health|back|knee|sleep|surgery|operation|treatment|therapy|birthday|move|rent"
    r"|money|book|novel|band|music|guitar|piano|game|project|business|shop"
)
_GIVEN: Final = r"(?-i:[A-Z\u00c0-\u00de][\w'-]{1,24})"
_CALLED: Final = rf"(?:,?\s+(?:(?:is|was|who is|who was)\s+)?(?:named|called)\s+|,?\s+)({_GIVEN})"
_THING: Final = re.compile(
    r"\b(?:my|our)\s+((?:(?:late|old|little|big|younger|older|best|dear|first|new|dead|poor|sweet)\s+)?"
    rf"(?:{_RELATION}|{_ANIMAL}|{_MATTER}))\b(?!'s\s+\w)(?:{_CALLED})?",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    rf"\b(?:miss|lost|loved|love|remember|buried|about|without|mourn|mourning)\s+({_GIVEN})"
    rf"|\b({_GIVEN})\s+(?:died|passed away|is gone|was put down|left me)\b",
    re.IGNORECASE,
)
_LOST_AFTER: Final = re.compile(
    r"[\s,]{0,2}(?:(?:has|have|had|just|is|was|she|he|they|who|finally|suddenly|recently)\s+){0,3}"
    r"(?:died|dead|passed(?: away| on)?\b(?! (?:the|my|his|her|their|an?)\b)|gone\b"
    r"|put (?:down|to sleep)|left me|didn't make it|broke up with me|dumped me)",
    re.IGNORECASE,
)
_LOST_BEFORE: Final = re.compile(
    r"\b(?:lost|buried|put down|mourn(?:ing)?|grieving|death of|loss of|funeral (?:of|for)"
    r"|without|broke up with|goodbye to)(?: for)?\s+$",
    re.IGNORECASE,
)
_PUT: Final = re.compile(r"\bput\s+$", re.IGNORECASE)
_DOWN: Final = re.compile(r"\s+(?:down|to sleep)\b", re.IGNORECASE)
_NO_NAMES: Final = frozenset(
    """
    i i'm im my we you he she they it the a an this that and but or so god today yesterday tonight
    monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december christmas everything everyone everybody
    someone somebody nobody nothing something people him her them me us his hers because since
    is was when who now died just has had
    """.split()  # noqa: SIM905 - a text is read more easily than eighty strings
)


@dataclass(frozen=True, slots=True)
class Thing:
    """Whom or what a message is about.  `what` is empty for a name alone.

    `lost`: the message says that it is gone: died, was buried, left.
    """

    what: str = ""
    name: str = ""
    lost: bool = False

    @property
    def full(self) -> str:
        """As one says it back: `your sister Ana`, `your job`, `Rufus`."""
        return " ".join(
            part for part in (f"your {self.what}" if self.what else "", self.name) if part
        )

    @property
    def short(self) -> str:
        """The name if there is one, else the same."""
        return self.name or self.full

    def __bool__(self) -> bool:
        return bool(self.what or self.name)


def thing_in(text: str) -> Thing:
    """Return whom or what a message is about; an empty one if that is unclear."""
    plain = text.translate(_APOSTROPHES)
    best = Thing()
    for found in _THING.finditer(plain):
        thing = Thing(
            " ".join(found.group(1).casefold().split()), _name(found.group(2)), _is_lost(found)
        )
        if thing.name:
            return thing
        best = best or thing
    for found in _NAMED.finditer(plain):
        if name := _name(found.group(1) or found.group(2)):
            return best or Thing("", name, bool(found.group(2)) or _is_lost(found, found.start(1)))
    return best


def _is_lost(found: re.Match[str], start: int = -1) -> bool:
    """Return whether the words around a match say that it is gone."""
    before = found.string[: found.start() if start < 0 else start]
    after = found.string[found.end() :]
    put_down = _PUT.search(before) and _DOWN.match(after)
    return bool(_LOST_BEFORE.search(before) or _LOST_AFTER.match(after) or put_down)


def _name(word: str | None) -> str:
    if word is None or word.casefold() in _NO_NAMES or _UNTURNABLE.search(word):
        return ""
    return word.removesuffix("'s").rstrip("'-")


def echo_of(text: str) -> str:
    """Return the last statement about the speaker that can be said back, in the second person;
    "" if there is none.
    """
    plain = text.translate(_APOSTROPHES)
    for sentence in reversed(_SENTENCE.findall(plain)):
        if sentence.rstrip().endswith("?"):
            continue
        whole = sentence.strip().rstrip(".!\u2026 ")
        for clause in (whole, *reversed(_CLAUSE.split(whole))):
            if echo := _turned(clause.strip()):
                return echo
    return ""


def _turned(clause: str) -> str:
    while (shorter := _FILLER.sub("", clause)) != clause:
        clause = shorter
    words = clause.split()
    if not SHORTEST_ECHO <= len(words) <= LONGEST_ECHO or not _OWN.match(clause):
        return ""
    if _UNTURNABLE.search(clause) or _UNKIND.search(clause) or not _plain(clause):
        return ""
    turned = _in_second_person(clause)
    return turned.rstrip(",;: ")


def _in_second_person(clause: str) -> str:
    said: list[str] = []
    after_i = False
    for token in _TOKEN.findall(clause):
        low = token.casefold()
        if not (token[0].isalnum() or token[0] == "'"):
            said.append(token)
            after_i = after_i and token.isspace()
            continue
        said.append(_AFTER_I[low] if after_i and low in _AFTER_I else _TURNED.get(low, token))
        after_i = low in {"i", "we"} or (after_i and low in _BETWEEN)
    first = said[0]
    return "".join([first.lower() if first.casefold() in _WEEKLESS else first, *said[1:]])


_WEEKLESS: Final = frozenset(
    {"today", "yesterday", "tonight", "lately", "sometimes", "now", "again"}
)


def _plain(text: str) -> bool:
    return all(unicodedata.category(c)[0] in "LMNPZ" for c in text)


def plain_name(name: str) -> str:
    """Return a name as it may stand in a line: its letters, nothing that a door could read as a
    mention or markup; "" if nothing is left.
    """
    spaced = " ".join(name.split())
    kept = "".join(c for c in spaced if unicodedata.category(c)[0] in "LM" or c in " .'-\u2019")
    return " ".join(kept.split())[:LONGEST_NAME].strip(" .-")
