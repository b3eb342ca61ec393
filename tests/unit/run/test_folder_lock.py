"""Who may use a recovery folder, beside whom."""

import os
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.run import folder_lock
from connectors.run.folder_lock import lock_process, lock_stopped, lock_supervisor


def test_one_supervisor_a_host(tmp_path: Path) -> None:
    """Those of other hosts may share the folder."""
    held = [lock_supervisor(tmp_path, host) for host in (0, 1)]
    for host in (0, 1):
        with pytest.raises(StopRun, match=rf"supervisor with pid {os.getpid()}.*\n.*remedy"):
            lock_supervisor(tmp_path, host)
    for lock in held:
        lock.close()
    lock_supervisor(tmp_path, 0).close()


def test_a_supervisor_shuts_others_out(tmp_path: Path) -> None:
    """Also between two starts of its processes; those are its own."""
    held = lock_supervisor(tmp_path, 0)
    for attempt in (lambda: lock_process(tmp_path, 0, False), lambda: lock_stopped(tmp_path)):
        with pytest.raises(StopRun, match="the supervisor with pid"):
            attempt()
    lock_process(tmp_path, 0, supervised=True).close()
    held.close()
    lock_process(tmp_path, 0, supervised=False).close()


def test_any_process_of_a_run_shuts_out_changes(tmp_path: Path) -> None:
    """Though process 0 of a cluster is gone."""
    held = lock_process(tmp_path, 1, supervised=False)
    with pytest.raises(StopRun, match="in use"):
        lock_stopped(tmp_path)
    assert folder_lock.processes_of(tmp_path) == {1: str(os.getpid())}
    held.close()
    locks = lock_stopped(tmp_path)
    with pytest.raises(StopRun, match="in use"):
        lock_process(tmp_path, 0, supervised=False)
    for lock in locks:
        lock.close()


def test_whose_supervisor_is_gone(tmp_path: Path) -> None:
    """Such a process drains by itself."""
    held = [lock_process(tmp_path, number, number == 0) for number in (0, 1)]
    owners = folder_lock.processes_of(tmp_path)
    assert [folder_lock.drains_alone(owners[number]) for number in (0, 1)] == [True, False]
    for lock in held:
        lock.close()


def test_a_folder_is_made_and_its_mode_is_looked_at(tmp_path: Path) -> None:
    """Its content is run as code."""
    made = tmp_path / "a" / "state"
    folder_lock.prepare(made)
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o770)
    with pytest.raises(StopRun, match="chmod 700"):
        folder_lock.prepare(made)
    (tmp_path / "file").touch()
    with pytest.raises(StopRun, match="cannot be used"):
        folder_lock.prepare(tmp_path / "file")
