"""The memory actor: the mailbox of one person's memory."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.language import LanguageActor
from actors.memory.holdings import Holdings
from actors.memory.learning import FactsExtracted, Learning, LearningDue, Reading
from actors.rules import extraction, facts
from actors.rules.extraction import Said
from actors.storage import StorageActor
from storage.ids import GuildId, RowId, UserId, hashed
from storage.records import FactSave, MemoryState, PastMessage, UserFact

log = logging.getLogger(__name__)

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
        self._directory = directory
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._language = directory.ref(LanguageActor, m.OnlyOne)
        self._empty()

    def _empty(self) -> None:
        self._holdings = Holdings()
        self._learning = Learning(
            self._user_id, self._holdings, self._directory, self._rng, self._rate
        )

    async def on_start(self) -> None:
        now = self._clock()
        state = await self._storage.ask(m.LoadMemory(self._user_id))
        await asyncio.to_thread(self._filled, state, now)
        log.info(
            "memory.loaded",
            extra={
                "user": hashed(self._user_id),
                "facts": len(self._holdings.facts),
                "messages": self._holdings.message_count,
            },
        )

    async def on_stop(self) -> None:
        if uses := self._holdings.uses():
            await self._storage.ask(m.Save(tuple(uses)))

    async def receive(self, message: MemoryInbox) -> Any:
        match message:
            case m.RecallMemory():
                return self._recall(message)
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
            case m.SittingEnded() | LearningDue():
                self._learn(message.guild_id, sitting_over=True)
            case m.MessagesForgotten():
                self._holdings.forget(message.message_ids)
                self._learning.forget(message.message_ids)
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
            self._holdings.shelve(past)
            new = past.message_id > marks.get(past.guild_id, 0)
            if past.role == "user" and new and past.care_level == 0:
                self._learning.wait(
                    past.guild_id,
                    Said(past.message_id, past.text, past.at, channel_id=past.channel_id),
                )
        for fact in state.facts:
            self._holdings.hold(facts.turned(fact, now))

    def _recall(self, asked: m.RecallMemory) -> m.Recall:
        recall = self._holdings.recall(asked, self._clock())
        log.info(
            "memory.recalled",
            extra={
                "user": hashed(self._user_id),
                "facts": len(recall.facts),
                "messages": len(recall.messages),
                "profile": len(recall.profile),
            },
        )
        return recall

    def _listed(self, guild_id: GuildId | None) -> tuple[UserFact, ...]:
        usable = self._holdings.usable(guild_id, self._clock())
        return tuple(sorted(usable, key=lambda f: f.learned_at, reverse=True))

    # --- what is heard and learned
    # ----------------------------------------------------------------------

    def _exchanged(self, ended: m.ExchangeEnded) -> None:
        guild_id = ended.place.guild_id
        self._remember(ended)
        self._holdings.note_use(ended.recalled, ended.at)
        if ended.care_level == 0:
            for message_id, text, at in ended.messages:
                self._learning.wait(
                    guild_id, Said(message_id, text, at, channel_id=ended.place.channel_id)
                )
        self._learn(guild_id)

    def _remember(self, ended: m.ExchangeEnded) -> None:
        lines = [("user", i, text, at) for i, text, at in ended.messages]
        if ended.reply_id is not None:
            lines.append(("assistant", ended.reply_id, ended.reply, ended.at))
        for role, message_id, text, at in lines:
            self._holdings.shelve(
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

    def _learn(self, guild_id: GuildId | None, *, sitting_over: bool = False) -> None:
        reading = self._learning.begun(guild_id, self._clock(), sitting_over=sitting_over)
        if reading is not None:
            self._read(reading)

    def _read(self, reading: Reading) -> None:
        self.pipe(
            self._ask(reading.ask),
            lambda outcome: FactsExtracted(reading.guild_id, reading.said, outcome),
        )

    async def _ask(self, ask: m.ExtractFacts) -> m.Extraction:
        return await self._language.ask(ask, timeout=600.0)

    async def _extracted(self, extracted: FactsExtracted) -> None:
        guild_id, outcome = extracted.guild_id, extracted.outcome
        data = outcome.data if isinstance(outcome, m.Extraction) else None
        if data is None:
            if pause := self._learning.failed(extracted):
                self.after(pause.total_seconds(), LearningDue(guild_id), name="learn")
            return
        kept = await self._learning.learned(guild_id, extracted.said, data, self._clock())
        if kept and (reading := self._learning.put_off(self._clock())):
            self._read(reading)

    # --- forgetting
    # -------------------------------------------------------------------------------------

    async def _forget_facts(self, asked: m.ForgetFacts) -> int:
        chosen = frozenset(
            i
            for i, fact in self._holdings.facts.items()
            if asked.everything or i in asked.fact_ids or fact.fact_type == asked.fact_type
        )
        if not chosen:
            return 0
        await self._storage.ask(m.EraseFacts(self._user_id, chosen))
        self._holdings.let_go(chosen)
        log.info("facts.forgotten", extra={"user": hashed(self._user_id), "facts": len(chosen)})
        return len(chosen)

    async def _correct(self, asked: m.CorrectFact) -> UserFact | None:
        fact = self._holdings.facts.get(asked.fact_id)
        content = " ".join(asked.content.split())[: extraction.LONGEST_FACT]
        if fact is None or not content:
            return None
        corrected = replace(fact, content=content, source="manual", confidence=1.0, evidence="")
        await self._storage.ask(m.Save((FactSave(corrected),)))
        self._holdings.hold(corrected)
        return corrected
