"""A fake Discord, and a door on it."""

from collections.abc import AsyncIterator

import pytest

from bot.endpoints import Endpoints
from tests.bot.scripted import Evening
from tests.fakes.discord import Account, Channel, FakeDiscord


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as discord:
        Endpoints.from_settings(discord.api_base, discord.gateway_url, discord.cdn_base).apply()
        yield discord
    Endpoints().apply()


@pytest.fixture
def evening(server: FakeDiscord) -> Evening:
    return Evening(server)


@pytest.fixture
def ada(server: FakeDiscord) -> Account:
    return server.user("Ada")


@pytest.fixture
def bar(server: FakeDiscord) -> Channel:
    return server.channel(server.guild("The Snug"), "bar")
