"""Stand-ins for actors that remember what they were told and answer what a test says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from actors import messages as m
from actors.directory import VirtualActor
from storage.errors import StorageUnavailableError
from storage.ids import ChannelId, GuildId, MessageId, RowId, UserId
from storage.records import (
    ConversationState,
    Heard,
    HeardMessage,
    MemoryState,
    Person,
    PersonState,
    Place,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class StorageEar(VirtualActor):
    """Stands in for the storage actor: keeps every write in a list, loads nothing.

    `away`: every ask fails as with the database gone.
    """

    writes: list[Any]
    asked: list[Any]

    def __init__(self, key: Any, shelf: "Shelf") -> None:
        super().__init__(key)
        self.shelf = shelf

    async def receive(self, message: Any) -> Any:
        self.shelf.asked.append(message)
        if self.shelf.away:
            raise StorageUnavailableError("gone")
        match message:
            case m.Save():
                self.shelf.writes.extend(message.writes)
                return tuple(self._answer(write) for write in message.writes)
            case m.LoadConversation():
                return self.shelf.conversation
            case m.LoadPerson():
                return self.shelf.person
            case m.LoadMemory():
                return self.shelf.memory
            case m.LoadOpinions() | m.LoadOwed() | m.LoadChannels() | m.EraseMessages():
                return ()
            case m.EraseFacts():
                return len(message.fact_ids)
            case _:
                return None

    def _answer(self, write: Any) -> Any:
        if isinstance(write, HeardMessage):
            return Heard(write.message_id, RowId(1), fresh=True)
        if type(write).__name__ == "FactSave":
            self.shelf.rows += 1
            return write.fact.fact_id or RowId(self.shelf.rows)
        return None


class CalendarEar(VirtualActor):
    """Stands in for the calendar: remembers what was spoken of."""

    def __init__(self, key: Any, shelf: "Shelf") -> None:
        super().__init__(key)
        self.shelf = shelf

    def receive(self, message: m.NoteEvents) -> int:
        if self.shelf.away:
            raise StorageUnavailableError("gone")
        self.shelf.spoken_of.append(message)
        return len(message.drawn)


class Shelf:
    """What a `StorageEar` was asked, and what it answers."""

    def __init__(self) -> None:
        self.writes: list[Any] = []
        self.asked: list[Any] = []
        self.spoken_of: list[m.NoteEvents] = []
        self.away = False
        self.rows = 100
        self.conversation = ConversationState(None, (), (), None)
        self.person = PersonState(None, None, (), None, {})
        self.memory = MemoryState((), (), ())

    def of(self, kind: type) -> list[Any]:
        """Return the writes of a kind, in order."""
        return [write for write in self.writes if isinstance(write, kind)]


def a_person(user: int = 7) -> Person:
    return Person(UserId(user), f"user{user}", f"Name{user}")


def a_guild(guild: int = 1, channel: int = 11) -> Place:
    return Place(GuildId(guild), ChannelId(channel), "The Snug")


def a_dm(channel: int = 70) -> Place:
    return Place(None, ChannelId(channel), kind="dm")


def an_exchange(user: int = 7, place: Place | None = None, **changes: Any) -> m.ExchangeEnded:
    at = changes.get("at", NOON)
    text = changes.get("text", "hello there")
    number = MessageId(changes.pop("number", 1))
    values: dict[str, Any] = {
        "person": a_person(user),
        "place": place or a_guild(),
        "message_ids": (number,),
        "text": text,
        "reply": "Evening.",
        "at": at,
        "messages": ((number, text, at),),
        "conversation": RowId(1),
        "reply_id": MessageId(number + 1),
    }
    return m.ExchangeEnded(**(values | changes))
