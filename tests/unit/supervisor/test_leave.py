"""One of several hosts is drained: when it leaves, and with which exit code."""

import pytest

from connectors.supervisor.leave import LEFT, LEFT_BEHIND
from tests.unit.supervisor.fakes import DRAIN_DEADLINE, FakeProcess, Rig

SETTLE = 5.0


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sync.supervisor")


def drained(rig: Rig) -> list[float]:
    """Two processes that read no more from second 1001 on, and live as long as other hosts do."""
    left: list[float] = []

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
            process.drains_with = None
            process.drained = rig.supervisor.draining
        if rig.clock.now > 1001:
            rig.supervisor.drain()
            left.append(rig.clock.now)

    rig.script = script
    return left


def test_a_host_leaves_once_all_that_it_read_is_written(caplog: pytest.LogCaptureFixture) -> None:
    """With code 0 and a line of what the others do."""
    rig = Rig(settle=SETTLE)
    looks = drained(rig)
    assert rig.run() == 0
    assert [process.got for process in rig.starts[0]] == [["SIGTERM", "killed"]] * 2
    assert SETTLE < looks[-1] - looks[0] < DRAIN_DEADLINE
    assert caplog.messages[-1] == LEFT
    assert len(rig.starts) == 1


def test_a_host_that_waits_for_a_service_stays(caplog: pytest.LogCaptureFixture) -> None:
    """Its rows are not written yet; at the end of the drain's time it leaves all the same."""
    rig = Rig(settle=SETTLE)
    looks = drained(rig)
    script = rig.script

    def waits(processes: list[FakeProcess]) -> None:
        script(processes)
        processes[1].waits = ["table orders is throttled"]

    rig.script = waits
    assert rig.run() == 0
    assert looks[-1] - looks[0] > DRAIN_DEADLINE
    assert caplog.messages[-1] == LEFT


def test_a_host_that_still_reads_has_not_drained(caplog: pytest.LogCaptureFixture) -> None:
    """Then the drain is not done, and the exit code says so."""
    rig = Rig(settle=SETTLE)
    drained(rig)
    script = rig.script

    def reads(processes: list[FakeProcess]) -> None:
        script(processes)
        processes[0].drained = False

    rig.script = reads
    assert rig.run() == 1
    assert "the drain was not done within" in caplog.text


def test_the_only_host_never_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """Its drain is done when its processes have ended."""
    rig = Rig()
    drained(rig)
    assert rig.run() == 1
    assert "the drain was not done within" in caplog.text


@pytest.mark.parametrize(("settle", "code"), [(SETTLE, 0), (None, 1)])
def test_hosts_that_drain_one_after_the_other(
    settle: float | None, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The first to end takes the connections with it: nothing is lost by that."""
    rig = Rig(settle=settle)

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
            process.drains_with = None
        if rig.clock.now > 1001:
            rig.supervisor.drain()
        if rig.clock.now > 1003:
            for process in processes:
                process.ends(1, "peer", "a connection")

    rig.script = script
    assert rig.run() == code
    assert (LEFT_BEHIND in caplog.messages) == (code == 0)
