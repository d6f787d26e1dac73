"""/remind, /birthday, /events, /timezone, /checkins, and the buttons under what came due."""

import asyncio
from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from actors.rules import calendar
from actors.rules.calendar import LONGEST_TITLE
from bot.buttons import EventButton, event_buttons, shown
from bot.cogs.replying import anywhere, reply, where, who
from storage.records import Person, Place

if TYPE_CHECKING:
    from bot.gateway import DiscordDoor

CHOICES_SHOWN: Final = 25
CHOICE_CHARACTERS: Final = 100
CHOICE_SECONDS: Final = 2.0
"""Discord drops suggestions after three seconds."""
ASK_FIRST: Final = "This cancels it, and all that would follow it. Shall I?"
KEPT: Final = "It stays."
WHENS: Final = ("in 20 minutes", "in an hour", "tomorrow at 9", "every day at 9")


class CalendarCog(commands.Cog):
    def __init__(self, door: "DiscordDoor") -> None:
        self._door = door
        door.add_dynamic_items(EventButton)

    @app_commands.command(description="Remind me of something, here")
    @app_commands.describe(
        when="in 20 minutes, tomorrow at 9, 24 December 18:00, every Monday at 9", what="Of what"
    )
    @anywhere
    async def remind(
        self,
        interaction: discord.Interaction,
        when: app_commands.Range[str, 1, 60],
        what: app_commands.Range[str, 1, LONGEST_TITLE],
    ) -> None:
        await self._reply(interaction, "remind", f"{' '.join(when.split())}\n{what}")

    @remind.autocomplete("when")
    async def _times(
        self, _interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        fitting = [each for each in WHENS if typed.strip().casefold() in each]
        return [app_commands.Choice(name=each, value=each) for each in fitting]

    @app_commands.command(description="Wish me a happy birthday, here")
    @app_commands.describe(day="3 May, for example; or none, to forget it")
    @anywhere
    async def birthday(
        self, interaction: discord.Interaction, day: app_commands.Range[str, 1, 40]
    ) -> None:
        await self._reply(interaction, "birthday", day)

    @app_commands.command(description="What is waiting for me here; cancel one")
    @app_commands.describe(cancel="The one to cancel")
    @anywhere
    async def events(
        self, interaction: discord.Interaction, cancel: app_commands.Range[str, 1, 20] | None = None
    ) -> None:
        if cancel is None or not cancel.strip().isdecimal():
            await self._reply(interaction, "events", cancel or "")
            return
        buttons = event_buttons(cancel.strip(), ("cancel", "Cancel it"), ("keep", "Keep it"))

        async def ask(_person: Person, _place: Place) -> str:
            return ASK_FIRST

        await reply(self._door, interaction, ask, shown(buttons))

    @events.autocomplete("cancel")
    async def _waiting(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        try:
            async with asyncio.timeout(CHOICE_SECONDS):
                waiting = await self._door.answers.waiting(who(interaction), where(interaction))
        except Exception:  # noqa: BLE001 - without suggestions the command still works
            waiting = ()
        offered = [
            (f"{number}. {name}"[:CHOICE_CHARACTERS], str(number)) for number, name in waiting
        ]
        fitting = [each for each in offered if typed.strip().casefold() in each[0].casefold()]
        return [app_commands.Choice(name=n, value=v) for n, v in fitting[:CHOICES_SHOWN]]

    @app_commands.command(description="Tell me where your clock stands")
    @app_commands.describe(zone="Europe/Berlin, for example")
    @anywhere
    async def timezone(
        self, interaction: discord.Interaction, zone: app_commands.Range[str, 1, 60] | None = None
    ) -> None:
        await self._reply(interaction, "timezone", zone or "")

    @timezone.autocomplete("zone")
    async def _zones(
        self, _interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        found = calendar.zones_like(typed)[:CHOICES_SHOWN]
        return [app_commands.Choice(name=each, value=each) for each in found]

    @app_commands.command(description="May I ask now and then how something went?")
    @app_commands.describe(on="Yes: once a week at most. No: never")
    @anywhere
    async def checkins(self, interaction: discord.Interaction, on: bool) -> None:
        await self._reply(interaction, "checkins", "on" if on else "off")

    async def _reply(self, interaction: discord.Interaction, name: str, rest: str) -> None:
        answers = self._door.answers
        await reply(self._door, interaction, lambda p, w: answers.answer(name, p, w, rest))

    @commands.Cog.listener("on_event_button")
    async def pressed(self, interaction: discord.Interaction, what: str, number: str) -> None:
        """Do what a button says, for whoever pressed it: it only ever finds their own."""
        if what == "keep":

            async def keep(_person: Person, _place: Place) -> str:
                return KEPT

            await reply(self._door, interaction, keep)
            return
        command = {"cancel": "events", "again": "again"}.get(what, "stop")
        await self._reply(interaction, command, number)
