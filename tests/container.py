"""The container, walked through without an engine: the Dockerfile's own steps, then its process.

    python -m tests.container       (as root, on Linux: it needs namespaces and mounts of its own)

Rule 1: the steps are read from the Dockerfile, and what may be copied from .dockerignore.
Rule 2: the base image is this machine with a bare virtual environment, seen through an overlay:
        nothing outside a folder in memory is changed.
Rule 3: the process is tried as an engine starts it: PID 1, its own user, a read-only root, /data
        and /tmp its only places to write.  It must become healthy, answer a message, and on
        SIGTERM leave with 0 in time.
"""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fakes.discord import FakeDiscord

ROOT: Final = Path(__file__).parents[1]
PRIVATE: Final = "BARTENDER_CONTAINER"
PROGRAMS: Final = "/usr/local/image"
PATHS: Final = f"{PROGRAMS}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GRACE_SECONDS: Final = 10.0


class ContainerError(Exception):
    """A step failed, or the process is not as it should be."""


@dataclass
class Stage:
    """One `FROM` of the Dockerfile, built."""

    root: Path
    folder: str = "/"
    user: str = "0"
    env: dict[str, str] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    """ENTRYPOINT, CMD and HEALTHCHECK."""


def main() -> int:
    """Walk through it all in namespaces of our own; return the exit code."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print("the container: walking through it needs root and util-linux's unshare")
        return 1
    if not os.environ.get(PRIVATE):
        again = ["unshare", "--mount", sys.executable, "-m", "tests.container"]
        return subprocess.run(again, env={**os.environ, PRIVATE: "1"}, check=False).returncode
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sh("mount", "-t", "tmpfs", "-o", "size=3g", "none", str(folder))
        try:
            stage = built(folder)
            asyncio.run(lived_in(stage))
        except ContainerError as error:
            print(f"the container: {error}")
            return 1
        finally:
            sh("umount", "--lazy", str(folder))
    print("the container: built, healthy, answered, and left with 0")
    return 0


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile: name and the rest, continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    split = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), rest.strip()) for name, _, rest in split]


def context(folder: Path) -> Path:
    """Return a copy of what .dockerignore lets through of the files that are kept in git."""
    lines = (ROOT / ".dockerignore").read_text().split()
    if lines[0] != "*":
        raise ContainerError(".dockerignore names what may pass; it must begin with *")
    allowed = [line[1:] for line in lines if line.startswith("!")]
    kept = sh("git", "-C", str(ROOT), "ls-files", "-z", "--", *allowed).split("\0")
    for name in filter(None, kept):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return folder


def base(folder: Path) -> Path:
    """Return the root of a fresh base image: this machine, a bare Python, nothing of ours."""
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    layers = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
    root = folder / "root"
    sh("mount", "-t", "overlay", "overlay", "-o", layers, str(root))
    source = root / str(ROOT).lstrip("/")
    sh("mount", "-t", "tmpfs", "-o", "ro", "none", str(source))  # the sources are not in the image
    python = Path(sys.base_prefix) / "bin" / "python3"
    sh("chroot", str(root), str(python), "-m", "venv", "--copies", PROGRAMS)
    return root


def built(folder: Path) -> Stage:
    """Carry out every step of the Dockerfile; return its last stage."""
    files = context(folder / "context")
    stages: dict[str, Stage] = {}
    stage = Stage(Path("/"))
    for name, rest in instructions((ROOT / "Dockerfile").read_text()):
        if name == "FROM":
            stage = Stage(base(folder / f"stage{len(stages)}"))
            stages[rest.rpartition(" AS ")[2]] = stage
        else:
            step(stage, name, rest, files, stages)
    return stage


def step(stage: Stage, name: str, rest: str, files: Path, stages: dict[str, Stage]) -> None:
    """Carry out one instruction of a stage."""
    match name:
        case "WORKDIR":
            stage.folder = rest
            inside(stage, rest).mkdir(parents=True, exist_ok=True)
        case "COPY":
            *sources, target = rest.split()
            for source in sources:
                copied(files / source, inside(stage, stage.folder) / target)
        case "RUN":
            ran(stage, rest, stages)
        case "ENV":
            stage.env |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        case "USER":
            stage.user = rest
        case "ENTRYPOINT" | "CMD":
            stage.said[name] = json.loads(rest)
        case "HEALTHCHECK":
            stage.said[name] = json.loads(rest.partition(" CMD ")[2])
        case "LABEL" | "VOLUME" | "EXPOSE" | "STOPSIGNAL":
            pass
        case _:
            raise ContainerError(f"cannot carry out {name}")


def inside(stage: Stage, path: str) -> Path:
    return stage.root / path.lstrip("/")


def copied(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def ran(stage: Stage, rest: str, stages: dict[str, Stage]) -> None:
    """Run a RUN, with the folders of other stages bound where it asks for them."""
    bound: list[Path] = []
    while rest.startswith("--mount="):
        mount, _, rest = rest.partition(" ")
        wanted = dict(p.split("=", 1) for p in mount.removeprefix("--mount=").split(","))
        target = inside(stage, wanted["target"])
        target.mkdir(parents=True, exist_ok=True)
        sh("mount", "--bind", str(inside(stages[wanted["from"]], wanted["source"])), str(target))
        bound.append(target)
    print(f"RUN {rest[:90]}", flush=True)
    env = [f"{name}={value}" for name, value in stage.env.items()]
    pip = [f"{k}={v}" for k, v in os.environ.items() if k.startswith("PIP_")]
    command = f"cd {shlex.quote(stage.folder)} && {rest}"
    words = ["env", "-i", f"PATH={PATHS}", *pip, *env, "/bin/sh", "-ec", command]
    sh("chroot", str(stage.root), *words)
    for target in bound:
        sh("umount", str(target))


async def lived_in(stage: Stage) -> None:
    """Start the process as an engine does, talk to it, have it leave."""
    for writable in ("/data", "/tmp"):
        sh("mount", "-t", "tmpfs", "-o", "mode=1777", "none", str(inside(stage, writable)))
    sh("mount", "-o", "remount,bind,ro", str(stage.root))
    if os.access(stage.root, os.W_OK):
        raise ContainerError("its root can be written")
    async with FakeDiscord() as discord:
        process = await started(stage, discord.environment)
        try:
            await discord.ready()
            await healthy(stage)
            person = discord.user("guest")
            room = discord.dm(person)
            await discord.says(person, room, "hi")
            reply = await discord.next_reply(room)
            if "computer program" not in reply.content:
                raise ContainerError("its first reply does not say what it is")
            await left(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def started(stage: Stage, environment: dict[str, str]) -> asyncio.subprocess.Process:
    """Start ENTRYPOINT and CMD as PID 1 of a namespace of its own."""
    words = [*stage.said["ENTRYPOINT"], *stage.said["CMD"]]
    script = f"mount -t proc proc /proc && exec {in_image(stage, words, environment)}"
    return await asyncio.create_subprocess_exec(
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-ec", script
    )


def in_image(stage: Stage, words: list[str], environment: dict[str, str]) -> str:
    """Return a shell's words that run `words` in the image as its user."""
    told = {"PATH": PATHS, **stage.env, **environment}
    env = ["env", "-i", "-C", stage.folder, *(f"{k}={v}" for k, v in told.items())]
    who = ["chroot", f"--userspec={stage.user}:{stage.user}", str(stage.root)]
    return shlex.join([*who, *env, *words])


async def healthy(stage: Stage) -> None:
    """Wait until the image's own HEALTHCHECK is content."""
    check = in_image(stage, stage.said["HEALTHCHECK"], {})
    until = time.monotonic() + 30.0
    while (await (await asyncio.create_subprocess_shell(check)).wait()) != 0:
        if time.monotonic() > until:
            raise ContainerError("it does not become healthy")


async def left(process: asyncio.subprocess.Process) -> None:
    """Stop it as an engine does: SIGTERM to its PID 1."""
    os.kill(first_process(process.pid), signal.SIGTERM)
    try:
        code = await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        raise ContainerError(f"on SIGTERM it did not leave within {GRACE_SECONDS} s") from None
    if code != 0:
        raise ContainerError(f"on SIGTERM it left with {code}")


def first_process(unshare: int) -> int:
    """Return what PID 1 of the namespace that `unshare` made is called out here."""
    child = int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()[0])
    status = Path(f"/proc/{child}/status").read_text()
    if not re.search(r"^NSpid:.*\t1$", status, re.MULTILINE):
        raise ContainerError("the process is not PID 1 of its namespace")
    if not re.search(r"^Uid:\t10001\t", status, re.MULTILINE):
        raise ContainerError("the process does not run as the image's user")
    return child


def sh(*words: str) -> str:
    """Run a program; return what it printed, or raise with its last words."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ContainerError(f"{shlex.join(words)[:200]}: {done.stderr.strip()[-800:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
