"""A batch: what many asks want kept, brought together into rows.

Rule 1: of two saves of one record the later wins; one row each reaches the database.
Rule 2: counters of one batch are added up before they reach the database.
Rule 3: a message is heard once; the same message twice in a batch is the same row.
Rule 4: rows hold only what both databases can hold; what neither can (NaN) is refused here.

Every row is a tuple in the order of its statement in `storage.statements`; people, guilds and
channels stand in it by their Discord ids, and the databases put the keys of the rows instead.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, assert_never

from storage import records as r
from storage.errors import RowRefusedError
from storage.ids import MessageId, RowId
from storage.rows import (
    NAME,
    Row,
    fact_row,
    finite,
    mood_row,
    opinion_row,
    relationship_row,
    style_row,
)
from storage.times import ensure_utc
from storage.types import storable, storable_json

BUILDING: Final = (ValueError, TypeError, AttributeError, OverflowError)
"""What making rows of a malformed record may raise."""


@dataclass(slots=True)
class Batch:
    """Rows by what they are; each dict is keyed by what makes its rows unique."""

    now: datetime
    salt: str = ""
    people: dict[int, Row] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)
    """People who are only named by an id; made if unknown."""
    others: set[int] = field(default_factory=set)
    """People whose rows are needed, and who must be known already (or be in `people`)."""
    guilds: dict[int, Row] = field(default_factory=dict)
    members: dict[Row, Row] = field(default_factory=dict)
    heard: dict[MessageId, list[Any]] = field(default_factory=dict)
    said: list[Row] = field(default_factory=list)
    settled: dict[MessageId, datetime] = field(default_factory=dict)
    edited: dict[MessageId, Row] = field(default_factory=dict)
    shifts: list[Row] = field(default_factory=list)
    learned: list[Row] = field(default_factory=list)
    changed: dict[int, Row] = field(default_factory=dict)
    replaced: list[tuple[int, int]] = field(default_factory=list)
    """(place in `learned`, key of the fact that it replaces); links between old facts by key."""
    relinked: list[tuple[int, int]] = field(default_factory=list)
    states: dict[str, dict[Row, Row]] = field(default_factory=dict)
    """Rows of the state tables, by the name of their statement."""
    guild_states: dict[int, Row] = field(default_factory=dict)
    dropped_preferences: set[Row] = field(default_factory=set)
    dropped_cares: set[Row] = field(default_factory=set)
    rows: int = 0
    _places: list[list[Any]] = field(default_factory=list)

    # --- taking asks in ---------------------------------------------------------------------

    def add(self, writes: Iterable[r.Write]) -> None:
        """Take in one ask.

        Raises:
            RowRefusedError: one of its records can be kept in no database.  The batch must then
                be made again without this ask.
        """
        places: list[Any] = []
        for write in writes:
            try:
                places.append(self._add(write))
            except BUILDING:
                raise RowRefusedError("invalid", type(write).__name__) from None
            self.rows += 1
        self._places.append(places)

    def _add(self, write: r.Write) -> Any:  # noqa: C901 - the table of contents
        match write:
            case r.HeardMessage():
                return self._hear(write)
            case r.SaidReply():
                self._say(write)
            case r.EditedMessage():
                self.edited[write.message_id] = (
                    write.message_id,
                    storable(write.text),
                    ensure_utc(write.at),
                )
            case r.MoodShift():
                self._shift(write)
            case r.FactSave():
                return self._learn(write)
            case r.Preference():
                self._prefer(write)
            case r.KeptCare():
                self._care(write)
            case r.GuildState():
                self.guild_states[write.guild_id] = (
                    write.guild_id,
                    storable(write.name)[:NAME],
                    write.active,
                    ensure_utc(write.at),
                )
            case r.ModelUse() | r.CareCount():
                self._count(write)
            case r.Mood() | r.Relationship() | r.CommunicationStyle() | r.Opinion():
                self._state(write)
            case r.Watermark() | r.KnownChannel() | r.Setting():
                self._mark(write)
            case _:
                assert_never(write)
        return None

    # --- people and what they say -----------------------------------------------------------

    def _hear(self, heard: r.HeardMessage) -> tuple[str, MessageId, bool]:
        person, place, at = heard.person, heard.place, ensure_utc(heard.at)
        user_id = person.user_id
        if heard.message_id in self.heard:
            return ("heard", heard.message_id, False)
        self.people[user_id] = (
            user_id,
            storable(person.username)[:NAME],
            storable(person.display_name)[:NAME],
            person.locale and storable(person.locale)[:20],
            at,
        )
        if place.guild_id is not None:
            self._belong(person, place.guild_id, place.guild_name, at)
        self.heard[heard.message_id] = [
            heard.message_id,
            user_id,
            place.guild_id,
            place.channel_id,
            heard.conversation,
            storable(heard.text),
            bool(heard.image_urls),
            storable_json(heard.image_urls) if heard.image_urls else "[]",
            heard.token_count,
            heard.care_level,
            heard.expects_answer,
            at,
            self.settled.get(heard.message_id),
            0,  # the replies of this batch that answer it ...
            at,  # ... and when the last thing of these was said
        ]
        return ("heard", heard.message_id, True)

    def _belong(self, person: r.Person, guild_id: int, guild_name: str, at: datetime) -> None:
        if guild_name or guild_id not in self.guilds:
            self.guilds[guild_id] = (guild_id, storable(guild_name)[:NAME], at)
        self.members[guild_id, person.user_id] = (
            guild_id,
            person.user_id,
            person.nickname and storable(person.nickname)[:NAME],
            tuple(storable(role)[:NAME] for role in person.roles),
            person.joined_guild_at and ensure_utc(person.joined_guild_at),
        )

    def _say(self, said: r.SaidReply) -> None:
        at = ensure_utc(said.at)
        for message_id in said.answers:
            self.settled[message_id] = at
            if message_id in self.heard:
                self.heard[message_id][12] = at
        if not said.message_ids:
            return  # nobody got to read it, so it is no part of the conversation
        self.others.add(said.user_id)
        first = said.answers[0] if said.answers else None
        if first in self.heard:
            row = self.heard[first]
            row[13] += 1
            row[14] = max(row[14], at)
        self.said.append(
            (
                said.message_ids[0],
                said.user_id,
                said.conversation,
                first,
                storable_json(said.message_ids[1:]),
                storable(said.text),
                said.token_count,
                said.care_level,
                at,
            )
        )

    # --- moods, facts -----------------------------------------------------------------------

    def _shift(self, shift: r.MoodShift) -> None:
        if shift.trigger_user_id is not None:
            self.others.add(shift.trigger_user_id)
        self.shifts.append(
            (
                shift.guild_id,
                finite(shift.valence),
                finite(shift.arousal),
                shift.trigger_type,
                shift.trigger_user_id,
                storable(shift.trigger_description),
                ensure_utc(shift.recorded_at),
            )
        )

    def _learn(self, save: r.FactSave) -> tuple[str, int]:
        fact = save.fact
        row = fact_row(fact)
        if fact.fact_id is not None:
            self.changed[fact.fact_id] = (fact.fact_id, *row)
            self.relinked += [(fact.fact_id, old) for old in save.replaces]
            return ("changed", fact.fact_id)
        self.others.add(fact.user_id)
        place = len(self.learned)
        source = fact.source_message_id
        self.learned.append(
            (fact.user_id, *row, source and tombstone(self.salt, "message", source))
        )
        self.replaced += [(place, old) for old in save.replaces]
        return ("learned", place)

    # --- state rows -------------------------------------------------------------------------

    def keep(self, statement: str, key: Row, row: Row) -> None:
        """Keep `row` as the one that `statement` is given for `key`."""
        self.states.setdefault(statement, {})[key] = row

    def _state(self, record: r.Mood | r.Relationship | r.CommunicationStyle | r.Opinion) -> None:
        match record:
            case r.Mood():
                self.keep("moods", (record.guild_id,), mood_row(record))
            case r.Opinion():
                row = opinion_row(record)
                self.keep("opinions", row[:2], row)
            case r.Relationship():
                self.others.add(record.user_id)
                key = (record.user_id, record.guild_id)
                self.keep("relationships", key, relationship_row(record))
            case r.CommunicationStyle():
                self.others.add(record.user_id)
                self.keep("styles", (record.user_id,), style_row(record))

    def _mark(self, record: r.Watermark | r.KnownChannel | r.Setting) -> None:
        match record:
            case r.Watermark():
                self.others.add(record.user_id)
                key = (record.user_id, record.guild_id)
                self.keep("watermarks", key, (*key, record.last_message_id))
            case r.KnownChannel():
                row = (record.channel_id, record.guild_id, record.kind[:20])
                self.keep("channels", row[:1], (*row, record.last_message_id, self.now))
            case r.Setting():
                self.keep("settings", (record.key,), (record.key, storable_json(record.value)))

    def _prefer(self, preference: r.Preference) -> None:
        key = (preference.user_id, storable(preference.key)[:100])
        if preference.value is None:
            self.states.get("preferences", {}).pop(key, None)
            self.dropped_preferences.add(key)
        else:
            self.dropped_preferences.discard(key)
            self.named.add(preference.user_id)
            self.keep("preferences", key, (*key, storable(preference.value)))

    def _care(self, care: r.KeptCare) -> None:
        key, state = (care.user_id, care.channel_id), care.state
        if state is None:
            self.states.get("cares", {}).pop(key, None)
            self.dropped_cares.add(key)
            return
        self.dropped_cares.discard(key)
        self.others.add(care.user_id)
        shown = state.resources_shown_at
        times = (ensure_utc(state.since), ensure_utc(state.until), shown and ensure_utc(shown))
        row = (*key, state.level, storable_json(state.labels), *times, state.language)
        self.keep("cares", key, row)

    def _count(self, count: r.ModelUse | r.CareCount) -> None:
        key: Row
        if isinstance(count, r.CareCount):
            name, key = "counts", (count.month, count.guild_id, count.kind, count.level)
            more: Row = (count.count,)
        else:
            name, key = "usage", (ensure_utc(count.at).date(), count.guild_id, count.model[:NAME])
            tokens = (count.prompt_tokens, count.cached_tokens, count.completion_tokens)
            more = (count.calls, *tokens, finite(count.cost_usd))
        before = self.states.setdefault(name, {}).get(key)
        if before is not None:
            more = tuple(a + b for a, b in zip(before[len(key) :], more, strict=True))
        self.keep(name, key, (*key, *more))

    # --- giving answers ---------------------------------------------------------------------

    def unknown(self) -> list[int]:
        """Return the people whose rows must be looked up: needed, and not made by this batch."""
        return sorted((self.others | self.named) - self.people.keys())

    def answers(
        self, heard: dict[int, tuple[int, bool, bool]], learned: Sequence[int]
    ) -> list[tuple[Any, ...]]:
        """Return the answers of each ask, in order.

        Args:
            heard: by message id: its conversation, whether it is new, whether it was answered.
            learned: the key of each new fact.
        """

        def answer(place: Any) -> Any:
            match place:
                case ("heard", message_id, first):
                    conversation, fresh, answered = heard[message_id]
                    is_fresh = fresh and first
                    return r.Heard(message_id, RowId(conversation), is_fresh, answered)
                case ("learned", index):
                    return RowId(learned[index])
                case ("changed", fact_id):
                    return RowId(fact_id)
            return None

        return [tuple(answer(place) for place in places) for places in self._places]


def tombstone(salt: str, scope: str, what: object) -> str:
    """Return the mark that something forgotten leaves: nobody without the salt can guess it."""
    return hashlib.sha256(f"{salt}:{scope}:{what}".encode()).hexdigest()
