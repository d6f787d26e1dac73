"""What the Discord door needs from the house behind it; `bot.app` has the real one."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, TypeVar

from actors.messages import MessageEdited, MessageHeard
from actors.runtime import Asked, Told
from storage.records import Person, Place, UserFact

T = TypeVar("T")


class House(Protocol):
    """Whom a door tells and asks what concerns no single conversation (`HouseActor`)."""

    def tell(self, message: Told) -> Any: ...

    def ask(self, message: Asked[T]) -> Awaitable[T]: ...


class Rooms(Protocol):
    """The rooms behind a door."""

    @property
    def house(self) -> House: ...

    async def hear(self, heard: MessageHeard) -> None:
        """Take a message in; waits while the conversation has too much to hear already."""

    def edited(self, message: MessageEdited) -> None:
        """Take in that a person changed what they had said."""


class Answers(Protocol):
    """What commands say (`bot.commands.Commands`)."""

    async def answer(self, name: str, person: Person, place: Place, rest: str = "") -> str | None:
        """Return what command `name` says; None: there is no such command."""

    async def forget_everything(self, person: Person) -> str:
        """Delete all that is kept about `person`, and return what to say about it."""

    async def waiting(self, person: Person, place: Place) -> Sequence[tuple[int, str]]:
        """Return the numbers and names of what waits for `person` and may be shown in `place`."""

    async def facts(self, person: Person, place: Place) -> tuple[UserFact, ...]:
        """Return what the bar remembers of `person` and may show in `place`."""
