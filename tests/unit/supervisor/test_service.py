"""The processes that a run before has left, and what each new one is given."""

import signal
import sys
import threading
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.run import folder_lock
from connectors.run.recovery import RecoveryFolder
from connectors.supervisor import service
from connectors.supervisor.child import Child
from connectors.supervisor.plan import RunPlan
from connectors.supervisor.service import Launcher, await_former_processes
from tests.unit.fake_clock import FakeClock


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    """One process."""
    return RunPlan(tmp_path)


def wait_for(plan: RunPlan, on_sleep: object = None, give_up: bool = False) -> float:
    """Wait for the run before; the seconds that it took."""
    clock = FakeClock()

    def sleep(seconds: float) -> None:
        clock.now += seconds
        if callable(on_sleep):
            on_sleep()

    await_former_processes(plan, 10, lambda: give_up, sleep=sleep, clock=clock)
    return clock.now - 1000


def test_nothing_is_left(plan: RunPlan) -> None:
    """There is nothing to wait for."""
    assert wait_for(plan) == 0


def test_processes_whose_supervisor_was_killed_are_waited_for(plan: RunPlan) -> None:
    """Until their locks are free."""
    lock = folder_lock.lock_process(plan.folder, 0, supervised=True)
    assert wait_for(plan, give_up=True) == 0
    assert wait_for(plan, lock.close) > 0


def test_one_that_does_not_end(plan: RunPlan) -> None:
    """It has twice the time of a drain."""
    lock = folder_lock.lock_process(plan.folder, 3, supervised=True)
    with pytest.raises(StopRun, match="process 3"):
        wait_for(plan)
    lock.close()


def test_a_plain_run_is_not_waited_for(plan: RunPlan) -> None:
    """It does not know of any supervisor, and goes on."""
    lock = folder_lock.lock_process(plan.folder, 0, supervised=False)
    with pytest.raises(StopRun, match="in use by another run"):
        wait_for(plan, lambda: pytest.fail("it waited"))
    lock.close()


@pytest.mark.parametrize("shared", [False, True])
def test_offsets_that_only_the_first_host_knows_stop_it(plan: RunPlan, shared: bool) -> None:
    """Else the partitions of the other hosts would go on where they were, without a word."""
    hosts = RunPlan(plan.folder, hosts=("a:1", "b:1"), host=0)
    service.check_changed_offsets(hosts)
    lock = folder_lock.lock_process(plan.folder, 0, supervised=False)
    folder = RecoveryFolder(plan.folder, lock)
    folder.go_on_at({"orders:1": 7, "orders:0": 5})
    if shared:
        folder_lock.lock_supervisor(plan.folder, 1).close()
        service.check_changed_offsets(hosts)
        return
    with pytest.raises(StopRun, match=r"orders:0, orders:1.*\n  remedy: .* without --hosts"):
        service.check_changed_offsets(hosts)
    service.check_changed_offsets(plan)
    service.check_changed_offsets(RunPlan(plan.folder, hosts=("a:1", "b:1"), host=1))
    for key in ("orders:0", "orders:1"):
        assert folder.new_start_of(key) is not None
        folder.forget_new_start(key)
    service.check_changed_offsets(hosts)
    lock.close()


def test_those_of_other_hosts_are_left_alone(plan: RunPlan) -> None:
    """They may share the folder."""
    lock = folder_lock.lock_process(plan.folder, 1, supervised=True)
    assert wait_for(RunPlan(plan.folder, hosts=("a:1", "b:1"), host=0)) == 0
    lock.close()


def test_what_a_process_is_given(plan: RunPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is paused, where the store is, the level of the log; and it is alone."""
    program = "import os; print(sorted(k for k in os.environ if k.startswith('SYNC_')), flush=True)"
    monkeypatch.setattr(RunPlan, "programs", lambda _: [[sys.executable, "-c", program]] * 2)
    left = plan.folder / "process-0.stderr"
    left.write_text("a panic")
    seen: list[dict[str, str]] = []

    def child(number: int, program: object, environment: dict[str, str], *rest: object) -> object:
        seen.append(environment)
        return Child(number, program, environment, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "Child", child)
    launcher = Launcher(plan, threading.Event())
    launcher.set_level("debug")
    children = launcher.launch(paused=True)
    for each in children:
        each.kill()
        each.close()
    assert not left.exists()
    assert {(one["SYNC_PAUSED"], one["SYNC__LOG__LEVEL"]) for one in seen} == {("true", "debug")}
    assert len(seen) == 2
    assert seen[0]["SYNC_STORE_ELSEWHERE"] == "false"


def test_none_is_left_where_one_cannot_be_started(
    plan: RunPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may have no more processes to give."""
    sleeps = [sys.executable, "-c", "import time; time.sleep(100)"]
    monkeypatch.setattr(RunPlan, "programs", lambda _: [sleeps, ["/no/such/program"]])
    started: list[Child] = []

    def child(*given: object) -> object:
        started.append(Child(*given))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(service, "Child", child)
    with pytest.raises(FileNotFoundError):
        Launcher(plan, threading.Event()).launch(paused=False)
    end = started[0].poll()
    assert end is not None
    assert (end.code, end.killed) == (-signal.SIGKILL, True)
