"""The revisions, oldest first.  The SQL files are frozen: what has run once is never edited."""
