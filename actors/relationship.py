"""Relationships: one actor for each person, for how the bar knows them everywhere."""

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, assert_never

from actors import messages as m
from actors.directory import Directory, VirtualActor
from actors.rules import relationship as rules
from actors.rules import style as styles
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import GuildId, UserId, hashed
from storage.records import CommunicationStyle, Person, Preference, Relationship, Write

log = logging.getLogger(__name__)

DISCLOSED_AT = "last_disclosed_at"
UTC_OFFSET_MINUTES = "utc_offset_minutes"

RelationshipInbox = m.ExchangeEnded | m.ReadRelationship | m.SetPreference | m.PersonForgotten


class RelationshipActor(VirtualActor):
    """Knows one person.

    Owns:    the relationship in each guild and overall, the communication style, the preferences.
    Hears:   ExchangeEnded, PersonForgotten.
    Answers: ReadRelationship, SetPreference.
    Asks:    storage, to keep what it owns after every exchange.
    """

    def __init__(self, key: UserId, *, directory: Directory, clock: Callable[[], datetime]) -> None:
        super().__init__(key)
        self._user_id = key
        self._clock = clock
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._forget_everything()

    def _forget_everything(self) -> None:
        self._custom_name: str | None = None
        self._known: dict[GuildId | None, Relationship] = {}
        self._style = CommunicationStyle(self._user_id)
        self._preferences: dict[str, str] = {}
        self._unkept: dict[object, Write] = {}

    async def on_start(self) -> None:
        state = await self._storage.ask(m.LoadPerson(self._user_id))
        self._custom_name = state.custom_name
        self._known = {r.guild_id: r for r in state.relationships}
        self._style = state.style or self._style
        self._preferences = dict(state.preferences)

    async def on_stop(self) -> None:
        if self._unkept:
            await self._storage.ask(m.Save(tuple(self._unkept.values())))

    async def receive(self, message: RelationshipInbox) -> Any:
        match message:
            case m.ExchangeEnded():
                await self._exchanged(message)
            case m.ReadRelationship():
                return self._reading(message.person, message.guild_id)
            case m.SetPreference():
                await self._prefer(message.key, message.value)
            case m.PersonForgotten():
                self._forget_everything()
            case _:
                assert_never(message)
        return None

    def _in(self, guild_id: GuildId | None) -> Relationship:
        return self._known.get(guild_id) or Relationship(self._user_id, guild_id)

    def _reading(self, person: Person, guild_id: GuildId | None) -> m.RelationshipReading:
        here, overall = self._in(guild_id), self._in(None)
        disclosed = self._preferences.get(DISCLOSED_AT)
        return m.RelationshipReading(
            relationship=here,
            overall=overall,
            band=rules.band(here.score),
            style=self._style,
            preferences=dict(self._preferences),
            name=self._custom_name or person.nickname or person.display_name or person.username,
            last_disclosed_at=datetime.fromisoformat(disclosed) if disclosed else None,
        )

    async def _prefer(self, key: str, value: str | None) -> None:
        await self._storage.ask(m.Save((Preference(self._user_id, key, value),)))
        if value is None:
            self._preferences.pop(key, None)
        else:
            self._preferences[key] = value

    async def _exchanged(self, ended: m.ExchangeEnded) -> None:
        """Grow: in the guild and overall (a direct message: overall alone)."""
        before = self._in(ended.place.guild_id)
        for guild_id in {ended.place.guild_id, None}:
            self._known[guild_id] = self._unkept["relationship", guild_id] = rules.met(
                self._in(guild_id),
                ended.at,
                length=len(ended.text),
                depth=ended.depth,
                valence=ended.valence,
                offset=self._offset(),
            )
        if ended.care_level == 0:  # nobody's style is learned from their worst hour
            self._style = styles.observed(self._style, ended.text, turn=ended.depth)
            self._unkept["style"] = self._style
        if ended.disclosed:
            at = ended.at.isoformat()
            self._preferences[DISCLOSED_AT] = at
            self._unkept[DISCLOSED_AT] = Preference(self._user_id, DISCLOSED_AT, at)
        await self._keep()
        after = self._in(ended.place.guild_id)
        log.info(
            "relationship.grew",
            extra={
                "guild_id": ended.place.guild_id,
                "user": hashed(self._user_id),
                "score": round(after.score, 3),
                "by": round(after.score - before.score, 4),
                "band": rules.band(after.score),
                "style_confidence": round(self._style.confidence, 2),
            },
        )

    def _offset(self) -> timedelta:
        minutes = self._preferences.get(UTC_OFFSET_MINUTES, "")
        sound = re.fullmatch(r"[+-]?[0-9]{1,3}", minutes) is not None
        return timedelta(minutes=int(minutes)) if sound else timedelta()

    async def _keep(self) -> None:
        """Keep what changed; with the database away it stays here and is kept with the next
        change.
        """
        try:
            await self._storage.ask(m.Save(tuple(self._unkept.values())))
        except StorageError as error:
            log.warning("relationship.not_kept", extra={"error": type(error).__name__})
        else:
            self._unkept.clear()
