"""Run Pykka's own test suite against our actor type.

    python tests/conformance/run_pykka_suite.py [pykka-4.5.0.tar.gz]

The suite comes with Pykka's source distribution, which is fetched from PyPI if it is not given.
Only its `runtime` fixture is exchanged (by a pytest plugin, see `asyncio_runtime.py`); the tests
of its threads (`test_threading_actor.py`) do not apply.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

VERSION: Final = "4.5.0"
OPTIONS: Final = (
    *("-q", "-p", "asyncio_runtime", "-p", "no:asyncio", "-p", "no:cacheprovider"),
    "--ignore=tests/test_threading_actor.py",
)
HERE: Final = Path(__file__).resolve().parent


def main() -> int:
    """Return pytest's exit status."""
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else fetched(room)
        with tarfile.open(source) as archive:
            archive.extractall(room, filter="data")
        suite = room / f"pykka-{VERSION}"
        pip("install", "--target", str(room / "site"), "--no-deps", "pytest-mock>=3.15")
        paths = [str(HERE.parent.parent), str(HERE), str(room / "site")]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, "tests"],
            cwd=suite,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            check=False,
        ).returncode


def fetched(room: Path) -> Path:
    """Return the source distribution, fetched into `room`."""
    pip("download", "--dest", str(room), "--no-deps", "--no-binary", ":all:", f"pykka=={VERSION}")
    return next(room.glob("pykka-*.tar.gz"))


def pip(command: str, *args: str) -> None:
    """Run pip."""
    subprocess.run([sys.executable, "-m", "pip", command, "--quiet", *args], check=True)


if __name__ == "__main__":
    sys.exit(main())
