"""What can go wrong in storage.

    BarError
    `-- StorageError                 anything below
        |-- StorageClosedError       used before init() or after close()
        |-- StorageUrlError          DATABASE_URL names no database that we know
        |-- StorageUnavailableError  the database cannot be reached now; nothing was kept
        |-- RowRefusedError          the database refused these rows; others of the batch were kept
        `-- MigrationError           the tables cannot be brought to this version

No text of an error holds a word that a person said, an SQL parameter or a password: codes only.
"""


class BarError(Exception):
    """Something the bar cannot do; the text says what, in words that are safe to log."""


class StorageError(BarError):
    """Storage could not do what it was asked."""


class StorageClosedError(StorageError):
    """The database is not open: call `await db.init()` first."""

    def __init__(self) -> None:
        super().__init__("the database is not open; await db.init() comes first")


class StorageUrlError(StorageError):
    """The database's URL cannot be used."""


class StorageUnavailableError(StorageError):
    """The database cannot be reached; nothing of this was kept.  Asking again later may do."""

    def __init__(self, reason: str = "unreachable") -> None:
        super().__init__(f"the database is not available ({reason})")
        self.reason = reason


class RowRefusedError(StorageError):
    """The database refused a row of this ask, so nothing of the ask was kept.

    `reason` is a code (`not_null`, `foreign_key`, `unique`, `out_of_range`, `invalid`).
    """

    def __init__(self, reason: str, kind: str = "") -> None:
        what = f"a {kind}" if kind else "a row"
        super().__init__(f"the database refused {what} ({reason})")
        self.reason = reason
        self.kind = kind


class MigrationError(StorageError):
    """The tables of this database are not ones that this version can work with."""
