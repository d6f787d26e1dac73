"""How one person's memory learns: what waits to be read, when it is read, what is believed of it.

Rule 1: one reading at a time; a sitting that ends meanwhile is read next.
Rule 2: after a failed reading nothing is asked for until the pause is over; it doubles.
Rule 3: the watermark moves with the facts, in one commit; what could not be kept waits on.
Rule 4: what was deleted while the extractor thought is no evidence any more.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from actors import messages as m
from actors.calendar import CalendarActor
from actors.directory import Directory
from actors.memory.holdings import Holdings
from actors.rules import events, extraction, facts
from actors.rules.extraction import Said
from actors.runtime import Told
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import GuildId, MessageId, UserId, hashed
from storage.records import FactSave, Watermark, Write

log = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True)
class Reading:
    """Messages of one place on their way to the extractor."""

    guild_id: GuildId | None
    said: tuple[Said, ...]
    ask: m.ExtractFacts


class Learning:
    """Turns what a person said into facts in `holdings`; the actor carries its readings out."""

    def __init__(
        self,
        user_id: UserId,
        holdings: Holdings,
        directory: Directory,
        rng: random.Random,
        rate: float,
    ) -> None:
        self._user_id = user_id
        self._holdings = holdings
        self._directory = directory
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._rng = rng
        self._rate = rate
        self._unlearned: dict[GuildId | None, list[Said]] = {}
        self._reading = False
        self._put_off: dict[GuildId | None, None] = {}
        self._failures = 0

    # --- what waits
    # -------------------------------------------------------------------------------------

    def wait(self, guild_id: GuildId | None, said: Said) -> None:
        """Let a message wait for the next reading of its place."""
        waiting = self._unlearned.setdefault(guild_id, [])
        if all(other.message_id != said.message_id for other in waiting):
            waiting.append(said)

    def forget(self, message_ids: frozenset[MessageId]) -> None:
        """Never read these messages."""
        for guild_id, waiting in self._unlearned.items():
            self._unlearned[guild_id] = [s for s in waiting if s.message_id not in message_ids]

    # --- when it is read
    # --------------------------------------------------------------------------------

    def begun(
        self, guild_id: GuildId | None, now: datetime, *, sitting_over: bool = False
    ) -> Reading | None:
        """Return the reading that is due in this place, which is then under way; else None."""
        waiting = self._unlearned.get(guild_id, [])[: extraction.MOST_MESSAGES]
        due = extraction.is_due(waiting, self._rate, self._rng.random(), sitting_over=sitting_over)
        backing_off = self._failures > 0 and not sitting_over
        if backing_off or not due:
            return None
        if self._reading:
            self._put_off[guild_id] = None
            return None
        self._reading = True
        said = tuple(waiting)
        known = [f for f in self._holdings.facts.values() if f.guild_id == guild_id]
        task = extraction.task(said, known, now)
        ask = m.ExtractFacts(
            guild_id=guild_id,
            user_id=self._user_id,
            prompt=(m.PromptPart("system", extraction.PROMPT), m.PromptPart("user", task)),
            schema=extraction.SCHEMA,
        )
        return Reading(guild_id, said, ask)

    def put_off(self, now: datetime) -> Reading | None:
        """Return the reading that had to wait for another, if there is one."""
        while self._put_off and not self._reading:
            if reading := self.begun(self._put_off.popitem()[0], now, sitting_over=True):
                return reading
        return None

    def failed(self, extracted: FactsExtracted) -> timedelta | None:
        """Return how long to wait after a reading that came to nothing; None: until asked again."""
        self._reading = False
        outcome = extracted.outcome
        reason = outcome.reason if isinstance(outcome, m.Extraction) else type(outcome).__name__
        self._failures += 1
        log.info(
            "facts.extraction_failed",
            extra={"user": hashed(self._user_id), "reason": reason, "failures": self._failures},
        )
        if reason == "no_key":
            return None
        return min(BACKOFF * (1 << min(self._failures - 1, 10)), LONGEST_BACKOFF)

    # --- what is believed of it
    # -------------------------------------------------------------------------

    async def learned(
        self,
        guild_id: GuildId | None,
        said: tuple[Said, ...],
        data: Mapping[str, Any],
        now: datetime,
    ) -> bool:
        """Learn from an extractor's answer; return False if that could not be kept."""
        self._reading = False
        self._failures = 0
        waiting = {s.message_id for s in self._unlearned.get(guild_id, [])}
        if not any(s.message_id in waiting for s in said):
            return True  # everything it was drawn from was deleted meanwhile
        there = tuple(s if s.message_id in waiting else replace(s, by_bar=True) for s in said)
        held = self._holdings.facts
        answer = extraction.believed(
            data,
            there,
            user_id=self._user_id,
            guild_id=guild_id,
            consents=False,
            known=frozenset(i for i, f in held.items() if f.guild_id == guild_id),
            now=now,
        )
        for reason in answer.rejected:
            log.info("facts.rejected", extra={"user": hashed(self._user_id), "reason": reason})
        known = tuple(facts.turned(fact, now) for fact in held.values())
        changes = facts.merged(known, answer.proposals, now)
        if not await self._note_events(guild_id, data, there, answer.proposals):
            return False
        if not await self._keep(guild_id, changes, said, now):
            return False
        done = {s.message_id for s in said}
        left = [s for s in self._unlearned.get(guild_id, []) if s.message_id not in done]
        self._unlearned[guild_id] = left
        return True

    async def _note_events(
        self,
        guild_id: GuildId | None,
        data: Mapping[str, Any],
        said: tuple[Said, ...],
        proposals: Sequence[extraction.Proposal],
    ) -> bool:
        """Have the calendar plan what was spoken of; it keeps each thing once, so that this may
        happen again.  Return False if that could not be done now.
        """
        spoken_of, rejected = events.drawn(data, said)
        for reason in rejected:
            log.info("facts.rejected", extra={"user": hashed(self._user_id), "reason": reason})
        drawn = (*spoken_of, *events.ahead(proposals, said))
        if not drawn:
            return True
        calendar = self._directory.ref(CalendarActor, m.OnlyOne)
        try:
            await calendar.ask(m.NoteEvents(self._user_id, guild_id, drawn))
        except StorageError as error:
            log.warning("facts.not_kept", extra={"error": type(error).__name__})
            return False
        return True

    async def _keep(
        self,
        guild_id: GuildId | None,
        changes: tuple[facts.FactChange, ...],
        said: tuple[Said, ...],
        now: datetime,
    ) -> bool:
        mark = Watermark(self._user_id, guild_id, max(s.message_id for s in said))
        saves = [FactSave(change.fact, change.replaces) for change in changes]
        changed = {save.fact.fact_id for save in saves}
        uses = [use for use in self._holdings.uses() if use.fact.fact_id not in changed]
        writes: list[Write] = [*saves, mark, *uses]
        try:
            answers = await self._storage.ask(m.Save(tuple(writes)))
        except StorageError as error:
            log.warning("facts.not_kept", extra={"error": type(error).__name__})
            return False
        for save, row in zip(saves, answers, strict=False):
            self._holdings.hold(replace(save.fact, fact_id=row))
        self._holdings.uses_kept()
        await self._prune(now)
        log.info(
            "facts.learned",
            extra={
                "user": hashed(self._user_id),
                "guild_id": guild_id,
                "changes": len(changes),
                "messages": len(said),
                "active": len(self._holdings.facts),
            },
        )
        return True

    async def _prune(self, now: datetime) -> None:
        gone = facts.pruned(tuple(self._holdings.facts.values()), now)
        if gone:
            await self._storage.ask(m.Save(tuple(FactSave(fact) for fact in gone)))
        for fact in gone:
            self._holdings.hold(fact)
