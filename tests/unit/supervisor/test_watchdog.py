"""What counts as stuck."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.supervisor import watchdog
from connectors.supervisor.watchdog import Watchdog
from tests.unit.fake_clock import FakeClock
from tests.unit.supervisor.fakes import SETTINGS, FakeProcess


class Watch:
    """A watchdog over two processes that run, looked at each second."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.processes = [FakeProcess(number, self.clock).runs() for number in (0, 1)]
        self.watchdog = Watchdog(SETTINGS, self.clock)

    def passes(self, seconds: int, silent: Sequence[int] = ()) -> str | None:
        """What is found at the end of so many seconds; before it nothing may be."""
        found = None
        for _ in range(seconds):
            assert found is None
            self.clock.now += 1
            for process in self.processes:
                if process.number not in silent:
                    process.last_heard = self.clock.now
            found = self.watchdog.stuck(self.processes)
        return found


@pytest.fixture
def watch() -> Watch:
    """At the beginning."""
    return Watch()


def test_no_snapshot(watch: Watch) -> None:
    """Neither an epoch nor a record moves, and nothing is waited for."""
    assert watch.passes(100) is None
    assert "no snapshot was completed for 100 s" in (watch.passes(2) or "")


@pytest.mark.parametrize("moves", ["epochs", "work"])
def test_what_counts_as_progress(watch: Watch, moves: str) -> None:
    """A snapshot, or a record, of either process: slow is not stuck."""
    for _ in range(5):
        assert watch.passes(90) is None
        setattr(watch.processes[1], moves, getattr(watch.processes[1], moves) + 1)
    assert watch.passes(101) is None
    assert watch.passes(1) is not None


def test_a_known_wait_is_no_standstill(watch: Watch) -> None:
    """An outage may last for hours; the limit begins when it is over."""
    watch.processes[0].waits = ["200 rows wait for table orders: OTSServerBusy"]
    assert watch.passes(10_000) is None
    watch.processes[0].waits = ()
    assert watch.passes(100) is None
    assert watch.passes(1) is not None


def test_no_sign_of_life(watch: Watch) -> None:
    """Of one of them, though the other waits for something."""
    watch.processes[0].waits = ["orders"]
    assert watch.passes(100, silent=[1]) is None
    text = watch.passes(1, silent=[1]) or ""
    assert "process 1 (pid 101) gave no sign of life for 100 s" in text
    assert "process 0" not in text


def test_a_stopped_process_is_named(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says that it was stopped by a signal."""
    monkeypatch.setattr(watchdog, "_state", lambda pid: "T" if pid == 101 else "S")
    assert watch.passes(100, silent=[1]) is None
    assert "stopped by a signal: pid 101" in (watch.passes(1, silent=[1]) or "")


def test_forming(watch: Watch) -> None:
    """The deadline is that of the process that is latest; starting again begins it again."""
    watch.processes[1].formed = False
    assert watch.passes(30) is None
    watch.processes[1].forming_since = watch.clock.now
    assert watch.passes(30) is None
    text = watch.passes(1) or ""
    assert "within 30 s (supervisor.forming_deadline): process 1 (pid 101) still waited" in text
    watch.processes[1].formed = True
    assert watch.passes(99) is None, "the limit of progress begins when all have formed"


def test_a_wait_at_the_start_is_no_failure_to_form(watch: Watch) -> None:
    """As for a registry that is away."""
    watch.processes[1].formed = False
    watch.processes[0].waits = ["the registry"]
    assert watch.passes(1000) is None


def test_the_state_of_a_process() -> None:
    """As Linux has it; nothing of one that is gone."""
    import os

    assert watchdog._state(os.getpid()) in ("R", "S")
    assert watchdog._state(2**22 + 1) == ""
    assert Path("/proc/self/stat").exists()


@pytest.mark.parametrize(("starts", "seconds"), [(0, 30), (1, 45), (2, 67), (9, 150)])
def test_after_starts_that_came_to_nothing_there_is_more_time(starts: int, seconds: int) -> None:
    """Up to five times: hosts that start at different moments would miss each other for ever."""
    watch = Watch()
    watch.watchdog = Watchdog(SETTINGS, watch.clock, starts)
    for process in watch.processes:
        process.formed = False
    assert watch.passes(seconds) is None
    assert "have not found each other" in (watch.passes(1) or "")
