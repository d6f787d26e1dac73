"""The founding guide's way to keep an exchange: a service for each table, each call with a session
and a commit of its own.  Kept here to measure against, written as well as that way allows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from storage.database import Database
from storage.errors import RowRefusedError
from storage.models import (
    BotState,
    Conversation,
    Guild,
    GuildMember,
    Message,
    MoodHistory,
    User,
    UserCommunicationStyle,
    UserFact,
    UserRelationship,
)


@dataclass(frozen=True, slots=True)
class Talk:
    """One exchange: who, where, and the ids of its two messages."""

    user_id: int
    guild_id: int
    channel_id: int
    message_id: int
    at: datetime


class Services:
    """The services of the founding guide, one method for each."""

    STEPS = 11

    def __init__(self, url: str) -> None:
        self.steps = 0
        self._url = url
        self._engine: AsyncEngine | None = None
        self._database: Database | None = None

    async def open(self) -> None:
        """PostgreSQL: the guide's pool (5 + 10).  SQLite: one writer at a time, or it fails."""
        if self._url.startswith("postgresql"):
            self._engine = create_async_engine(
                self._url, pool_size=5, max_overflow=10, pool_timeout=3_600
            )
        else:
            self._database = Database()
            await self._database.init(self._url)

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()
        if self._database is not None:
            await self._database.close()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        if self._database is not None:
            async with self._database.session() as session:
                yield session
            self.steps += 1
            return
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            yield session
            await session.commit()
        self.steps += 1

    async def again(self, call: Any, *arguments: Any) -> Any:
        """Call a service until first contact by two callers at once has sorted itself out."""
        while True:
            try:
                return await call(*arguments)
            except (IntegrityError, RowRefusedError):
                await asyncio.sleep(0)
            except DBAPIError as error:
                if "deadlock" not in str(error.orig):
                    raise

    async def exchange(self, talk: Talk) -> None:
        """Keep one exchange: eleven rows, eleven calls."""
        user = await self.again(self.user, talk)
        guild = await self.again(self.guild, talk)
        await self.again(self.member, user, guild)
        conversation = await self.conversation(user, talk)
        await self.message(conversation, user, talk, "user")
        await self.message(conversation, user, talk, "assistant")
        await self.again(self.bot_state, talk)
        await self.mood_history(user, talk)
        await self.again(self.relationship, user, talk)
        await self.again(self.style, user)
        await self.fact(user, talk)

    async def user(self, talk: Talk) -> int:
        async with self.session() as session:
            found = await session.scalar(select(User).where(User.discord_id == talk.user_id))
            if found is None:
                found = User(discord_id=talk.user_id, discord_username=f"user{talk.user_id}")
                session.add(found)
            found.discord_display_name = f"Name {talk.user_id}"
            found.last_seen_at = found.updated_at = talk.at
            await session.flush()
            return found.id

    async def guild(self, talk: Talk) -> int:
        async with self.session() as session:
            found = await session.scalar(select(Guild).where(Guild.discord_id == talk.guild_id))
            if found is None:
                found = Guild(discord_id=talk.guild_id, name=f"Guild {talk.guild_id}")
                session.add(found)
                await session.flush()
            return found.id

    async def member(self, user: int, guild: int) -> None:
        async with self.session() as session:
            wanted = select(GuildMember).where(
                GuildMember.guild_id == guild, GuildMember.user_id == user
            )
            if await session.scalar(wanted) is None:
                session.add(GuildMember(guild_id=guild, user_id=user, roles=["guest"]))

    async def conversation(self, user: int, talk: Talk) -> int:
        async with self.session() as session:
            wanted = select(Conversation).where(
                Conversation.user_id == user,
                Conversation.channel_id == talk.channel_id,
                Conversation.is_active,
            )
            found = await session.scalar(wanted)
            if found is None:
                found = Conversation(
                    user_id=user,
                    guild_id=talk.guild_id,
                    channel_id=talk.channel_id,
                    started_at=talk.at,
                    message_count=0,
                )
                session.add(found)
            found.message_count += 2
            found.last_message_at = talk.at
            await session.flush()
            return found.id

    async def message(self, conversation: int, user: int, talk: Talk, role: str) -> None:
        async with self.session() as session:
            is_reply = role == "assistant"
            session.add(
                Message(
                    conversation_id=conversation,
                    user_id=user,
                    discord_message_id=talk.message_id + is_reply,
                    role=role,
                    content=f"the words of message {talk.message_id}, as long as people write",
                    token_count=16,
                    created_at=talk.at,
                    expects_answer=not is_reply,
                    answered_at=None if is_reply else talk.at,
                    answers_message_id=talk.message_id if is_reply else None,
                )
            )

    async def bot_state(self, talk: Talk) -> None:
        async with self.session() as session:
            wanted = select(BotState).where(BotState.guild_id == talk.guild_id)
            found = await session.scalar(wanted)
            if found is None:
                found = BotState(guild_id=talk.guild_id, total_messages_sent=0)
                session.add(found)
            found.mood_valence, found.mood_arousal = 0.1, -0.2
            found.mood_updated_at = found.updated_at = talk.at
            found.total_messages_sent += 1

    async def mood_history(self, user: int, talk: Talk) -> None:
        async with self.session() as session:
            session.add(
                MoodHistory(
                    guild_id=talk.guild_id,
                    valence=0.1,
                    arousal=-0.2,
                    trigger_type="conversation",
                    trigger_user_id=user,
                    trigger_description="heard",
                    recorded_at=talk.at,
                )
            )

    async def relationship(self, user: int, talk: Talk) -> None:
        async with self.session() as session:
            wanted = select(UserRelationship).where(
                UserRelationship.user_id == user, UserRelationship.guild_id == talk.guild_id
            )
            found = await session.scalar(wanted)
            if found is None:
                found = UserRelationship(user_id=user, guild_id=talk.guild_id, total_interactions=0)
                session.add(found)
            found.relationship_score = 10.0
            found.total_interactions += 1
            found.last_interaction_at = found.updated_at = talk.at

    async def style(self, user: int) -> None:
        async with self.session() as session:
            wanted = select(UserCommunicationStyle).where(UserCommunicationStyle.user_id == user)
            found = await session.scalar(wanted)
            if found is None:
                found = UserCommunicationStyle(user_id=user, samples_collected=0)
                session.add(found)
            found.samples_collected += 1
            found.confidence = 0.5

    async def fact(self, user: int, talk: Talk) -> None:
        async with self.session() as session:
            session.add(
                UserFact(
                    user_id=user,
                    fact_type="hobby",
                    fact_content=f"plays the cello, as said in {talk.message_id}",
                    confidence=0.8,
                    source="auto_extraction",
                    category="hobby",
                    importance=0.6,
                    guild_id=talk.guild_id,
                    extracted_from_message_id=talk.message_id,
                    learned_at=talk.at,
                )
            )
