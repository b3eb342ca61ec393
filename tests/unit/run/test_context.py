"""One run: how it drains, fails and ends, and what it counts."""

import logging
import math
import sys
import threading

import pytest

from connectors.errors import StopRun
from connectors.run.accounting import COUNT_NAMES, Counts
from connectors.run.context import Run
from connectors.run.log import configure_logging
from tests.unit.factories import new_run, settings
from tests.unit.fake_clock import FakeClock


def test_a_run_begins_with_nothing_wrong() -> None:
    """No failure, no drain, no deadline."""
    clock = FakeClock()
    run = Run("sync", settings(), None, clock=clock)
    run.check()
    assert (run.failure, run.drain_reason, run.restart) == (None, None, False)
    clock.now = math.inf
    assert not run.overdue


def test_a_drain_has_a_deadline() -> None:
    """The time of shutdown.deadline runs from the first order; a second one does not extend it."""
    clock = FakeClock(100.0)
    run = Run("sync", settings(shutdown={"deadline": 5}), None, clock=clock)
    run.drain("SIGTERM")
    clock.now = 105.0
    run.drain("SIGINT")
    assert (run.drain_reason, run.overdue) == ("SIGTERM", False)
    clock.now = 105.1
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
    """A run that drains for a restart stays ended when a signal asks for the end, in any order."""
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
    assert counts.snapshot() == {**dict.fromkeys(COUNT_NAMES, 0), "read": 16_000}


def test_a_snapshot_of_counts_is_of_its_moment() -> None:
    """It does not change with them."""
    counts = Counts()
    before = counts.snapshot()
    counts.add("written", 1)
    assert before["written"] == 0


def test_counting_what_is_not_counted_is_a_mistake() -> None:
    """A misspelt name is an error, not a new count."""
    with pytest.raises(KeyError):
        Counts().add("writen", 1)  # type: ignore[arg-type]


def test_finalizers_run_at_a_clean_end(caplog: pytest.LogCaptureFixture) -> None:
    """In their order; one that raises is logged and the next ones run. Then counts are verified."""
    run = new_run()
    run.counts.add("read", 1)
    ran: list[str] = []

    def failing() -> None:
        ran.append("failing")
        raise StopRun("the brokers are gone")

    run.on_clean_end(failing)
    run.on_clean_end(lambda: ran.append("next"))
    run.finish()
    assert ran == ["failing", "next"]
    assert "the brokers are gone" in caplog.text
    assert run.counts.snapshot()["unbalanced"] == 1


def bare_logging(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Our logger before logging is configured."""
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


def test_what_is_checked_before_a_record_is_read() -> None:
    """Each check once, in order, however many workers begin; a drain is possible meanwhile."""
    run = new_run()
    called: list[str] = []

    def blocks() -> None:
        drain = threading.Thread(target=run.drain, args=("SIGTERM",))
        drain.start()
        drain.join(10)
        called.append(str(run.drain_reason))

    run.on_start(blocks)
    run.on_start(lambda: called.append("second"))
    run.check_start()
    run.check_start()
    assert called == ["SIGTERM", "second"]


def test_what_a_step_raises_is_noted() -> None:
    """In a cluster Bytewax may raise what followed from it; the end of a source is no failure."""
    run = new_run()

    def step(number: int, *, fails: BaseException | None = None) -> int:
        if fails is not None:
            raise fails
        return number + 1

    noted = run.noting(step)
    assert noted(1) == 2
    with pytest.raises(StopIteration):
        noted(1, fails=StopIteration())
    assert run.failure is None
    first = StopRun("the table is missing")
    for error in (first, ValueError("later")):
        with pytest.raises(type(error)):
            noted(1, fails=error)
    assert run.failure is first
