"""Buttons that work for ever: fixed ids, so that a restart does not break those already shown.

Rule 1: what a button opens is shown to the one who presses it, and to nobody else.
Rule 2: a direct message is sent only because somebody pressed for it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord
from discord import ui

from storage.ids import RowId
from storage.records import Event

RESOURCES_ID: Final = "bartender:resources"
RESOURCES_TO_ME_ID: Final = "bartender:resources:to-me"
FORGET_ID: Final = "bartender:forget:yes"
KEEP_ID: Final = "bartender:forget:no"
EVENT_ID: Final = "bartender:event"

Pressed = Callable[[discord.Interaction], Awaitable[None]]


class _Press(ui.Button[Any]):
    """A button that does what it is given; given nothing, it is only to be shown."""

    def __init__(
        self, label: str, custom_id: str, style: discord.ButtonStyle, then: Pressed | None
    ) -> None:
        super().__init__(label=label, custom_id=custom_id, style=style)
        self._then = then

    async def callback(self, interaction: discord.Interaction) -> None:
        if self._then is not None:
            await self._then(interaction)


class _Lasting(ui.View):
    """A view without an end."""

    def __init__(self, *buttons: _Press) -> None:
        super().__init__(timeout=None)
        for button in buttons:
            self.add_item(button)


class ResourcesView(_Lasting):
    """Under an answer to somebody in trouble: opens the help that is near them."""

    def __init__(self, then: Pressed | None = None) -> None:
        plain = discord.ButtonStyle.secondary
        super().__init__(_Press("People who can help", RESOURCES_ID, plain, then))


class ResourcesToMeView(_Lasting):
    """Under the opened help: sends it to the person."""

    def __init__(self, then: Pressed | None = None) -> None:
        plain = discord.ButtonStyle.secondary
        super().__init__(_Press("Send me this privately", RESOURCES_TO_ME_ID, plain, then))


class ForgetView(_Lasting):
    """Asks before everything is deleted."""

    def __init__(self, forget: Pressed | None = None, keep: Pressed | None = None) -> None:
        super().__init__(
            _Press("Delete everything", FORGET_ID, discord.ButtonStyle.danger, forget),
            _Press("Keep it", KEEP_ID, discord.ButtonStyle.secondary, keep),
        )


class EventButton(
    ui.DynamicItem[ui.Button[Any]], template=rf"{EVENT_ID}:(?P<number>[0-9]+):(?P<what>[a-z]+)"
):
    """A button about one event; its id says which, and what pressing it does.  The door hears of
    it as `event_button`, with the button's word and the event's number.
    """

    def __init__(self, button: ui.Button[Any], what: str, number: str) -> None:
        super().__init__(button)
        self._what, self._number = what, number

    @classmethod
    async def from_custom_id(  # discord.py's name
        cls, _interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> "EventButton":
        assert isinstance(item, ui.Button)  # noqa: S101 - for the type checker: the id is ours
        return cls(item, match["what"], match["number"])

    async def callback(self, interaction: discord.Interaction) -> None:
        interaction.client.dispatch("event_button", interaction, self._what, self._number)


def event_buttons(event_id: object, *labels: tuple[str, str]) -> ui.View:
    """Return buttons about an event: for each, what it does and what stands on it."""
    view, plain = ui.View(timeout=None), discord.ButtonStyle.secondary
    for what, label in labels:
        custom_id = f"{EVENT_ID}:{event_id}:{what}"
        view.add_item(ui.Button(label=label, custom_id=custom_id, style=plain))
    return view


def event_view(event: Event) -> ui.View:
    """Return the button under what came due: a reminder can come again, the bar's own accord can
    be stopped.  Its id names the event, so that what was said is found again (see `is_about`).
    """
    again = ("again", "Again in an hour")
    return event_buttons(
        event.event_id, again if event.kind == "reminder" else ("stop", "No more of these")
    )


def is_about(message: discord.Message, event_id: RowId) -> bool:
    """Whether a message says what came due with this event."""
    mark = f"{EVENT_ID}:{event_id}:"
    rows = (row for row in message.components if isinstance(row, discord.ActionRow))
    return any(
        str(getattr(child, "custom_id", "")).startswith(mark)
        for row in rows
        for child in row.children
    )


def shown(view: ui.View) -> ui.View:
    """Return `view` to be sent: presses go to the view that the door registered at its start, not
    to this one, so discord.py need not keep it for ever.
    """
    view.stop()
    return view
