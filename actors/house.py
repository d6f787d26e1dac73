"""The house's book: guilds, channels, what was deleted, and what the bar keeps for itself.

Doors see things that concern no single conversation (a guild was joined, a message by
nobody-knows-whom was deleted); this actor knows whom to tell.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from actors import messages as m
from actors.conversation import ConversationActor
from actors.directory import Directory, VirtualActor
from actors.memory import MemoryActor
from actors.relationship import RelationshipActor
from actors.runtime import Told
from actors.storage import StorageActor
from storage.errors import StorageError
from storage.ids import ChannelId, MessageId, UserId
from storage.records import GuildState, Setting

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 30.0
RETRIES: Final = 10
RETENTION_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class DeletionDue(Told):
    """Try a deletion again: the message may have been on its way into the database.  To self."""

    message_ids: frozenset[MessageId]
    left: int


@dataclass(frozen=True, slots=True)
class RetentionDue(Told):
    """Time to delete what is past its keeping.  To self, hourly."""


HouseInbox = (
    m.MessagesDeleted
    | m.GuildJoined
    | m.GuildLeft
    | m.AnswerAwaited
    | m.ReadChannels
    | m.ReadSetting
    | m.KeepSetting
    | m.ForgetPerson
    | DeletionDue
    | RetentionDue
)


class HouseActor(VirtualActor):
    """Keeps the house's book.

    Owns:    nothing in memory; what it knows is in storage.
    Hears:   MessagesDeleted, GuildJoined, GuildLeft, AnswerAwaited (at start: wake who is owed an
    answer). Answers: ReadChannels, ReadSetting, KeepSetting, ForgetPerson.
    Tells:   MessagesForgotten and PersonForgotten to conversations, memory and relationship;
    AnswerAwaited.
    """

    def __init__(
        self,
        key: str,
        *,
        directory: Directory,
        clock: Callable[[], datetime],
        keep_messages: timedelta = timedelta(days=30),
        keep_crisis: timedelta = timedelta(hours=24),
    ) -> None:
        super().__init__(key)
        self._directory = directory
        self._storage = directory.ref(StorageActor, m.OnlyOne)
        self._clock = clock
        self._keep_messages = keep_messages
        self._keep_crisis = keep_crisis

    async def on_start(self) -> None:
        self.after(RETENTION_SECONDS, RetentionDue(), name="retention")

    async def receive(self, message: HouseInbox) -> Any:
        match message:
            case m.ReadChannels():
                return await self._storage.ask(m.LoadChannels())
            case m.ReadSetting():
                return await self._storage.ask(m.LoadSetting(message.key))
            case m.KeepSetting():
                await self._storage.ask(m.Save((Setting(message.key, message.value),)))
            case m.ForgetPerson():
                await self._forget_person(message.user_id)
            case _:
                await self._hear(message)
        return None

    async def _hear(
        self,
        message: m.MessagesDeleted
        | m.GuildJoined
        | m.GuildLeft
        | m.AnswerAwaited
        | DeletionDue
        | RetentionDue,
    ) -> None:
        match message:
            case m.MessagesDeleted():
                await self._delete(message.message_ids, RETRIES)
            case DeletionDue():
                await self._delete(message.message_ids, message.left)
            case m.GuildJoined():
                await self._note_guild(GuildState(message.guild_id, message.name, True, message.at))
            case m.GuildLeft():
                await self._note_guild(GuildState(message.guild_id, "", False, message.at))
            case m.AnswerAwaited():
                await self._wake_owed()
            case RetentionDue():
                await self._delete_expired()
            case _:
                assert_never(message)

    async def _delete(self, message_ids: frozenset[MessageId], left: int) -> None:
        """Delete for good.  What is not there yet may still be on its way: look once more,
        later.
        """
        gone: set[MessageId] = set()
        try:
            erased = await self._storage.ask(m.EraseMessages(message_ids))
        except StorageError:
            self._delete_later(message_ids, left - 1)
            return
        for user_id, channel_id, _ in erased:
            mine = frozenset(i for u, c, i in erased if (u, c) == (user_id, channel_id))
            if mine <= gone:
                continue
            gone |= mine
            key = (user_id, channel_id)
            self._directory.ref(ConversationActor, key).tell(m.MessagesForgotten(mine))
            self._directory.ref(MemoryActor, user_id).tell(m.MessagesForgotten(mine))
        if gone:
            log.info("message.forgotten", extra={"messages": len(gone)})
        if (rest := message_ids - gone) and left == RETRIES:
            self._delete_later(rest, 0)

    def _delete_later(self, message_ids: frozenset[MessageId], left: int) -> None:
        if left >= 0:
            name = f"delete-{min(message_ids)}"
            self.after(RETRY_SECONDS, DeletionDue(message_ids, left), name=name)

    async def _note_guild(self, state: GuildState) -> None:
        try:
            await self._storage.ask(m.Save((state,)))
        except StorageError as error:
            log.warning("guild.not_noted", extra={"error": type(error).__name__})
            return
        event = "guild.joined" if state.active else "guild.left"
        log.info(event, extra={"guild_id": state.guild_id})

    async def _wake_owed(self) -> None:
        try:
            keys = await self._storage.ask(m.LoadOwed())
        except StorageError:
            self.after(RETRY_SECONDS, m.AnswerAwaited(), name="owed")
            return
        for key in keys:
            self._directory.ref(ConversationActor, key).tell(m.AnswerAwaited())
        log.info("conversation.owed", extra={"conversations": len(keys)})

    async def _forget_person(self, user_id: UserId) -> None:
        _, channels = await self._storage.ask(m.ErasePerson(user_id))
        self._directory.ref(MemoryActor, user_id).tell(m.PersonForgotten())
        self._directory.ref(RelationshipActor, user_id).tell(m.PersonForgotten())
        for channel_id in sorted(channels):
            key = (user_id, ChannelId(channel_id))
            self._directory.ref(ConversationActor, key).tell(m.PersonForgotten())
        log.info("person.forgotten", extra={"reason": "asked"})

    async def _delete_expired(self) -> None:
        now = self._clock()
        expired = m.EraseExpired(now - self._keep_messages, now - self._keep_crisis)
        try:
            count = await self._storage.ask(expired)
        except StorageError as error:
            log.warning("retention.failed", extra={"error": type(error).__name__})
        else:
            log.info("retention.done", extra={"messages": count})
        self.after(RETENTION_SECONDS, RetentionDue(), name="retention")
