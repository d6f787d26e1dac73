"""Logs: one flat line for each thing that happened; JSON for machines, readable on a terminal.

Rule 1: what a person wrote or is called never reaches a log, at any level.  Libraries that print
whole
        messages at DEBUG (the model's client, the database's, the gateway's) are pinned above it.
Rule 2: an exception is logged by its type and where it happened, not by its text: the text may
quote.
Rule 3: every line of an exchange carries the trace id of the message that began it.
"""

import logging
import sys
import traceback
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict

from actors.runtime import trace_id
from storage.times import utc_now

PINNED: Final = (
    "groq",
    "httpx",
    "httpcore",
    "discord",
    "sqlalchemy",
    "sqlalchemy.engine",
    "aiosqlite",
    "asyncpg",
    "websockets",
    "aiohttp",
    "alembic",
)
"""Loggers that print what people wrote, or addresses with tokens in them, below WARNING."""

OURS: Final = ("actors", "storage", "bot", "__main__")


def configure(log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines to `stream` (standard error), as JSON or as text.

    Args:
        log_format: `json`, `text`, or `auto`: text on a terminal, else JSON.
        level: the lowest level that is shown.
        stream: where to; standard error by default.
    """
    out = stream or sys.stderr
    readable = log_format == "text" or (log_format == "auto" and out.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=28)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[stamped, structlog.stdlib.ExtraAdder(), traced, discreet],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in PINNED:
        logging.getLogger(name).setLevel(logging.WARNING)


def stamped(_logger: Any, method: str, event: EventDict) -> EventDict:
    """Put time and level first."""
    at = utc_now().isoformat(timespec="milliseconds")
    return {"at": at, "level": method, **event}


def traced(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the trace id of the message that this line belongs to."""
    if trace := trace_id.get(""):
        event.setdefault("trace", trace)
    return event


def discreet(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Keep of an exception only its type and where it happened; of others' lines only whose they
    are.
    """
    record: logging.LogRecord = event["_record"]
    if record.exc_info and record.exc_info[0] is not None:
        event["error"] = record.exc_info[0].__name__
        frames = traceback.extract_tb(record.exc_info[2])[-4:]
        event["where"] = " > ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in frames)
    event.pop("exc_info", None)
    record.exc_info, record.exc_text = None, None
    if not record.name.startswith(OURS):
        event["logger"] = record.name
        event["event"] = "library.says"
        event["said"] = record.msg if isinstance(record.msg, str) and "%" in record.msg else ""
        if not event["said"]:
            event["said"] = f"{record.module}:{record.lineno}"
    return event
