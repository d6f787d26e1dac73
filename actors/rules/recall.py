"""Recall: which past messages and facts matter to the words just heard.  One index for one
audience.

Windowed-coverage BM25, in pure Python, the same over every database (it never asks one):

    bm25_t(i) = idf_t * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len / avg)),  k1 = 0.9, b = 0.4
    W(i) = sum over query terms of the best w(d) * bm25_t(i - d), d within four turns of the
    conversation C(i) = W(i) + 0.15 * (the three best W of i's conversation)
    M(i) = C(i), times 1.7 if its author is the person asked about
    several sentences s: M = (sum of M_s ** 4) ** (1 / 4)

Rule 1: a turn shares the words of its neighbours: the answer to "where?" need not repeat the
question.
Rule 2: names of known people choose whom it is about; they are no words to look for.
Rule 3: recency breaks ties and no more; importance never moves a message.
Rule 4: a query stops at 20,000 postings, the rarest terms first.
Rule 5: what is discarded is gone: an index after `discard` answers as if it had never been added.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, for the
base formula; window, conversation bonus and speaker boost are our own measurements.
"""

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.rules.words import plain_words, sentences, terms

K1: Final = 0.9
B: Final = 0.4
REACH: Final = 4
EARLIER: Final = 0.7
LATER: Final = 0.5
FADE: Final = 0.6
TOGETHER: Final = 0.15
SPEAKER: Final = 1.7
POSTINGS: Final = 20_000
CUT: Final = 0.2
"""What scores below this share of the best is not worth the tokens."""
FIRST_PERSON: Final = frozenset({"i", "me", "my", "mine", "myself", "im", "ive", "id", "ill"})
RECENCY: Final = 1e-6

# For text d turns away: (offset from the posting to the turn that shares it, weight).
SHARES: Final = tuple(
    [(d, EARLIER * FADE ** (d - 1)) for d in range(1, REACH + 1)]
    + [(-d, LATER * FADE ** (d - 1)) for d in range(1, REACH + 1)]
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recalled: a message (or a fact).  `author`: the name of who said it."""

    id: int
    author: str
    text: str
    at: datetime
    conversation: Hashable = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A recalled item and its score (comparable within one answer only)."""

    id: int
    score: float


class RecallIndex:
    """Everything one audience may recall, ready to be asked.

    Items are added in the order in which they were said (within a conversation).
    """

    def __init__(self, capacity: int = 5_000) -> None:
        self._capacity = capacity
        self._items: dict[int, Item] = {}
        self._slot_of: dict[int, int] = {}
        self._length: dict[int, int] = {}
        self._postings: dict[str, dict[int, int]] = {}
        self._turns: dict[Hashable, list[int]] = {}
        self._place: dict[int, int] = {}
        self._names: dict[str, int] = defaultdict(int)
        self._total_length = 0
        self._next = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._slot_of

    def add(self, item: Item) -> None:
        """Add an item; one with the same id is replaced.  Over capacity the oldest goes."""
        self.discard(item.id)
        slot, self._next = self._next, self._next + 1
        counted: dict[str, int] = {}
        for term in terms(item.text):
            counted[term] = counted.get(term, 0) + 1
        for term, count in counted.items():
            self._postings.setdefault(term, {})[slot] = count
        length = sum(counted.values())
        self._items[slot], self._slot_of[item.id] = item, slot
        self._length[slot] = length
        self._total_length += length
        turns = self._turns.setdefault(item.conversation, [])
        self._place[slot] = len(turns)
        turns.append(slot)
        for name in plain_words(item.author):
            self._names[name] += 1
        if len(self._items) > self._capacity:
            self.discard(next(iter(self._items.values())).id)

    def discard(self, id_: int) -> None:
        """Forget an item, if it is there."""
        slot = self._slot_of.pop(id_, None)
        if slot is None:
            return
        item = self._items.pop(slot)
        self._total_length -= self._length.pop(slot)
        for term in set(terms(item.text)):
            postings = self._postings[term]
            del postings[slot]
            if not postings:
                del self._postings[term]
        turns = self._turns[item.conversation]
        place = self._place.pop(slot)
        del turns[place]
        for later in turns[place:]:
            self._place[later] -= 1
        if not turns:
            del self._turns[item.conversation]
        for name in plain_words(item.author):
            self._names[name] -= 1
            if not self._names[name]:
                del self._names[name]

    def item(self, hit: Hit) -> Item:
        """Return what was found."""
        return self._items[self._slot_of[hit.id]]

    def recall(self, query: str, asker: str | None = None, limit: int = 20) -> list[Hit]:
        """Return what matters to `query`, best first.

        Args:
            query: a message.
            asker: the name of who says it; "I" in the query then means their own words.
            limit: how many at most.
        """
        scores: dict[int, float] = {}
        for sentence in sentences(query):
            for slot, score in self._scored(sentence, asker).items():
                scores[slot] = scores.get(slot, 0.0) + score**4
        if not scores:
            return []
        best = heapq.nlargest(limit, scores, key=lambda slot: (scores[slot], slot))
        return [Hit(self._items[slot].id, scores[slot] ** 0.25) for slot in best]

    def _scored(self, sentence: str, asker: str | None) -> dict[int, float]:
        words = plain_words(sentence)
        asked_about = {name for word in words if (name := self._named(word))}
        if not asked_about and asker and not FIRST_PERSON.isdisjoint(words):
            asked_about = set(plain_words(asker))
        spoken = re.sub(r"\S+", lambda w: "" if self._is_name(w.group()) else w.group(), sentence)
        windowed = self._windowed(dict.fromkeys(terms(spoken)))
        together = self._together(windowed)
        scores: dict[int, float] = {}
        for slot, score in windowed.items():
            item = self._items[slot]
            mine = asked_about and not asked_about.isdisjoint(plain_words(item.author))
            whole = score + TOGETHER * together[item.conversation]
            scores[slot] = whole * SPEAKER if mine else whole
        return scores

    def _is_name(self, word: str) -> bool:
        """Return whether a word of the query is somebody's name (also as "Ana's")."""
        bare = plain_words(word)
        return any(self._named(w) for w in bare)

    def _named(self, word: str) -> str:
        """Return the name that a word is, "" if it is none."""
        return next((w for w in (word, word.removesuffix("s")) if w in self._names), "")

    def _windowed(self, wanted: Iterable[str]) -> dict[int, float]:
        count = len(self._items)
        average = self._total_length / count if count else 1.0
        known = sorted(
            (t for t in wanted if t in self._postings), key=lambda t: len(self._postings[t])
        )
        left = POSTINGS
        total: dict[int, float] = {}
        for term in known:
            postings = self._postings[term]
            left -= len(postings)
            if left < 0 and total:
                break
            idf = math.log(1 + (count - len(postings) + 0.5) / (len(postings) + 0.5))
            for slot, best in self._best(postings, idf, average).items():
                total[slot] = total.get(slot, 0.0) + best
        return total

    def _best(self, postings: dict[int, int], idf: float, average: float) -> dict[int, float]:
        """Return, for every turn near a posting, the best that one term gives it."""
        best: dict[int, float] = {}
        for slot, tf in postings.items():
            norm = K1 * (1 - B + B * self._length[slot] / (average or 1.0))
            score = idf * tf * (K1 + 1) / (tf + norm)
            if score > best.get(slot, 0.0):
                best[slot] = score
            turns, place = self._turns[self._items[slot].conversation], self._place[slot]
            last = len(turns)
            for offset, weight in SHARES:
                at = place + offset
                if 0 <= at < last and score * weight > best.get(turns[at], 0.0):
                    best[turns[at]] = score * weight
        return best

    def _together(self, windowed: dict[int, float]) -> dict[Hashable, float]:
        by_conversation: dict[Hashable, list[float]] = {}
        for slot, score in windowed.items():
            by_conversation.setdefault(self._items[slot].conversation, []).append(score)
        return {key: sum(heapq.nlargest(3, scores)) for key, scores in by_conversation.items()}


def worth_showing(hits: list[Hit]) -> list[Hit]:
    """Return the hits that score at least a fifth of the best."""
    return [hit for hit in hits if hit.score >= CUT * hits[0].score] if hits else []


def fact_score(bm25: float, confidence: float, importance: float, *, about_asked: bool) -> float:
    """Return how much a fact matters: how well it fits, how sure and how important it is."""
    weight = (0.7 + 0.3 * confidence) * (0.85 + 0.3 * importance)
    return bm25 * weight * (2.0 if about_asked else 1.0)
