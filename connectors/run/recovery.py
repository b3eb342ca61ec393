"""The recovery folder: made when missing, locked while in use, refused when it does not fit.

Bytewax keeps its recovery store in a folder that it neither locks nor checks: two runs on one
folder overwrite each other, and rows waiting under a renamed step are dropped without a word. So a
manifest beside the store says what it belongs to. The store itself is never opened here: a second
SQLite library in the flow's process breaks its locks.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bytewax.recovery import init_db_dir

from connectors.errors import StopRun

MANIFEST = "manifest.json"

# Lists the step ids that have state in a store, in a process of its own.
_STEPS_WITH_STATE = """
import pathlib, sqlite3, sys
for part in sorted(pathlib.Path(sys.argv[1]).glob("part-*.sqlite3")):
    for row in sqlite3.connect(part).execute("SELECT DISTINCT step_id FROM snaps"):
        print(row[0])
"""


class RecoveryFolder:
    """An open recovery folder. Hold it as long as the run lives: its lock ends with it."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._run_lock = lock
        self._new_starts: dict[str, int] = {}

    @classmethod
    def open(
        cls, path: Path, process: int, partitions: int, contract: dict[str, Any]
    ) -> RecoveryFolder:
        """Make or adopt the folder for process number `process` of a run.

        `contract` is what the folder's content depends on (flow, steps, shards); a folder made
        under another one is refused. Raises StopRun with the remedy.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = path.stat().st_mode
            if mode & 0o022:
                raise StopRun(
                    f"recovery folder {path} can be written by others (mode {mode & 0o777:o}): "
                    "what stands in it is run as code.\n  remedy: chmod 700 it, or name a folder "
                    "inside of it, which is then made with the right mode"
                )
            lock = (path / f"process-{process}.lock").open("a+")
        except OSError as error:
            raise StopRun(f"recovery folder {path} cannot be used: {error}") from None
        if not _lock(lock):
            raise StopRun(
                f"recovery folder {path} is in use by another run (process {process}; "
                f"pid {_owner(lock)}): two runs on one folder would undo each other's offsets.\n"
                "  remedy: stop the other run, or give this one a folder of its own with -r"
            )
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        folder = cls(path, lock)
        try:
            with folder._exclusive():
                folder._make_store(partitions)
                folder._check(contract)
        except BaseException:
            lock.close()
            raise
        return folder

    def _make_store(self, partitions: int) -> None:
        """Make the store when there is none; finish what a killed start left half made.

        The parts are made aside and moved in when all are there and their number is noted, so that
        whatever moment a start is killed at, the next one knows what it sees.
        """
        aside = self.path / "store.new"
        manifest = self._read()
        if aside.exists() and "partitions" not in manifest:
            shutil.rmtree(aside)
        found = len(list(self.path.glob("part-*.sqlite3")))
        if not found and "partitions" not in manifest:
            aside.mkdir(mode=0o700)
            init_db_dir(aside, partitions)
            manifest["partitions"] = found = partitions
            self._write(manifest)
        if aside.exists():
            for file in sorted(aside.iterdir()):
                file.replace(self.path / file.name)
            aside.rmdir()
            found = len(list(self.path.glob("part-*.sqlite3")))
        if manifest.setdefault("partitions", found) != found:
            raise StopRun(
                f"recovery folder {self.path} has {found} of its {manifest['partitions']} "
                "part-*.sqlite3 files: offsets are gone.\n  remedy: restore the folder from a "
                "backup, or remove it to start anew at kafka.start (rows are written again, none "
                "is lost)"
            )

    def _check(self, contract: dict[str, Any]) -> None:
        manifest = self._read()
        known = manifest.get("contract")
        if known is None:
            foreign = self._foreign_steps(contract)
            if foreign:
                raise StopRun(
                    f"recovery folder {self.path} belongs to another flow (it holds the state of "
                    f"{', '.join(foreign)}).\n  remedy: give this flow a folder of its own with -r"
                )
            parts = len(list(self.path.glob("part-*.sqlite3")))
            self._write({"partitions": parts, **manifest, "contract": contract})
        elif known != contract:
            differences = "; ".join(
                f"{name}: the folder has {known.get(name)!r}, this flow {contract.get(name)!r}"
                for name in sorted({*known, *contract})
                if known.get(name) != contract.get(name)
            )
            raise StopRun(
                f"recovery folder {self.path} does not fit this flow ({differences}). Rows waiting "
                "in it would be lost.\n  remedy: set the old value, run once and stop with SIGTERM "
                "so that everything is written; or start with a new folder (-r), which reads "
                "again from kafka.start"
            )

    def _foreign_steps(self, contract: dict[str, Any]) -> list[str]:
        run = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", _STEPS_WITH_STATE, str(self.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        return sorted(set(run.stdout.split()) - set(contract["steps"]))

    def parts_of_first_run(self, now: Sequence[str]) -> list[str]:
        """The partitions that the folder's first run found; `now` on that run."""
        return list(self._remember("first_run", sorted(now)))

    def known_parts(self) -> list[str]:
        """Every partition that this folder has state of, or may have."""
        starts: dict[str, int] = self._read().get("starts", {})
        return list(starts)

    def start_of(self, part: str) -> int | None:
        """The offset noted by `remember_start`, or None."""
        start: int | None = self._read().get("starts", {}).get(part)
        return start

    def remember_start(self, part: str, offset: int) -> None:
        """Note a partition's first offset before anything of it is read.

        So a run which dies before its first snapshot does not resolve `latest` a second time.
        """
        with self._exclusive():
            manifest = self._read()
            manifest.setdefault("starts", {})[part] = offset
            self._write(manifest)

    def cluster_id(self, now: str) -> str:
        """The id of the Kafka cluster whose offsets this folder holds; `now` on the first run."""
        return str(self._remember("kafka_cluster", now))

    def topic_id(self, topic: str, now: str) -> str:
        """The id of the topic whose offsets this folder holds; `now` when it was not known."""
        return str(self._remember(f"topic_id {topic}", now))

    def start_topic_anew(self, topic: str, topic_id: str, starts: dict[str, int]) -> None:
        """From now on the folder holds the offsets of the topic with this id, from these starts."""
        with self._exclusive():
            manifest = self._read()
            if manifest.get(f"topic_id {topic}") != topic_id:
                manifest[f"topic_id {topic}"] = topic_id
                manifest["new_starts"] = {**manifest.get("new_starts", {}), **starts}
                self._new_starts = manifest["new_starts"]
                self._write(manifest)

    def new_start_of(self, part: str) -> int | None:
        """Where to go on in a partition that was made anew, whatever its state says; or None."""
        self._new_starts = self._read().get("new_starts", {})
        start: int | None = self._new_starts.get(part)
        return start

    def forget_new_start(self, part: str) -> None:
        """The partition's state is that of the new topic now."""
        if part in self._new_starts:
            with self._exclusive():
                manifest = self._read()
                manifest.get("new_starts", {}).pop(part, None)
                self._new_starts = manifest.get("new_starts", {})
                self._write(manifest)

    def _remember(self, name: str, value: Any) -> Any:
        with self._exclusive():
            manifest = self._read()
            if name not in manifest:
                manifest[name] = value
                self._write(manifest)
            return manifest[name]

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keeps the other processes and workers of this run out."""
        with (self.path / "manifest.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads((self.path / MANIFEST).read_text("utf-8"))
            if not isinstance(content, dict) or not isinstance(content.get("contract", {}), dict):
                raise ValueError("it is no object, or its contract is none")
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise StopRun(
                f"{self.path / MANIFEST} is damaged: {error}.\n  remedy: restore the folder from a "
                "backup, or start with a new one (-r)"
            ) from None
        return content

    def _write(self, content: dict[str, Any]) -> None:
        new = self.path / f"{MANIFEST}.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / MANIFEST)


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"
