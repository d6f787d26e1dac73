"""The group commit on SQLite: one transaction for a whole batch, in one thread, on `sqlite3`.

The thread is handed a batch and comes back when it is on the disk: one hop for each batch, not one
for each statement.

Rule 1: nobody else uses the connection while a batch is being committed.
Rule 2: a time is kept as SQLAlchemy keeps it, so that both read each other's rows.
"""

# ruff: noqa: S608 - every part of these statements is a constant of ours; values are bound

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Final

from storage.batch import Batch
from storage.rows import Row
from storage.statements import FACT, SHIFT, STATES, sqlite_upsert


@dataclass(frozen=True, slots=True)
class Numbered:
    """A statement that names its values by number, for one that it uses twice.

    `sqlite3` fills only plain question marks from a row: `text` has those, `row` puts the values
    in their order.
    """

    text: str
    row: Callable[[Row], Row]


def numbered(statement: str) -> Numbered:
    """Return a statement written with `?1`, `?2`... ready to be run."""
    order = [int(number) - 1 for number in re.findall(r"\?(\d+)", statement)]
    return Numbered(re.sub(r"\?\d+", "?", statement), itemgetter(*order))


PERSON: Final = "(SELECT id FROM users WHERE discord_id = ?)"

PEOPLE: Final = numbered("""
INSERT INTO users AS u (discord_id, discord_username, discord_display_name, locale,
  first_seen_at, last_seen_at, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?6)
ON CONFLICT (discord_id) DO UPDATE SET
  discord_username = excluded.discord_username,
  discord_display_name = excluded.discord_display_name,
  locale = coalesce(excluded.locale, u.locale),
  last_seen_at = max(u.last_seen_at, excluded.last_seen_at),
  is_active = 1,
  updated_at = excluded.updated_at""")

NAMED: Final = numbered("""
INSERT INTO users (discord_id, first_seen_at, last_seen_at, created_at, updated_at)
VALUES (?1, ?2, ?2, ?2, ?2) ON CONFLICT (discord_id) DO NOTHING""")

GUILDS: Final = numbered("""
INSERT INTO guilds AS g (discord_id, name, joined_at, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT (discord_id) DO UPDATE SET
  name = coalesce(nullif(excluded.name, ''), g.name),
  is_active = 1,
  updated_at = excluded.updated_at
WHERE NOT g.is_active OR (excluded.name <> '' AND excluded.name <> g.name)""")

MEMBERS: Final = numbered(f"""
INSERT INTO guild_members AS m (guild_id, user_id, guild_nickname, roles, joined_guild_at,
  created_at, updated_at)
VALUES ((SELECT id FROM guilds WHERE discord_id = ?1), {PERSON.replace("?", "?2")}, ?3, ?4, ?5,
  ?6, ?6)
ON CONFLICT (guild_id, user_id) DO UPDATE SET
  guild_nickname = excluded.guild_nickname,
  roles = excluded.roles,
  joined_guild_at = coalesce(excluded.joined_guild_at, m.joined_guild_at),
  updated_at = excluded.updated_at
WHERE m.guild_nickname IS NOT excluded.guild_nickname
  OR m.roles IS NOT excluded.roles
  OR m.joined_guild_at IS NOT coalesce(excluded.joined_guild_at, m.joined_guild_at)""")

KNOWN: Final = """
SELECT conversation_id, answered_at IS NOT NULL FROM messages WHERE discord_message_id = ?"""
SITTING: Final = "SELECT 1 FROM conversations WHERE id = ? AND user_id = ?"
CLOSE: Final = numbered("""
UPDATE conversations SET is_active = 0, updated_at = ?3
WHERE user_id = ?1 AND channel_id = ?2 AND is_active""")
OPEN: Final = numbered("""
INSERT INTO conversations (user_id, guild_id, channel_id, started_at, last_message_at,
  message_count, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5, ?5) RETURNING id""")
KEEP: Final = """
INSERT INTO messages (conversation_id, user_id, discord_message_id, role, content, has_images,
  image_urls, token_count, created_at, updated_at, expects_answer, answered_at,
  answers_message_id, part_ids, care_level)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
GROW: Final = numbered("""
UPDATE conversations SET message_count = message_count + ?2,
  last_message_at = max(last_message_at, ?3), updated_at = ?4 WHERE id = ?1""")
SETTLE: Final = numbered("""
UPDATE messages SET answered_at = ?2, updated_at = ?3
WHERE discord_message_id = ?1 AND answered_at IS NULL""")

SHIFTS: Final = f"""
INSERT INTO mood_history ({", ".join(SHIFT)}, created_at, updated_at)
VALUES ({", ".join(PERSON if column == "trigger_user_id" else "?" for column in SHIFT)}, ?, ?)"""
FORGOTTEN: Final = "SELECT 1 FROM tombstones WHERE hash = ?"
LEARN: Final = f"""
INSERT INTO user_facts (user_id, {", ".join(FACT)}, created_at, updated_at)
VALUES ({PERSON}, {", ".join("?" for _ in FACT)}, ?, ?) RETURNING id"""
CHANGE: Final = f"""
UPDATE user_facts SET {", ".join(f"{c} = ?" for c in FACT if c != "superseded_by")},
  superseded_by = coalesce(?, superseded_by), updated_at = ? WHERE id = ?"""
EDIT: Final = numbered(
    "UPDATE messages SET content = ?2, updated_at = ?3 WHERE discord_message_id = ?1"
)
REPLACE: Final = numbered("""
UPDATE user_facts SET superseded_by = ?1, is_active = 0, updated_at = ?3
WHERE id = ?2 AND ?1 <> ?2 AND EXISTS (SELECT 1 FROM user_facts WHERE id = ?1)""")
LINK: Final = numbered("""
INSERT INTO fact_associations (fact_id_1, fact_id_2, association_type, strength, discovered_at,
  created_at)
SELECT new.id, old.id, 'supersedes', 1.0, ?3, ?3 FROM user_facts new, user_facts old
WHERE new.id = ?1 AND old.id = ?2 AND ?1 <> ?2 ON CONFLICT (fact_id_1, fact_id_2) DO NOTHING""")
GUILD_STATE: Final = numbered("""
INSERT INTO guilds AS g (discord_id, name, is_active, joined_at, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (discord_id) DO UPDATE SET
  name = coalesce(nullif(excluded.name, ''), g.name),
  joined_at = CASE WHEN excluded.is_active AND NOT g.is_active
    THEN excluded.joined_at ELSE g.joined_at END,
  is_active = excluded.is_active,
  updated_at = excluded.updated_at""")
DROP_PREFERENCE: Final = f"""
DELETE FROM user_preferences WHERE user_id = {PERSON} AND preference_key = ?"""
DROP_CARE: Final = f"DELETE FROM care_states WHERE user_id = {PERSON} AND channel_id = ?"
UPSERTS: Final = {name: sqlite_upsert(kept) for name, kept in STATES.items()}


def kept_time(value: datetime) -> str:
    """Return an aware UTC time as SQLAlchemy writes it (Rule 2)."""
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


sqlite3.register_adapter(datetime, kept_time)
sqlite3.register_adapter(date, date.isoformat)


@dataclass(slots=True)
class Work:
    """One batch on its way into the database, by the thread that has the connection."""

    cursor: sqlite3.Cursor
    batch: Batch
    heard: dict[int, tuple[int, bool, bool]] = field(default_factory=dict)
    learned: list[int] = field(default_factory=list)
    _people: dict[int, int | None] = field(default_factory=dict)
    _opened: dict[Row, int] = field(default_factory=dict)
    _growth: dict[int, tuple[int, datetime]] = field(default_factory=dict)

    def do(self) -> None:
        """Write every row, in an order in which each finds what it refers to."""
        self._people_and_guilds()
        self._hear()
        self._say()
        self._facts()
        self._states()
        self._rest()

    def many(self, statement: Numbered, rows: Iterable[Row]) -> None:
        """Run `statement` for each of `rows`, the time of writing at their end."""
        now = self.batch.now
        self.cursor.executemany(statement.text, (statement.row((*row, now)) for row in rows))

    def one(self, statement: Numbered, *values: Any) -> None:
        """Run `statement` once."""
        self.cursor.execute(statement.text, statement.row(values))

    def person(self, user_id: int) -> int | None:
        """Return the key of a person's row, if there is one."""
        if user_id not in self._people:
            self.cursor.execute("SELECT id FROM users WHERE discord_id = ?", (user_id,))
            found = self.cursor.fetchone()
            self._people[user_id] = found[0] if found else None
        return self._people[user_id]

    def _people_and_guilds(self) -> None:
        batch = self.batch
        self.many(PEOPLE, batch.people.values())
        self.many(NAMED, ((user_id,) for user_id in batch.named - batch.people.keys()))
        self.many(GUILDS, batch.guilds.values())
        self.many(
            MEMBERS,
            (
                (guild, user, nick, json.dumps(roles, ensure_ascii=False), joined)
                for guild, user, nick, roles, joined in batch.members.values()
            ),
        )

    def _hear(self) -> None:
        cursor, now = self.cursor, self.batch.now
        for row in self.batch.heard.values():
            message_id, user_id, guild_id, channel_id, conversation, text, *rest = row
            images, urls, tokens, care, expects, at, answered_at, _, _ = rest
            cursor.execute(KNOWN, (message_id,))
            if known := cursor.fetchone():
                self.heard[message_id] = (known[0], False, bool(known[1]))
                continue
            person = self.person(user_id)
            place = self._sitting(person, guild_id, channel_id, conversation, at)
            self._grow(place, at)
            said = (place, person, message_id, "user", text, images, urls, tokens, at, now)
            cursor.execute(KEEP, (*said, expects, answered_at, None, "[]", care))
            self.heard[message_id] = (place, True, answered_at is not None)

    def _sitting(
        self, person: int | None, guild_id: int, channel_id: int, wanted: int | None, at: datetime
    ) -> int:
        """Return the conversation that is wanted, if it is there and theirs, else a new one."""
        if wanted is not None and self._exists(wanted, person):
            return wanted
        key = (person, channel_id)
        if key not in self._opened:
            now = self.batch.now
            self.one(CLOSE, person, channel_id, now)
            self.one(OPEN, person, guild_id, channel_id, at, now)
            self._opened[key] = self.cursor.fetchone()[0]
        return self._opened[key]

    def _exists(self, conversation: int, person: int | None) -> bool:
        self.cursor.execute(SITTING, (conversation, person))
        return self.cursor.fetchone() is not None

    def _grow(self, conversation: int, at: datetime) -> None:
        count, latest = self._growth.get(conversation, (0, at))
        self._growth[conversation] = (count + 1, max(latest, at))

    def _say(self) -> None:
        cursor, now = self.cursor, self.batch.now
        for message_id, user_id, wanted, answers, parts, text, tokens, care, at in self.batch.said:
            person = self.person(user_id)
            if person is None or self._is_kept(message_id):
                continue
            place = wanted if wanted is not None and self._exists(wanted, person) else None
            place = place or self._of_message(answers)
            if place is None:
                continue  # the conversation was forgotten meanwhile, and this reply with it
            self._grow(place, at)
            said = (place, person, message_id, "assistant", text, False, "[]", tokens, at, now)
            cursor.execute(KEEP, (*said, False, None, answers, parts, care))
        self.many(SETTLE, self.batch.settled.items())
        self.many(GROW, ((place, *growth) for place, growth in self._growth.items()))

    def _is_kept(self, message_id: int) -> bool:
        return self._of_message(message_id) is not None

    def _of_message(self, message_id: int | None) -> int | None:
        """Return the conversation of a message that is kept, this batch's included."""
        self.cursor.execute(KNOWN, (message_id,))
        found = self.cursor.fetchone()
        return found[0] if found else None

    def _facts(self) -> None:
        cursor, now = self.cursor, self.batch.now
        for *row, mark in self.batch.learned:
            if mark is not None and cursor.execute(FORGOTTEN, (mark,)).fetchone():
                row[0] = None  # so that it is refused: what it was drawn from is forgotten
            cursor.execute(LEARN, (*row, now, now))
            self.learned.append(cursor.fetchone()[0])
        changed = ((*row, now, fact_id) for fact_id, *row in self.batch.changed.values())
        cursor.executemany(CHANGE, changed)
        pairs = [(self.learned[place], old) for place, old in self.batch.replaced]
        pairs += self.batch.relinked
        self.many(LINK, pairs)
        self.many(REPLACE, pairs)

    def _states(self) -> None:
        now = self.batch.now
        for name, rows in self.batch.states.items():
            more = (now, now) if STATES[name].is_dated else ()
            self.cursor.executemany(UPSERTS[name], ((*row, *more) for row in rows.values()))

    def _rest(self) -> None:
        batch, now = self.batch, self.batch.now
        self.cursor.executemany(SHIFTS, ((*row, now, now) for row in batch.shifts))
        self.many(EDIT, batch.edited.values())
        self.many(GUILD_STATE, batch.guild_states.values())
        self.cursor.executemany(DROP_PREFERENCE, batch.dropped_preferences)
        self.cursor.executemany(DROP_CARE, batch.dropped_cares)


class SqliteCommit:
    """Commits batches on one connection, in a thread of its own."""

    def __init__(self, connection: sqlite3.Connection, *, owned: bool) -> None:
        self._connection = connection
        self._owned = owned
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bartender-writes")

    async def commit(self, batch: Batch) -> list[tuple[Any, ...]]:
        """Commit `batch` in one transaction; return the answers of its asks."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._commit, batch)

    def _commit(self, batch: Batch) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            work = Work(cursor, batch)
            work.do()
            cursor.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        finally:
            cursor.close()
        return batch.answers(work.heard, work.learned)

    async def close(self) -> None:
        """Finish, and close the connection if it is our own."""
        loop = asyncio.get_running_loop()
        if self._owned:
            await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=True)
