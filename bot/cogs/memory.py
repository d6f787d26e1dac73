"""/memory and /forget: what is remembered, shown to its person alone, deleted when they say so."""

import asyncio
from typing import TYPE_CHECKING, Final, get_args

import discord
from discord import app_commands
from discord.ext import commands

from bot.buttons import ForgetView, shown
from bot.cogs.replying import anywhere, reply, where, who
from bot.text import sanitised
from storage.records import FactType, Person, Place

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

EVERYTHING: Final = "everything"
ASK_FIRST: Final = (
    "This deletes everything I know about you, in every server and in our direct messages, for "
    "good. It cannot be undone."
)
KEPT: Final = "Nothing was deleted."
CHOICES_SHOWN: Final = 25
CHOICE_CHARACTERS: Final = 100
CHOICE_SECONDS: Final = 2.0
"""Discord drops suggestions after three seconds."""


class MemoryCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door
        door.add_view(ForgetView(self._forget_everything, self._keep))

    @app_commands.command(description="What I remember of you")
    @anywhere
    async def memory(self, interaction: discord.Interaction) -> None:
        await reply(self._door, interaction, lambda p, w: self._door.answers.answer("memory", p, w))

    @app_commands.command(description="Make me forget: one thing, a kind of thing, or everything")
    @app_commands.describe(what="A number from /memory, a kind (work, family, ...), or everything")
    @anywhere
    async def forget(self, interaction: discord.Interaction, what: str) -> None:
        asked = what.strip().casefold().rstrip(".")
        if asked == EVERYTHING:
            await reply(self._door, interaction, self._ask_first, shown(ForgetView()))
            return
        answers = self._door.answers
        await reply(self._door, interaction, lambda p, w: answers.answer("forget", p, w, asked))

    @forget.autocomplete("what")
    async def _suggest(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        offered: list[tuple[str, str]] = [(EVERYTHING, EVERYTHING)]
        try:
            async with asyncio.timeout(CHOICE_SECONDS):
                facts = await self._door.answers.facts(who(interaction), where(interaction))
        except Exception:  # noqa: BLE001 - without suggestions the command still works
            facts = ()
        offered += [
            (f"{fact.fact_id}. {sanitised(fact.content)}"[:CHOICE_CHARACTERS], str(fact.fact_id))
            for fact in facts
            if fact.fact_id is not None
        ]
        kinds = {fact.fact_type for fact in facts}
        offered += [(kind, kind) for kind in get_args(FactType) if kind in kinds or not facts]
        fitting = [each for each in offered if typed.strip().casefold() in each[0].casefold()]
        return [app_commands.Choice(name=n, value=v) for n, v in fitting[:CHOICES_SHOWN]]

    async def _ask_first(self, _person: Person, _place: Place) -> str:
        return ASK_FIRST

    async def _forget_everything(self, interaction: discord.Interaction) -> None:
        async def forget(person: Person, _place: Place) -> str:
            return await self._door.answers.forget_everything(person)

        await reply(self._door, interaction, forget)

    async def _keep(self, interaction: discord.Interaction) -> None:
        async def keep(_person: Person, _place: Place) -> str:
            return KEPT

        await reply(self._door, interaction, keep)
