"""The kinds of column the tables are made of, and how a table says "one row, NULL included"."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from storage.types import BigKey, PortableJSON, SafeString, SafeText, StringList, UtcDateTime

Key = Annotated[int, mapped_column(BigKey, primary_key=True, autoincrement=True)]
Snowflake = Annotated[int, mapped_column(BigInteger)]
"""A Discord id."""
UserKey = Annotated[
    int, mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), index=True)
]
Name = Annotated[str, mapped_column(SafeString(255))]
Words = Annotated[str, mapped_column(SafeText)]
Kind = Annotated[str, mapped_column(SafeString(50))]
Code = Annotated[str, mapped_column(SafeString(20))]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
Since = Annotated[datetime, mapped_column(UtcDateTime, server_default=func.now())]
"""A time that the database fills in when nobody says another."""
Counter = Annotated[int, mapped_column(default=0, server_default=text("0"))]
Level = Annotated[int, mapped_column(SmallInteger, default=0, server_default=text("0"))]
Yes = Annotated[bool, mapped_column(default=True, server_default=true())]
No = Annotated[bool, mapped_column(default=False, server_default=false())]
Texts = Annotated[list[str], mapped_column(StringList)]
Mapping = Annotated[
    dict[str, Any], mapped_column(PortableJSON, default=dict, server_default=text("'{}'"))
]
List = Annotated[list[Any], mapped_column(PortableJSON, default=list, server_default=text("'[]'"))]


def share(default: float = 0.0) -> Mapped[float]:
    """Return a FLOAT column that starts at `default`."""
    return mapped_column(Double, default=default, server_default=text(repr(default)))


class Base(DeclarativeBase):
    """What every table has in common: the way constraints and indexes are named."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double}


class Dated:
    """When the row was written, and last changed."""

    created_at: Mapped[Since]
    updated_at: Mapped[Since] = mapped_column(sort_order=1)


NEVER_AGAIN: Final = {"sqlite_autoincrement": True}
"""For tables whose keys leave storage: SQLite shall not give a deleted row's key to another."""


def one_of(table: str, *columns: str, null: str) -> tuple[SchemaItem, ...]:
    """Return what makes rows of `table` unique in `columns`, where NULL in `null` is a value too.

    PostgreSQL says NULLS NOT DISTINCT; SQLite needs a second index over the rows that have NULL.
    """
    others = [name for name in columns if name != null]
    return (
        UniqueConstraint(*columns, postgresql_nulls_not_distinct=True),
        Index(
            f"uq_{table}_{'_'.join(others)}_no_{null}",
            *others,
            unique=True,
            sqlite_where=text(f"{null} IS NULL"),
            info={"only": "sqlite"},
        ).ddl_if(dialect="sqlite"),
    )
