"""One run: how it drains, fails and ends, and what it counts."""

import logging
import sys
import threading

import pytest
from prometheus_client import REGISTRY

from connectors.errors import StopRun
from connectors.run import context
from connectors.run.accounting import NAMES, Counts
from connectors.run.context import configure_logging
from tests.unit.factories import new_run


def test_a_run_begins_with_nothing_wrong() -> None:
    """No failure, no drain, no deadline."""
    run = new_run()
    run.check()
    assert (run.failure, run.drain_reason, run.restart, run.deadline) == (None,) * 2 + (False, None)
    assert not run.overdue


def test_a_drain_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of shutdown.deadline runs from the first order; a second one does not extend it."""
    now = 100.0
    monkeypatch.setattr(context.time, "monotonic", lambda: now)  # type: ignore[attr-defined]
    run = new_run(shutdown={"deadline": 5})
    run.drain("SIGTERM")
    now = 105.0
    run.drain("SIGINT")
    assert (run.drain_reason, run.overdue) == ("SIGTERM", False)
    now = 105.1
    assert run.overdue


@pytest.mark.parametrize(
    ("orders", "restart"),
    [
        ([False], False),
        ([True], True),
        ([True, True], True),
        ([True, False], False),
        ([False, True], False),
        ([True, False, True], False),
    ],
)
def test_a_signal_ends_a_restart(orders: list[bool], restart: bool) -> None:
    """A run that drains for a restart stays ended when somebody tells it to end, in any order."""
    run = new_run()
    for number, wanted in enumerate(orders):
        run.drain(f"order {number}", restart=wanted)
    assert (run.drain_reason, run.restart) == ("order 0", restart)


def test_the_first_failure_counts() -> None:
    """Later ones are its consequences; it is raised as often as it is asked for."""
    run = new_run()
    first = StopRun("first")
    run.fail(first)
    run.fail(StopRun("second"))
    for _ in range(2):
        with pytest.raises(StopRun, match="first") as caught:
            run.check()
        assert caught.value is first


def test_of_many_failures_at_once_one_counts() -> None:
    """Threads that fail together leave one failure."""
    run = new_run()
    errors = [StopRun(str(number)) for number in range(20)]
    threads = [threading.Thread(target=run.fail, args=(error,)) for error in errors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run.failure in errors


def test_counts_add_up_over_threads() -> None:
    """No addition is lost, and a snapshot has all names."""
    counts = Counts()

    def add() -> None:
        for _ in range(2000):
            counts.add("read", 2)

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(old)
    assert counts.snapshot() == {**dict.fromkeys(NAMES, 0), "read": 16_000}


def test_a_snapshot_of_counts_is_of_its_moment() -> None:
    """It does not change with them."""
    counts = Counts()
    before = counts.snapshot()
    counts.add("written", 1)
    assert before["written"] == 0


def test_counting_what_is_not_counted_is_a_mistake() -> None:
    """A misspelt name is an error, not a new count."""
    with pytest.raises(KeyError):
        Counts().add("writen", 1)


def test_prometheus_sees_the_present_run() -> None:
    """Each count is a counter of the default registry, with its description; the last run's."""
    new_run().counts.add("read", 5)
    run = new_run()
    run.counts.add("read", 7)
    for name, description in NAMES.items():
        value = REGISTRY.get_sample_value(f"sync_records_{name}_total")
        assert value == run.counts.snapshot()[name]
        assert description
    assert REGISTRY.get_sample_value("sync_records_read_total") == 7


def bare_logging(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Our logger as it is before anybody configured logging."""
    log = logging.getLogger("sync")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(log, "level", logging.NOTSET)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    return log


def test_a_lone_process_logs_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line an event, from INFO up; configuring twice does not double the lines."""
    bare_logging(monkeypatch)
    configure_logging()
    configure_logging()
    logging.getLogger("sync.kafka").info("hello")
    logging.getLogger("sync.kafka").debug("not this")
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.endswith("INFO sync.kafka: hello")
    assert captured.out == ""


def test_the_logging_of_a_program_is_let_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that embeds the flow and has its own handlers keeps them."""
    log = bare_logging(monkeypatch)
    own = logging.NullHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [own])
    configure_logging()
    assert log.handlers == []
    assert log.propagate
