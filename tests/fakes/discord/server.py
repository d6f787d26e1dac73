"""A Discord of our own on loopback: what a test sets up, does, and sees.

    async with FakeDiscord() as discord:
        guild = discord.guild("The Snug")
        bar = discord.channel(guild, "bar")
        ada = discord.user("Ada")
        ... start a bot with discord.api_base, discord.gateway_url, discord.token ...
        await discord.says(ada, bar, "good evening", mentions_bot=True)
        reply = await discord.next_reply(bar)

It runs in the test's process and does not notice whether the bot does too: a bot that was killed
finds everything as it left it.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from tests.fakes.discord import payloads
from tests.fakes.discord.commands import CommandNotOfferedError, command_data, offered
from tests.fakes.discord.counts import Counts
from tests.fakes.discord.faults import Faults, RateLimits
from tests.fakes.discord.gateway import GUILD_MEMBERS, GUILDS, MESSAGE_CONTENT, Gateway
from tests.fakes.discord.interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    FORM,
    Interaction,
    Interactions,
)
from tests.fakes.discord.outcome import Outcomes
from tests.fakes.discord.rest import Rest
from tests.fakes.discord.wire import API, Gate
from tests.fakes.discord.world import (
    TEXT,
    THREAD,
    Account,
    Channel,
    Guild,
    Message,
    World,
    wall_clock,
)

TOKEN: Final = "a.test.token"
BUTTON: Final = 2


class FakeDiscord:
    """The whole of it.  `counts`: identify, resume, syncs, posts, nonce_repeats, typing, history,
    refused_429, faults, acknowledged, connections, heartbeat.
    """

    def __init__(self, *, clock: Callable[[], datetime] = wall_clock) -> None:
        self.token = TOKEN
        self.counts = Counts()
        self.world = World(clock)
        self.faults = Faults()
        self.limits = RateLimits(self.counts)
        self.outcomes = Outcomes()
        self.gateway = Gateway(self.world, self.token, self.counts)
        self.rest = Rest(self.world, self.gateway, self.counts, self.outcomes)
        self.interactions = Interactions(self.world, self.gateway, self.counts, self.outcomes)
        self.gate = Gate(self.token, self.faults, self.limits, self.counts)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.port = 0

    # --- coming up and going down ---------------------------------------------------------------

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self.gate.pass_through])
        application.add_routes(self.rest.routes() + self.interactions.routes())
        application.add_routes([web.get("/gateway/", self.gateway.serve)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.come_up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        self.gateway.drop_all()
        await self._runner.cleanup()

    async def come_up(self) -> None:
        """Listen (again, on the same port)."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]
        self.rest.gateway_url = self.gateway.resume_url = self.gateway_url

    async def go_down(self) -> None:
        """Refuse connections and drop those that stand, until `come_up`."""
        assert self._site is not None
        await self._site.stop()
        self.gateway.drop_all()

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.port}{API}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway/"

    @property
    def cdn_base(self) -> str:
        return f"http://127.0.0.1:{self.port}/cdn"

    @property
    def environment(self) -> dict[str, str]:
        """What a bot in another process must be told."""
        return {
            "DISCORD_TOKEN": self.token,
            "DISCORD_API_BASE": self.api_base,
            "DISCORD_GATEWAY_URL": self.gateway_url,
            "DISCORD_CDN_BASE": self.cdn_base,
        }

    # --- setting the scene ----------------------------------------------------------------------

    @property
    def bot(self) -> Account:
        return self.world.bot

    def allow_message_content(self, allowed: bool) -> None:
        """Whether the application has been granted the privileged message-content intent."""
        content = MESSAGE_CONTENT if allowed else 0
        self.gateway.allowed_intents = self.gateway.allowed_intents & ~MESSAGE_CONTENT | content

    def user(self, name: str, *, display_name: str | None = None, bot: bool = False) -> Account:
        return self.world.new_account(name, display_name=display_name, bot=bot)

    def guild(self, name: str = "The Snug") -> Guild:
        guild = self.world.new_guild(name)
        self._tell_guild("GUILD_CREATE", guild, payloads.guild(guild, self.world))
        return guild

    def leave_guild(self, guild: Guild) -> None:
        """The bot is thrown out."""
        guild.left = True
        self._tell_guild("GUILD_DELETE", guild, {"id": str(guild.id)})

    def _tell_guild(self, event: str, guild: Guild, data: dict[str, Any]) -> None:
        self.gateway.tell(event, data, intent=GUILDS, guild_id=guild.id)

    def member(self, guild: Guild, user: Account, *, nickname: str | None = None) -> Account:
        """Let a person join; `nickname`: what they are called there."""
        known = user.id in guild.members
        joined = self.world.join(guild, user)
        joined.nickname = nickname
        event = "GUILD_MEMBER_UPDATE" if known else "GUILD_MEMBER_ADD"
        data = payloads.member(joined) | {"guild_id": str(guild.id)}
        self.gateway.tell(event, data, intent=GUILD_MEMBERS, guild_id=guild.id)
        return user

    def member_leaves(self, guild: Guild, user: Account) -> None:
        guild.members.pop(user.id)
        data = {"guild_id": str(guild.id), "user": payloads.account(user)}
        self.gateway.tell("GUILD_MEMBER_REMOVE", data, intent=GUILD_MEMBERS, guild_id=guild.id)

    def channel(self, guild: Guild, name: str = "bar") -> Channel:
        channel = self.world.new_channel(TEXT, name=name, guild=guild)
        self._tell_guild("CHANNEL_CREATE", guild, payloads.channel(channel, self.world))
        return channel

    def thread(self, parent: Channel, name: str = "booth") -> Channel:
        guild = parent.guild
        assert guild is not None
        thread = self.world.new_channel(THREAD, name=name, guild=guild, parent=parent)
        self._tell_guild("THREAD_CREATE", guild, payloads.channel(thread, self.world))
        return thread

    def delete_channel(self, channel: Channel) -> None:
        channel.deleted = True
        if channel.guild is not None:
            event = "THREAD_DELETE" if channel.type == THREAD else "CHANNEL_DELETE"
            self._tell_guild(event, channel.guild, payloads.channel(channel, self.world))

    def dm(self, user: Account) -> Channel:
        return self.world.direct_channel(user)

    def file(
        self, name: str, data: bytes = b"\x89PNG", content_type: str = "image/png"
    ) -> dict[str, Any]:
        """Put a file on the CDN and return it as an attachment."""
        file_id = self.world.new_id()
        path = f"attachments/{file_id}/{name}"
        self.rest.files[path] = (content_type, data)
        url = f"{self.cdn_base}/{path}"
        return {
            "id": str(file_id),
            "filename": name,
            "size": len(data),
            "url": url,
            "proxy_url": url,
            "content_type": content_type,
            "width": 1,
            "height": 1,
        }

    # --- people do things -----------------------------------------------------------------------

    async def says(
        self,
        user: Account,
        channel: Channel,
        text: str,
        *,
        mentions_bot: bool = False,
        attachments: Iterable[dict[str, Any]] = (),
        reply_to: Message | None = None,
        webhook: bool = False,
        ping: bool = True,
    ) -> Message:
        """`ping`: whether a reply mentions the author of what it replies to."""
        if channel.guild is not None and not webhook:
            self.world.join(channel.guild, user)
        message = self.world.new_message(
            channel,
            user,
            f"{self.bot.mention} {text}" if mentions_bot else text,
            attachments=list(attachments),
            reference=None if reply_to is None else reply_to.id,
            webhook_id=user.id if webhook else None,
            quiet=not ping,
        )
        self.gateway.tell_message("MESSAGE_CREATE", message)
        return message

    async def edits(self, message: Message, text: str) -> Message:
        message.content = text
        message.mentions = self.world.mentioned_in(message)
        message.edited_at = self.world.clock()
        self.gateway.tell_message("MESSAGE_UPDATE", message)
        return message

    async def deletes(self, *messages: Message) -> None:
        """Delete messages of one channel: one as one event, more as a bulk."""
        for message in messages:
            del self.world.messages[message.channel.id][message.id]
        Outcomes.gone(messages[0].channel, [each.id for each in messages], self.gateway)

    async def interaction(
        self,
        user: Account,
        channel: Channel,
        command: str,
        options: dict[str, Any] | None = None,
    ) -> Interaction:
        """Use a slash command ("mood", "memory show"), if it was registered for this place."""
        data = command_data(offered(self.rest.commands, command, channel), command, options or {})
        return self.interactions.press(COMMAND, user, channel, data)

    async def autocompletes(
        self, user: Account, channel: Channel, command: str, option: str, typed: str
    ) -> Interaction:
        registered = offered(self.rest.commands, command, channel)
        data = command_data(registered, command, {option: typed}, focused=option)
        return self.interactions.press(AUTOCOMPLETE, user, channel, data)

    async def clicks(self, user: Account, message: Message, label: str) -> Interaction:
        """Press the button that says `label`."""
        button = message.buttons.get(label)
        if button is None or button.get("disabled"):
            raise LookupError(f"no such button; there are {sorted(message.buttons)}")
        data = {"custom_id": button["custom_id"], "component_type": BUTTON}
        # A client learns of the buttons only from the answer to its own request, which may still
        # be on its way when this process knows of the message already.
        await asyncio.sleep(0.02)
        return self.interactions.press(COMPONENT, user, message.channel, data, message)

    async def submits(self, form_of: Interaction, values: dict[str, str]) -> Interaction:
        """Fill in the form that the bot opened: values by the fields' custom ids."""
        assert form_of.form is not None
        rows = [
            {"type": 1, "components": [{"type": 4, "custom_id": key, "value": value}]}
            for key, value in values.items()
        ]
        data = {"custom_id": form_of.form["custom_id"], "components": rows}
        return self.interactions.press(FORM, form_of.user, form_of.channel, data, form_of.pressed)

    # --- what the bot did -----------------------------------------------------------------------

    def messages(self, channel: Channel) -> list[Message]:
        """Everything in the channel, oldest first."""
        return [each for _, each in sorted(self.world.messages[channel.id].items())]

    def replies(self, channel: Channel) -> list[Message]:
        """Everything the bot said in the channel, oldest first."""
        return [each for each in self.messages(channel) if each.author is self.bot]

    async def next_reply(self, channel: Channel, timeout: float = 10.0) -> Message:  # noqa: ASYNC109
        return await self.outcomes.next_reply(channel, timeout)

    def commands(self, guild: Guild | None = None) -> dict[str, dict[str, Any]]:
        registered = self.rest.commands.get(None if guild is None else guild.id, [])
        return {each["name"]: each for each in registered}

    async def ready(self, sessions: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait until the bot is connected."""
        await self.gateway.until_ready(sessions, timeout)

    def sends_raw(self, event: str, data: Any) -> None:
        """Send any event, however broken."""
        self.gateway.tell(event, data)


__all__ = ["CommandNotOfferedError", "FakeDiscord"]
