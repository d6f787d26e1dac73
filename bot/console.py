"""The terminal door: the same companion, for one person, on this machine.

Rule 1: one line in, one answer out; the next line is read when the answer stands there.
Rule 2: piped input works and ends at its end: everything heard is answered first.
"""

import asyncio
import contextlib
import getpass
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TextIO

from actors import messages as m
from bot.app import Bar
from bot.commands import HELP, Commands
from storage.ids import ChannelId, MessageId, RowId, UserId
from storage.records import Person, Place

GUEST: Final = UserId(1)
TABLE: Final = ChannelId(1)
PLACE: Final = Place(guild_id=None, channel_id=TABLE, kind="terminal")
PATIENCE_SECONDS: Final = 120.0
EPOCH_MS: Final = 1_420_070_400_000
"""Where Discord's snowflakes begin (2015-01-01); the terminal's ids are made the same way."""

GREETING: Final = "Evening. Sit down; /help tells what I can do, /quit closes the tab."
STILL_THINKING: Final = (
    "(No answer yet. What you said is kept, and will be answered when you come back.)"
)


@dataclass
class ConsoleOutbox:
    """Says replies on `out`.  `said` tells, for each message waited for, that its answer stands
    there.
    """

    out: TextIO
    next_id: Callable[[], MessageId]
    interactive: bool
    waiting: dict[MessageId, asyncio.Event] = field(default_factory=dict)

    async def say(self, reply: m.Reply) -> tuple[MessageId, ...]:
        self.out.write(f"{'bartender> ' if self.interactive else ''}{reply.text}\n")
        if reply.resources:
            self.out.write(f"{reply.resources}\n")
        self.out.flush()
        if not reply.notice and reply.event is None:
            for message_id, event in self.waiting.items():
                if message_id <= reply.answers:
                    event.set()
        return (self.next_id(),)

    async def find_said(
        self, _place: Place, _message_id: MessageId
    ) -> tuple[str, tuple[MessageId, ...]] | None:
        return None

    async def find_event(
        self, _place: Place, _event_id: RowId, _since: datetime
    ) -> tuple[MessageId, ...] | None:
        return None

    async def typing(self, _place: Place) -> None:
        return None


class Snowflakes:
    """Makes ids that grow with time and are never given twice, also across runs of the program."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> MessageId:
        since = self._clock().timestamp() * 1000 - EPOCH_MS
        self._last = max(int(since) << 22, self._last + 1)
        return MessageId(self._last)


class Console:
    """One evening at the terminal."""

    def __init__(
        self,
        bar: Bar,
        outbox: ConsoleOutbox,
        source: TextIO,
    ) -> None:
        self._bar = bar
        self._outbox = outbox
        self._source = source
        self._person = Person(GUEST, "you", guest_name())
        self._commands = Commands(bar.directory, bar.clock)

    async def evening(self, greeting: str) -> None:
        """Talk until the input ends or the person leaves with `/quit`."""
        if greeting:
            self._print(greeting)
        async for line in self._lines():
            text = line.strip()
            if text in {"/quit", "/exit"}:
                break
            if text.startswith("/"):
                self._print(await self._command(text))
            elif text:
                await self._said(text)

    async def _said(self, text: str) -> None:
        message_id = self._outbox.next_id()
        answered = self._outbox.waiting[message_id] = asyncio.Event()
        now = self._bar.clock()
        await self._bar.hear(m.MessageHeard(self._person, PLACE, message_id, text, now))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await answered.wait()
        except TimeoutError:
            self._print(STILL_THINKING)
        finally:
            del self._outbox.waiting[message_id]

    async def _command(self, text: str) -> str:
        name, _, rest = text[1:].partition(" ")
        if name == "forget":
            return await self._forget(rest.strip())
        if name == "events" and rest.strip() and not await self._sure("This cancels it for good."):
            return "It stays."
        return await self._commands.answer(name, self._person, PLACE, rest.strip()) or HELP

    async def _forget(self, what: str) -> str:
        if what != "everything":
            return await self._commands.answer("forget", self._person, PLACE, what) or HELP
        if await self._sure("This deletes everything I know of you, for good."):
            return await self._commands.forget_everything(self._person)
        return "Nothing was deleted."

    async def _sure(self, what: str) -> bool:
        self._print(f"{what} Type yes to do it.")
        async for line in self._lines():
            return line.strip().lower() == "yes"
        return False

    async def _lines(self) -> AsyncIterator[str]:
        while True:
            if self._outbox.interactive:
                self._outbox.out.write("you> ")
                self._outbox.out.flush()
            line = await read_line(self._source)
            if not line:
                if self._outbox.interactive:
                    self._print("")
                return
            yield line

    def _print(self, text: str) -> None:
        self._outbox.out.write(f"{text}\n")
        self._outbox.out.flush()


async def read_line(source: TextIO) -> str:
    """Return the next line of `source`, "" at its end.

    Reads in a daemon thread, so that a program that is told to stop need not wait for the person.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def deliver(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        try:
            text = source.readline()
        except (OSError, ValueError):
            text = ""
        with contextlib.suppress(RuntimeError):  # the loop ended while the person was thinking
            loop.call_soon_threadsafe(deliver, text)

    threading.Thread(target=read, name="reads the terminal", daemon=True).start()
    return await line


def guest_name() -> str:
    """Return what to call the person at the terminal: their login, or nothing special."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return "friend"
    printable = "".join(c for c in name if unicodedata.category(c)[0] in "LN")
    return "friend" if printable in {"", "root"} else printable.capitalize()


def standard_input() -> TextIO:
    """Return standard input, lenient about bytes that are no UTF-8."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return sys.stdin
