"""What runs in a container: linted, unprivileged, without secrets, and named as the settings are.

`make container` walks through the Dockerfile's steps and tries its process; this is what can be
checked everywhere.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from tests.container import ROOT, context, instructions


def hadolint() -> str | None:
    return shutil.which("hadolint", path=str(Path(sys.executable).parent))


class TestDockerfile:
    @pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"),
        reason="the linter's wheel holds a program for Linux on x86-64 only",
    )
    def test_the_linter_finds_nothing(self) -> None:
        program = hadolint()
        assert program, "hadolint comes with the test requirements"

        found = subprocess.run(
            [program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
        )

        assert (found.returncode, found.stdout) == (0, "")

    def test_the_process_has_no_privileges_and_is_watched(self) -> None:
        steps = instructions((ROOT / "Dockerfile").read_text())
        last = steps[max(i for i, (name, _) in enumerate(steps) if name == "FROM") :]
        named = dict(last)

        assert int(named["USER"]) > 0
        assert named["STOPSIGNAL"] == "SIGTERM"
        assert "bartender" in named["HEALTHCHECK"]
        assert named["ENTRYPOINT"] == '["bartender"]', "a shell would swallow SIGTERM"

    def test_only_the_program_goes_in(self, tmp_path: Path) -> None:
        copied = {path.relative_to(tmp_path).parts[0] for path in context(tmp_path).rglob("*.*")}

        assert copied == {
            *("actors", "storage", "bot"),
            *("pyproject.toml", "setup.cfg", "README.md", "schema.sql"),
        }


class TestCompose:
    @pytest.fixture
    def compose(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
        return loaded

    def test_the_bar_may_write_to_its_data_only(self, compose: dict[str, Any]) -> None:
        bar = compose["services"]["bartender"]

        assert bar["read_only"] is True
        assert bar["cap_drop"] == ["ALL"]
        assert bar["volumes"] == ["data:/data"]

    def test_it_is_given_time_to_drain(self, compose: dict[str, Any]) -> None:
        grace = compose["services"]["bartender"]["stop_grace_period"]

        assert int(grace.removesuffix("s")) > 10

    def test_every_secret_is_a_file_and_a_setting(self, compose: dict[str, Any]) -> None:
        bar = compose["services"]["bartender"]
        settings = {name.upper() for name in Settings.model_fields}

        for name, path in bar["environment"].items():
            assert name.removesuffix("_FILE") in settings
            assert path.removeprefix("/run/secrets/") in bar["secrets"]
        for service in compose["services"].values():
            assert set(service["secrets"]) <= compose["secrets"].keys()
