"""The operator's commands in one process."""

import logging

import pytest

from connectors.control.protocol import CommandError
from connectors.run.operate import handlers, process_status, state_of
from tests.unit.factories import new_run


def test_states() -> None:
    """In the order of a run's life."""
    run = new_run()
    commands = handlers(run, 0)
    assert state_of(run) == "forming"
    run.formed = True
    assert state_of(run) == "running"
    commands["pause"]({})
    assert state_of(run) == "paused"
    commands["resume"]({})
    assert state_of(run) == "running"
    commands["drain"]({"reason": "why"})
    assert (state_of(run), run.drain_reason, run.restart) == ("draining", "why", False)


def test_a_drain_for_a_restart() -> None:
    """As a supervisor asks for it, when another process has found new partitions."""
    run = new_run()
    handlers(run, 0)["drain"]({"restart": True})
    assert run.restart


def test_a_status_has_no_payload_and_all_else() -> None:
    """Offsets, counts, rejections, what is waited for."""
    run = new_run()
    run.counts.add("read", 3)
    meter = run.meters.partition("a", 0, 2, is_read=True)
    meter.position, meter.seen_end = 3, lambda: 5
    run.waits.enter("registry")
    run.waits.because("registry", "", "the registry")
    run.meters.waiting_topics = {"b": "table b does not exist"}
    found = process_status(run, 4)
    assert (found["process"], found["counts"]["read"], found["counts"]["in_flight"]) == (4, 3, 3)
    position = {"topic": "a", "partition": 0, "next": 3, "durable": 2, "end": 5, "lag": 3}
    assert found["partitions"] == [position]
    assert found["waiting"] == ["the registry", "table b does not exist"]
    assert handlers(run, 4)["status"]({}) == {"supervisor": None, "processes": [found]}


def test_the_level_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that is none is an error, and without one too."""
    log = logging.getLogger("sync")
    monkeypatch.setattr(log, "level", log.level)
    command = handlers(new_run(), 0)["log-level"]
    assert command({"level": "warning"}) == "warning"
    assert log.level == logging.WARNING
    log.setLevel(logging.NOTSET)
    for wrong in ({"level": "loud"}, {}, {"level": 3}):
        with pytest.raises(CommandError, match="level"):
            command(wrong)
