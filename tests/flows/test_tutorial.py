"""docs/tutorial.md, block after block in one terminal, as a newcomer types it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.blocks import ROOT, blocks
from tests.support.flow_process import free_port
from tests.support.wait import until

pytestmark = [pytest.mark.flows, pytest.mark.timeout(400)]

# They are what the machine of a test has already.
DONE = "make setup\n. .venv/bin/activate"


class Terminal:
    """A bash with job control, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        command = bin_folder / "tablestore-sync"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m connectors.cli "$@"\n')
        command.chmod(0o755)
        (bin_folder / "python").symlink_to(sys.executable)
        self.folder = folder / "work"
        self.folder.mkdir()
        # The interpreter by its own path, since a link would lose the environment that it is of.
        (bin_folder / "python").unlink()
        (bin_folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (bin_folder / "python").chmod(0o755)
        self._output = folder / "output"
        self._count = 0
        env = {name: text for name, text in os.environ.items() if not name.startswith("SYNC__")}
        with self._output.open("wb") as output:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self.folder,
                env={
                    **env,
                    "PATH": f"{bin_folder}:{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT),
                    "PYTHONUNBUFFERED": "1",
                },
                start_new_session=True,
            )
        self._type("set -m")

    def _type(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text + "\n")
        self._shell.stdin.flush()

    @property
    def text(self) -> str:
        """All text that was printed."""
        return self._output.read_text("utf-8", "replace")

    def run(self, commands: str) -> str:
        """Type commands, wait for them, and return what they print. Fails unless each succeeds."""
        self._count += 1
        mark = f"-- block {self._count} ended with"
        before = len(self.text)
        self._type("\n".join(["set -e", commands, "set +e", f'echo "{mark} $?"']))
        until(
            lambda: mark in self.text[before:] or self._shell.poll() is not None,
            lambda: f"the end of {commands}\n{self.text[before:]}",
            within=120.0,
        )
        printed = self.text[before:]
        assert f"{mark} 0" in printed, f"{commands}\n{printed}"
        return printed

    def close(self) -> None:
        """End the shell, and every job of it that still runs."""
        jobs = subprocess.run(
            ["ps", "-o", "pid=", "--sid", str(self._shell.pid)], capture_output=True, text=True
        )
        for pid in map(int, jobs.stdout.split()):
            if pid != self._shell.pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self._shell.kill()
        self._shell.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose jobs do not outlive the test."""
    made = Terminal(tmp_path)
    yield made
    made.close()


def rows(port: int) -> dict[str, int]:
    """Rows of each table of the playground."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/stats", timeout=30) as answer:
        tables: dict[str, int] = json.load(answer)["tables"].get("demo", {})
        return tables


def test_every_command_of_the_tutorial(terminal: Terminal) -> None:
    """Each ends with exit code 0, and what the page says of it holds."""
    board, store = free_port(), free_port()
    found = [block.text for block in blocks("docs/tutorial.md")]
    assert found[0] == DONE
    printed: dict[str, str] = {}
    for commands in found[1:]:
        typed = commands.replace("port = 8080", f"port = {board}")
        typed = typed.replace("demo.playground", f"demo.playground --port {store}")
        printed[commands] = terminal.run(typed)
        if "demo.playground" in commands:
            until((terminal.folder / "playground.env").exists, lambda: terminal.text)
        elif "tablestore-sync run" in commands:
            until(
                lambda: rows(store).get("orders", 0) >= 990,
                (terminal.folder / "tutorial.log").read_text,
            )
            with urllib.request.urlopen(f"http://127.0.0.1:{board}/", timeout=30) as page:
                assert b"<html" in page.read()
    by_command = {key: text for key, text in printed.items() if "tablestore-sync" in key}
    whole = "".join(by_command.values())
    assert "A run can start" in whole
    assert "would reject: " in whole
    assert "integer_range" in whole
    assert "running for" in whole
    replayed = next(text for key, text in by_command.items() if "tutorial-replay" in key)
    (end,) = [line for line in replayed.splitlines() if line.startswith("sync: ended:")]
    counts = dict(pair.split("=") for pair in end.split()[2:])
    assert int(counts["written"]) >= 2, end
    assert not (terminal.folder / "playground.env").exists()
