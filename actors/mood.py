"""Moods: one for each guild, and a passing one for each person's direct messages."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.rules import mood as rules
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import GuildId, hashed
from storage.records import Mood, MoodShift

log = logging.getLogger(__name__)

SEEN: float = 0.005
"""A smaller change of valence or arousal is kept, but is no line of the mood's history."""

MoodInbox = m.ExchangeEnded | m.ReadMood


class MoodActor(VirtualActor):
    """Keeps one guild's mood, or the passing mood of one person's direct messages.

    Owns:    the guild's bot_states row (mood and statistics), between start and stop.
    Hears:   ExchangeEnded.
    Answers: ReadMood.
    Asks:    storage, to keep mood and history; a direct message's mood is never kept.
    """

    def __init__(
        self, key: m.MoodKey, *, directory: Directory, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(key)
        kind, number = key
        self._guild_id = GuildId(number) if kind == "guild" else None
        self._kept = kind == "guild"
        self._clock = clock
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._mood = rules.at_rest(self._guild_id, clock())
        self._talk = rules.Talk(clock())
        self._unsaved = False

    async def on_start(self) -> None:
        if self._kept:
            kept = await self._storage.ask(m.LoadMood(self._guild_id))
            self._mood = self._mood if kept is None else kept

    async def on_stop(self) -> None:
        if self._unsaved:
            await self._storage.ask(m.Save((self._mood,)))

    async def receive(self, message: MoodInbox) -> m.MoodReading | None:
        match message:
            case m.ExchangeEnded():
                await self._exchanged(message)
                return None
            case m.ReadMood():
                now = rules.settled(self._mood, message.at)
                return m.MoodReading(now, rules.label(now))
            case _:
                assert_never(message)

    async def _exchanged(self, ended: m.ExchangeEnded) -> None:
        before = rules.settled(self._mood, ended.at)
        after, self._talk = rules.heard(
            self._mood,
            self._talk,
            ended.person.user_id,
            ended.at,
            valence=ended.valence,
            arousal=ended.arousal,
            care_level=ended.care_level,
        )
        self._mood = replace(after, total_messages_sent=after.total_messages_sent + 1)
        by, stirred = after.valence - before.valence, after.arousal - before.arousal
        if self._kept:
            await self._keep(ended, shifted=max(abs(by), abs(stirred)) >= SEEN)
            log.info(
                "mood.shifted",
                extra={
                    "guild_id": self._guild_id,
                    "user": hashed(ended.person.user_id),
                    "valence": round(after.valence, 4),
                    "arousal": round(after.arousal, 4),
                    "by": round(by, 4),
                    "label": rules.label(after),
                },
            )

    async def _keep(self, ended: m.ExchangeEnded, *, shifted: bool) -> None:
        """Keep the mood; with the database away it stays here and is kept with the next change."""
        assert self._guild_id is not None  # noqa: S101 - for the type checker: only guilds' moods are kept
        shift = MoodShift(
            guild_id=self._guild_id,
            valence=self._mood.valence,
            arousal=self._mood.arousal,
            trigger_type="conversation",
            trigger_user_id=ended.person.user_id,
            trigger_description=f"care_{ended.care_level}" if ended.care_level else "tone",
            recorded_at=ended.at,
        )
        writes: tuple[Mood | MoodShift, ...] = (self._mood, shift) if shifted else (self._mood,)
        try:
            await self._storage.ask(m.Save(writes))
        except StorageError as error:
            self._unsaved = True
            log.warning("mood.not_kept", extra={"error": type(error).__name__})
        else:
            self._unsaved = False
