"""Opinions: one actor for each guild (key 0: direct messages and everywhere)."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.rules import opinions as rules
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import GuildId
from storage.records import Opinion

log = logging.getLogger(__name__)

OpinionInbox = m.ExchangeEnded | m.ReadOpinions


class OpinionActor(VirtualActor):
    """Keeps what the bar thinks of topics in one guild.

    Owns:    the guild's bot_opinions rows.
    Hears:   ExchangeEnded (of a guild; what is said in direct messages forms no opinion).
    Answers: ReadOpinions.
    Asks:    storage, to keep an opinion when it changed.
    """

    def __init__(self, key: int, *, directory: Directory, clock: Callable[[], datetime]) -> None:
        super().__init__(key)
        self._guild_id = GuildId(key) if key else None
        self._clock = clock
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._opinions: dict[str, Opinion] = {}
        self._unkept: dict[str, Opinion] = {}

    async def on_start(self) -> None:
        loaded = await self._storage.ask(m.LoadOpinions(self._guild_id))
        self._opinions = {opinion.topic: opinion for opinion in loaded}

    async def on_stop(self) -> None:
        if self._unkept:
            await self._storage.ask(m.Save(tuple(self._unkept.values())))

    async def receive(self, message: OpinionInbox) -> tuple[Opinion, ...] | None:
        match message:
            case m.ReadOpinions():
                return rules.mattering(self._opinions, message.text, message.at, message.limit)
            case m.ExchangeEnded():
                await self._exchanged(message)
                return None
            case _:
                assert_never(message)

    async def _exchanged(self, ended: m.ExchangeEnded) -> None:
        if self._guild_id is None or ended.care_level:
            return
        changed = tuple(
            rules.discussed(
                self._opinions.get(topic), self._guild_id, topic, ended.valence, ended.at
            )
            for topic in rules.topics_in(ended.text)
        )
        if not changed:
            return
        self._unkept |= {opinion.topic: opinion for opinion in changed}
        self._opinions |= self._unkept
        log.info("opinion.reinforced", extra={"guild_id": self._guild_id, "topics": len(changed)})
        await self._keep()

    async def _keep(self) -> None:
        """Keep what changed; with the database away it stays here and is kept with the next
        change.
        """
        try:
            await self._storage.ask(m.Save(tuple(self._unkept.values())))
        except StorageError as error:
            log.warning("opinion.not_kept", extra={"error": type(error).__name__})
        else:
            self._unkept.clear()
