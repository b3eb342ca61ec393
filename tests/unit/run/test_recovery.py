"""The recovery folder: created, locked and checked, so that no offsets are mixed or lost."""

import gc
import json
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.run.folder_lock import lock_supervisor
from connectors.run.recovery import MANIFEST, RecoveryFolder
from connectors.run.stopped import StoppedRun
from tests.support.wait import until

CONTRACT: dict[str, Any] = {
    "flow": "sync",
    "steps": ["sync.read", "sync.window", "sync.write"],
    "shards": 64,
}


def open_folder(
    path: Path, process: int = 0, partitions: int = 2, **contract: Any
) -> RecoveryFolder:
    """The folder under this contract."""
    return RecoveryFolder.open(path, process, partitions, {**CONTRACT, **contract})


def error_text(path: Path, process: int = 0, **contract: Any) -> str:
    """The text of the StopRun."""
    with pytest.raises(StopRun) as caught:
        open_folder(path, process, **contract)
    text = str(caught.value)
    del caught
    gc.collect()  # what the traceback held, the folder's lock too
    return text


def let_go(folder: RecoveryFolder) -> None:
    """End of a run: the lock goes with the file."""
    folder._run_lock.close()


def parts(path: Path) -> list[str]:
    """Names of the store's files."""
    return sorted(file.name for file in path.glob("part-*.sqlite3"))


def snapshot(path: Path, *steps: str) -> None:
    """Put state of these steps into the store, as Bytewax does."""
    with closing(sqlite3.connect(path / "part-0.sqlite3")) as store:
        for number, step in enumerate(steps):
            store.execute(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) "
                "VALUES (?, ?, ?, ?)",
                (step, str(number), 1, b""),
            )
        store.commit()


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Missing parents are made; others can neither read nor write: the store is unpickled."""
    path = tmp_path / "a" / "state"
    open_folder(path, partitions=3)
    assert path.stat().st_mode & 0o777 == 0o700
    assert parts(path) == ["part-0.sqlite3", "part-1.sqlite3", "part-2.sqlite3"]


def test_a_folder_is_opened_again(tmp_path: Path) -> None:
    """The same flow goes on in it; another number of partitions asked for changes nothing."""
    let_go(open_folder(tmp_path, partitions=2))
    content = (tmp_path / MANIFEST).read_text()
    let_go(open_folder(tmp_path, partitions=5))
    assert (tmp_path / MANIFEST).read_text() == content
    assert parts(tmp_path) == ["part-0.sqlite3", "part-1.sqlite3"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707, 0o720])
def test_a_folder_that_others_can_write_stops(tmp_path: Path, mode: int) -> None:
    """A user who can write the store can run code in the flow, since it is unpickled."""
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(mode)
    text = error_text(path)
    assert "chmod" in text


@pytest.mark.parametrize("what", ["file", "below a file"])
def test_a_path_that_can_be_no_folder(tmp_path: Path, what: str) -> None:
    """The text has the path; it is not a traceback."""
    file = tmp_path / "file"
    file.write_text("x")
    path = file if what == "file" else file / "state"
    assert str(path) in error_text(path)


HOLD = """
import sys
from pathlib import Path
from connectors.run.recovery import RecoveryFolder
from tests.unit.run.test_recovery import open_folder
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shards": 32}, ["shards", "64", "32"]),
        ({"flow": "other"}, ["flow", "'sync'", "'other'"]),
        ({"steps": ["sync.read", "sync.win", "sync.write"]}, ["steps", "sync.win"]),
        ({"steps": ["sync.read"]}, ["steps"]),
        ({"more": 1}, ["more", "None", "1"]),
    ],
)
def test_another_contract_stops(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    """Other shards, steps or flow would orphan rows: both values and the remedy are in the text."""
    let_go(open_folder(tmp_path))
    before = (tmp_path / MANIFEST).read_text()
    text = error_text(tmp_path, **change)
    for word in (str(tmp_path), "remedy", *words):
        assert word in text
    assert (tmp_path / MANIFEST).read_text() == before
    let_go(open_folder(tmp_path))


def test_a_refusal_lets_go_of_the_folder(tmp_path: Path) -> None:
    """A failed start does not lock the right one out, even while its error is kept."""
    let_go(open_folder(tmp_path))
    with pytest.raises(StopRun, match="shards") as kept:
        open_folder(tmp_path, shards=1)
    let_go(open_folder(tmp_path))
    del kept


def test_the_store_of_another_flow_stops(tmp_path: Path) -> None:
    """A store without a manifest that holds other steps' state is not ours to take."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).unlink()
    snapshot(tmp_path, "shop.orders", "sync.read")
    text = error_text(tmp_path)
    assert "shop.orders" in text
    assert "sync.read" not in text
    assert "remedy" in text
    error_text(tmp_path)  # the first error did not make it ours


def test_our_own_store_without_a_manifest_is_adopted(tmp_path: Path) -> None:
    """The manifest was lost: a store with our steps' state, or with none, goes on."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).unlink()
    snapshot(tmp_path, "sync.read", "sync.window")
    let_go(open_folder(tmp_path))
    assert json.loads((tmp_path / MANIFEST).read_text())["contract"] == CONTRACT


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"contract": ',
        b"null",
        b"[]",
        b'"x"',
        b'{"partitions": 2, "contract": 5}',
    ],
)
def test_a_damaged_manifest_stops(tmp_path: Path, content: bytes) -> None:
    """Whatever stands there instead, the text names the file and the ways out."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).write_bytes(content)
    text = error_text(tmp_path)
    assert str(tmp_path / MANIFEST) in text
    assert "backup" in text


@pytest.mark.parametrize("lost", [["part-0.sqlite3"], ["part-0.sqlite3", "part-1.sqlite3"]])
def test_lost_parts_stop(tmp_path: Path, lost: list[str]) -> None:
    """Some or all of the store is gone: starting again silently would skip or repeat."""
    let_go(open_folder(tmp_path))
    for name in lost:
        (tmp_path / name).unlink()
    text = error_text(tmp_path)
    for word in (str(tmp_path), "backup", "kafka.start"):
        assert word in text


def test_a_start_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    """Every state that a killed first start can leave behind is taken up by the next one."""
    whole = tmp_path / "whole"
    let_go(open_folder(whole))
    manifest = json.loads((whole / MANIFEST).read_text())
    noted = {"partitions": 2}
    states: dict[str, tuple[list[str], list[str], dict[str, Any] | None]] = {
        # name: (files aside, files in place, manifest)
        "locked only": ([], [], None),
        "half made": (["part-0.sqlite3"], [], None),
        "made": (["part-0.sqlite3", "part-1.sqlite3"], [], None),
        "noted": (["part-0.sqlite3", "part-1.sqlite3"], [], noted),
        "half moved": (["part-1.sqlite3"], ["part-0.sqlite3"], noted),
        "moved": ([], ["part-0.sqlite3", "part-1.sqlite3"], noted),
        "done": ([], ["part-0.sqlite3", "part-1.sqlite3"], manifest),
    }
    for name, (aside, in_place, content) in states.items():
        path = tmp_path / name
        (path / "store.new").mkdir(parents=True)
        for file in aside:
            shutil.copy(whole / file, path / "store.new" / file)
        for file in in_place:
            shutil.copy(whole / file, path / file)
        if not aside:
            (path / "store.new").rmdir()
        if content is not None:
            (path / MANIFEST).write_text(json.dumps(content))
        (path / f"{MANIFEST}.new").write_text("{half")
        let_go(open_folder(path))
        assert parts(path) == ["part-0.sqlite3", "part-1.sqlite3"], name
        assert not (path / "store.new").exists()
        assert json.loads((path / MANIFEST).read_text())["contract"] == CONTRACT


def test_starts_are_remembered(tmp_path: Path) -> None:
    """Where each partition began; over runs, and distinct by topic and number."""
    folder = open_folder(tmp_path)
    assert folder.start_of("orders:0") is None
    folder.remember_starts({"orders:0": 7})
    folder.remember_starts({"orders:1": 0})
    let_go(folder)
    folder = open_folder(tmp_path)
    assert (folder.start_of("orders:0"), folder.start_of("orders:1")) == (7, 0)
    assert folder.start_of("orders:2") is None
    assert sorted(folder.known_partitions()) == ["orders:0", "orders:1"]


def test_what_the_first_run_found_stays(tmp_path: Path) -> None:
    """Partitions and cluster of the first run are kept, whatever later ones see."""
    folder = open_folder(tmp_path)
    assert folder.partitions_of_first_run(["b:0", "a:0"]) == ["a:0", "b:0"]
    assert folder.cluster_id("one") == "one"
    assert folder.topic_id("orders", "id-1") == "id-1"
    let_go(folder)
    folder = open_folder(tmp_path)
    assert folder.partitions_of_first_run(["c:0"]) == ["a:0", "b:0"]
    assert folder.cluster_id("two") == "one"
    assert folder.topic_id("orders", "id-2") == "id-1"
    assert folder.topic_id("clicks", "id-3") == "id-3"


def test_a_recreated_topic_is_noted_with_its_starts(tmp_path: Path) -> None:
    """Id and starts go together, over runs, until each partition has state of the new topic."""
    folder = open_folder(tmp_path)
    folder.topic_id("orders", "id-1")
    folder.replace_topic("orders", "id-2", {"orders:0": 5, "orders:1": 0})
    folder.replace_topic("orders", "id-2", {"orders:0": 99})  # by another process, later
    let_go(folder)
    folder = open_folder(tmp_path)
    assert folder.topic_id("orders", "id-9") == "id-2"
    assert (folder.new_start_of("orders:0"), folder.new_start_of("orders:1")) == (5, 0)
    assert folder.new_start_of("clicks:0") is None
    folder.forget_new_start("orders:0")
    folder.forget_new_start("clicks:0")
    let_go(folder)
    folder = open_folder(tmp_path)
    assert (folder.new_start_of("orders:0"), folder.new_start_of("orders:1")) == (None, 0)


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


def test_the_manifest_is_whole_at_any_moment(tmp_path: Path) -> None:
    """It is replaced, never written in place: a reader sees the old one or the new one."""
    folder = open_folder(tmp_path)
    with (tmp_path / MANIFEST).open() as before:
        folder.remember_starts({"orders:0": 1})
        assert "orders:0" not in before.read(), "the old file is another file"
    assert "orders:0" in (tmp_path / MANIFEST).read_text()
    assert not (tmp_path / f"{MANIFEST}.new").exists()


def test_the_manifest_can_be_read_by_people(tmp_path: Path) -> None:
    """JSON, a line a value, sorted."""
    folder = open_folder(tmp_path)
    folder.remember_starts({"orders:0": 1})
    text = (tmp_path / MANIFEST).read_text()
    assert re.search(r'^ "contract": \{$', text, re.MULTILINE)
    assert list(json.loads(text)) == sorted(json.loads(text))


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
