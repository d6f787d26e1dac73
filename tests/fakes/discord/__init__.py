"""A wire-level Discord on loopback, for the real client to talk to."""

from tests.fakes.discord.commands import CommandNotOfferedError
from tests.fakes.discord.faults import Limit
from tests.fakes.discord.interactions import Interaction
from tests.fakes.discord.server import TOKEN, FakeDiscord
from tests.fakes.discord.world import Account, Channel, Guild, Message

__all__ = [
    "TOKEN",
    "Account",
    "Channel",
    "CommandNotOfferedError",
    "FakeDiscord",
    "Guild",
    "Interaction",
    "Limit",
    "Message",
]
