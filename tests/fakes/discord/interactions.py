"""Slash commands, buttons and forms: what people press, and how the bot may answer.

Rule 1: an interaction is acknowledged once (40060), within three seconds (10062).
Rule 2: followups need an acknowledgement; an ephemeral answer is seen by one person alone and
never enters the channel.
"""

import asyncio
import secrets
from collections import Counter
from typing import Any, Final

from aiohttp import web

from tests.fakes.discord import payloads
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.outcome import Outcomes
from tests.fakes.discord.rest import apply_edit, check_content
from tests.fakes.discord.wire import API, ApiError, answer, body_of, unknown
from tests.fakes.discord.world import DM, Account, Channel, Message, World

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
SHOW, DEFER_SHOW, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
SECONDS_TO_ACKNOWLEDGE: Final = 3.0


class Interaction:
    """One press, and everything the bot answered to it."""

    def __init__(self, id_: int, kind: int, user: Account, channel: Channel) -> None:
        self.id = id_
        self.kind = kind
        self.user = user
        self.channel = channel
        self.token = secrets.token_hex(12)
        self.sent_at = asyncio.get_running_loop().time()
        self.acknowledged: int | None = None
        self.acknowledged_after: float | None = None
        self.pressed: Message | None = None
        self.original: Message | None = None
        self.messages: dict[int, Message] = {}
        self.choices: list[dict[str, Any]] = []
        self.form: dict[str, Any] | None = None
        self._flags = 0
        self._events: asyncio.Queue[Message | None] = asyncio.Queue()

    async def answered(self, timeout: float = 10.0) -> Message:  # noqa: ASYNC109
        """Wait for the next message the person is shown: an answer, its edit, a followup."""
        async with asyncio.timeout(timeout):
            while True:
                shown = await self._events.get()
                if shown is not None:
                    return shown

    async def settled(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait for the next thing of any kind: a deferral, choices, a form, a message."""
        async with asyncio.timeout(timeout):
            await self._events.get()

    def acknowledge(self, kind: int, flags: int) -> None:
        now = asyncio.get_running_loop().time()
        if self.acknowledged is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if now - self.sent_at > SECONDS_TO_ACKNOWLEDGE:
            raise unknown(10062, "interaction")
        self.acknowledged = kind
        self.acknowledged_after = now - self.sent_at
        self._flags = flags
        if kind in (DEFER_UPDATE, UPDATE):
            self.original = self.pressed

    @property
    def deferred_flags(self) -> int:
        return self._flags & 64

    def show(self, message: Message | None) -> None:
        self._events.put_nowait(message)


class Interactions:
    def __init__(
        self, world: World, gateway: Gateway, counts: Counter[str], outcomes: Outcomes
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._counts = counts
        self._outcomes = outcomes
        self._by_token: dict[str, Interaction] = {}

    def routes(self) -> list[web.RouteDef]:
        hook = f"{API}/webhooks/{{application}}/{{token}}"
        return [
            web.post(f"{API}/interactions/{{interaction}}/{{token}}/callback", self._callback),
            web.post(hook, self._follow_up),
            web.get(f"{hook}/messages/{{message}}", self._get),
            web.patch(f"{hook}/messages/{{message}}", self._edit),
            web.delete(f"{hook}/messages/{{message}}", self._delete),
        ]

    # --- people press ---------------------------------------------------------------------------

    def press(
        self,
        kind: int,
        user: Account,
        channel: Channel,
        data: dict[str, Any],
        pressed: Message | None = None,
    ) -> Interaction:
        interaction = Interaction(self._world.new_id(), kind, user, channel)
        interaction.pressed = pressed
        self._by_token[interaction.token] = interaction
        self._gateway.tell(
            "INTERACTION_CREATE",
            self._event(interaction, data),
            guild_id=None if channel.guild is None else channel.guild.id,
        )
        return interaction

    def _event(self, interaction: Interaction, data: dict[str, Any]) -> dict[str, Any]:
        channel, user = interaction.channel, interaction.user
        event: dict[str, Any] = {
            "id": str(interaction.id),
            "application_id": str(self._world.bot.id),
            "type": interaction.kind,
            "data": data,
            "token": interaction.token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel, self._world),
            "locale": "en-US",
            "app_permissions": payloads.ALL_PERMISSIONS,
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 10_485_760,
            "context": 1 if channel.type == DM else 0,
        }
        if interaction.pressed is not None:
            event["message"] = payloads.message(interaction.pressed, self._world)
        if channel.guild is None:
            return event | {"user": payloads.account(user)}
        member = self._world.join(channel.guild, user)
        return event | {
            "guild_id": str(channel.guild.id),
            "guild": {"id": str(channel.guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": payloads.member(member),
        }

    # --- the bot answers ------------------------------------------------------------------------

    def _find(self, request: web.Request) -> Interaction:
        found = self._by_token.get(request.match_info["token"])
        if found is None:
            raise unknown(10015, "Webhook")
        return found

    async def _callback(self, request: web.Request) -> web.Response:
        interaction = self._find(request)
        body = await body_of(request)
        kind, data = body["type"], body.get("data") or {}
        if kind == SHOW:
            check_content(data)
        interaction.acknowledge(kind, data.get("flags", 0))
        self._counts["acknowledged"] += 1
        shown = self._carry_out(interaction, kind, data)
        if "with_response" not in request.query:
            interaction.show(shown)
            return answer()
        response = answer(self._callback_response(interaction, kind, shown))
        interaction.show(shown)
        return response

    def _carry_out(
        self, interaction: Interaction, kind: int, data: dict[str, Any]
    ) -> Message | None:
        if kind == SHOW:
            interaction.original = self._new_message(interaction, data)
            return interaction.original
        if kind == UPDATE:
            assert interaction.original is not None
            apply_edit(interaction.original, data, self._world)
            return interaction.original
        if kind == CHOICES:
            interaction.choices = data["choices"]
        if kind == MODAL:
            interaction.form = data
        return None

    def _callback_response(
        self, interaction: Interaction, kind: int, shown: Message | None
    ) -> dict[str, Any]:
        about: dict[str, Any] = {
            "id": str(interaction.id),
            "type": interaction.kind,
            "response_message_loading": kind == DEFER_SHOW,
            "response_message_ephemeral": bool(interaction.deferred_flags),
        }
        if shown is None:
            return {"interaction": about}
        about["response_message_id"] = str(shown.id)
        return {
            "interaction": about,
            "resource": {"type": kind, "message": payloads.message(shown, self._world)},
        }

    def _new_message(self, interaction: Interaction, data: dict[str, Any]) -> Message:
        content = check_content(data)
        message = self._world.new_message(
            interaction.channel,
            self._world.bot,
            content,
            components=data.get("components", []),
            flags=data.get("flags", 0),
            webhook_id=self._world.bot.id,
            type=20 if interaction.kind == COMMAND else 0,
        )
        interaction.messages[message.id] = message
        if message.ephemeral:
            del self._world.messages[interaction.channel.id][message.id]
        else:
            self._gateway.tell_message("MESSAGE_CREATE", message)
            self._outcomes.said(message)
        return message

    async def _follow_up(self, request: web.Request) -> web.Response:
        interaction = self._find(request)
        body = await body_of(request)
        if interaction.acknowledged is None:
            raise unknown(10015, "Webhook")
        if interaction.acknowledged == DEFER_SHOW and interaction.original is None:
            # The first followup to a deferral is its answer, and as ephemeral as the deferral.
            body["flags"] = body.get("flags", 0) & ~64 | interaction.deferred_flags
            interaction.original = message = self._new_message(interaction, body)
        else:
            message = self._new_message(interaction, body)
        interaction.show(message)
        return answer(payloads.message(message, self._world))

    def _find_message(self, request: web.Request, interaction: Interaction) -> Message:
        name = request.match_info["message"]
        numbered = interaction.messages
        found = interaction.original if name == "@original" else numbered.get(int(name))
        if found is None:
            raise unknown(10008, "Message")
        return found

    async def _get(self, request: web.Request) -> web.Response:
        message = self._find_message(request, self._find(request))
        return answer(payloads.message(message, self._world))

    async def _edit(self, request: web.Request) -> web.Response:
        interaction = self._find(request)
        body = await body_of(request)
        waiting = interaction.acknowledged == DEFER_SHOW and interaction.original is None
        if waiting and request.match_info["message"] == "@original":
            body["flags"] = interaction.deferred_flags
            interaction.original = message = self._new_message(interaction, body)
        else:
            message = self._find_message(request, interaction)
            apply_edit(message, body, self._world)
        interaction.show(message)
        return answer(payloads.message(message, self._world))

    async def _delete(self, request: web.Request) -> web.Response:
        interaction = self._find(request)
        message = self._find_message(request, interaction)
        interaction.messages.pop(message.id, None)
        self._world.messages[message.channel.id].pop(message.id, None)
        return answer()
