"""The line from a process to its supervisor."""

import json
import os
import socket
from collections.abc import Iterator
from typing import IO, Any

import pytest

from connectors.control.protocol import encode
from connectors.run import link as module
from connectors.run.link import SupervisorLink
from connectors.run.operate import handlers
from tests.support.wait import until
from tests.unit.factories import new_run


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The supervisor's end; the other one is in the environment."""
    ours, theirs = socket.socketpair()
    monkeypatch.setenv("SYNC_SUPERVISOR", str(theirs.detach()))
    ours.settimeout(60)
    with ours:
        yield ours


def read(lines: IO[bytes], event: str) -> Any:
    """The next event of that name, or answer."""
    while True:
        found = json.loads(lines.readline())
        if found.get("event") == event or (event == "answer" and "ok" in found):
            return found


def test_beats_and_commands(line: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it does, answers, and says at the end why it ends."""
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    link = SupervisorLink.inherited()
    assert link is not None
    run = new_run(shutdown={"deadline": 0.01})
    run.counts.add("read", 3)
    link.serve(run, handlers(run, 0))
    with line.makefile("rb") as lines:
        assert read(lines, "started")
        beat = read(lines, "beat")
        assert (beat["formed"], beat["state"], beat["work"]) == (False, "forming", 3)
        line.sendall(encode({"command": "pause"}) + encode({"command": "what"}))
        assert read(lines, "answer")["result"] == "paused"
        assert read(lines, "answer")["ok"] is False
        link.end("stop", "the text")
        assert read(lines, "end")["text"] == "the text"
    assert run.drain_reason is None
    line.shutdown(socket.SHUT_RDWR)
    until(lambda: exits, "the end of a process that nobody watches, and that has read nothing")
    assert run.drain_reason == "its supervisor has ended"


@pytest.mark.parametrize("value", ["", "x", "1", "99999"])
def test_without_a_supervisor(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain run has none, and a variable that was left over changes nothing."""
    monkeypatch.setenv("SYNC_SUPERVISOR", value)
    assert SupervisorLink.inherited() is None


def test_a_pause_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that starts again for new partitions is paused as before."""
    monkeypatch.setenv("SYNC_PAUSED", "false")
    run = new_run()
    assert not module.was_paused()
    run.paused = True
    module.keep_over_exec(run)
    assert module.was_paused()
