"""The status in words, of one process and of many."""

from pathlib import Path
from typing import Any

import pytest

from connectors.control import commands


def process(number: int, **more: Any) -> dict[str, Any]:
    """The status of a process."""
    partition = {"topic": "orders", "partition": number, "next": 7, "durable": 5, "end": None,
                 "lag": None}  # fmt: skip
    return {
        "process": number,
        "pid": 100 + number,
        "state": "running",
        "snapshots": 4,
        "snapshot_age": 2.0,
        "counts": {"read": 10, "in_flight": 1 - 2 * number},
        "partitions": [partition],
        "partitions_stalled": number,
        "waiting": ["table orders: OTSServerBusy"] if number else [],
        "last_rejected": ["orders-0@3: map, key_missing: no key"],
        "rejections": [{"stage": "map", "code": "key_missing", "destination": "log", "records": 2}],
        **more,
    }


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The status of two processes, as a supervisor answers it, out of order."""
    supervisor = {"pid": 99, "state": "running", "seconds": 3725.0, "restarts": 2,
                  "last_restart": "process 1 died"}  # fmt: skip
    answer = {"supervisor": supervisor, "processes": [process(1), process(0)]}
    monkeypatch.setattr(commands, "ask_all", lambda *_: [answer])
    return commands.status(Path("state"))


def test_a_status_is_of_the_whole_run(found: dict[str, Any]) -> None:
    """Counts are summed, and partitions stand in their order with their process."""
    assert found["counts"] == {"read": 20, "in_flight": 0}
    assert [(one["partition"], one["process"]) for one in found["partitions"]] == [(0, 0), (1, 1)]
    assert [one["process"] for one in found["processes"]] == [0, 1]


def test_a_status_in_words(found: dict[str, Any]) -> None:
    """Everything that an operator asks for; what is not known is a question mark."""
    text = "\n".join(commands.status_lines(found))
    for words in (
        "run: running for 1 h 2 min (supervisor pid 99, 2 restarts, the last one because process 1",
        "process 0 (pid 100): running, snapshot 4 2 s ago",
        "1 partitions are stalled",
        "records: read 20, in_flight 0",
        "waiting: table orders: OTSServerBusy",
        "rejected: 4 by map, key_missing -> log",
        "last rejected: orders-0@3",
    ):
        assert words in text
    rows = [line.split() for line in text.splitlines() if line.startswith("orders ")]
    assert rows[0] == ["orders", "0", "7", "5", "?", "?", "0"]


def test_a_run_that_starts_has_a_status() -> None:
    """Nothing but its state is known of a process that starts, or does not answer."""
    starting = {"process": 0, "pid": 1, "state": "starting"}
    silent = {"process": 1, "pid": 2, "state": "silent", "error": "process 1 does not answer"}
    found = {"supervisors": [], "counts": {}, "partitions": [], "processes": [starting, silent]}
    text = "\n".join(commands.status_lines(found))
    assert "process 0 (pid 1): starting" in text
    assert "process 1 (pid 2): silent: process 1 does not answer" in text
    assert "no partition is read" in text
