"""What exists on the fake Discord: people, guilds, channels, messages.  Plain values, no wire.

Rule 1: ids are snowflakes made from the world's clock, and each is larger than the one before, so
that "after this id" means "later" here as it does on Discord.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

EPOCH_MS: Final = 1_420_070_400_000
"""2015-01-01, where Discord's snowflakes begin."""

TEXT, DM, THREAD = 0, 1, 11
"""Channel types of the wire."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, eq=False)
class Account:
    """A person, or another bot.  `closed`: takes no direct messages from bots."""

    id: int
    name: str
    display_name: str
    bot: bool = False
    closed: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Member:
    account: Account
    joined_at: datetime
    nickname: str | None = None
    roles: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Guild:
    id: int
    name: str
    owner_id: int
    members: dict[int, Member] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)
    left: bool = False


@dataclass(slots=True, eq=False)
class Channel:
    """`forbidden`: the bot may look but not write.  `deleted`: it answers 404."""

    id: int
    type: int
    name: str = ""
    guild: Guild | None = None
    recipient: Account | None = None
    parent: "Channel | None" = None
    forbidden: bool = False
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """`pings`: whom its author's `allowed_mentions` let it notify (ids, "everyone", "role").
    `quiet`: a reply whose author switched the ping off.
    """

    id: int
    channel: Channel
    author: Account
    content: str
    at: datetime
    attachments: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[Account] = field(default_factory=list)
    reference: int | None = None
    nonce: str | None = None
    components: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    webhook_id: int | None = None
    type: int = 0
    edited_at: datetime | None = None
    pings: tuple[str, ...] = ()
    quiet: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & 64)

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        """The buttons under the message by what is written on them."""
        rows = [row.get("components", []) for row in self.components]
        return {part.get("label", ""): part for row in rows for part in row if part["type"] == 2}


class World:
    """Everything that exists, by id."""

    def __init__(self, clock: Callable[[], datetime] = wall_clock) -> None:
        self._clock = clock
        self._skipped = timedelta()
        self._last_id = 0
        self.accounts: dict[int, Account] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, dict[int, Message]] = {}
        self.bot = self.new_account("Bartender", bot=True)

    def clock(self) -> datetime:
        return self._clock() + self._skipped

    def skip(self, seconds: float) -> None:
        """Let time pass for everything that is said from now on."""
        self._skipped += timedelta(seconds=seconds)

    def new_id(self) -> int:
        stamp = (int(self.clock().timestamp() * 1000) - EPOCH_MS) << 22
        self._last_id = max(stamp, self._last_id + 1)
        return self._last_id

    def new_account(
        self, name: str, *, display_name: str | None = None, bot: bool = False
    ) -> Account:
        account = Account(self.new_id(), name.lower(), display_name or name, bot)
        self.accounts[account.id] = account
        return account

    def new_guild(self, name: str) -> Guild:
        guild = Guild(self.new_id(), name, owner_id=self.new_id())
        guild.roles[guild.id] = "@everyone"
        guild.members[self.bot.id] = Member(self.bot, self.clock())
        self.guilds[guild.id] = guild
        return guild

    def join(self, guild: Guild, account: Account, **details: Any) -> Member:
        return guild.members.setdefault(account.id, Member(account, self.clock(), **details))

    def new_channel(self, type_: int, **details: Any) -> Channel:
        channel = Channel(self.new_id(), type_, **details)
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    def direct_channel(self, account: Account) -> Channel:
        """The direct messages of the bot and this person, opened if they were not."""
        for channel in self.channels.values():
            if channel.recipient is account:
                return channel
        return self.new_channel(DM, recipient=account)

    def channels_of(self, guild: Guild) -> Iterator[Channel]:
        return (each for each in self.channels.values() if each.guild is guild and not each.deleted)

    def new_message(
        self, channel: Channel, author: Account, content: str, **details: Any
    ) -> Message:
        message = Message(self.new_id(), channel, author, content, self.clock(), **details)
        message.mentions = self.mentioned_in(message)
        self.messages[channel.id][message.id] = message
        return message

    def mentioned_in(self, message: Message) -> list[Account]:
        """The accounts whose mention stands in the text, or whose message is replied to."""
        named = [
            account
            for account in self.accounts.values()
            if f"<@{account.id}>" in message.content or f"<@!{account.id}>" in message.content
        ]
        replied = self.messages[message.channel.id].get(message.reference or 0)
        if replied is not None and not (message.quiet or message.author.bot):
            named += [replied.author] if replied.author not in named else []
        return named

    def find_message(self, message_id: int) -> Message | None:
        return next(
            (kept[message_id] for kept in self.messages.values() if message_id in kept), None
        )
