"""The examples of the README, as they stand there, with the official SDK of each language."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.local_server import LocalServer
from tests.emulator import sdks
from tests.emulator.harness import ROOT

README = (ROOT / "emulator" / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of code of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as found:
        yield found


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_of_pytest_passes(tmp_path: Path) -> None:
    conftest, test = blocks("python")
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_orders.py").write_text(test)
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull]
    said = run([sys.executable, "-m", "pytest", *options], tmp_path, PYTHONPATH=str(ROOT))
    assert "1 passed" in said


def java(folder: Path, text: str) -> tuple[list[str], dict[str, str]]:
    (folder / "Example.java").write_text(text, encoding="utf-8")
    program, *_, classes, _ = sdks.java()
    return [program, "-cp", classes, "Example.java"], {}


def go(folder: Path, text: str) -> tuple[list[str], dict[str, str]]:
    ready = Path(sdks.go()[0]).parent
    for name in ("go.mod", "go.sum"):
        shutil.copy(ready / name, folder)
    (folder / "main.go").write_text(text, encoding="utf-8")
    return ["go", "run", "."], {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}


def node(folder: Path, text: str) -> tuple[list[str], dict[str, str]]:
    program, script = sdks.node()
    (folder / "example.js").write_text(text, encoding="utf-8")
    return [program, "example.js"], {"NODE_PATH": str(Path(script).parent / "node_modules")}


Prepare = Callable[[Path, str], tuple[list[str], dict[str, str]]]
LANGUAGES: dict[str, tuple[Prepare, str]] = {
    "java": (java, "java-test"),
    "go": (go, "go-test"),
    "js": (node, "node-test"),
}


@pytest.mark.timeout(600)  # the first run fetches packages
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_another_language_writes_and_reads(
    server: LocalServer, tmp_path: Path, language: str
) -> None:
    """It uses an instance of its own, which is emptied as the README says."""
    (text,) = blocks(language)
    prepare, name = LANGUAGES[language]
    try:
        command, environment = prepare(tmp_path, text)
    except sdks.Missing as reason:
        pytest.skip(f"the SDK of {language}: {reason}")
    with server.instance(name) as instance:
        said = run(command, tmp_path, TABLESTORE_ENDPOINT=server.endpoint, **environment)
        assert said.split()[-1] == "12.5"
        assert instance.rows() == {"orders": 1}
        assert server.control(f"/-/instances/{name}", "DELETE") == {"removed": ["orders"]}
        assert instance.rows() == {}
