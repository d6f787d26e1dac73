"""Where Discord is.  Another address (a test's, a compatible server's) only by three settings.

Rule 1: the token travels to the API address and the gateway, so neither may be plain text, unless
it is this very machine.
Rule 2: addresses are set before a client is built, and for the whole process.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

API_BASE: Final = Route.BASE
GATEWAY_URL: Final = DiscordWebSocket.DEFAULT_GATEWAY
CDN_BASE: Final = discord.Asset.BASE


class EndpointError(ValueError):
    """An address that the token must not be sent to, or that is none."""


def is_loopback(host: str) -> bool:
    """Return whether `host` names this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def checked(name: str, value: str, *, secure: str, plain: str) -> str:
    """Return `value` without a final slash if it may be used.

    Args:
        name: of the setting, for the error.
        value: an address.
        secure: the scheme that is always right (`https`, `wss`).
        plain: the scheme that is right on this machine only (`http`, `ws`).

    Raises:
        EndpointError: not an address, or one that would show the token to others.
    """
    try:
        url = URL(value)
    except ValueError:
        raise EndpointError(f"{name}: not an address") from None
    if not url.host or url.scheme not in (secure, plain):
        raise EndpointError(f"{name}: an address beginning with {secure}:// is needed")
    if url.user or url.password or url.query_string or url.fragment:
        raise EndpointError(f"{name}: must hold no user, query or fragment")
    if url.scheme != secure and not is_loopback(url.host):
        raise EndpointError(f"{name}: only {secure}:// may leave this machine (a token is sent)")
    return value.rstrip("/")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The three addresses; as built, Discord's own."""

    api_base: str = API_BASE
    gateway_url: URL = GATEWAY_URL
    cdn_base: str = CDN_BASE

    @classmethod
    def from_settings(
        cls,
        api_base: str | None = None,
        gateway_url: str | None = None,
        cdn_base: str | None = None,
    ) -> Self:
        """Return the addresses that the settings give; None: Discord's own.

        Raises:
            EndpointError: one of them may not be used.
        """
        return cls(
            checked("DISCORD_API_BASE", api_base, secure="https", plain="http")
            if api_base
            else API_BASE,
            URL(checked("DISCORD_GATEWAY_URL", gateway_url, secure="wss", plain="ws") + "/")
            if gateway_url
            else GATEWAY_URL,
            checked("DISCORD_CDN_BASE", cdn_base, secure="https", plain="http")
            if cdn_base
            else CDN_BASE,
        )

    def apply(self) -> None:
        """Make every client of this process use these addresses."""
        Route.BASE = self.api_base
        DiscordWebSocket.DEFAULT_GATEWAY = self.gateway_url
        discord.Asset.BASE = self.cdn_base
