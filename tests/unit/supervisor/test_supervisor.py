"""When all processes are started again, when the run ends, and with which exit code."""

import signal
from collections.abc import Callable
from itertools import pairwise

import pytest

from connectors.run.backoff import Backoff
from connectors.supervisor.supervisor import Supervisor
from tests.unit.supervisor.fakes import DRAIN_DEADLINE, SETTINGS, FakeProcess, Rig


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sync.supervisor")


def end_all(
    code: int, kind: str | None = None, text: str = ""
) -> Callable[[list[FakeProcess]], None]:
    """A script in which all processes end at once, alike."""

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.ends(code, kind, text)

    return script


def test_a_drain_is_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    """The first signal goes to every process once; code 0 when all end with 0."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
        if rig.clock.now > 1005:
            rig.supervisor.handle_signal(signal.SIGINT) if not rig.supervisor.draining else None

    rig.script = script
    assert rig.run() == 0
    assert [process.got for process in rig.starts[0]] == [["SIGINT"], ["SIGINT"]]


def test_a_run_that_ends_by_itself_has_ended() -> None:
    """As a flow that reads to the end, or a process that somebody has drained alone."""
    rig = Rig()
    rig.script = end_all(0)
    assert rig.run() == 0
    assert len(rig.starts) == 1


def test_one_dies_and_all_start_again(caplog: pytest.LogCaptureFixture) -> None:
    """The others are given a moment to follow, then killed; the log names the first alone."""
    rig = Rig(3)

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
        if len(rig.starts) == 2:
            rig.supervisor.drain()
        elif rig.clock.now > 1010:
            processes[0].ends(1, "peer", "a connection")
            processes[1].ends(-signal.SIGKILL)

    rig.script = script
    assert rig.run() == 0
    assert rig.starts[0][2].got == ["killed"]
    restarts = [line for line in caplog.messages if "starting all again" in line]
    assert len(restarts) == 1
    assert restarts[0].startswith("process 1 (pid 101) was ended by SIGKILL")
    assert "connection" not in caplog.text


@pytest.mark.parametrize("works_before", [False, True])
@pytest.mark.parametrize(
    ("kind", "final"),
    [("stop", (True, True)), ("passing", (True, False)), ("error", (True, False))],
)
def test_which_ends_are_final(kind: str, final: tuple[bool, bool], works_before: bool) -> None:
    """An ordered stop is; what may pass, or is not known, is as long as nothing has worked."""
    rig = Rig(1)

    def script(processes: list[FakeProcess]) -> None:
        if works_before and rig.clock.now < 1010:
            processes[0].runs()
        elif len(rig.starts) == 1:
            processes[0].ends(1, kind, "the text")
        else:
            processes[0].runs()
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == (1 if final[works_before] else 0)
    assert len(rig.starts) == (1 if final[works_before] else 2)


def test_the_text_of_a_stop_comes_once(caplog: pytest.LogCaptureFixture) -> None:
    """Though each process has found the same."""
    rig = Rig()
    text = "table orders does not exist\n  remedy: create it"
    rig.script = end_all(1, "stop", text)
    assert rig.run() == 1
    assert caplog.text.count(text) == 1


def test_the_pauses_grow_and_begin_again() -> None:
    """They double up to the maximum; a start that has worked for a minute counts as good."""
    rig = Rig(1)

    def script(processes: list[FakeProcess]) -> None:
        lives = 100.0 if len(rig.starts) == 7 else 1.0
        if rig.clock.now - rig.started_at[-1] > lives:
            processes[0].ends(-signal.SIGSEGV)
        else:
            processes[0].runs()
            processes[0].epochs = int(rig.clock.now)
            processes[0].last_heard = rig.clock.now
        if len(rig.starts) == 9:
            rig.supervisor.drain()

    rig.script = script
    backoff = Backoff(1, 8, clock=rig.clock, uniform=lambda _, high: high)
    rig.supervisor = Supervisor(
        SETTINGS, DRAIN_DEADLINE, rig._launch, clock=rig.clock, wait=rig._wait, backoff=backoff
    )
    rig.run()
    pairs = zip(rig.started_at, rig.started_at[1:], strict=False)
    gaps = [round(later - earlier) for earlier, later in pairs]
    lives = [1, 1, 1, 1, 1, 1, 100, 1]
    pauses = [gap - life for gap, life in zip(gaps, lives, strict=True)]
    assert pauses == pytest.approx([1, 2, 4, 8, 8, 8, 1, 2], abs=1)
    assert pauses[6] < 3


def test_stuck_processes_are_killed(caplog: pytest.LogCaptureFixture) -> None:
    """All of them, at once; the reason is said."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs().last_heard = rig.clock.now
        if len(rig.starts) == 2:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0
    assert [process.got for process in rig.starts[0]] == [["killed"], ["killed"]]
    assert "no snapshot was completed for 100 s" in caplog.text


def test_a_cluster_that_does_not_form(caplog: pytest.LogCaptureFixture) -> None:
    """It is ended after its deadline, and started again."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        processes[0].last_heard = processes[1].last_heard = rig.clock.now
        if len(rig.starts) == 2:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0
    assert rig.started_at[1] - rig.started_at[0] == pytest.approx(31, abs=2)
    assert "have not found each other within 30 s" in caplog.text


def test_a_drain_that_is_not_done(caplog: pytest.LogCaptureFixture) -> None:
    """The processes end themselves after shutdown.deadline; where they do not, they are killed."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs().drains_with = None
        if rig.clock.now > 1001:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 1
    assert [process.got for process in rig.starts[0]] == [["SIGTERM", "killed"]] * 2
    assert rig.clock.now - 1001 == pytest.approx(DRAIN_DEADLINE + 15, abs=2)
    assert "drain was not done" in caplog.text


def test_a_drain_before_anything_was_read() -> None:
    """Processes that wait for each other hear no signal: they are killed, and nothing is lost."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.drains_with = None
        rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0


def test_a_failure_during_a_drain_ends_the_run() -> None:
    """There is no restart, and the code is that of the cause."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs().drains_with = 1
        rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 1
    assert len(rig.starts) == 1


def test_a_second_signal_ends_at_once() -> None:
    """It is passed on, and the code is that of the signal."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs().drains_with = None
            if len(process.got) == 2:
                process.ends(128 + signal.SIGTERM)
        if rig.clock.now < 1003:
            rig.supervisor.handle_signal(signal.SIGTERM)
            rig.clock.now += 1.5

    rig.script = script
    assert rig.run() == 128 + signal.SIGTERM


def test_a_signal_during_a_pause() -> None:
    """Nothing runs then: the run ends, with code 0."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        processes[0].runs().ends(-9)
        if not rig.supervisor.processes:
            rig.supervisor.handle_signal(signal.SIGTERM)

    rig.script = script
    assert rig.run() == 0
    assert len(rig.starts) == 1


def test_a_pause_of_the_operator_outlives_a_restart() -> None:
    """The processes that start again read nothing either."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
        rig.supervisor.paused = True
        if len(rig.starts) == 2:
            rig.supervisor.drain()
        else:
            processes[0].ends(-9)

    rig.script = script
    assert rig.run() == 0
    assert rig.paused == [False, True]
    assert rig.supervisor.status()["restarts"] == 1


def test_new_partitions_of_one_are_those_of_all() -> None:
    """The others are asked to drain for a restart too."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs()
        processes[0].restarts, processes[0].state = True, "draining"
        if processes[1].got:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0
    reason = "another process found new partitions"
    assert rig.starts[0][1].got[0] == ("drain", {"reason": reason, "restart": True})
    assert rig.starts[0][0].got == ["SIGTERM"]


def test_a_port_that_somebody_has_taken_is_no_end() -> None:
    """Even at the first start: the next one has others."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        if len(rig.starts) == 1:
            processes[0].ends(1, "error", "error building: Address already in use (os error 98)")
        else:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0
    assert len(rig.starts) == 2


def test_counts_are_summed(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line has those of all processes together."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.counts = {"read": 2, "in_flight": process.number * 2 - 1}
            process.notes = [f"rejected: orders-{process.number}"]
            process.ends(0)

    rig.script = script
    rig.run()
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "sync: ended: read=4 in_flight=0"
    assert lines[:2] == ["sync: rejected: orders-0", "sync: rejected: orders-1"]


def test_a_process_that_was_just_starting_is_paused_too() -> None:
    """It could not be asked yet when the command came; what it says of itself shows it."""
    rig = Rig(1)

    def script(processes: list[FakeProcess]) -> None:
        process = processes[0].runs()
        rig.supervisor.paused = not process.got
        process.state = "paused" if process.got else "running"
        if len(process.got) == 2:
            rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0
    assert rig.starts[0][0].got[:2] == [("pause", {}), ("resume", {})]


def test_a_drain_while_a_process_starts_again() -> None:
    """For new partitions: it has no handler for the signal yet, and has read nothing."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        processes[0].runs().drains_with = -signal.SIGTERM
        rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 0


def test_a_process_that_somebody_else_ends_is_no_drain() -> None:
    """By another signal than that which was passed on."""
    rig = Rig()

    def script(processes: list[FakeProcess]) -> None:
        for process in processes:
            process.runs().drains_with = -signal.SIGKILL
        rig.supervisor.drain()

    rig.script = script
    assert rig.run() == 1


def test_a_start_that_came_to_no_cluster_gives_the_next_one_more_time() -> None:
    """Until one has worked."""
    rig = Rig()
    started: list[float] = rig.started_at

    def script(processes: list[FakeProcess]) -> None:
        if len(rig.starts) == 4:
            for process in processes:
                process.runs()
            rig.supervisor.drain()

    rig.script = script
    rig.run()
    first, second, third = (b - a for a, b in pairwise(started))
    assert first < second < third
    assert third > 2 * SETTINGS.forming_deadline
