"""Commands, buttons and forms of the fake Discord, judged by the real client."""

import asyncio
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.bot.parrot import parrot, soon
from tests.fakes.discord import CommandNotOfferedError, FakeDiscord


class TestInteractions:
    async def test_only_registered_commands_can_be_used(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")

        with pytest.raises(CommandNotOfferedError):
            await server.interaction(ada, server.dm(ada), "mood")

    async def test_a_command_is_offered_only_where_it_was_declared(
        self, server: FakeDiscord
    ) -> None:
        ada, bar = server.user("Ada"), server.channel(server.guild())
        async with parrot(server) as client:

            @client.tree.command(name="here", description="here")
            @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
            async def here(interaction: discord.Interaction) -> None:
                await interaction.response.send_message("yes", ephemeral=True)

            await client.tree.sync()
            used = await server.interaction(ada, bar, "here")
            shown = await used.answered()
            with pytest.raises(CommandNotOfferedError):
                await server.interaction(ada, server.dm(ada), "here")

        assert (shown.content, shown.ephemeral) == ("yes", True)
        assert server.messages(bar) == []

    async def test_an_interaction_is_acknowledged_once(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with parrot(server) as client:

            @client.tree.command(name="twice", description="twice")
            async def twice(interaction: discord.Interaction) -> None:
                await interaction.response.defer()
                interaction.response._response_type = None
                try:
                    await interaction.response.send_message("again")
                except discord.HTTPException as error:
                    outcome.set_result(error.code)

            await client.tree.sync()
            await server.interaction(ada, server.dm(ada), "twice")

            assert await soon(outcome) == 40060

    async def test_three_seconds_are_all_there_is(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        held = asyncio.Event()
        async with parrot(server) as client:

            @client.tree.command(name="late", description="late")
            async def late(interaction: discord.Interaction) -> None:
                await held.wait()
                try:
                    await interaction.response.defer()
                except discord.NotFound as error:
                    outcome.set_result(error.code)

            await client.tree.sync()
            used = await server.interaction(ada, server.dm(ada), "late")
            used.sent_at -= 3.1
            held.set()

            assert await soon(outcome) == 10062

    async def test_suggestions_follow_what_is_typed(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")
        async with parrot(server) as client:

            @client.tree.command(name="pick", description="pick")
            async def pick(interaction: discord.Interaction, what: str) -> None:
                await interaction.response.send_message(what)

            @pick.autocomplete("what")
            async def suggest(
                _interaction: discord.Interaction, typed: str
            ) -> list[app_commands.Choice[str]]:
                return [app_commands.Choice(name=typed.upper(), value=typed)]

            await client.tree.sync()
            typing = await server.autocompletes(ada, server.dm(ada), "pick", "what", "gin")
            await typing.settled()

        assert [choice["name"] for choice in typing.choices] == ["GIN"]

    async def test_a_form_can_be_opened_and_submitted(self, server: FakeDiscord) -> None:
        ada = server.user("Ada")

        class Form(discord.ui.Modal, title="A form"):
            name: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Name", custom_id="name")

            async def on_submit(self, interaction: discord.Interaction) -> None:
                await interaction.response.send_message(f"Hello {self.name}", ephemeral=True)

        async with parrot(server) as client:

            @client.tree.command(name="form", description="form")
            async def form(interaction: discord.Interaction) -> None:
                await interaction.response.send_modal(Form())

            await client.tree.sync()
            used = await server.interaction(ada, server.dm(ada), "form")
            await used.settled()
            submitted = await server.submits(used, {"name": "Ada"})

            assert (await submitted.answered()).content == "Hello Ada"
