"""The gateway of the fake Discord: sessions outlive the sockets that carry them.

Rule 1: what happens while a session has no socket is kept and replayed on RESUME, in order.
Rule 2: a session is told only what its intents ask for, and text only as far as it may read it.
Rule 3: every frame of one connection leaves in the order in which it was handed over.
"""

import asyncio
import json
import secrets
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from tests.fakes.discord import payloads
from tests.fakes.discord.world import Message, World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11

GUILDS, GUILD_MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, GUILD_TYPING = 1 << 9, 1 << 11
DIRECT_MESSAGES, DIRECT_TYPING = 1 << 12, 1 << 14
MESSAGE_CONTENT: Final = 1 << 15
PRIVILEGED: Final = GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT

SENDS_PER_MINUTE: Final = 120
KEPT_EVENTS: Final = 10_000


class Connection:
    """One socket.  Frames are queued by anybody and written by one task."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket
        self._frames: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()
        compressed = request.query.get("compress") == "zlib-stream"
        self._deflate = zlib.compressobj() if compressed else None
        self.session: Session | None = None
        self.sends: list[float] = []
        self.closed_by_us = False

    def send(
        self, op: int, data: Any = None, *, t: str | None = None, s: int | None = None
    ) -> None:
        self._frames.put_nowait({"op": op, "d": data, "t": t, "s": s})

    def close(self, code: int) -> None:
        """Close after everything queued so far."""
        self.closed_by_us = True
        self._frames.put_nowait(code)

    def drop(self) -> None:
        """Pull the cable: no close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self) -> None:
        while True:
            frame = await self._frames.get()
            if isinstance(frame, int):
                await self._socket.close(code=frame)
                return
            text = json.dumps(frame)
            if self._deflate is None:
                await self._socket.send_str(text)
            else:
                packed = self._deflate.compress(text.encode())
                await self._socket.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))


@dataclass(slots=True, eq=False)
class Session:
    id: str
    intents: int
    shard: tuple[int, int]
    connection: Connection | None = None
    sequence: int = 0
    events: list[tuple[int, str, Any]] = field(default_factory=list)

    def tell(self, event: str, data: Any) -> None:
        self.sequence += 1
        self.events.append((self.sequence, event, data))
        del self.events[:-KEPT_EVENTS]
        if self.connection is not None:
            self.connection.send(DISPATCH, data, t=event, s=self.sequence)

    def replay(self, after: int) -> None:
        assert self.connection is not None
        for sequence, event, data in self.events:
            if sequence > after:
                self.connection.send(DISPATCH, data, t=event, s=sequence)

    def hears(self, intent: int, guild_id: int | None) -> bool:
        shard, shards = self.shard
        mine = shard == 0 if guild_id is None else (guild_id >> 22) % shards == shard
        return mine and (intent == 0 or bool(self.intents & intent))


class Gateway:
    """All sessions of the one application, and what a test may do to them."""

    def __init__(self, world: World, token: str, counts: Counter[str]) -> None:
        self._world = world
        self._token = token
        self._counts = counts
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.heartbeat_ms = 41_250
        self.allowed_intents = ~PRIVILEGED | MESSAGE_CONTENT
        self.answers_heartbeats = True
        self.close_next_identify: int | None = None
        self.resume_url = ""
        self._changed = asyncio.Event()

    # --- what happens ---------------------------------------------------------------------------

    def tell(self, event: str, data: Any, *, intent: int = 0, guild_id: int | None = None) -> None:
        for session in self.sessions.values():
            if session.hears(intent, guild_id):
                session.tell(event, data)

    def tell_message(self, event: str, message: Message) -> None:
        guild = message.channel.guild
        intent = DIRECT_MESSAGES if guild is None else GUILD_MESSAGES
        for session in self.sessions.values():
            if session.hears(intent, None if guild is None else guild.id):
                blank = not self._may_read(session.intents, message)
                session.tell(event, payloads.message_event(message, self._world, blank=blank))

    def _may_read(self, intents: int, message: Message) -> bool:
        bot = self._world.bot
        return (
            bool(intents & MESSAGE_CONTENT)
            or message.channel.guild is None
            or message.author is bot
            or bot in message.mentions
        )

    # --- what a test does -----------------------------------------------------------------------

    async def until_ready(self, count: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait until so many sessions have a socket."""
        async with asyncio.timeout(timeout):
            while sum(each.connection is not None for each in self.sessions.values()) < count:
                self._changed.clear()
                await self._changed.wait()

    async def until_gone(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait until no session has a socket."""
        async with asyncio.timeout(timeout):
            while any(each.connection is not None for each in self.sessions.values()):
                self._changed.clear()
                await self._changed.wait()

    def close_all(self, code: int) -> None:
        for connection in self.connections:
            connection.close(code)

    def drop_all(self) -> None:
        for connection in self.connections:
            connection.drop()

    def ask_to_reconnect(self) -> None:
        for connection in self.connections:
            connection.send(RECONNECT)

    def invalidate(self, *, resumable: bool) -> None:
        for connection in self.connections:
            connection.send(INVALID_SESSION, resumable)
        if not resumable:
            self.forget_sessions()

    def forget_sessions(self) -> None:
        """No RESUME will find its session."""
        self.sessions.clear()

    # --- the wire -------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self._counts["connections"] += 1
        connection = Connection(request, socket)
        self.connections.append(connection)
        writer = asyncio.create_task(connection.write())
        try:
            connection.send(HELLO, {"heartbeat_interval": self.heartbeat_ms})
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._receive(connection, frame.data)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._disconnect(connection, socket.close_code)
        return socket

    def _disconnect(self, connection: Connection, code: int | None) -> None:
        self.connections.remove(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            # Only a client that says goodbye ends its session.
            if not connection.closed_by_us and code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
                self.sessions.pop(session.id, None)
        self._changed.set()

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError):
            connection.close(4002)
            return
        if self._sends_too_much(connection):
            connection.close(4008)
            return
        handlers: dict[int, Callable[[Connection, Any], None]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            RESUME: self._resume,
            MEMBERS: self._members,
            PRESENCE: self._ignored,
            VOICE: self._ignored,
        }
        if op not in handlers:
            connection.close(4001)
        elif op not in (HEARTBEAT, IDENTIFY, RESUME) and connection.session is None:
            connection.close(4003)
        else:
            handlers[op](connection, data)

    def _sends_too_much(self, connection: Connection) -> bool:
        now = asyncio.get_running_loop().time()
        connection.sends = [at for at in connection.sends if now - at < 60.0] + [now]
        return len(connection.sends) > SENDS_PER_MINUTE

    def _heartbeat(self, connection: Connection, _data: Any) -> None:
        self._counts["heartbeat"] += 1
        if self.answers_heartbeats:
            connection.send(HEARTBEAT_ACK)

    def _ignored(self, _connection: Connection, _data: Any) -> None:
        return

    def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        self._counts["identify"] += 1
        code = self._refusal(connection, data)
        if code is not None:
            connection.close(code)
            return
        shard = tuple(data.get("shard", (0, 1)))
        session = Session(secrets.token_hex(8), data["intents"], (shard[0], shard[1]), connection)
        self.sessions[session.id] = session
        connection.session = session
        self._welcome(session, data)
        self._changed.set()

    def _refusal(self, connection: Connection, data: dict[str, Any]) -> int | None:
        shard, shards = data.get("shard", (0, 1))
        if self.close_next_identify is not None:
            code, self.close_next_identify = self.close_next_identify, None
            return code
        if connection.session is not None:
            return 4005
        if data["token"] != self._token:
            return 4004
        if not 0 <= shard < shards:
            return 4010
        if data["intents"] & ~self.allowed_intents & PRIVILEGED:
            return 4014
        return None

    def _welcome(self, session: Session, asked: dict[str, Any]) -> None:
        guilds = [
            guild
            for guild in self._world.guilds.values()
            if not guild.left and session.hears(GUILDS, guild.id)
        ]
        ready = {
            "v": 10,
            "user": payloads.account(self._world.bot),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "application": {"id": str(self._world.bot.id), "flags": 0},
        }
        if "shard" in asked:
            ready["shard"] = list(session.shard)
        session.tell("READY", ready)
        for guild in guilds:
            session.tell("GUILD_CREATE", payloads.guild(guild, self._world))

    def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        self._counts["resume"] += 1
        session = self.sessions.get(data["session_id"] or "")
        if data["token"] != self._token:
            connection.close(4004)
        elif session is None:
            connection.send(INVALID_SESSION, False)
        elif (data["seq"] or 0) > session.sequence:
            connection.close(4007)
        else:
            connection.session, session.connection = session, connection
            session.replay(after=data["seq"] or 0)
            session.tell("RESUMED", {})
            self._changed.set()

    def _members(self, connection: Connection, data: dict[str, Any]) -> None:
        """Answers REQUEST_GUILD_MEMBERS in one chunk."""
        assert connection.session is not None
        guild = self._world.guilds[int(data["guild_id"])]
        wanted = {int(each) for each in data.get("user_ids", ())}
        found = [each for key, each in guild.members.items() if not wanted or key in wanted]
        chunk = {
            "guild_id": str(guild.id),
            "members": [payloads.member(each) for each in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": data.get("nonce"),
        }
        connection.session.tell("GUILD_MEMBERS_CHUNK", chunk)
