"""The JSON shapes of Discord's API v10, as far as a bot reads them."""

from datetime import datetime
from typing import Any, Final

from tests.fakes.discord.world import THREAD, Account, Channel, Guild, Member, Message, World

Json = dict[str, Any]

ALL_PERMISSIONS: Final = str((1 << 52) - 1)


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def account(each: Account) -> Json:
    return {
        "id": str(each.id),
        "username": each.name,
        "global_name": each.display_name,
        "discriminator": "0",
        "avatar": None,
        "bot": each.bot,
    }


def member(each: Member, *, with_user: bool = True) -> Json:
    payload: Json = {
        "nick": each.nickname,
        "roles": [str(role) for role in each.roles],
        "joined_at": stamp(each.joined_at),
        "premium_since": None,
        "avatar": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "permissions": ALL_PERMISSIONS,
    }
    if with_user:
        payload["user"] = account(each.account)
    return payload


def role(role_id: int, name: str) -> Json:
    return {
        "id": str(role_id),
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0,
        "permissions": ALL_PERMISSIONS,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def channel(each: Channel, world: World) -> Json:
    payload: Json = {"id": str(each.id), "type": each.type, "flags": 0}
    last = max(world.messages.get(each.id, {}), default=None)
    payload["last_message_id"] = None if last is None else str(last)
    if each.guild is None:
        people = [] if each.recipient is None else [account(each.recipient)]
        return payload | {"recipients": people}
    payload |= {
        "guild_id": str(each.guild.id),
        "name": each.name,
        "position": 0,
        "permission_overwrites": [],
        "topic": None,
        "nsfw": False,
        "parent_id": None if each.parent is None else str(each.parent.id),
        "rate_limit_per_user": 0,
    }
    if each.type == THREAD:
        payload |= {
            "owner_id": str(each.guild.owner_id),
            "message_count": 0,
            "member_count": 1,
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": 1440,
                "archive_timestamp": stamp(world.clock()),
                "locked": False,
            },
        }
    return payload


def guild(each: Guild, world: World) -> Json:
    rooms = list(world.channels_of(each))
    return {
        "id": str(each.id),
        "name": each.name,
        "icon": None,
        "splash": None,
        "owner_id": str(each.owner_id),
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "afk_timeout": 300,
        "roles": [role(role_id, name) for role_id, name in each.roles.items()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_progress_bar_enabled": False,
        "joined_at": stamp(each.members[world.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(each.members),
        "voice_states": [],
        "members": [member(each.members[world.bot.id])],
        "channels": [channel(room, world) for room in rooms if room.type != THREAD],
        "threads": [channel(room, world) for room in rooms if room.type == THREAD],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def message(each: Message, world: World, *, blank: bool = False, deep: bool = True) -> Json:
    """`blank`: as an application without the message-content intent sees it."""
    payload: Json = {
        "id": str(each.id),
        "channel_id": str(each.channel.id),
        "author": account(each.author),
        "content": "" if blank else each.content,
        "timestamp": stamp(each.at),
        "edited_timestamp": stamp(each.edited_at),
        "tts": False,
        "mention_everyone": "everyone" in each.pings,
        "mentions": [account(one) for one in each.mentions],
        "mention_roles": [],
        "attachments": [] if blank else each.attachments,
        "embeds": [],
        "pinned": False,
        "type": each.type or (0 if each.reference is None else 19),
        "flags": each.flags,
        "components": [] if blank else each.components,
    }
    if each.nonce is not None:
        payload["nonce"] = each.nonce
    if each.webhook_id is not None:
        payload["webhook_id"] = str(each.webhook_id)
    if each.reference is not None and deep:
        payload |= _reference(each, world)
    return payload


def _reference(each: Message, world: World) -> Json:
    pointer: Json = {
        "type": 0,
        "message_id": str(each.reference),
        "channel_id": str(each.channel.id),
    }
    if each.channel.guild is not None:
        pointer["guild_id"] = str(each.channel.guild.id)
    original = world.messages[each.channel.id].get(each.reference or 0)
    return {
        "message_reference": pointer,
        "referenced_message": None if original is None else message(original, world, deep=False),
    }


def message_event(each: Message, world: World, *, blank: bool = False) -> Json:
    """A message as the gateway tells it: with the guild and what its author is there."""
    payload = message(each, world, blank=blank)
    place = each.channel.guild
    if place is not None:
        payload["guild_id"] = str(place.id)
        if each.webhook_id is None and each.author.id in place.members:
            payload["member"] = member(place.members[each.author.id], with_user=False)
    return payload


def application(world: World, owner: Account, *, content_allowed: bool) -> Json:
    content_flag = (1 << 19) if content_allowed else 0
    return {
        "id": str(world.bot.id),
        "name": world.bot.display_name,
        "description": "",
        "icon": None,
        "rpc_origins": [],
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": account(owner),
        "verify_key": "0" * 64,
        "team": None,
        "flags": content_flag,
        "interactions_endpoint_url": None,
        "integration_types_config": {"0": {}, "1": {}},
    }
