"""`schema.sql`: the tables as plain SQL for PostgreSQL, made from the models.

    python -m storage.schema            prints it
    python -m storage.schema sqlite     the same for SQLite

Rule 1: it can be run any number of times: everything is IF NOT EXISTS.
Rule 2: it says at its end which revision the tables are, for the migrations to go on from.
"""

import sys
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Dialect, make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from storage.models import Base

HEAD: Final = """\
-- The tables of Bartender, for {name}.
-- Made from storage/models by `python -m storage.schema`; running it again changes nothing.
"""
REVISION: Final = "0001"
"""The revision of `storage.migrations` that these tables are."""
VERSIONS: Final = """\
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""
VERSION: Final = f"""\
INSERT INTO alembic_version
SELECT '{REVISION}' WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"""  # noqa: S608 - a constant
STAMP: Final = (VERSIONS, VERSION)
"""Tells `storage.migrate` where to go on from."""
NAMES: Final = {"postgresql": "PostgreSQL 15 or newer", "sqlite": "SQLite"}
SUFFICES: Final = "SET client_min_messages = warning;\n"
"""PostgreSQL would say of everything that is there already that it is there already."""


def dialect_of(name: str) -> Dialect:
    """Return how `postgresql` or `sqlite` writes SQL."""
    return make_url(f"{name}://").get_dialect()()


def statements(name: str) -> Iterator[str]:
    """Give the statements that make the tables and indexes, in an order that works."""
    dialect = dialect_of(name)
    for table in Base.metadata.sorted_tables:
        yield tidy(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.info.get("only", name) == name:
                made = CreateIndex(index, if_not_exists=True)
                yield tidy(str(made.compile(dialect=dialect)))


def tidy(statement: str) -> str:
    """Return `statement` without trailing blanks, indented by spaces."""
    lines = (line.rstrip().replace("\t", "    ") for line in statement.strip().splitlines())
    return "\n".join(lines)


def schema(name: str = "postgresql") -> str:
    """Return the whole file."""
    parts = [HEAD.format(name=NAMES[name])]
    if name == "postgresql":
        parts.append(SUFFICES)
    parts += [f"{statement};\n" for statement in (*statements(name), *STAMP)]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(schema(*sys.argv[1:2]))
