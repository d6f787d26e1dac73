"""What was said, and whether it was meant for the bar.

Rule 1: meant for the bar is what is said to it alone, mentions it, answers it, calls it by its
name, or stands in a channel or thread that is the bar's.
Rule 2: words to somebody else (they mention or answer another person) are never taken for the
bar's, except in a direct message; what was not meant for the bar is not listened to at all.
Rule 3: bots, webhooks and Discord's own notices are no guests.
"""

import re
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Literal

import discord

from actors.messages import MessageHeard
from bot import text
from storage.ids import ChannelId, GuildId, MessageId, UserId
from storage.records import Person, Place

Why = Literal["direct", "mention", "reply", "name", "thread", "channel", "going_on"]

GOING_ON: Final = timedelta(seconds=15)
"""For so long after words to the bar, the same person's next words there are still to the bar."""
REMEMBERED: Final = 4_096
GUESTS_WORDS: Final = (discord.MessageType.default, discord.MessageType.reply)
GREETING: Final = r"(?:(?:hey|hi|hello|ok|okay|good (?:morning|evening|night)),?\s+)?"

ONLY_A_MENTION: Final = "(says your name and nothing else)"
STICKER: Final = "(sends a sticker: {})"
VOICE: Final = "(sends a voice message, which you cannot hear)"
FILE: Final = "(sends a file, which you cannot open)"
FORWARDED: Final = "(forwards somebody else's message, which you cannot read)"


class Listener:
    """Knows what the bar is called and where it sits.

    Args:
        channels: where everything is meant for the bar.
        reads_content: whether Discord lets the bar read words that do not mention it.
    """

    def __init__(
        self, channels: frozenset[ChannelId] = frozenset(), *, reads_content: bool = True
    ) -> None:
        self.reads_content = reads_content
        self.channels = set(channels)
        self.threads: set[ChannelId] = set()
        self.known: set[ChannelId] = set()
        self._spoke: OrderedDict[tuple[int, int], datetime] = OrderedDict()

    def meant(self, message: discord.Message, me: discord.ClientUser) -> Why | None:
        """Return why `message` is meant for the bar, or None if it is not."""
        if not is_a_guests(message, me):
            return None
        why = self._plainly(message, me)
        if why is None and self.reads_content and not to_somebody_else(message, me):
            why = self._by_place(message)
        if why is not None:
            self._remember(message)
        return why

    def _plainly(self, message: discord.Message, me: discord.ClientUser) -> Why | None:
        if message.guild is None:
            return "direct"
        if any(mentioned.id == me.id for mentioned in message.mentions):
            return "reply" if answers(message, me) else "mention"
        if not self.reads_content:
            return None
        if answers(message, me):
            return "reply"
        return "name" if calls(message, me) else None

    def _by_place(self, message: discord.Message) -> Why | None:
        channel_id = ChannelId(message.channel.id)
        if channel_id in self.threads:
            return "thread"
        parent = getattr(message.channel, "parent_id", None)
        if channel_id in self.channels or parent in self.channels:
            return "channel"
        spoke = self._spoke.get((message.author.id, channel_id))
        if spoke is not None and timedelta() <= message.created_at - spoke <= GOING_ON:
            return "going_on"
        return None

    def _remember(self, message: discord.Message) -> None:
        channel_id = ChannelId(message.channel.id)
        self.known.add(channel_id)
        if isinstance(message.channel, discord.Thread):
            self.threads.add(channel_id)
        self._spoke[message.author.id, channel_id] = message.created_at
        self._spoke.move_to_end((message.author.id, channel_id))
        if len(self._spoke) > REMEMBERED:
            self._spoke.popitem(last=False)


def is_a_guests(message: discord.Message, me: discord.ClientUser) -> bool:
    """Return whether a person wrote this."""
    return (
        not message.author.bot
        and message.author.id != me.id
        and message.webhook_id is None
        and message.type in GUESTS_WORDS
    )


def answered(message: discord.Message) -> discord.Message | None:
    """Return the message that this one replies to, as far as Discord shows it."""
    original = message.reference.resolved if message.reference is not None else None
    return original if isinstance(original, discord.Message) else None


def answers(message: discord.Message, me: discord.ClientUser) -> bool:
    """Return whether this replies to something the bar said."""
    original = answered(message)
    return original is not None and original.author.id == me.id


def to_somebody_else(message: discord.Message, me: discord.ClientUser) -> bool:
    """Return whether this is a reply to, or mentions, only other people."""
    if message.reference is not None and not answers(message, me):
        return True
    others = bool(message.mentions) or bool(message.role_mentions) or message.mention_everyone
    return others and all(mentioned.id != me.id for mentioned in message.mentions)


def calls(message: discord.Message, me: discord.ClientUser) -> bool:
    """Return whether the words call the bar by its name: "Bartender, ...", "..., Bartender?"."""
    names = {me.display_name, me.name}
    if message.guild is not None and message.guild.me is not None:
        names.add(message.guild.me.display_name)
    name = "|".join(re.escape(each) for each in sorted(names) if each.strip())
    pattern = rf"^\W{{0,3}}{GREETING}(?:{name})\s*(?:[,:!?]|$)|,\s*(?:{name})\W*$"
    return re.search(pattern, message.content, re.IGNORECASE) is not None


# --- into words of the house ---------------------------------------------------------------------


def words(message: discord.Message, me: discord.ClientUser) -> str:
    """Return what was said as text; in brackets what was done instead of saying something."""
    names = {mentioned.id: mentioned.display_name for mentioned in message.mentions}
    said = text.heard(message.content, me.id, names)
    if said or images(message):
        return said
    if message.flags.voice:
        return VOICE
    if message.stickers:
        return STICKER.format(text.sanitised(message.stickers[0].name)[: text.LONGEST_NAME])
    if message.message_snapshots:
        return FORWARDED
    return FILE if message.attachments else ONLY_A_MENTION


def images(message: discord.Message) -> tuple[str, ...]:
    """Return the addresses of the pictures that came with the message."""
    return tuple(
        attachment.url
        for attachment in message.attachments
        if (attachment.content_type or "").startswith("image/")
    )


def person_of(user: discord.User | discord.Member, locale: str | None = None) -> Person:
    """Return who this is, as far as Discord shows it here."""
    if not isinstance(user, discord.Member):
        shown = user.global_name or user.name
        return Person(UserId(user.id), user.name, shown, locale=locale)
    return Person(
        UserId(user.id),
        user.name,
        user.global_name or user.name,
        nickname=user.nick,
        roles=tuple(role.name for role in user.roles[1:]),
        joined_guild_at=user.joined_at,
        locale=locale,
    )


def place_of(message: discord.Message) -> Place:
    """Return where this was said."""
    channel_id = ChannelId(message.channel.id)
    if message.guild is None:
        return Place(None, channel_id, kind="dm")
    kind: Literal["thread", "text"] = (
        "thread" if isinstance(message.channel, discord.Thread) else "text"
    )
    return Place(GuildId(message.guild.id), channel_id, message.guild.name, kind)


def heard(
    message: discord.Message, me: discord.ClientUser, *, caught_up: bool = False
) -> MessageHeard:
    """Return the message as the house hears it."""
    original = answered(message)
    quoted = original.content if original is not None and original.author.id == me.id else ""
    return MessageHeard(
        person=person_of(message.author),
        place=place_of(message),
        message_id=MessageId(message.id),
        text=words(message, me),
        at=message.created_at,
        image_urls=images(message),
        quoted=text.sanitised(quoted),
        caught_up=caught_up,
    )
