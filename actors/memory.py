"""Memory: one actor for each person, for what they told and what is drawn from it."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.language import LanguageActor
from actors.rules import extraction, facts
from actors.rules.extraction import Said
from actors.rules.recall import Item, RecallIndex, fact_score, worth_showing
from actors.runtime import Told
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import GuildId, MessageId, RowId, UserId, hashed
from storage.records import FactSave, MemoryState, PastMessage, UserFact, Watermark, Write

log = logging.getLogger(__name__)

PERSON: Final = "guest"
BAR: Final = "bartender"
MOST_RECALLED: Final = 12
RECALLED_FACTS: Final = 8
BACKOFF: Final = timedelta(seconds=30)
LONGEST_BACKOFF: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FactsExtracted(Told):
    """The extractor answered, or failed.  To self."""

    guild_id: GuildId | None
    said: tuple[Said, ...]
    outcome: m.Extraction | Exception


@dataclass(frozen=True, slots=True)
class LearningDue(Told):
    """Time to try again to draw facts.  To self."""

    guild_id: GuildId | None


MemoryInbox = (
    m.ExchangeEnded
    | m.SittingEnded
    | m.MessagesForgotten
    | m.PersonForgotten
    | m.RecallMemory
    | m.ListFacts
    | m.ForgetFacts
    | m.CorrectFact
    | FactsExtracted
    | LearningDue
)


class Shelf:
    """What may be recalled in one place: messages and facts, each in an index of their own."""

    def __init__(self) -> None:
        self.messages = RecallIndex()
        self.facts = RecallIndex()


class MemoryActor(VirtualActor):
    """Remembers one person.

    Owns:    facts, recall indexes, extraction watermarks.
    Hears:   ExchangeEnded, SittingEnded, MessagesForgotten, PersonForgotten.
    Answers: RecallMemory, ListFacts, ForgetFacts, CorrectFact.
    Asks:    storage; the language model, in the background, to draw facts.
    """

    def __init__(
        self,
        key: UserId,
        *,
        directory: Directory,
        clock: Callable[[], datetime],
        rng: random.Random,
        rate: float,
    ) -> None:
        super().__init__(key)
        self._user_id = key
        self._clock = clock
        self._rng = rng
        self._rate = rate
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._language = directory.ref(LanguageActor, m.OnlyOne)
        self._empty()

    def _empty(self) -> None:
        self._facts: dict[RowId, UserFact] = {}
        self._shelves: dict[GuildId | None, Shelf] = {None: Shelf()}
        self._used: set[RowId] = set()
        self._unlearned: dict[GuildId | None, list[Said]] = {}
        self._learning = False
        self._put_off: dict[GuildId | None, None] = {}
        self._failures = 0

    async def on_start(self) -> None:
        now = self._clock()
        state = await self._storage.ask(m.LoadMemory(self._user_id))
        await asyncio.to_thread(self._filled, state, now)
        log.info(
            "memory.loaded",
            extra={
                "user": hashed(self._user_id),
                "facts": len(self._facts),
                "messages": len(self._shelf(None).messages),
            },
        )

    async def on_stop(self) -> None:
        if uses := self._uses():
            await self._storage.ask(m.Save(tuple(uses)))

    async def receive(self, message: MemoryInbox) -> Any:
        match message:
            case m.RecallMemory():
                return await self._recall(message)
            case m.ListFacts():
                return self._listed(message.guild_id)
            case m.ForgetFacts():
                return await self._forget_facts(message)
            case m.CorrectFact():
                return await self._correct(message)
            case FactsExtracted():
                await self._extracted(message)
            case _:
                self._hear(message)
        return None

    def _hear(
        self,
        message: m.ExchangeEnded
        | m.SittingEnded
        | m.MessagesForgotten
        | m.PersonForgotten
        | LearningDue,
    ) -> None:
        match message:
            case m.ExchangeEnded():
                self._exchanged(message)
            case m.SittingEnded():
                self._learn(message.guild_id, sitting_over=True)
            case LearningDue():
                self._learn(message.guild_id, sitting_over=True)
            case m.MessagesForgotten():
                self._forget_messages(message.message_ids)
            case m.PersonForgotten():
                self._empty()
            case _:
                assert_never(message)

    # --- what there is to recall
    # ------------------------------------------------------------------------

    def _filled(self, state: MemoryState, now: datetime) -> None:
        """Fill the indexes; in a thread, since nobody else sees this actor yet."""
        marks = {mark.guild_id: mark.last_message_id for mark in state.watermarks}
        for past in state.messages:
            if past.message_id is None:
                continue
            self._shelve(past)
            new = past.message_id > marks.get(past.guild_id, 0)
            if past.role == "user" and new and past.care_level == 0:
                self._wait_for_learning(past.guild_id, Said(past.message_id, past.text, past.at))
        for fact in state.facts:
            self._hold(facts.turned(fact, now))

    def _shelve(self, past: PastMessage) -> None:
        """Put a message where it may be recalled: its own place, and the person's direct
        messages.
        """
        if past.message_id is None or past.care_level >= 2:
            return
        author = PERSON if past.role == "user" else BAR
        item = Item(past.message_id, author, past.text, past.at, past.conversation)
        for guild_id in {past.guild_id, None}:
            self._shelf(guild_id).messages.add(item)

    def _shelf(self, guild_id: GuildId | None) -> Shelf:
        return self._shelves.setdefault(guild_id, Shelf())

    def _hold(self, fact: UserFact) -> None:
        """Know a fact, or no longer."""
        assert fact.fact_id is not None  # noqa: S101 - for the type checker: it is kept
        for shelf in self._shelves.values():
            shelf.facts.discard(fact.fact_id)
        if not fact.is_active:
            self._facts.pop(fact.fact_id, None)
            return
        self._facts[fact.fact_id] = fact
        about = PERSON if fact.about == "self" else fact.about
        item = Item(fact.fact_id, about, fact.content, fact.learned_at)
        for guild_id in {fact.guild_id, None}:
            if facts.may_be_said(fact, guild_id):
                self._shelf(guild_id).facts.add(item)

    def _usable(self, guild_id: GuildId | None) -> tuple[UserFact, ...]:
        now = self._clock()
        turned = (facts.turned(fact, now) for fact in self._facts.values())
        return tuple(f for f in turned if f.is_active and facts.may_be_said(f, guild_id))

    # --- recall
    # -----------------------------------------------------------------------------------------

    async def _recall(self, asked: m.RecallMemory) -> m.Recall:
        usable = {f.fact_id: f for f in self._usable(asked.guild_id)}
        shelf = self._shelf(asked.guild_id)
        found = (
            (usable.get(RowId(h.id)), h.score) for h in shelf.facts.recall(asked.query, PERSON)
        )
        weighed = [(self._weight(fact, score), fact) for fact, score in found if fact is not None]
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
        log.info(
            "memory.recalled",
            extra={
                "user": hashed(self._user_id),
                "facts": len(chosen),
                "messages": len(messages),
                "profile": len(profile),
            },
        )
        return m.Recall(profile, chosen, messages)

    def _weight(self, fact: UserFact, score: float) -> float:
        return fact_score(score, fact.confidence, fact.importance, about_asked=fact.about == "self")

    def _listed(self, guild_id: GuildId | None) -> tuple[UserFact, ...]:
        newest = sorted(self._usable(guild_id), key=lambda f: f.learned_at, reverse=True)
        return tuple(newest)

    # --- learning
    # ---------------------------------------------------------------------------------------

    def _exchanged(self, ended: m.ExchangeEnded) -> None:
        guild_id = ended.place.guild_id
        self._remember(ended)
        self._note_use(ended.recalled, ended.at)
        if ended.care_level == 0:
            for message_id, text, at in ended.messages:
                self._wait_for_learning(guild_id, Said(message_id, text, at))
        self._learn(guild_id)

    def _remember(self, ended: m.ExchangeEnded) -> None:
        lines = [("user", i, text, at) for i, text, at in ended.messages]
        if ended.reply_id is not None:
            lines.append(("assistant", ended.reply_id, ended.reply, ended.at))
        for role, message_id, text, at in lines:
            self._shelve(
                PastMessage(
                    message_id=message_id,
                    role="user" if role == "user" else "assistant",
                    text=text,
                    at=at,
                    conversation=ended.conversation or RowId(0),
                    user_id=self._user_id,
                    guild_id=ended.place.guild_id,
                    care_level=ended.care_level,
                )
            )

    def _note_use(self, fact_ids: tuple[RowId, ...], at: datetime) -> None:
        """Facts that were shown fade slower; kept with the next learning, or at the end."""
        for fact_id in fact_ids:
            if fact := self._facts.get(fact_id):
                self._facts[fact_id] = replace(
                    fact, last_referenced_at=at, times_recalled=fact.times_recalled + 1
                )
                self._used.add(fact_id)

    def _uses(self) -> list[FactSave]:
        return [FactSave(self._facts[i]) for i in sorted(self._used) if i in self._facts]

    def _wait_for_learning(self, guild_id: GuildId | None, said: Said) -> None:
        waiting = self._unlearned.setdefault(guild_id, [])
        if all(other.message_id != said.message_id for other in waiting):
            waiting.append(said)

    def _learn(self, guild_id: GuildId | None, *, sitting_over: bool = False) -> None:
        waiting = self._unlearned.get(guild_id, [])[: extraction.MOST_MESSAGES]
        due = extraction.is_due(waiting, self._rate, self._rng.random(), sitting_over=sitting_over)
        backing_off = self._failures > 0 and not sitting_over
        if backing_off or not due:
            return
        if self._learning:
            self._put_off[guild_id] = None
            return
        self._learning = True
        said = tuple(waiting)
        known = [f for f in self._facts.values() if f.guild_id == guild_id]
        task = extraction.task(said, known, self._clock())
        ask = m.ExtractFacts(
            guild_id=guild_id,
            user_id=self._user_id,
            prompt=(m.PromptPart("system", extraction.PROMPT), m.PromptPart("user", task)),
            schema=extraction.SCHEMA,
        )
        self.pipe(self._ask(ask), lambda outcome: FactsExtracted(guild_id, said, outcome))

    async def _ask(self, ask: m.ExtractFacts) -> m.Extraction:
        return await self._language.ask(ask, timeout=600.0)

    async def _extracted(self, extracted: FactsExtracted) -> None:
        self._learning = False
        guild_id, outcome = extracted.guild_id, extracted.outcome
        data = outcome.data if isinstance(outcome, m.Extraction) else None
        if data is None:
            self._could_not_learn(guild_id, outcome)
            return
        self._failures = 0
        if await self._learned(guild_id, extracted.said, data):
            while self._put_off and not self._learning:
                self._learn(self._put_off.popitem()[0], sitting_over=True)

    async def _learned(
        self, guild_id: GuildId | None, said: tuple[Said, ...], data: Mapping[str, Any]
    ) -> bool:
        """Learn from an extractor's answer; return False if that could not be kept."""
        waiting = {s.message_id for s in self._unlearned.get(guild_id, [])}
        if not any(s.message_id in waiting for s in said):
            return True  # everything it was drawn from was deleted meanwhile
        there = tuple(s if s.message_id in waiting else replace(s, by_bar=True) for s in said)
        now = self._clock()
        answer = extraction.believed(
            data,
            there,
            user_id=self._user_id,
            guild_id=guild_id,
            consents=False,
            known=frozenset(i for i, f in self._facts.items() if f.guild_id == guild_id),
            now=now,
        )
        for reason in answer.rejected:
            log.info("facts.rejected", extra={"user": hashed(self._user_id), "reason": reason})
        known = tuple(facts.turned(fact, now) for fact in self._facts.values())
        changes = facts.merged(known, answer.proposals, now)
        if not await self._keep(guild_id, changes, said):
            return False
        done = {s.message_id for s in said}
        left = [s for s in self._unlearned.get(guild_id, []) if s.message_id not in done]
        self._unlearned[guild_id] = left
        return True

    def _could_not_learn(self, guild_id: GuildId | None, outcome: m.Extraction | Exception) -> None:
        reason = outcome.reason if isinstance(outcome, m.Extraction) else type(outcome).__name__
        self._failures += 1
        log.info(
            "facts.extraction_failed",
            extra={"user": hashed(self._user_id), "reason": reason, "failures": self._failures},
        )
        if reason == "no_key":
            return
        pause = min(BACKOFF * 2 ** (self._failures - 1), LONGEST_BACKOFF)
        self.after(pause.total_seconds(), LearningDue(guild_id), name="learn")

    async def _keep(
        self,
        guild_id: GuildId | None,
        changes: tuple[facts.FactChange, ...],
        said: tuple[Said, ...],
    ) -> bool:
        mark = Watermark(self._user_id, guild_id, max(s.message_id for s in said))
        saves = [FactSave(change.fact, change.replaces) for change in changes]
        changed = {save.fact.fact_id for save in saves}
        uses = [use for use in self._uses() if use.fact.fact_id not in changed]
        writes: list[Write] = [*saves, mark, *uses]
        try:
            answers = await self._storage.ask(m.Save(tuple(writes)))
        except StorageError as error:
            log.warning("facts.not_kept", extra={"error": type(error).__name__})
            return False
        for save, row in zip(saves, answers, strict=False):
            self._hold(replace(save.fact, fact_id=row))
        self._used.clear()
        await self._prune()
        log.info(
            "facts.learned",
            extra={
                "user": hashed(self._user_id),
                "guild_id": guild_id,
                "changes": len(changes),
                "messages": len(said),
                "active": len(self._facts),
            },
        )
        return True

    async def _prune(self) -> None:
        gone = facts.pruned(tuple(self._facts.values()), self._clock())
        if gone:
            await self._storage.ask(m.Save(tuple(FactSave(fact) for fact in gone)))
        for fact in gone:
            self._hold(fact)

    # --- forgetting
    # -------------------------------------------------------------------------------------

    async def _forget_facts(self, asked: m.ForgetFacts) -> int:
        chosen = frozenset(
            i
            for i, fact in self._facts.items()
            if asked.everything or i in asked.fact_ids or fact.fact_type == asked.fact_type
        )
        if not chosen:
            return 0
        await self._storage.ask(m.EraseFacts(self._user_id, chosen))
        for fact_id in chosen:
            self._hold(replace(self._facts[fact_id], is_active=False))
        log.info("facts.forgotten", extra={"user": hashed(self._user_id), "facts": len(chosen)})
        return len(chosen)

    def _forget_messages(self, message_ids: frozenset[MessageId]) -> None:
        for shelf in self._shelves.values():
            for message_id in message_ids:
                shelf.messages.discard(message_id)
        for guild_id, waiting in self._unlearned.items():
            self._unlearned[guild_id] = [s for s in waiting if s.message_id not in message_ids]
        drawn = [f for f in self._facts.values() if f.source_message_id in message_ids]
        for fact in drawn:
            self._hold(replace(fact, is_active=False))

    async def _correct(self, asked: m.CorrectFact) -> UserFact | None:
        fact = self._facts.get(asked.fact_id)
        content = " ".join(asked.content.split())[: extraction.LONGEST_FACT]
        if fact is None or not content:
            return None
        corrected = replace(fact, content=content, source="manual", confidence=1.0, evidence="")
        await self._storage.ask(m.Save((FactSave(corrected),)))
        self._hold(corrected)
        return corrected
