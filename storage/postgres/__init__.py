"""The group commit on PostgreSQL."""

from storage.postgres.commit import PostgresCommit

__all__ = ["PostgresCommit"]
