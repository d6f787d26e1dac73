"""Recall: which past messages and facts matter to the words just heard.  One index for one
person, asked from one place.

Windowed-coverage BM25, the same over every database (it never asks one):

    bm25_t(i) = idf_t * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len / avg)),  k1 = 0.9, b = 0.4
    W(i) = sum over query terms of the best w(d) * bm25_t(i - d), d within four turns of the
    conversation C(i) = W(i) + 0.15 * (the three best W of i's conversation)
    M(i) = C(i), times 1.7 if its author is the person asked about
    several sentences s: M = (sum of M_s ** 4) ** (1 / 4)

Rule 1: a turn shares the words of its neighbours: the answer to "where?" need not repeat the
question.
Rule 2: names of known people choose whom it is about; beside other words they are none to look
for.
Rule 3: recency breaks ties and no more; importance never moves a message.
Rule 4: a query stops at 20,000 postings, the rarest terms first.
Rule 5: what is discarded is gone: an index after `discard` answers as if it had never been added.
Rule 6: asked from one place, an index answers as if it held nothing from any other.

Every item has a slot, a row of the arrays below; a slot that falls free is used again.  A term's
postings are numbers, slot * 16 + how often (at most 15): whole columns are scored at once.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, for the
base formula; window, conversation bonus and speaker boost are our own measurements.
"""

from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.rules.words import plain_words, sentences, terms, terms_of

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

OFFSETS: Final = (0, *range(1, REACH + 1), *range(-1, -REACH - 1, -1))
"""Where the turns are that share a turn's words: itself, those after it, those before it."""
SHARES: Final = np.array(
    [1.0]
    + [EARLIER * FADE ** (d - 1) for d in range(1, REACH + 1)]
    + [LATER * FADE ** (d - 1) for d in range(1, REACH + 1)]
)
"""What they get of it, in the order of OFFSETS."""

EVERYWHERE: Final = object()
"""The place from which everything may be recalled."""
NOWHERE: Final = -1
"""The number of the place of what is no item."""
OFTEN_BITS: Final = 4
OFTEN: Final = (1 << OFTEN_BITS) - 1

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Slots = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recalled: a message (or a fact).  `author`: the name of who said it.

    `place`: where it may be recalled, besides everywhere at once.
    """

    id: int
    author: str
    text: str
    at: datetime
    conversation: Hashable = None
    place: Hashable = None

    @property
    def sitting(self) -> Hashable:
        """What its neighbours share with it: nothing is shared between places."""
        return (self.place, self.conversation)


@dataclass(frozen=True, slots=True)
class Hit:
    """A recalled item and its score (comparable within one answer only)."""

    id: int
    score: float


class Columns:
    """The arrays of an index: a row for each slot, and one more, where what has no turn goes."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.length = np.zeros(rows + 1, np.int32)
        """How many terms an item has."""
        self.sitting = np.zeros(rows + 1, np.int32)
        self.author = np.zeros(rows + 1, np.int32)
        self.place = np.full(rows + 1, NOWHERE, np.int32)
        self.added = np.zeros(rows + 1, np.int64)
        """The number of the item: a newer one has a higher."""
        self.near = np.full((rows + 1, len(OFFSETS)), rows, np.int32)
        """The slots at OFFSETS in the same conversation."""

    def grown(self, rows: int) -> "Columns":
        """Return these columns with room for `rows` items."""
        more = Columns(rows)
        for name in ("length", "sitting", "author", "place", "added", "near"):
            getattr(more, name)[: self.rows] = getattr(self, name)[: self.rows]
        more.near[more.near == self.rows] = rows
        return more


class Numbers:
    """Small numbers for names (of authors, sittings, places), used again when nobody has them."""

    def __init__(self) -> None:
        self.of: dict[Hashable, int] = {}
        self._uses: Counter[Hashable] = Counter()
        self._free: list[int] = []

    @property
    def highest(self) -> int:
        """One more than the highest number in use."""
        return len(self.of) + len(self._free)

    def take(self, name: Hashable) -> int:
        self._uses[name] += 1
        if name not in self.of:
            self.of[name] = self._free.pop() if self._free else len(self.of)
        return self.of[name]

    def give_back(self, name: Hashable) -> None:
        self._uses[name] -= 1
        if not self._uses[name]:
            del self._uses[name]
            self._free.append(self.of.pop(name))


class RecallIndex:
    """Everything one audience may recall, ready to be asked.

    Items are added in the order in which they were said (within a conversation).
    """

    def __init__(self, capacity: int = 5_000) -> None:
        self._capacity = capacity
        self._items: dict[int, Item] = {}
        """By slot, the longest known first."""
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []
        self._postings: dict[str, array[int]] = {}
        self._turns: dict[Hashable, list[int]] = {}
        self._columns = Columns(min(capacity, 16))
        self._authors, self._sittings, self._places = Numbers(), Numbers(), Numbers()
        self._added = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._slot_of

    def add(self, item: Item) -> None:
        """Add an item; one with the same id is replaced.  Over capacity the oldest goes."""
        self.discard(item.id)
        if len(self._items) == self._capacity:
            self.discard(next(iter(self._items.values())).id)
        slot = self._free.pop() if self._free else len(self._items)
        if slot == self._columns.rows:
            self._columns = self._columns.grown(min(self._capacity, 2 * slot))
        counted = Counter(terms(item.text))
        for term, count in counted.items():
            self._postings.setdefault(term, array("I")).append(_posting(slot, count))
        self._items[slot], self._slot_of[item.id] = item, slot
        self._added += 1
        columns = self._columns
        columns.length[slot], columns.added[slot] = counted.total(), self._added
        columns.author[slot] = self._authors.take(item.author)
        columns.sitting[slot] = self._sittings.take(item.sitting)
        columns.place[slot] = self._places.take(item.place)
        turns = self._turns.setdefault(item.sitting, [])
        turns.append(slot)
        self._link(turns, len(turns) - 1)

    def discard(self, id_: int) -> None:
        """Forget an item, if it is there."""
        slot = self._slot_of.pop(id_, None)
        if slot is None:
            return
        item = self._items.pop(slot)
        self._free.append(slot)
        for term, count in Counter(terms(item.text)).items():
            postings = self._postings[term]
            postings.remove(_posting(slot, count))
            if not postings:
                del self._postings[term]
        self._authors.give_back(item.author)
        self._sittings.give_back(item.sitting)
        self._places.give_back(item.place)
        self._columns.place[slot] = NOWHERE
        self._columns.near[slot] = self._columns.rows
        turns = self._turns[item.sitting]
        place = turns.index(slot)
        del turns[place]
        self._link(turns, place)
        if not turns:
            del self._turns[item.sitting]

    def _link(self, turns: list[int], changed: int) -> None:
        """Let the turns within reach of the place `changed` know their neighbours again."""
        last, nobody = len(turns), self._columns.rows
        for place in range(max(changed - REACH, 0), min(changed + REACH + 1, last)):
            self._columns.near[turns[place]] = [
                turns[place + offset] if 0 <= place + offset < last else nobody
                for offset in OFFSETS
            ]

    def item(self, hit: Hit) -> Item:
        """Return what was found."""
        return self._items[self._slot_of[hit.id]]

    def recall(
        self,
        query: str,
        asker: str | None = None,
        limit: int = 20,
        place: Hashable = EVERYWHERE,
    ) -> list[Hit]:
        """Return what matters to `query`, best first.

        Args:
            query: a message.
            asker: the author who says it; "I" in the query then means their own words.
            limit: how many at most.
            place: where it is said.
        """
        inside = self._inside(place)
        if not inside.any():
            return []
        names = self._names(inside)
        norm = self._norm(inside)
        fourths = np.zeros(len(norm))
        for sentence in sentences(query):
            wanted, about = _asked(sentence, names, asker)
            windowed = self._windowed(wanted, inside, norm)
            if windowed is not None:
                slots, scores = self._lifted(windowed, about)
                fourths[slots] += scores**4
        return self._best(fourths, limit)

    def _inside(self, place: Hashable) -> Flags:
        """Return which slots may be recalled in `place`."""
        numbers = self._columns.place
        inside: Flags = (
            numbers != NOWHERE
            if place is EVERYWHERE
            else numbers == self._places.of.get(place, NOWHERE - 1)
        )
        return inside

    def _names(self, inside: Flags) -> dict[str, set[str]]:
        """Return the authors that each name may mean."""
        present = np.bincount(self._columns.author[inside], minlength=self._authors.highest)
        names: dict[str, set[str]] = {}
        for author, number in self._authors.of.items():
            for word in plain_words(str(author)) if present[number] else ():
                names.setdefault(word, set()).add(str(author))
        return names

    def _norm(self, inside: Flags) -> Floats:
        length = self._columns.length.astype(np.float64)
        average = float(length[inside].mean()) or 1.0
        return K1 * (1 - B) + K1 * B / average * length

    def _windowed(self, wanted: Iterable[str], inside: Flags, norm: Floats) -> Floats | None:
        """Return W of every slot, None if nobody said any of the terms."""
        slots, often, terms_said = self._said(wanted, inside)
        if not len(slots):
            return None
        said_by = np.bincount(terms_said)
        idf = np.log(1 + (inside.sum() - said_by + 0.5) / (said_by + 0.5))
        scores = idf[terms_said] * (K1 + 1) * often / (often + norm[slots])
        rows = len(norm)
        cells = terms_said[:, None] * rows + self._columns.near[slots]
        best = np.zeros(len(said_by) * rows)
        np.maximum.at(best, cells.ravel(), np.outer(scores, SHARES).ravel())
        total: Floats = best.reshape(-1, rows).sum(axis=0)
        total[-1] = 0.0
        return total

    def _said(self, wanted: Iterable[str], inside: Flags) -> tuple[Slots, Slots, Slots]:
        """Return who says the terms: slots, how often, and which term (their numbers rise)."""
        left = POSTINGS
        said = array("I")
        lengths: list[int] = []
        for postings in sorted((p for t in wanted if (p := self._postings.get(t))), key=len):
            left -= len(postings)
            if left < 0 and lengths:
                break
            said.extend(postings)
            lengths.append(len(postings))
        packed = np.frombuffer(said, np.uint32).astype(np.int64)
        slots = packed >> OFTEN_BITS
        here = inside[slots]
        number = np.repeat(np.arange(len(lengths)), lengths)
        return slots[here], (packed & OFTEN)[here], number[here]

    def _lifted(self, windowed: Floats, about: set[str]) -> tuple[Slots, Floats]:
        """Return M and the slots that have one: W, lifted by its conversation, and by its author
        if it is about them.
        """
        slots = np.flatnonzero(windowed)
        sitting, scores = self._columns.sitting[slots], windowed[slots]
        order = np.argsort(sitting - scores / (scores.max() * 2))
        grouped, ranked = sitting[order], scores[order]
        third = np.zeros(len(order), bool)  # whether three of the same conversation are better
        third[3:] = grouped[3:] == grouped[:-3]
        together = np.bincount(grouped, weights=np.where(third, 0.0, ranked))
        lifted = scores + TOGETHER * together[sitting]
        if about:
            lifts = np.ones(self._authors.highest)
            lifts[[number for name, number in self._authors.of.items() if name in about]] = SPEAKER
            lifted *= lifts[self._columns.author[slots]]
        return slots, lifted

    def _best(self, fourths: Floats, limit: int) -> list[Hit]:
        found = np.flatnonzero(fourths)
        if len(found) > limit:
            scores = fourths[found]
            found = found[scores >= np.partition(scores, -limit)[-limit]]
        order = np.lexsort((self._columns.added[found], fourths[found]))
        best = found[order[::-1][:limit]]
        return [
            Hit(self._items[slot].id, score)
            for slot, score in zip(best.tolist(), (fourths[best] ** 0.25).tolist(), strict=True)
        ]


def _posting(slot: int, count: int) -> int:
    return slot << OFTEN_BITS | min(count, OFTEN)


def _asked(
    sentence: str, names: Mapping[str, set[str]], asker: str | None
) -> tuple[Iterable[str], set[str]]:
    """Return the terms to look for, without names if there are others, and the authors whom a
    sentence is about.
    """
    about: set[str] = set()
    kept: list[str] = []
    words = plain_words(sentence)
    for word in words:
        meant = names.get(word) or names.get(word.removesuffix("s"))
        if meant:
            about |= meant
        else:
            kept.append(word)
    if not about and asker and not FIRST_PERSON.isdisjoint(words):
        about = {asker}
    return dict.fromkeys(terms_of(kept) or terms_of(words)), about


def worth_showing(hits: list[Hit]) -> list[Hit]:
    """Return the hits that score at least a fifth of the best."""
    return [hit for hit in hits if hit.score >= CUT * hits[0].score] if hits else []


def fact_score(bm25: float, confidence: float, importance: float, *, about_asked: bool) -> float:
    """Return how much a fact matters: how well it fits, how sure and how important it is."""
    weight = (0.7 + 0.3 * confidence) * (0.85 + 0.3 * importance)
    return bm25 * weight * (2.0 if about_asked else 1.0)
