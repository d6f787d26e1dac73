"""The wheel, as a stranger gets it: built, looked into, installed cleanly, talked to.

python -m tests.wheel
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
MUST_HOLD: Final = (
    "actors/messages.py",
    "actors/house_voice.toml",
    "actors/rules/persona.md",
    "actors/rules/sentinel.toml",
    "actors/rules/resources.toml",
    "actors/rules/frames.toml",
    "storage/models/core.py",
    "storage/migrations/env.py",
    "storage/migrations/versions/v0001.sqlite.sql",
    "storage/migrations/versions/v0001.postgresql.sql",
    "bot/cogs/house.py",
    "schema.sql",
)


class WheelError(Exception):
    """The wheel is not what it should be."""


def main() -> int:
    """Build, look, install, talk; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            wheel = built(folder)
            look_into(wheel)
            talk(installed(wheel, folder), folder)
        except WheelError as error:
            print(f"the wheel: {error}")
            return 1
    print("the wheel: built, complete, installed, and it answers")
    return 0


def built(folder: Path) -> Path:
    """Return the wheel of this tree."""
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(ROOT)]
    run(build, "cannot be built")
    return next((folder / "dist").glob("*.whl"))


def look_into(wheel: Path) -> None:
    """Raise if something is missing, or if something is in it that is nobody's business."""
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    for wanted in MUST_HOLD:
        if not any(wanted in name for name in names):
            raise WheelError(f"{wanted} is missing")
    if strays := [name for name in names if name.startswith(("tests/", "benchmarks/"))]:
        raise WheelError(f"{strays[0]} does not belong there")


def installed(wheel: Path, folder: Path) -> Path:
    """Return the folder of the programs of a clean environment that holds the wheel."""
    home = folder / "clean"
    venv.create(home, with_pip=True)
    programs = home / "bin"
    run([str(programs / "python"), "-m", "pip", "install", "--quiet", str(wheel)], "cannot install")
    return programs


def talk(programs: Path, folder: Path) -> None:
    """Hold two short conversations, far from the source; the second remembers the first."""
    for said in ("hi\n", "are you human?\n"):
        answer = run(
            [str(programs / "bartender"), "chat"],
            "does not talk",
            said=said,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "XDG_DATA_HOME": str(folder / "data")},
        )
        replies = [line for line in answer.splitlines() if line and not line.startswith("(")]
        if not replies:
            raise WheelError("did not answer")
    if "computer program" not in answer:
        raise WheelError("did not say what it is")


def run(
    command: list[str],
    trouble: str,
    *,
    said: str = "",
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """Run a program; return what it printed, or raise with its last words."""
    done = subprocess.run(
        command, input=said, capture_output=True, text=True, cwd=cwd, env=env, check=False
    )
    if done.returncode != 0:
        raise WheelError(f"{trouble}: {done.stderr.strip()[-800:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
