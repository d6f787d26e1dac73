"""Settings: everything the environment may say, checked once at start.

Rule 1: every secret `X` may come from a file instead, named by `X_FILE` (container secrets).
Rule 2: a wrong value is refused with its name and what would be right, and never shown if it is a
secret.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

SECRETS: Final = ("DISCORD_TOKEN", "GROQ_API_KEY", "DATABASE_URL", "LOG_KEY")
DATA_HOME: Final = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
DEFAULT_DATABASE: Final = DATA_HOME / "bartender" / "bartender.sqlite3"


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which, and what to do."""


class Settings(BaseModel):
    """The settings, as read from the environment; the README's table explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    discord_token: SecretStr | None = None
    discord_api_base: str | None = None
    discord_gateway_url: str | None = None
    discord_cdn_base: str | None = None
    discord_sync: Literal["never", "if-changed", "always"] = "if-changed"
    bartender_channels: frozenset[int] = frozenset()
    bartender_country: str | None = Field(default=None, pattern="^[A-Za-z]{2}$")

    groq_api_key: SecretStr | None = None
    llm_base_url: str | None = None
    model_reply: str = "openai/gpt-oss-120b"
    model_facts: str = "openai/gpt-oss-20b"
    model_vision: str | None = "qwen/qwen3.8-27b"
    fact_extraction_rate: float = Field(default=0.4, ge=0, le=1)

    database_url: SecretStr | None = None
    database_echo: bool = False
    database_pool_size: int = Field(default=5, ge=1)
    database_max_overflow: int = Field(default=10, ge=0)

    keep_messages_days: int = Field(default=30, ge=1)
    keep_crisis_hours: int = Field(default=24, ge=1)

    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_key: SecretStr | None = None
    health_port: int | None = Field(default=None, ge=1, le=65535)

    @field_validator("bartender_channels", mode="before")
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value == "" else value

    @property
    def vision(self) -> str | None:
        """The model that sees pictures; another server has none unless one is named."""
        named = self.llm_base_url is None or "model_vision" in self.model_fields_set
        return self.model_vision if named else None

    @property
    def database(self) -> str:
        """The database's URL: as set, else an SQLite file in the person's data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        DEFAULT_DATABASE.parent.mkdir(parents=True, exist_ok=True)
        return f"sqlite+aiosqlite:///{DEFAULT_DATABASE}"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment gives.

    Raises:
        SettingsError: a value is wrong, or a `*_FILE` cannot be read.
    """
    env = dict(os.environ if environment is None else environment)
    values = {key.lower(): value for key, value in env.items()}
    for name in SECRETS:
        if path := env.get(f"{name}_FILE"):
            values[name.lower()] = secret_from(name, path)
    known = {key: value for key, value in values.items() if key in Settings.model_fields}
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        raise SettingsError("; ".join(explained(e) for e in error.errors())) from None


def secret_from(name: str, path: str) -> str:
    """Return the secret that the file at `path` holds, without its final line end."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"{name}_FILE: cannot be read ({error.strerror}); check the path and its permissions"
        ) from None


def explained(error: Any) -> str:
    """Return one wrong setting as a sentence, without the value of a secret."""
    name = str(error["loc"][0]).upper() if error["loc"] else "settings"
    shown = "" if name in SECRETS else f" (it is {error['input']!r})"
    return f"{name}: {error['msg']}{shown}"
