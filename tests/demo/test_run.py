"""The demo as its user starts it: a process, its exit code, and what it leaves behind."""

import os
import re
import shlex
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import ChildProcess
from tests.support.wait import until

_MARK = "DEMO_TEST_MARK"
_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class Demo(ChildProcess):
    """`python -m demo`; all its processes carry a mark in their environment."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.mark = uuid.uuid4().hex
        self.data = folder / "data"
        super().__init__(
            ["-m", "demo", "--folder", str(self.data), *arguments],
            folder,
            {_MARK: self.mark},
            "demo",
        )

    def family(self) -> list[int]:
        """Living processes that carry the mark: the demo and what it started."""
        mark = f"{_MARK}={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    if mark in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    continue  # ended meanwhile
        return found

    def ports(self) -> list[int]:
        """Those that its output and its logs name."""
        logs = [self.text(), *(log.read_text() for log in self.data.glob("*.log"))]
        return [int(port) for text in logs for port in _ADDRESS.findall(text)]


def leaves_nothing(demo: Demo) -> bool:
    """Whether none of its processes and none of its ports is left."""
    return not demo.family() and not any(map(_listening, demo.ports()))


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@linux
def test_it_adds_up_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit code 0, the accounting in words, a few rows, the folder named; all processes gone."""
    with Demo(tmp_path, "--orders", "5000") as demo:
        assert demo.wait() == 0, demo.text()
        text = demo.text()
        assert "orders add up: produced 5,000 = written 4,988 + dead-lettered 12" in text
        assert "readings add up: produced 500 = written 494 + dead-lettered 6" in text
        assert "4,988 rows read back through the official SDK" in text
        assert f"wrote is in {demo.data.name}:" in text
        assert "\x1b[" not in text, "no colours where there is no terminal"
        assert demo.ports(), "else the next line proves nothing"
        assert leaves_nothing(demo)
        assert text.count("map, key_missing: the record's value has no field") == 4
        for written in (4, 0):
            replay(demo, text, written)
    assert (demo.data / "config.toml").is_file()


def replay(demo: Demo, text: str, written: int) -> None:
    """The command line that the demo has printed makes rows of what can be mended."""
    (line,) = [line for line in text.splitlines() if " -m demo replay " in line]
    program, *arguments = shlex.split(line)
    assert program == sys.executable
    demo.run(arguments)
    assert demo.wait() == 0, demo.text()
    assert f"sync: ended: read={14 + written} written={written} rejected=14 " in demo.text()
    assert "4 orders that were dead letters are rows of table orders" in demo.text()
    assert leaves_nothing(demo)


@linux
def test_a_replay_needs_a_demo_s_folder(tmp_path: Path) -> None:
    """Without one the command says so, and starts nothing."""
    with Demo(tmp_path, "--orders", "none") as demo:
        demo.wait()
        demo.run(["-m", "demo", "replay", str(tmp_path)])
        assert demo.wait() == 2
        assert "not the folder of a demo" in demo.text()


@linux
def test_an_interrupted_replay_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in its middle: the shell's exit code, all processes gone; it can be run again."""
    with Demo(tmp_path, "--orders", "500") as demo:
        assert demo.wait() == 0, demo.text()
        text = demo.text()
        demo.run(["-m", "demo", "replay", str(demo.data)])
        demo.wait_for("18 dead letters in table")
        to_the_group(demo)
        assert demo.wait() == 130, demo.text()
        assert leaves_nothing(demo)
        replay(demo, text, 4)


def to_the_group(demo: Demo) -> None:
    """Ctrl-C in a terminal."""
    os.killpg(demo.pid, signal.SIGINT)


def to_itself(number: signal.Signals) -> Callable[[Demo], None]:
    """A signal to the demo alone."""
    return lambda demo: os.kill(demo.pid, number)


@linux
@pytest.mark.parametrize(
    ("moment", "send", "code"),
    [
        ("Tablestore on", to_the_group, 130),
        ("orders produced", to_the_group, 130),
        ("Tablestore on", to_itself(signal.SIGINT), 130),
        ("orders produced", to_itself(signal.SIGTERM), 143),
    ],
    ids=["Ctrl-C early", "Ctrl-C later", "SIGINT to the demo alone", "SIGTERM"],
)
def test_interrupted_it_ends_in_order_and_leaves_nothing(
    tmp_path: Path, moment: str, send: Callable[[Demo], None], code: int
) -> None:
    """In the middle of its work: the shell's exit code, one line instead of a traceback."""
    with Demo(tmp_path, "--orders", "50000") as demo:
        demo.wait_for(moment)
        assert len(demo.family()) > 1
        send(demo)
        assert demo.wait() == code, demo.text()
        assert "nothing is left running" in demo.text()
        assert "Traceback" not in demo.text()
        assert leaves_nothing(demo)


@linux
def test_killed_its_children_end_too(tmp_path: Path) -> None:
    """SIGKILL leaves the demo no chance to clean up; the system does."""
    with Demo(tmp_path, "--orders", "50000") as demo:
        demo.wait_for("Tablestore on")
        demo.kill()
        until(lambda: leaves_nothing(demo), lambda: f"left: {demo.family()} {demo.ports()}")


@linux
def test_a_flow_that_dies_is_a_failure_with_its_last_words(tmp_path: Path) -> None:
    """Exit code 1 and the end of the flow's log; nothing left."""
    with Demo(tmp_path, "--orders", "50000") as demo:
        demo.wait_for("Tablestore on")
        flow = until(lambda: _of_module(demo, b"bytewax.run"), "the flow's process")
        os.kill(flow, signal.SIGKILL)
        assert demo.wait() == 1
        assert "the flow ended by itself" in demo.text()
        assert leaves_nothing(demo)


def _of_module(demo: Demo, module: bytes) -> int | None:
    for number in demo.family():
        if module in Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0"):
            return number
    return None


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    """The demo starts from nothing: it neither adds to a folder nor empties it."""
    (tmp_path / "data").mkdir()
    with Demo(tmp_path) as demo:
        assert demo.wait() == 1
        assert "exists" in demo.text()
    assert list((tmp_path / "data").iterdir()) == []
