"""How a conversation writes things down while the database may be away.

Rule 1: what could not be kept is held, in order, and kept later; nothing held is lost while the
actor lives.
Rule 2: a row that the database will never take is let go with a word in the log, so that it holds
up nothing behind it.
Rule 3: each try in vain makes the next pause longer; one that works starts over.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from actors import messages as m
from actors.directory import Ref
from actors.storage import StorageActor
from storage.errors import RowRefusedError, StorageError
from storage.ids import MessageId
from storage.records import HeardMessage, Write

log = logging.getLogger(__name__)

PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the next try; the last goes on for ever."""
SAVING_SECONDS: Final = 20.0


class Notebook:
    """The storage actor, as one conversation uses it, and what it could not take yet."""

    def __init__(self, storage: Ref[StorageActor]) -> None:
        self._storage = storage
        self.unheard: list[m.MessageHeard] = []
        """Messages of people that are not kept yet."""
        self._held: list[Write] = []
        self._failures = 0
        self.has_noticed = False
        """Whether the person was told that the notebook is away."""

    def knows(self, message_id: MessageId) -> bool:
        """Return whether this message is held already."""
        return any(heard.message_id == message_id for heard in self.unheard)

    async def ask(self, message: Any) -> Any:
        """Ask storage.

        Raises:
            StorageError: it refuses, or is away.
        """
        return await self._storage.ask(message, timeout=SAVING_SECONDS)

    async def keep(self, writes: Sequence[Write]) -> tuple[Any, ...]:
        """Return storage's answers after the commit.

        Raises:
            StorageError: nothing of it was kept.
        """
        answers: tuple[Any, ...] = await self.ask(m.Save(tuple(writes)))
        self._failures = 0
        self.has_noticed = False
        return answers

    def hold(self, writes: Sequence[Write]) -> None:
        """Keep `writes` later."""
        self._held.extend(writes)

    async def keep_or_hold(self, writes: Sequence[Write] = ()) -> bool:
        """Keep what is held, and `writes`; return whether that was possible.  What was not kept is
        held.
        """
        self._held.extend(writes)
        size = len(self._held)
        try:
            while self._held:
                try:
                    await self.keep(self._held[:size])
                except RowRefusedError as error:
                    if size > 1:  # each on its own, so that only the one refused is let go
                        size = 1
                        continue
                    extra = {"kind": error.kind, "reason": error.reason}
                    log.error("conversation.refused", extra=extra)
                del self._held[:size]
        except StorageError as error:
            log.warning("conversation.not_kept", extra={"error": type(error).__name__})
            return False
        return True

    def pause(self) -> float:
        """Return how many seconds to wait before the next try."""
        seconds = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        return seconds

    def forget(self, message_ids: frozenset[MessageId]) -> None:
        """Drop messages that are held."""
        self.unheard = [u for u in self.unheard if u.message_id not in message_ids]
        self._held = [
            w
            for w in self._held
            if not (isinstance(w, HeardMessage) and w.message_id in message_ids)
        ]

    def clear(self) -> None:
        """Drop everything that is held."""
        self.unheard.clear()
        self._held.clear()
