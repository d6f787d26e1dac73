"""Keeps the Discord door open: builds a new connection whenever one ends, until told to stop.

Rule 1: Discord being away, at start or later, and an event that breaks the client end a connection,
never the program.
Rule 2: a refused token ends the program: no waiting makes it right.
Rule 3: a missing privileged intent is said once, and the door works without it from then on.

    DoorRefusedError
      TokenRefusedError      the token is wrong or was reset
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Final

import discord

from bot.gateway import DiscordDoor

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
LASTING_REFUSALS: Final = (4010, 4011, 4012, 4013)
"""Close codes that will come again: wrong shard, too many guilds, wrong version, wrong intents."""
EXIT_REFUSED: Final = 2
"""Like any wrong setting: restarting does not help, somebody has to change it."""


class DoorRefusedError(Exception):
    """Discord will not have this bot as it is set up."""

    exit_code = EXIT_REFUSED


class TokenRefusedError(DoorRefusedError):
    """Discord does not accept DISCORD_TOKEN: copy it again from the developer portal (Bot, Reset
    Token).
    """

    def __init__(self) -> None:
        super().__init__(
            "Discord does not accept DISCORD_TOKEN. Copy it again from the developer portal "
            "(https://discord.com/developers/applications: Bot, Reset Token)."
        )


class Supervisor:
    """Owns the one door at a time.

    Args:
        build: makes a door; told whether it may ask for the message-content intent.
        token: the bot's token.
        rng: dice for the pauses.
        first_pause: seconds before the first new attempt; doubles up to a minute.
    """

    def __init__(
        self,
        build: Callable[[bool], DiscordDoor],
        token: str,
        *,
        rng: random.Random | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._build = build
        self._token = token
        self._rng = rng or random.Random()
        self._first_pause = first_pause
        self._content = True
        self._failures = 0
        self._stopping = asyncio.Event()
        self.door: DiscordDoor | None = None

    async def run(self) -> None:
        """Keep the door open until `close`.

        Raises:
            TokenRefusedError: the token is wrong.
            DoorRefusedError: Discord refuses the bot for good; the text says how.
        """
        while not self._stopping.is_set():
            door = self.door = self._build(self._content)
            error = await self._opened(door)
            if self._stopping.is_set():
                return
            pause = self._pause_after(error, was_ready=door.was_ready)
            log.warning(
                "discord.restarting",
                extra={"error": type(error).__name__, "seconds": round(pause, 2)},
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def quiet(self, seconds: float = 2.0) -> None:
        """Hear nothing more; what was heard is with the house when this returns, or time is up.

        The bar can still say what it has to say.
        """
        if self.door is not None:
            await self.door.quiet(seconds)

    async def close(self) -> None:
        """Leave Discord; `run` returns."""
        self._stopping.set()
        if self.door is not None:
            await self.door.close()

    async def _opened(self, door: DiscordDoor) -> Exception | None:
        """Be on Discord until that ends or `close` is called; return what ended it."""
        session = asyncio.create_task(door.start(self._token), name="discord: the session")
        stopped = asyncio.create_task(self._stopping.wait(), name="discord: until closed")
        await asyncio.wait({session, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await door.close()
        # discord.py may be asleep between two attempts and notice the closing only after that.
        session.cancel()
        stopped.cancel()
        outcome, _ = await asyncio.gather(session, stopped, return_exceptions=True)
        return outcome if isinstance(outcome, Exception) else None

    def _pause_after(self, error: Exception | None, *, was_ready: bool) -> float:
        """Return how long to wait before the next attempt, or raise if there is to be none."""
        match error:
            case discord.LoginFailure() | discord.ConnectionClosed(code=4004):
                raise TokenRefusedError
            case discord.PrivilegedIntentsRequired() if self._content:
                self._content = False
                log.warning("discord.intent_missing", extra={"answers": "mentions and dms only"})
                return 0.0
            case discord.ConnectionClosed(code=code) if code in LASTING_REFUSALS:
                raise DoorRefusedError(f"Discord closed the connection for good, with code {code}.")
        self._failures = 1 if was_ready else self._failures + 1
        doubled: int = 2 ** min(self._failures - 1, 10)
        longest = min(self._first_pause * doubled, LONGEST_PAUSE)
        return longest * (0.5 + self._rng.random() / 2)
