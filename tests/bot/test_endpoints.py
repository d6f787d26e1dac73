"""bot.endpoints: the token goes nowhere it should not."""

from collections.abc import Iterator

import discord
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot.endpoints import API_BASE, EndpointError, Endpoints


@pytest.fixture(autouse=True)
def _discords_own_afterwards() -> Iterator[None]:
    yield
    Endpoints().apply()


class TestEndpoints:
    def test_without_settings_they_are_discords_own(self) -> None:
        endpoints = Endpoints.from_settings()

        assert endpoints.api_base == "https://discord.com/api/v10"
        assert endpoints.gateway_url.host == "gateway.discord.gg"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
    def test_plain_text_is_allowed_on_this_machine(self, host: str) -> None:
        endpoints = Endpoints.from_settings(
            f"http://{host}:8080/api/v10", f"ws://{host}:8080/gateway", f"http://{host}:8080/cdn"
        )

        assert endpoints.gateway_url == URL(f"ws://{host}:8080/gateway/")

    @pytest.mark.parametrize(
        "address",
        [
            "http://discord.example/api/v10",
            "http://127.0.0.1.example/api",
            "http://localhost.example/api",
            "http://0.0.0.0/api",
            "ftp://127.0.0.1/api",
            "discord.com/api",
            "https://",
            "not an address",
            "https://someone@discord.example/api",
            "https://discord.example/api?token=1",
            "https://discord.example/api#here",
            "http://[::1",
        ],
    )
    def test_an_address_that_would_show_the_token_is_refused(self, address: str) -> None:
        with pytest.raises(EndpointError, match="DISCORD_API_BASE"):
            Endpoints.from_settings(api_base=address)

    def test_a_plain_gateway_elsewhere_is_refused(self) -> None:
        with pytest.raises(EndpointError, match="DISCORD_GATEWAY_URL"):
            Endpoints.from_settings(gateway_url="ws://gateway.example/")

    def test_a_web_address_is_no_gateway(self) -> None:
        with pytest.raises(EndpointError, match="wss://"):
            Endpoints.from_settings(gateway_url="https://gateway.example/")

    def test_a_refusal_does_not_repeat_the_address(self) -> None:
        with pytest.raises(EndpointError) as refused:
            Endpoints.from_settings(cdn_base="http://secret.example/")

        assert "secret" not in str(refused.value)

    def test_applied_addresses_hold_for_every_client(self) -> None:
        endpoints = Endpoints.from_settings(
            "https://chat.example/api/", "wss://gw.example", "https://cdn.example"
        )

        endpoints.apply()

        assert Route("GET", "/users/@me").url == "https://chat.example/api/users/@me"
        assert URL("wss://gw.example/") == DiscordWebSocket.DEFAULT_GATEWAY
        assert discord.Asset.BASE == "https://cdn.example"

    def test_applying_none_brings_discords_own_back(self) -> None:
        Endpoints.from_settings(api_base="https://chat.example").apply()

        Endpoints().apply()

        assert Route.BASE == API_BASE
