"""A house of cards: what the Discord door is tested against, in place of the actors."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from actors.messages import (
    KeepSetting,
    MessageEdited,
    MessageHeard,
    ReadChannels,
    ReadSetting,
    Reply,
)
from actors.runtime import Told
from bot.gateway import DiscordDoor, DoorOptions
from bot.outbox import DiscordOutbox
from bot.supervisor import Supervisor
from storage.ids import ChannelId, RowId, UserId
from storage.records import KnownChannel, Person, Place, UserFact
from storage.times import utc_now
from tests.fakes.discord import FakeDiscord


class ScriptedHouse:
    """Remembers what it was told; keeps settings and channels; fails when it is told to."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.channels: dict[ChannelId, KnownChannel] = {}
        self.settings: dict[str, Any] = {}
        self.failures: deque[Exception] = deque()
        self._more = asyncio.Event()

    def tell(self, message: Told) -> None:
        self.told.append(message)
        self._more.set()

    async def ask(self, message: Any) -> Any:
        if self.failures:
            raise self.failures.popleft()
        match message:
            case ReadChannels():
                return tuple(self.channels.values())
            case ReadSetting(key):
                return self.settings.get(key)
            case KeepSetting(key, value):
                self.settings[key] = value
                return None
        raise AssertionError(f"the door has no business asking {message}")

    async def until_told(self, kind: type[Told]) -> Any:
        """Wait for the first message of this kind."""
        async with asyncio.timeout(5):
            while not (found := [each for each in self.told if isinstance(each, kind)]):
                self._more.clear()
                await self._more.wait()
        return found[0]


class ScriptedRooms:
    """Hears like the house and, like the house, remembers where it was spoken to."""

    def __init__(self) -> None:
        self.house = ScriptedHouse()
        self.all: list[MessageHeard] = []
        self.hold: asyncio.Event | None = None
        self.reached = asyncio.Event()
        self.then: Callable[[MessageHeard], Awaitable[Any]] | None = None
        self._heard: asyncio.Queue[MessageHeard] = asyncio.Queue()
        self._edited: asyncio.Queue[MessageEdited] = asyncio.Queue()

    async def hear(self, heard: MessageHeard) -> None:
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        self.all.append(heard)
        place = heard.place
        self.house.channels[place.channel_id] = KnownChannel(
            place.channel_id, place.guild_id, place.kind, heard.message_id
        )
        self._heard.put_nowait(heard)
        if self.then is not None:
            await self.then(heard)

    def edited(self, message: MessageEdited) -> None:
        self._edited.put_nowait(message)

    async def next_heard(self) -> MessageHeard:
        async with asyncio.timeout(5):
            return await self._heard.get()

    async def next_edited(self) -> MessageEdited:
        async with asyncio.timeout(5):
            return await self._edited.get()


class ScriptedAnswers:
    """Answers commands with what it was asked; fails when it is told to."""

    def __init__(self) -> None:
        self.failures: deque[Exception] = deque()
        self.forgotten: list[Person] = []
        self.remembered: tuple[UserFact, ...] = ()
        self.planned: tuple[tuple[int, str], ...] = ()
        self.asked: list[tuple[str, Person, Place, str]] = []

    async def answer(self, name: str, person: Person, place: Place, rest: str = "") -> str | None:
        if self.failures:
            raise self.failures.popleft()
        self.asked.append((name, person, place, rest))
        return f"{name}: {rest or 'so it is'}"

    async def forget_everything(self, person: Person) -> str:
        self.forgotten.append(person)
        return "All gone."

    async def waiting(self, person: Person, place: Place) -> tuple[tuple[int, str], ...]:
        if self.failures:
            raise self.failures.popleft()
        return self.planned

    async def facts(self, person: Person, place: Place) -> tuple[UserFact, ...]:
        if self.failures:
            raise self.failures.popleft()
        return self.remembered


def a_fact(number: int, content: str) -> UserFact:
    return UserFact(
        fact_id=RowId(number),
        user_id=UserId(1),
        guild_id=None,
        fact_type="hobby",
        content=content,
        confidence=1.0,
        importance=0.5,
        learned_at=utc_now(),
    )


class Evening:
    """A door on a fake Discord, with a scripted house behind it.  Opened again, it is a new process
    that knows only what the house kept.
    """

    def __init__(self, server: FakeDiscord) -> None:
        self.server = server
        self.rooms = ScriptedRooms()
        self.answers = ScriptedAnswers()
        self.outbox = DiscordOutbox()
        self.supervisor: Supervisor | None = None
        self.built = 0
        self._build = asyncio.Event()
        self._run: asyncio.Task[None] | None = None

    def build(self, content: bool, **options: Any) -> DiscordDoor:
        self.built += 1
        self._build.set()
        wanted = DoorOptions(
            content=content, guild_ready_seconds=0.01, identify_seconds=0.01, **options
        )
        return DiscordDoor(self.rooms, self.answers, self.outbox, wanted)

    @asynccontextmanager
    async def opened(
        self, *, token: str | None = None, wait: bool = True, **options: Any
    ) -> AsyncIterator[Supervisor]:
        self.outbox = DiscordOutbox()
        supervisor = self.supervisor = Supervisor(
            lambda content: self.build(content, **options),
            token or self.server.token,
            first_pause=0.02,
        )
        run = self._run = asyncio.create_task(supervisor.run())
        try:
            if wait:
                await self.server.ready()
            yield supervisor
        finally:
            await supervisor.close()
            await asyncio.gather(run, return_exceptions=True)

    async def ended(self) -> None:
        """Wait for the end of the evening, and raise what ended it."""
        assert self._run is not None
        await asyncio.wait_for(asyncio.shield(self._run), 5)

    async def until_built(self, count: int) -> None:
        """Wait until a door has been built for the so manieth time."""
        async with asyncio.timeout(5):
            while self.built < count:
                self._build.clear()
                await self._build.wait()

    async def says_back(self, heard: MessageHeard, text: str, **details: Any) -> Any:
        reply = Reply(heard.person.user_id, heard.place, heard.message_id, text, **details)
        return await self.outbox.say(reply)
