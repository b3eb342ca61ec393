"""The image of `docker/emulator.Dockerfile`, step by step without a container engine.

Each instruction is carried out by hand in an empty folder with an empty environment of packages, so
that a path that is not copied or a package that is not installed shows here.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tablestore as ots

from tests.emulator.harness import ROOT

DOCKERFILE = ROOT / "docker" / "emulator.Dockerfile"
IGNORED = DOCKERFILE.with_name(DOCKERFILE.name + ".dockerignore")
KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
KNOWN |= {"HEALTHCHECK", "ENTRYPOINT"}
pytestmark = pytest.mark.timeout(300)  # it installs packages


class Instruction(NamedTuple):
    """One instruction; lines that go on are one."""

    name: str
    rest: str


def instructions() -> list[Instruction]:
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if line.strip()]
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(maxsplit=1)) for line in joined]


def one(name: str) -> str:
    (found,) = (item.rest for item in instructions() if item.name == name)
    return found


def is_ignored(path: str) -> bool:
    """Return whether the build cannot see a path: the last pattern that fits it decides."""
    ignored = False
    for line in IGNORED.read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!")
        parents = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 2)]
        short = bare.removeprefix("**/")
        names = [part.rpartition("/")[2] for part in parents] if short != bare else parents
        if any("/" not in name and fnmatch.fnmatch(name, short) for name in names):
            ignored = not pattern.startswith("!")
    return ignored


def seen(source: str) -> list[str]:
    """Return the files that the build sees of a path in the repository."""
    path = ROOT / source
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    names = [file.relative_to(ROOT).as_posix() for file in files if file.is_file()]
    return [name for name in names if not is_ignored(name)]


class Image(NamedTuple):
    """What the instructions made."""

    app: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Carry out COPY and RUN; users and folders outside are left alone."""
    base = tmp_path_factory.mktemp("image")
    app, packages = base / "app", base / "packages"
    app.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", packages], check=True)
    binaries = packages / "bin"
    interpreter = binaries / "python"
    installer = binaries / "pip"
    installer.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {interpreter} "$@"\n')
    installer.chmod(0o755)
    kept = ("HOME", "TMPDIR", "LANG", "SSL_CERT_FILE")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    environment["PATH"] = f"{binaries}{os.pathsep}/usr/bin{os.pathsep}/bin"
    for name, rest in instructions():
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                for file in seen(source):
                    inside = target if target != "./" else file
                    under = Path(file).relative_to(source) if (ROOT / source).is_dir() else None
                    place = app / inside / under if under is not None else app / inside
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / file, place)
        elif name == "RUN" and not rest.startswith("useradd"):
            done = subprocess.run(
                ["/bin/sh", "-c", rest],
                cwd=app,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if "Temporary failure in name resolution" in done.stdout:
                pytest.skip("no package index can be reached")
            assert done.returncode == 0, done.stdout
    return Image(app, environment)


def shown_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            return int(line.rpartition(":")[2])
    raise AssertionError("the server ended without a word")


@pytest.fixture
def started(image: Image, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The entry point, on loopback and a free port, with a folder of its own for data."""
    command = json.loads(one("ENTRYPOINT"))
    instead = ["--host", "127.0.0.1", "--port", "0", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(
        [*command, *instead],
        cwd=image.app,
        env=image.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, shown_port(process)
    finally:
        process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def test_its_instructions_are_known_and_its_paths_exist() -> None:
    """The build sees what it copies, and little else of the repository."""
    assert {item.name for item in instructions()} <= KNOWN
    for name, rest in instructions():
        if name == "COPY":
            assert all(seen(source) for source in rest.split()[:-1]), rest
    assert "emulator/server.py" in seen("emulator")
    assert "emulator/README.md" in seen("emulator")
    assert not [name for name in seen("emulator") if "__pycache__" in name]
    for elsewhere in ("connectors", "tests", "demo", ".ci", "config.toml", "README.md"):
        assert seen(elsewhere) == [], elsewhere


def test_it_runs_without_root_and_keeps_data_in_a_volume() -> None:
    """The user is made before it is used, may write to the volume, and has a fixed number."""
    user = one("USER")
    assert user not in ("root", "0")
    made = next(item.rest for item in instructions() if item.rest.startswith("useradd"))
    assert re.search(rf"--uid \d{{4,}} {user}\b", made)
    volume = one("VOLUME")
    assert f"install -d -o {user} -g {user} {volume}" in made
    entry = json.loads(one("ENTRYPOINT"))
    assert entry[entry.index("--data") + 1] == volume
    names = [item.name for item in instructions()]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))


def test_it_starts_answers_and_stops(
    image: Image, started: tuple["subprocess.Popen[str]", int]
) -> None:
    """With its own files and packages alone: the health check passes, the SDK is served."""
    process, port = started
    check = one("HEALTHCHECK").partition("CMD")[2]
    exposed = one("EXPOSE").strip()
    assert exposed in check
    healthy = [part.replace(exposed, str(port)) for part in json.loads(check)]
    done = subprocess.run(healthy, cwd=image.app, env=image.environment, timeout=60)
    assert done.returncode == 0
    client = ots.OTSClient(f"http://127.0.0.1:{port}", "demo-key", "demo-secret", "demo")
    assert list(client.list_table()) == []
    assert one("STOPSIGNAL") == "SIGTERM"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    again = subprocess.run(healthy, cwd=image.app, env=image.environment, capture_output=True)
    assert again.returncode != 0


def test_its_packages_are_the_pinned_ones_and_no_others(image: Image) -> None:
    """The Tablestore SDK is not among them, nor what the connectors need."""
    paths = sysconfig.get_paths(vars={"base": str(image.app.parent / "packages")})
    installed = {path.name.partition("-")[0] for path in Path(paths["purelib"]).glob("*.dist-info")}
    pinned = (image.app / "requirements.lock").read_text(encoding="utf-8")
    names = {name.replace("-", "_") for name in re.findall(r"^([a-z0-9-]+)==", pinned, re.M)}
    assert {"aiohttp", "protobuf", "fastcrc"} <= {name.lower() for name in installed}
    assert {name.lower() for name in installed} <= names
    assert not {"tablestore", "bytewax", "confluent_kafka"} & installed


def test_the_command_of_the_readme_builds_this_file() -> None:
    readme = (ROOT / "emulator" / "README.md").read_text(encoding="utf-8")
    command = next(line for line in re.findall(r"`(docker build[^`]*)`", readme))
    arguments = shlex.split(command)
    assert ROOT / arguments[arguments.index("-f") + 1] == DOCKERFILE
    assert arguments[-1] == "."
