"""A process as its supervisor sees it, with a small program in place of a flow."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from connectors.control.protocol import CommandError
from connectors.supervisor.child import Child
from tests.support.wait import until
from tests.unit.fake_clock import FakeClock

PROGRAM = """
import json, os, socket, sys
line = socket.socket(fileno=int(os.environ["SYNC_SUPERVISOR"]))
def say(**message):
    line.sendall(json.dumps({"version": 1, **message}).encode() + b"\\n")
say(event="started")
say(event="beat", formed=True, state="running", restart=False, epochs=3, work=9, waits=["orders"],
    drained=True)
line.sendall(b"not json\\n")
request = json.loads(line.recv(1000))
if request["command"] == "end":
    say(event="counts", counts={"read": 1}, notes=["r"])
    say(event="end", kind="stop", text="the reason")
    say(ok=True, result=1)
    sys.exit(1)
say(ok=False, error="it cannot")
line.recv(1)
"""


@pytest.fixture
def child() -> Iterator[Child]:
    """Started, and ended with the test."""
    program = [sys.executable, "-c", PROGRAM]
    made = Child(2, program, {}, threading.Event(), FakeClock())
    yield made
    made.kill()
    made.close()


def test_what_it_reports(child: Child) -> None:
    """The last beat."""
    until(lambda: child.epochs, "a beat")
    assert (child.started, child.formed, child.state, child.work) == (True, True, "running", 9)
    assert (list(child.waits), child.drained) == (["orders"], True)
    assert child.poll() is None


def test_how_it_ends(child: Child) -> None:
    """With its own words, and the counts that it has sent before."""
    assert child.ask("end") == 1
    until(child.poll, "its end")
    end = child.poll()
    assert end is not None
    assert (end.number, end.pid, end.code) == (2, child.pid, 1)
    assert (end.kind, end.text, end.killed) == ("stop", "the reason", False)
    assert (child.counts, list(child.notes)) == ({"read": 1}, ["r"])
    with pytest.raises(CommandError, match="does not answer"):
        child.ask("status")
    child.signal(signal.SIGTERM)  # of a process that is gone nobody minds


def test_an_error_is_the_process_s_own(child: Child) -> None:
    """The text of an error in a child is passed on unchanged."""
    with pytest.raises(CommandError, match="it cannot"):
        child.ask("other")


def test_it_is_killed_though_it_is_stopped(child: Child) -> None:
    """A suspended process can be killed, and its end has the rank of a consequence."""
    child.signal(signal.SIGSTOP)
    child.kill()
    until(child.poll, "its end")
    end = child.poll()
    assert end is not None
    assert end.rank == "killed"
