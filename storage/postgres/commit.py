"""The group commit on PostgreSQL: one statement for a whole batch, on the driver itself.

The statement is put together from the parts that the batch has rows for; each part is a CTE over
`unnest` of one array for each column, so its text depends on which parts there are and not on how
many rows: PostgreSQL prepares it once.  All parts see the database as it was before the statement
and learn of each other's rows by RETURNING only.

Rule 1: no row is changed by two parts (PostgreSQL would do only one of the two).
Rule 2: joins are hash joins, and rows of tables are found by `= ANY(array)` in an index.  The
planner cannot know how long an array is, nor that a table which is empty now will not stay so: a
nested loop over two arrays is quadratic, a plan that reads a whole table is kept while it grows.
Rule 3: what must see the rows of this batch comes afterwards, in the same transaction.
"""

# ruff: noqa: S608 - every part of these statements is a constant of ours; values are bound

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from storage.batch import Batch
from storage.postgres.texts import (
    CHANGED,
    DROPPED_CARES,
    DROPPED_PREFERENCES,
    EDITED,
    GUILD_STATES,
    GUILDS,
    HEARD,
    KNOWN_PEOPLE,
    LEARNED,
    NAMED,
    PEOPLE,
    REPLACED,
    SETTLED,
    SHIFTS,
    TALK,
    WRITTEN,
)
from storage.rows import Row
from storage.statements import FACT, SHIFT, STATES, postgres_upsert

SESSION: Final = "SET enable_nestloop = off; SET enable_seqscan = off; SET jit = off"
"""Said once to the connection that writes (Rule 2); `jit` would compile for longer than it runs."""

Heard = dict[int, tuple[int, bool, bool]]
"""By message id: its conversation, whether it is new, whether it was answered."""


@dataclass(slots=True)
class Parts:
    """A statement being put together: its parts, and what fills their question marks."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        """Add a part with the values of its question marks, in order."""
        self.texts.append(text)
        self.values += values

    def statement(self, answer: str) -> str:
        """Return the whole, with its question marks numbered, ending in `answer`."""
        return numbered(tuple(self.texts), answer)


@lru_cache(maxsize=256)
def numbered(texts: tuple[str, ...], answer: str) -> str:
    """Return a statement of these parts, with `$1`, `$2`... for their question marks."""
    pieces = f"WITH {', '.join(texts)} {answer}".split("?")
    return "".join(f"{piece}${n}" for n, piece in enumerate(pieces[:-1], start=1)) + pieces[-1]


def columns(rows: Iterable[Row], width: int) -> Sequence[Sequence[Any]]:
    """Return rows as columns: one array for each, empty ones for no rows."""
    return tuple(zip(*rows, strict=True)) or ((),) * width


def array_literal(texts: Iterable[str]) -> str:
    """Return texts as PostgreSQL writes an array (arrays of arrays do not go through unnest)."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def put_together(batch: Batch) -> tuple[Parts, str]:
    """Return the parts that `batch` has rows for, and what the statement answers."""
    parts = Parts()
    parts.add(WRITTEN, batch.now)
    add_people(parts, batch)
    answers = []
    if batch.heard or batch.said:
        add_talk(parts, batch)
        answers.append(f"SELECT * FROM ({HEARD}) AS heard")
    if batch.settled:
        ids = list(batch.settled)
        parts.add(SETTLED, ids, list(batch.settled.values()), ids)
    if batch.shifts:
        parts.add(SHIFTS, *columns(batch.shifts, len(SHIFT)))
    if batch.learned:
        facts = ((*row, place) for place, row in enumerate(batch.learned))
        parts.add(LEARNED, *columns(facts, len(FACT) + 3))
        answers.append("SELECT -1 - place, id, true, true FROM facts")
    if batch.changed:
        parts.add(CHANGED, *columns(batch.changed.values(), len(FACT) + 1), list(batch.changed))
    for name, upsert in STATES.items():
        if rows := batch.states.get(name):
            parts.add(
                postgres_upsert(f"state_{name}", upsert),
                *columns(rows.values(), len(upsert.columns)),
            )
    nothing = "SELECT 0::bigint, 0::bigint, true, true WHERE false"
    return parts, " UNION ALL ".join(answers) or nothing


def add_people(parts: Parts, batch: Batch) -> None:
    """Add the people and guilds of `batch`, and `who`: the keys of all people that it needs."""
    sources = []
    if batch.people:
        parts.add(PEOPLE, *columns(batch.people.values(), 5))
        sources.append("SELECT id, discord_id FROM seen")
    if bare := sorted(batch.named - batch.people.keys()):
        parts.add(NAMED, bare)
        sources.append("SELECT id, discord_id FROM named")
    if unknown := batch.unknown():
        sources.append(KNOWN_PEOPLE)
        parts.add(f"who AS MATERIALIZED ({' UNION ALL '.join(sources)})", unknown)
    elif sources:
        parts.add(f"who AS MATERIALIZED ({' UNION ALL '.join(sources)})")
    else:
        parts.add("who AS (SELECT 0::bigint AS id, 0::bigint AS discord_id WHERE false)")
    if batch.guilds:
        members = (
            (g, u, nick, array_literal(roles), at)
            for g, u, nick, roles, at in batch.members.values()
        )
        parts.add(
            GUILDS,
            *columns(batch.guilds.values(), 3),
            list(batch.guilds),
            *columns(members, 5),
        )


def add_talk(parts: Parts, batch: Batch) -> None:
    """Add what was heard and said."""
    mentioned = {*batch.heard}
    mentioned |= {row[0] for row in batch.said} | {row[3] for row in batch.said if row[3]}
    rows = [*batch.heard.values()]
    sittings = {row[4] for row in rows if row[4]} | {row[2] for row in batch.said if row[2]}
    parts.add(
        TALK,
        list(mentioned),
        list(sittings),
        *columns(map(tuple, rows), 15),
        *columns(batch.said, 9),
    )


def afterwards(batch: Batch, learned: Sequence[int]) -> list[tuple[str, Sequence[Any]]]:
    """Return the statements that must see the rows of this batch (Rule 3), most often none."""
    later: list[tuple[str, Sequence[Any]]] = []
    if batch.edited:
        later.append((EDITED, columns(batch.edited.values(), 3)))
    pairs = [(learned[place], old) for place, old in batch.replaced] + batch.relinked
    if pairs:
        later.append((REPLACED, (*columns(pairs, 2), batch.now)))
    if batch.guild_states:
        later.append((GUILD_STATES, (*columns(batch.guild_states.values(), 4), batch.now)))
    if batch.dropped_preferences:
        later.append((DROPPED_PREFERENCES, columns(batch.dropped_preferences, 2)))
    if batch.dropped_cares:
        later.append((DROPPED_CARES, columns(batch.dropped_cares, 2)))
    return later


class PostgresCommit:
    """Commits batches on one connection of asyncpg, whose statements it has prepared."""

    MOST_PREPARED: Final = 100
    """Which parts a batch has varies; so many kinds of batches are kept prepared."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._prepared: dict[str, Any] = {}

    async def open(self) -> None:
        """Set the session up."""
        await self._connection.execute(SESSION)

    async def commit(self, batch: Batch) -> list[tuple[Any, ...]]:
        """Commit `batch` in one transaction; return the answers of its asks."""
        parts, answer = put_together(batch)
        is_single = not needs_more(batch)
        if is_single:
            heard, learned = await self._run(batch, parts, answer)
        else:
            async with self._connection.transaction():
                heard, learned = await self._run(batch, parts, answer)
                for text, values in afterwards(batch, learned):
                    await self._connection.execute(text, *values)
        return batch.answers(heard, learned)

    async def _run(self, batch: Batch, parts: Parts, answer: str) -> tuple[Heard, list[int]]:
        statement = await self._statement(parts.statement(answer))
        heard: Heard = {}
        learned = [0] * len(batch.learned)
        for key, row, fresh, answered in await statement.fetch(*parts.values):
            if key < 0:
                learned[-1 - key] = row
            else:
                heard[key] = (row, fresh, answered)
        return heard, learned

    async def _statement(self, text: str) -> Any:
        prepared = self._prepared.pop(text, None)
        if prepared is None:
            while len(self._prepared) >= self.MOST_PREPARED:
                self._prepared.pop(next(iter(self._prepared)))
            prepared = await self._connection.prepare(text)
        self._prepared[text] = prepared
        return prepared


def needs_more(batch: Batch) -> bool:
    """Whether `batch` takes more than one statement."""
    return any(
        (
            batch.edited,
            batch.replaced,
            batch.relinked,
            batch.guild_states,
            batch.dropped_preferences,
            batch.dropped_cares,
        )
    )
