"""The REST routes of the fake Discord that a bot calls on its own: who am I, channels, messages,
commands.  Answers to interactions are in interactions.py.
"""

import time
from collections import Counter
from typing import Any, Final

from aiohttp import web

from tests.fakes.discord import payloads
from tests.fakes.discord.gateway import DIRECT_TYPING, GUILD_TYPING, MESSAGE_CONTENT, Gateway
from tests.fakes.discord.outcome import Outcomes
from tests.fakes.discord.wire import API, ApiError, answer, body_of, invalid, unknown
from tests.fakes.discord.world import Channel, Message, World

LONGEST_MESSAGE: Final = 2_000
LONGEST_NONCE: Final = 25
NONCE_SECONDS: Final = 300.0
"""How long Discord remembers a nonce: "the past few minutes"."""


class Rest:
    def __init__(
        self, world: World, gateway: Gateway, counts: Counter[str], outcomes: Outcomes
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._counts = counts
        self._outcomes = outcomes
        self._nonces: dict[str, tuple[float, Message]] = {}
        self.owner = world.new_account("Landlord")
        self.commands: dict[int | None, list[dict[str, Any]]] = {None: []}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.gateway_url = ""

    def routes(self) -> list[web.RouteDef]:
        one = f"{API}/channels/{{channel}}"
        commands = f"{API}/applications/{{application}}"
        return [
            web.get(f"{API}/users/@me", self._me),
            web.get(f"{API}/users/{{user}}", self._user),
            web.get(f"{API}/oauth2/applications/@me", self._application),
            web.get(f"{API}/gateway/bot", self._gateway_bot),
            web.get(f"{API}/guilds/{{guild}}/members/{{user}}", self._member),
            web.post(f"{API}/users/@me/channels", self._open_direct),
            web.get(one, self._channel),
            web.post(f"{one}/typing", self._typing),
            web.post(f"{one}/messages", self._post),
            web.get(f"{one}/messages", self._history),
            web.get(f"{one}/messages/{{message}}", self._message),
            web.patch(f"{one}/messages/{{message}}", self._edit),
            web.delete(f"{one}/messages/{{message}}", self._delete),
            web.put(f"{commands}/commands", self._sync),
            web.get(f"{commands}/commands", self._list_commands),
            web.put(f"{commands}/guilds/{{guild}}/commands", self._sync),
            web.get(f"{commands}/guilds/{{guild}}/commands", self._list_commands),
            web.get("/cdn/{path:.*}", self._file),
        ]

    # --- who am I -------------------------------------------------------------------------------

    async def _me(self, _request: web.Request) -> web.Response:
        return answer(payloads.account(self._world.bot))

    async def _user(self, request: web.Request) -> web.Response:
        account = self._world.accounts.get(int(request.match_info["user"]))
        if account is None:
            raise unknown(10013, "User")
        return answer(payloads.account(account))

    async def _member(self, request: web.Request) -> web.Response:
        guild = self._world.guilds.get(int(request.match_info["guild"]))
        if guild is None or guild.left:
            raise unknown(10004, "Guild")
        member = guild.members.get(int(request.match_info["user"]))
        if member is None:
            raise unknown(10007, "Member")
        return answer(payloads.member(member))

    async def _application(self, _request: web.Request) -> web.Response:
        allowed = bool(self._gateway.allowed_intents & MESSAGE_CONTENT)
        return answer(payloads.application(self._world, self.owner, content_allowed=allowed))

    async def _gateway_bot(self, _request: web.Request) -> web.Response:
        start = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return answer({"url": self.gateway_url, "shards": 1, "session_start_limit": start})

    # --- channels -------------------------------------------------------------------------------

    def _find_channel(self, request: web.Request) -> Channel:
        channel = self._world.channels.get(int(request.match_info["channel"]))
        if channel is None or channel.deleted:
            raise unknown(10003, "Channel")
        if channel.guild is not None and channel.guild.left:
            raise ApiError(403, 50001, "Missing Access")
        return channel

    async def _open_direct(self, request: web.Request) -> web.Response:
        account = self._world.accounts.get(int((await body_of(request))["recipient_id"]))
        if account is None:
            raise unknown(10013, "User")
        return answer(payloads.channel(self._world.direct_channel(account), self._world))

    async def _channel(self, request: web.Request) -> web.Response:
        return answer(payloads.channel(self._find_channel(request), self._world))

    async def _typing(self, request: web.Request) -> web.Response:
        channel = self._writable(request)
        self._counts["typing"] += 1
        guild_id = None if channel.guild is None else channel.guild.id
        started = {
            "channel_id": str(channel.id),
            "user_id": str(self._world.bot.id),
            "timestamp": int(self._world.clock().timestamp()),
        }
        if guild_id is not None:
            started["guild_id"] = str(guild_id)
        intent = DIRECT_TYPING if guild_id is None else GUILD_TYPING
        self._gateway.tell("TYPING_START", started, intent=intent, guild_id=guild_id)
        return answer()

    def _writable(self, request: web.Request) -> Channel:
        channel = self._find_channel(request)
        if channel.recipient is not None and channel.recipient.closed:
            raise ApiError(403, 50007, "Cannot send messages to this user")
        if channel.forbidden:
            raise ApiError(403, 50013, "Missing Permissions")
        return channel

    # --- messages -------------------------------------------------------------------------------

    async def _post(self, request: web.Request) -> web.Response:
        channel = self._writable(request)
        body = await body_of(request)
        self._counts["posts"] += 1
        content = check_content(body)
        nonce = body.get("nonce")
        if nonce is not None and len(str(nonce)) > LONGEST_NONCE:
            raise invalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        again = self._said_before(nonce) if body.get("enforce_nonce") else None
        if again is not None:
            self._counts["nonce_repeats"] += 1
            return answer(payloads.message(again, self._world))
        message = self._world.new_message(
            channel,
            self._world.bot,
            content,
            reference=self._reference(channel, body),
            nonce=None if nonce is None else str(nonce),
            components=body.get("components", []),
            flags=body.get("flags", 0),
        )
        message.pings = pings(message, body.get("allowed_mentions"))
        if nonce is not None:
            self._nonces[str(nonce)] = (time.monotonic() + NONCE_SECONDS, message)
        self._gateway.tell_message("MESSAGE_CREATE", message)
        self._outcomes.said(message)
        return answer(payloads.message(message, self._world))

    def _said_before(self, nonce: object) -> Message | None:
        until, message = self._nonces.get(str(nonce), (0.0, None))
        return message if time.monotonic() < until else None

    def forget_nonces(self) -> None:
        self._nonces.clear()

    def _reference(self, channel: Channel, body: dict[str, Any]) -> int | None:
        pointer = body.get("message_reference")
        if pointer is None:
            return None
        wanted = int(pointer["message_id"])
        if wanted in self._world.messages[channel.id]:
            return wanted
        if pointer.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    async def _history(self, request: web.Request) -> web.Response:
        channel = self._find_channel(request)
        self._counts["history"] += 1
        query = request.query
        limit = int(query.get("limit", "50"))
        kept = sorted(self._world.messages[channel.id])
        if "after" in query:
            kept = [each for each in kept if each > int(query["after"])][:limit]
        elif "around" in query:
            middle = int(query["around"])
            before = [each for each in kept if each < middle][-(limit // 2) :]
            kept = before + [each for each in kept if each >= middle][: limit - len(before)]
        else:
            border = int(query.get("before", str(1 << 63)))
            kept = [each for each in kept if each < border][-limit:]
        found = [self._world.messages[channel.id][each] for each in reversed(kept)]
        return answer([self._readable(each) for each in found])

    def _readable(self, message: Message) -> dict[str, Any]:
        open_to_us = (
            bool(self._gateway.allowed_intents & MESSAGE_CONTENT)
            or message.channel.guild is None
            or message.author is self._world.bot
            or self._world.bot in message.mentions
        )
        return payloads.message(message, self._world, blank=not open_to_us)

    def _find_message(self, request: web.Request) -> Message:
        channel = self._find_channel(request)
        found = self._world.messages[channel.id].get(int(request.match_info["message"]))
        if found is None:
            raise unknown(10008, "Message")
        return found

    async def _message(self, request: web.Request) -> web.Response:
        return answer(self._readable(self._find_message(request)))

    async def _edit(self, request: web.Request) -> web.Response:
        message = self._find_message(request)
        if message.author is not self._world.bot:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        apply_edit(message, await body_of(request), self._world)
        self._gateway.tell_message("MESSAGE_UPDATE", message)
        return answer(payloads.message(message, self._world))

    async def _delete(self, request: web.Request) -> web.Response:
        message = self._find_message(request)
        del self._world.messages[message.channel.id][message.id]
        self._outcomes.deleted(message, self._gateway)
        return answer()

    # --- commands and files ---------------------------------------------------------------------

    async def _sync(self, request: web.Request) -> web.Response:
        self._counts["syncs"] += 1
        guild = request.match_info.get("guild")
        registered = [self._register(each, guild) for each in await request.json()]
        self.commands[None if guild is None else int(guild)] = registered
        return answer(registered)

    def _register(self, command: dict[str, Any], guild: str | None) -> dict[str, Any]:
        if command.get("type", 1) == 1 and not 1 <= len(command.get("description", "")) <= 100:
            raise invalid("description", "BASE_TYPE_BAD_LENGTH", "Must be 1-100 in length.")
        ids = {"id": str(self._world.new_id()), "application_id": str(self._world.bot.id)}
        scope = {} if guild is None else {"guild_id": guild}
        return command | ids | scope | {"version": ids["id"]}

    async def _list_commands(self, request: web.Request) -> web.Response:
        guild = request.match_info.get("guild")
        return answer(self.commands.get(None if guild is None else int(guild), []))

    async def _file(self, request: web.Request) -> web.Response:
        found = self.files.get(request.match_info["path"])
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found[1], headers={"Content-Type": found[0]})


def check_content(body: dict[str, Any]) -> str:
    """Return the text of a message, or refuse it as Discord does."""
    content = body.get("content") or ""
    if not content.strip() and not body.get("components") and not body.get("embeds"):
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(content) > LONGEST_MESSAGE:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    return str(content)


def apply_edit(message: Message, body: dict[str, Any], world: World) -> None:
    if "content" in body:
        message.content = body["content"] or ""
    if "components" in body:
        message.components = body["components"] or []
    message.edited_at = world.clock()


def pings(message: Message, allowed: dict[str, Any] | None) -> tuple[str, ...]:
    """Whom this message would have notified."""
    kinds = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse", [])
    found: list[str] = []
    if "everyone" in kinds and ("@everyone" in message.content or "@here" in message.content):
        found.append("everyone")
    if "roles" in kinds and "<@&" in message.content:
        found.append("role")
    named = {str(each) for each in (allowed or {}).get("users", [])}
    found += [
        str(each.id) for each in message.mentions if "users" in kinds or str(each.id) in named
    ]
    if message.reference is not None and (allowed is None or allowed.get("replied_user", False)):
        found.append("replied_user")
    return tuple(found)
