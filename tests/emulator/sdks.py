"""The SDKs of other languages, and a browser: fetched once by their own package clients, run.

They live under the user's cache folder (XDG base directory rules), one folder for each set of
pinned versions. `Missing` says why one cannot be had here.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CLIENTS: Final = Path(__file__).parent / "clients"
_FETCH_SECONDS = 240.0
_RUN_SECONDS = 100.0


class Missing(RuntimeError):  # noqa: N818 - a reason to skip, not an error
    """An SDK cannot be run here; the text says why."""


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"`{name}` not found")
    return found


def _run(program: Sequence[str], folder: Path, seconds: float, **environment: str) -> str:
    """Run a step that fetches or builds; what goes wrong in it is a reason to skip."""
    try:
        done = subprocess.run(
            program,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"`{Path(program[0]).name}` took more than {seconds:.0f} s") from None
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-6:])
        raise Missing(f"`{Path(program[0]).name}` failed ({done.returncode}): {last}")
    return done.stdout


@contextmanager
def _prepared(language: str) -> Iterator[tuple[Path, bool]]:
    """Yield the cache folder of a client with its sources in it, and whether it was made before."""
    sources = sorted(CLIENTS.joinpath(language).iterdir())
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "bytewax-tablestore" / f"sdk-{language}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # a second run waits for the first
        complete = folder / "complete"
        was_complete = complete.exists()
        if not was_complete:
            for path in sources:
                shutil.copy(path, folder)
        yield folder, was_complete
        complete.touch()


def node() -> list[str]:
    """Return the command of the Node.js program, without its argument."""
    program, npm = _tool("node"), _tool("npm")
    with _prepared("node") as (folder, is_complete):
        if not is_complete:
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            _run([npm, "ci", *options], folder, _FETCH_SECONDS)
    return [program, str(folder / "check.js")]


def browser() -> tuple[str, str]:
    """Return a headless Chromium that a package brings, and a folder of libraries it may miss."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Missing(f"no package has a browser for {sys.platform} on {platform.machine()}")
    program, npm = _tool("node"), _tool("npm")
    with _prepared("browser") as (folder, is_complete):
        libraries = folder / "libraries"
        if not is_complete:
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            _run([npm, "ci", *options], folder, _FETCH_SECONDS)
            _run([program, "unpack.js"], folder, _FETCH_SECONDS)
            libraries.mkdir(exist_ok=True)
            tar = ["tar", "-x", "-f", "libraries.tar", "-C", "libraries", "--strip-components=1"]
            _run(tar, folder, _FETCH_SECONDS)
            shutil.rmtree(folder / "node_modules")
    return str(folder / "chromium"), str(libraries)


def java() -> list[str]:
    """Return the command of the Java program."""
    program, compiler, maven = _tool("java"), _tool("javac"), _tool("mvn")
    with _prepared("java") as (folder, is_complete):
        classes = f"{folder / 'lib' / '*'}{os.pathsep}{folder}"
        if not is_complete:
            options = ["-DincludeScope=runtime", "-DoutputDirectory=lib"]
            goal = "dependency:copy-dependencies"
            _run([maven, "-q", "-B", goal, *options], folder, _FETCH_SECONDS)
            _run([compiler, "-cp", classes, "Check.java"], folder, _FETCH_SECONDS)
    return [program, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "Check"]


def go() -> list[str]:
    """Return the command of the Go program."""
    compiler = _tool("go")
    with _prepared("go") as (folder, is_complete):
        if not is_complete:
            build = [compiler, "build", "-mod=readonly", "-o", "check", "."]
            _run(build, folder, _FETCH_SECONDS, GOTOOLCHAIN="local")
    return [str(folder / "check")]


def passed(command: list[str], url: str) -> set[str]:
    """Run a client against a server and return the operations it found right.

    Raises AssertionError with what the client said when it found one wrong.
    """
    done = subprocess.run(
        [*command, url],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("passed: ")]
    if done.returncode != 0 or not said:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout}\n{done.stderr}")
    return set(said[-1].split()[1:])
