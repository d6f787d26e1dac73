"""What one person's memory holds: facts, past messages, and the indexes that find them.

Rule 1: a message is recalled where it was said, and in the person's own direct messages.
Rule 2: a fact is recalled where `facts.may_be_said` lets it; what is not active is not held.
Rule 3: what was discarded is in no index any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from actors import messages as m
from actors.rules import facts
from actors.rules.recall import (
    EVERYWHERE,
    Hit,
    Item,
    RecallIndex,
    fact_score,
    worth_showing,
)
from storage.ids import GuildId, MessageId, RowId
from storage.records import FactSave, PastMessage, UserFact

PERSON: Final = "guest"
BAR: Final = "bartender"
RECALLED_FACTS: Final = 8


class Holdings:
    """Everything that is known of one person, ready to be recalled."""

    def __init__(self) -> None:
        self.facts: dict[RowId, UserFact] = {}
        self._said = RecallIndex()
        self._known = RecallIndex()
        self._used: set[RowId] = set()

    @property
    def message_count(self) -> int:
        return len(self._said)

    def shelve(self, past: PastMessage) -> None:
        """Put a message where it may be recalled."""
        if past.message_id is None or past.care_level >= 2:
            return
        author = PERSON if past.role == "user" else BAR
        self._said.add(
            Item(past.message_id, author, past.text, past.at, past.conversation, past.guild_id)
        )

    def hold(self, fact: UserFact) -> None:
        """Know a fact, or no longer."""
        assert fact.fact_id is not None  # noqa: S101 - for the type checker: it is kept
        if not fact.is_active:
            self._known.discard(fact.fact_id)
            self.facts.pop(fact.fact_id, None)
            return
        self.facts[fact.fact_id] = fact
        about = PERSON if fact.about == "self" else fact.about
        place = fact.guild_id if facts.may_be_said(fact, fact.guild_id) else None
        self._known.add(
            Item(fact.fact_id, about, fact.content, fact.learned_at, fact.fact_id, place)
        )

    def let_go(self, fact_ids: Iterable[RowId]) -> None:
        """Know these facts no longer."""
        for fact_id in fact_ids:
            self.hold(replace(self.facts[fact_id], is_active=False))

    def forget(self, message_ids: frozenset[MessageId]) -> None:
        """Drop messages, and what was drawn from them."""
        for message_id in message_ids:
            self._said.discard(message_id)
        self.let_go([i for i, f in self.facts.items() if f.source_message_id in message_ids])

    def usable(self, guild_id: GuildId | None, now: datetime) -> tuple[UserFact, ...]:
        """Return the facts that hold at `now` and may be said in this place."""
        turned = (facts.turned(fact, now) for fact in self.facts.values())
        return tuple(f for f in turned if f.is_active and facts.may_be_said(f, guild_id))

    def recall(self, asked: m.RecallMemory, now: datetime) -> m.Recall:
        """Return what matters to the words just heard, in the place where they were heard."""
        usable = {f.fact_id: f for f in self.usable(asked.guild_id, now)}
        chosen = self._recalled_facts(asked, usable)
        shown = {f.source_message_id for f in chosen} | asked.in_prompt
        hits = _asked_of(self._said, asked, limit=asked.most + len(shown))
        messages = tuple(
            m.RecalledMessage(MessageId(item.id), item.author, item.text, item.at)
            for item in (self._said.item(hit) for hit in worth_showing(hits))
            if item.id not in shown
        )[: asked.most]
        profile = tuple(f for f in facts.profile(tuple(usable.values())) if f not in chosen)
        return m.Recall(profile, chosen, messages)

    def _recalled_facts(
        self, asked: m.RecallMemory, usable: Mapping[RowId | None, UserFact]
    ) -> tuple[UserFact, ...]:
        weighed = [
            (_weight(fact, hit.score), fact)
            for hit in _asked_of(self._known, asked, limit=2 * RECALLED_FACTS)
            if (fact := usable.get(RowId(hit.id))) is not None
        ]
        ranked = sorted(weighed, key=lambda pair: -pair[0])
        return tuple(fact for _, fact in ranked[:RECALLED_FACTS])

    def note_use(self, fact_ids: Iterable[RowId], at: datetime) -> None:
        """Facts that were shown fade slower; kept with the next learning, or at the end."""
        for fact_id in fact_ids:
            if fact := self.facts.get(fact_id):
                self.facts[fact_id] = replace(
                    fact, last_referenced_at=at, times_recalled=fact.times_recalled + 1
                )
                self._used.add(fact_id)

    def uses(self) -> list[FactSave]:
        """Return what `note_use` changed and nobody has kept."""
        return [FactSave(self.facts[i]) for i in sorted(self._used) if i in self.facts]

    def uses_kept(self) -> None:
        self._used.clear()


def _asked_of(index: RecallIndex, asked: m.RecallMemory, limit: int) -> list[Hit]:
    place = EVERYWHERE if asked.guild_id is None else asked.guild_id
    return index.recall(asked.query, PERSON, limit, place)


def _weight(fact: UserFact, score: float) -> float:
    return fact_score(score, fact.confidence, fact.importance, about_asked=fact.about == "self")
