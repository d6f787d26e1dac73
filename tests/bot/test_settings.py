from pathlib import Path

import pytest

from bot.settings import SettingsError, from_environment


class TestSettings:
    def test_nothing_set_is_a_terminal_evening(self) -> None:
        settings = from_environment({})

        assert settings.discord_token is None
        assert settings.fact_extraction_rate == 0.4
        assert settings.database_pool_size == 5

    def test_a_secret_may_come_from_a_file(self, tmp_path: Path) -> None:
        secret = tmp_path / "token"
        secret.write_text("abc\n")

        settings = from_environment({"DISCORD_TOKEN_FILE": str(secret)})

        assert settings.discord_token is not None
        assert settings.discord_token.get_secret_value() == "abc"

    def test_a_missing_secret_file_is_named(self) -> None:
        with pytest.raises(SettingsError, match=r"GROQ_API_KEY_FILE.*No such file"):
            from_environment({"GROQ_API_KEY_FILE": "/nowhere/at/all"})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_POOL_SIZE", "many"),
            ("FACT_EXTRACTION_RATE", "1.5"),
            ("LOG_FORMAT", "yaml"),
            ("BARTENDER_CHANNELS", "12,general"),
            ("HEALTH_PORT", "0"),
            ("BARTENDER_COUNTRY", "Germany"),
        ],
    )
    def test_a_wrong_value_is_refused_by_name(self, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=name):
            from_environment({name: value})

    def test_an_empty_value_is_an_unset_one(self) -> None:
        settings = from_environment({"HEALTH_PORT": "", "DISCORD_TOKEN": "", "LOG_LEVEL": ""})

        assert settings.health_port is None
        assert settings.discord_token is None
        assert settings.log_level == "INFO"

    def test_channels_are_separated_by_commas_or_spaces(self) -> None:
        assert from_environment({"BARTENDER_CHANNELS": "1, 2 3"}).bartender_channels == {1, 2, 3}

    def test_secrets_are_not_shown(self) -> None:
        settings = from_environment(
            {"DISCORD_TOKEN": "hush", "DATABASE_URL": "postgresql://u:hush@h/n"}
        )

        assert "hush" not in repr(settings)
