"""Who holds a recovery folder: one run, its processes, other hosts."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.run.folder_lock import lock_supervisor
from connectors.run.recovery import RecoveryFolder
from connectors.run.stopped import StoppedRun
from tests.support.wait import until
from tests.unit.run.recovery_folders import CONTRACT, error_text, let_go, open_folder, parts

HOLD = """
import sys
from pathlib import Path
from connectors.run.recovery import RecoveryFolder
from tests.unit.run.recovery_folders import open_folder
folder = open_folder(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder tmp_path/state."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_stops_while_the_first_lives(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """The text names folder, process and remedy; the first run's pid is still there afterwards."""
    for _ in range(2):
        text = error_text(tmp_path / "state")
        for word in (str(tmp_path / "state"), f"pid {holder.pid}", "-r"):
            assert word in text


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_ends_with_the_process(
    tmp_path: Path, holder: subprocess.Popen[str], end: signal.Signals
) -> None:
    """However the first run ended, the next one can start at once."""
    holder.send_signal(end)
    holder.wait()
    let_go(open_folder(tmp_path / "state"))


def test_the_processes_of_one_run_share_a_folder(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """Each process of a cluster has its own lock; two with one number have not."""
    other = open_folder(tmp_path / "state", process=1)
    assert str(os.getpid()) in error_text(tmp_path / "state", process=1)
    let_go(other)


def _note(path: str, number: int) -> None:
    folder = RecoveryFolder.open(Path(path), number, 2, CONTRACT)
    for step in range(20):
        folder.remember_starts({f"topic{number}:{step}": step})


def test_processes_that_open_and_note_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes of one cluster start on a new folder and each notes twenty partitions."""
    path = tmp_path / "state"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_note, args=(str(path), number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    folder = open_folder(path, process=9)
    assert len(folder.known_partitions()) == 80
    assert parts(path) == ["part-0.sqlite3", "part-1.sqlite3"]


def test_the_locks_file_says_who_has_it(tmp_path: Path) -> None:
    """The pid of the last owner stands in it, and only that."""
    let_go(open_folder(tmp_path))
    let_go(open_folder(tmp_path))
    until(lambda: (tmp_path / "process-0.lock").read_text() == str(os.getpid()), "the pid")


def test_the_folder_of_another_host(tmp_path: Path) -> None:
    """It keeps no store; as that of the first host it would begin from nothing."""
    folder = RecoveryFolder.open(tmp_path, 1, 2, CONTRACT, has_store=False)
    assert not list(tmp_path.glob("part-*"))
    folder._run_lock.close()
    folder = RecoveryFolder.open(tmp_path, 1, 2, CONTRACT, has_store=False)
    folder._run_lock.close()
    with pytest.raises(StopRun, match="on another host"):
        RecoveryFolder.open(tmp_path, 0, 2, CONTRACT)
    with pytest.raises(StopRun, match="the first host"):
        StoppedRun(tmp_path, "offsets")


def test_a_folder_that_hosts_share(tmp_path: Path) -> None:
    """The first host makes its store, though another one came before it and waits."""
    with lock_supervisor(tmp_path, 1):
        RecoveryFolder.open(tmp_path, 1, 2, CONTRACT, supervised=True, has_store=False)
        RecoveryFolder.open(tmp_path, 0, 2, CONTRACT, supervised=True)
    assert len(list(tmp_path.glob("part-*"))) == 2
