"""`tablestore-sync skip`: a stopped run goes on behind an offset."""

import pickle
import sqlite3
from pathlib import Path

import pytest

from connectors import cli
from connectors.errors import StopRun
from connectors.run.recovery import RecoveryFolder
from connectors.run.skip import skip

CONTRACT = {"flow": "sync", "steps": ["sync.read"], "shards": 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a stopped run: one partition with state, one that never had a snapshot."""
    opened = RecoveryFolder.open(tmp_path, 0, 1, CONTRACT)
    opened.remember_starts({"orders:0": 5})
    opened.remember_starts({"orders:1": 7})
    with sqlite3.connect(tmp_path / "part-0.sqlite3") as store:
        for epoch, offset in ((2, 120), (1, 90)):
            row = ("sync.read", "orders:0", epoch, pickle.dumps(offset))
            columns = "step_id, state_key, snap_epoch, ser_change"
            store.execute(f"INSERT INTO snaps ({columns}) VALUES (?, ?, ?, ?)", row)
    opened._run_lock.close()
    return tmp_path


def reopened(folder: Path) -> RecoveryFolder:
    """As the next run has it."""
    return RecoveryFolder.open(folder, 0, 1, CONTRACT)


@pytest.mark.parametrize(("partition", "state"), [(0, 120), (1, 7)])
def test_the_next_run_goes_on_behind_the_offset(folder: Path, partition: int, state: int) -> None:
    """Whatever state it has; and what is skipped is said."""
    text = skip(folder, "orders", partition, 131)
    for words in (f"topic orders partition {partition}", f"{state} to 131", f"{132 - state} off"):
        assert words in text
    assert reopened(folder).new_start_of(f"orders:{partition}") == 132


def test_a_second_skip_counts_from_the_first(folder: Path) -> None:
    """Also when no run was in between."""
    skip(folder, "orders", 0, 131)
    assert "132 to 140" in skip(folder, "orders", 0, 140)


def test_what_is_past_already_stays(folder: Path) -> None:
    """Nothing is read again by a slip of the pen."""
    with pytest.raises(StopRun, match="goes on at offset 120"):
        skip(folder, "orders", 0, 119)
    assert reopened(folder).new_start_of("orders:0") is None


def test_an_unknown_partition_or_folder_is_refused(folder: Path) -> None:
    """An unknown partition is refused with the known ones listed, and so is a wrong folder."""
    with pytest.raises(StopRun, match=r"knows no partition orders:9 .*orders:0, orders:1"):
        skip(folder, "orders", 9, 1)
    with pytest.raises(StopRun, match="not a recovery folder"):
        skip(folder / "other", "orders", 0, 1)


def test_the_folder_of_a_running_run_is_refused(folder: Path) -> None:
    """It would overwrite what the run notes."""
    running = reopened(folder)
    with pytest.raises(StopRun, match="in use"):
        skip(folder, "orders", 0, 131)
    assert running.new_start_of("orders:0") is None


def test_state_that_is_code_is_not_run(folder: Path) -> None:
    """The store is unpickled as numbers only."""
    with sqlite3.connect(folder / "part-0.sqlite3") as store:
        store.execute("UPDATE snaps SET ser_change = ?", (pickle.dumps(print),))
    with pytest.raises(StopRun, match="cannot be read"):
        skip(folder, "orders", 0, 131)


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints what is skipped, or the refusal and its remedy."""
    arguments = ["skip", "-r", str(folder), "--topic", "orders", "--partition", "0", "--offset"]
    assert cli.main([*arguments, "131"]) == 0
    assert "120 to 131" in capsys.readouterr().out
    assert cli.main([*arguments, "3"]) == 1
    assert "remedy" in capsys.readouterr().err
