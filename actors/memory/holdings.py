"""What one person's memory holds: facts, past messages, and the indexes that find them.

Rule 1: a message is recalled where it was said, and in the person's own direct messages.
Rule 2: a fact is recalled where `facts.may_be_said` lets it; what is not active is not held.
Rule 3: what was discarded is in no index any more.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from actors import messages as m
from actors.rules import facts
from actors.rules.recall import Item, RecallIndex, fact_score, worth_showing
from storage.ids import GuildId, MessageId, RowId
from storage.records import FactSave, PastMessage, UserFact

PERSON: Final = "guest"
BAR: Final = "bartender"
MOST_RECALLED: Final = 12
RECALLED_FACTS: Final = 8


class Shelf:
    """What may be recalled in one place: messages and facts, each in an index of their own."""

    def __init__(self) -> None:
        self.messages = RecallIndex()
        self.facts = RecallIndex()


class Holdings:
    """Everything that is known of one person, ready to be recalled."""

    def __init__(self) -> None:
        self.facts: dict[RowId, UserFact] = {}
        self._shelves: dict[GuildId | None, Shelf] = {None: Shelf()}
        self._used: set[RowId] = set()

    @property
    def message_count(self) -> int:
        return len(self._shelf(None).messages)

    def shelve(self, past: PastMessage) -> None:
        """Put a message where it may be recalled: its own place, and the person's direct
        messages.
        """
        if past.message_id is None or past.care_level >= 2:
            return
        author = PERSON if past.role == "user" else BAR
        item = Item(past.message_id, author, past.text, past.at, past.conversation)
        for guild_id in {past.guild_id, None}:
            self._shelf(guild_id).messages.add(item)

    def hold(self, fact: UserFact) -> None:
        """Know a fact, or no longer."""
        assert fact.fact_id is not None  # noqa: S101 - for the type checker: it is kept
        for shelf in self._shelves.values():
            shelf.facts.discard(fact.fact_id)
        if not fact.is_active:
            self.facts.pop(fact.fact_id, None)
            return
        self.facts[fact.fact_id] = fact
        about = PERSON if fact.about == "self" else fact.about
        item = Item(fact.fact_id, about, fact.content, fact.learned_at, conversation=fact.fact_id)
        for guild_id in {fact.guild_id, None}:
            if facts.may_be_said(fact, guild_id):
                self._shelf(guild_id).facts.add(item)

    def let_go(self, fact_ids: Iterable[RowId]) -> None:
        """Know these facts no longer."""
        for fact_id in fact_ids:
            self.hold(replace(self.facts[fact_id], is_active=False))

    def forget(self, message_ids: frozenset[MessageId]) -> None:
        """Drop messages, and what was drawn from them."""
        for shelf in self._shelves.values():
            for message_id in message_ids:
                shelf.messages.discard(message_id)
        self.let_go([i for i, f in self.facts.items() if f.source_message_id in message_ids])

    def usable(self, guild_id: GuildId | None, now: datetime) -> tuple[UserFact, ...]:
        """Return the facts that hold at `now` and may be said in this place."""
        turned = (facts.turned(fact, now) for fact in self.facts.values())
        return tuple(f for f in turned if f.is_active and facts.may_be_said(f, guild_id))

    def recall(self, asked: m.RecallMemory, now: datetime) -> m.Recall:
        """Return what matters to the words just heard, in the place where they were heard."""
        usable = {f.fact_id: f for f in self.usable(asked.guild_id, now)}
        shelf = self._shelf(asked.guild_id)
        found = (
            (usable.get(RowId(h.id)), h.score) for h in shelf.facts.recall(asked.query, PERSON)
        )
        weighed = [(_weight(fact, score), fact) for fact, score in found if fact is not None]
        ranked = sorted(weighed, key=lambda pair: -pair[0])
        chosen = tuple(fact for _, fact in ranked[:RECALLED_FACTS])
        shown = {f.source_message_id for f in chosen} | asked.in_prompt
        hits = worth_showing(shelf.messages.recall(asked.query, PERSON, limit=40))
        messages = tuple(
            m.RecalledMessage(MessageId(item.id), item.author, item.text, item.at)
            for item in (shelf.messages.item(hit) for hit in hits)
            if item.id not in shown
        )[:MOST_RECALLED]
        profile = tuple(f for f in facts.profile(tuple(usable.values())) if f not in chosen)
        return m.Recall(profile, chosen, messages)

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

    def _shelf(self, guild_id: GuildId | None) -> Shelf:
        return self._shelves.setdefault(guild_id, Shelf())


def _weight(fact: UserFact, score: float) -> float:
    return fact_score(score, fact.confidence, fact.importance, about_asked=fact.about == "self")
