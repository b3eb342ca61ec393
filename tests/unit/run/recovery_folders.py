"""Recovery folders under one contract: opened, refused, let go, with state in them."""

import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.run.recovery import RecoveryFolder

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
