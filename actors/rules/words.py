"""Words: how text becomes the terms that recall compares.

Rule 1: NFKC and casefold first; apostrophes vanish ("don't" is one word).
Rule 2: words that say nothing are left out; irregular forms go to their base, then to the
Snowball stem.
Rule 3: scripts written without spaces become overlapping two-letter pieces; other non-Latin words
stay whole
        and lend their first four letters as a stem.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import snowballstemmer

MARKS: Final = "".join(
    chr(c)
    for c in range(0x300, 0xFB1F)
    if unicodedata.category(chr(c)) in {"Mn", "Mc"} and not 0xFE00 <= c <= 0xFE0F  # of emoji
)
"""Vowel signs and accents: letters of many scripts, though not of Python's `\\w`."""
WORD: Final = re.compile(rf"\w[\w{MARKS}]*")
APOSTROPHES: Final = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]")
SENTENCE: Final = re.compile(r"[.!?\n。！？]+")
UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
"""Thai, Lao, Burmese, Khmer, kana and Han."""
MOST_SENTENCES: Final = 8

STOP: Final = frozenset(
    """
    a about above after again against all also am an and any are arent as at be because been
    before being below between both but by can cant cannot could couldnt did didnt do does
    doesnt doing dont down during each else ever every few for from further get gets getting
    go goes going gonna got had hadnt has hasnt have havent having he hed hell hes her here
    heres hers herself hey him himself his how hows i id if ill im in into is isnt it its
    itself ive just kind let lets like likely lot lots made make makes many may maybe me
    mean might mine more most much must my myself need no nor not now of off oh ok okay on
    once one only or other ought our ours out over own part perhaps please pretty put quite
    rather really said same say says see seem seems shall shant she shed shell shes should
    shouldnt since so some something sort still such sure take tell than that thats the
    their theirs them themselves then there theres these they theyd theyll theyre theyve
    thing things think this those though through to too toward towards under until up upon
    us use used using very want was wasnt way we wed well were werent weve what whatever
    whats when whens where wheres whether which while who whoever whom whos whose why will
    with within without wont would wouldnt yeah yes yet you youd youll your youre yours
    yourself yourselves youve kinds type types wow haha lol
    """.split()  # noqa: SIM905 - a text is read more easily than two hundred strings
)

IRREGULAR: Final = {
    form: base
    for base, forms in (
        ("be", "was were been being"), ("become", "became"), ("begin", "began begun"),
        ("break", "broke broken"), ("bring", "brought"), ("build", "built"), ("buy", "bought"),
        ("catch", "caught"), ("choose", "chose chosen"), ("come", "came"), ("cost", "costs"),
        ("draw", "drew drawn"), ("drink", "drank drunk"), ("drive", "drove driven"),
        ("eat", "ate eaten"), ("fall", "fell fallen"), ("feed", "fed"), ("feel", "felt"),
        ("fight", "fought"), ("find", "found"), ("fly", "flew flown"),
        ("forget", "forgot forgotten"),
        ("give", "gave given"), ("go", "went gone"), ("grow", "grew grown"), ("hang", "hung"),
        ("hear", "heard"), ("hide", "hid hidden"), ("hold", "held"), ("keep", "kept"),
        ("know", "knew known"), ("lead", "led"), ("learn", "learnt"), ("leave", "left"),
        ("lend", "lent"), ("lose", "lost"), ("meet", "met"), ("pay", "paid"),
        ("ride", "rode ridden"), ("rise", "rose risen"), ("run", "ran"), ("see", "saw seen"),
        ("sell", "sold"), ("send", "sent"), ("sing", "sang sung"), ("sit", "sat"),
        ("sleep", "slept"), ("speak", "spoke spoken"), ("spend", "spent"), ("stand", "stood"),
        ("steal", "stole stolen"), ("swim", "swam swum"), ("take", "took taken"),
        ("teach", "taught"), ("tell", "told"), ("think", "thought"), ("throw", "threw thrown"),
        ("understand", "understood"), ("wake", "woke woken"), ("wear", "wore worn"),
        ("win", "won"), ("write", "wrote written"), ("child", "children kids kid"),
        ("man", "men"), ("woman", "women"), ("person", "people"), ("foot", "feet"),
        ("mom", "mum mother mama"), ("dad", "father papa"), ("photo", "picture photograph pic"),
        ("mouse", "mice"), ("wife", "wives"), ("life", "lives"), ("good", "better best"),
        ("bad", "worse worst"), ("marry", "wed wedding"), ("bike", "bicycle"), ("tv", "television"),
    )
    for form in forms.split()
}  # fmt: skip

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the term of one word (already casefolded)."""
    base = IRREGULAR.get(word, word)
    if base.isascii():
        return str(_stemmer.stemWord(base))
    return base if _is_latin(base) else base[:4]


def terms(text: str) -> list[str]:
    """Return the terms of `text`, in order, repeated as often as they occur."""
    return terms_of(plain_words(text))


def terms_of(words: Iterable[str]) -> list[str]:
    """Return the terms of `plain_words`."""
    found: list[str] = []
    for word in words:
        if UNSPACED.search(word):
            found.extend(_pieces(word))
        elif word not in STOP and (len(word) > 1 or word.isdecimal()):
            found.append(stem(word))
    return found


def sentences(text: str) -> list[str]:
    """Return the sentences of a message, at most eight."""
    kept = [part for part in SENTENCE.split(text) if part.strip()]
    return kept[:MOST_SENTENCES] or [text]


def plain_words(text: str) -> list[str]:
    """Return the casefolded words of `text`, nothing left out."""
    return WORD.findall(_folded(text))


def _folded(text: str) -> str:
    return APOSTROPHES.sub("", unicodedata.normalize("NFKC", text).casefold())


def _pieces(word: str) -> list[str]:
    pieces: list[str] = []
    for run in UNSPACED.findall(word):
        pieces += [run[i : i + 2] for i in range(max(len(run) - 1, 1))]
    pieces += [stem(rest) for rest in UNSPACED.sub(" ", word).split() if rest not in STOP]
    return pieces


def _is_latin(word: str) -> bool:
    return all(ord(c) < 0x250 for c in word)
