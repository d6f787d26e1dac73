"""The founding tables, and the house's own."""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None


def statements() -> list[str]:
    """Return the statements of this revision for the database at hand."""
    path = Path(__file__).with_name(f"v0001.{op.get_context().dialect.name}.sql")
    return [part.strip() for part in path.read_text(encoding="utf-8").split(";\n") if part.strip()]


def upgrade() -> None:
    for statement in statements():
        op.execute(text(statement))


def downgrade() -> None:
    tables = (re.search(r"CREATE TABLE IF NOT EXISTS (\w+)", part) for part in statements())
    for found in reversed([found for found in tables if found]):
        op.drop_table(found[1])
