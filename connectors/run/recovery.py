"""The recovery folder: created when missing, locked while in use, checked before it is used.

Bytewax keeps its recovery store in a folder that it neither locks nor checks [bytewax-recovery]:
two runs on one folder overwrite each other, and rows waiting under a renamed step are dropped
without an error. So a manifest beside the store says what it belongs to. The store itself is never
opened here: a second SQLite library in the flow's process would break its locks [sqlite-corrupt].
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bytewax.recovery import init_db_dir

from connectors.errors import StopRun
from connectors.run.folder_lock import forget, lock_process, other_hosts, prepare, unusable

MANIFEST = "manifest.json"
# The steps that have state in the recovery store. Under another name their state would not be found
# and the rows that wait in it would be lost, so these names never change.
READ, WINDOW, WRITE = "read", "window", "write"
STEPS_WITH_STATE = (READ, WINDOW, WRITE)

# A program, run in its own process, that lists the step ids with state in a store.
_STEPS_WITH_STATE = """
import pathlib, sqlite3, sys
for part in sorted(pathlib.Path(sys.argv[1]).glob("part-*.sqlite3")):
    for row in sqlite3.connect(part).execute("SELECT DISTINCT step_id FROM snaps"):
        print(row[0])
"""


class RecoveryFolder:
    """An open recovery folder. Keep the object as long as the run lives: the lock ends with it."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._run_lock = lock
        self._new_starts: dict[str, int] = {}
        self._parsed: tuple[tuple[int, int, int], dict[str, Any]] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        process: int,
        partitions: int,
        contract: dict[str, Any],
        on_locked: Callable[[], None] = lambda: None,
        *,
        supervised: bool = False,
        has_store: bool = True,
    ) -> RecoveryFolder:
        """Open the folder for process number `process` of a run; create it if it is missing.

        `contract` is what the folder's content depends on (flow, steps, shards); `partitions` is
        the number of files of a new store; `on_locked` is called once the folder is ours.
        `supervised`: a supervisor has the whole folder. Without `has_store` the store is in the
        folder of another host, and none is made here. Raises StopRun for a folder of another
        contract, one that another run uses, or one that is damaged or cannot be written.
        """
        prepare(path)
        lock = lock_process(path, process, supervised)
        folder = cls(path, lock)
        try:
            on_locked()
            with folder._exclusive():
                if has_store:
                    folder._check_first_host()
                if has_store or folder._has_parts():
                    folder._make_store(partitions)
                folder._check(contract)
        except OSError as error:
            forget(lock)
            raise unusable(path, error) from None
        except BaseException:
            forget(lock)
            raise
        return folder

    def _make_store(self, partitions: int) -> None:
        """Create the store if there is none; complete one that a killed start left incomplete.

        Its files are created in a folder of their own, their number is noted in the manifest, and
        then they are moved in. So whenever a start is killed, the next one can tell how far it
        came.
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
                "backup, or remove it to start again at kafka.start (rows are written again, none "
                "is lost)"
            )

    def _check_first_host(self) -> None:
        """The state of a run is on its first host; of another one nothing was kept here."""
        # One that all hosts share may be in use by another one, which came first.
        if self.is_of_other_host() and not other_hosts(self.path):
            raise StopRun(
                f"recovery folder {self.path} has no offsets: its run had them on another host, "
                "the first of --hosts.\n  remedy: keep the order of the hosts; or give this one a "
                "new folder with -r, which reads again from kafka.start"
            )

    def is_of_other_host(self) -> bool:
        """Whether the store of the run is on another host."""
        manifest = self._read()
        known = "contract" in manifest and "partitions" not in manifest
        return known and not self._has_parts() and not (self.path / "store.new").exists()

    def _has_parts(self) -> bool:
        return any(self.path.glob("part-*.sqlite3"))

    def _number_of_parts(self) -> dict[str, int]:
        parts = len(list(self.path.glob("part-*.sqlite3")))
        return {"partitions": parts} if parts else {}

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
            self._write({**self._number_of_parts(), **manifest, "contract": contract})
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

    def partitions_of_first_run(self, present: Sequence[str]) -> list[str]:
        """The partition keys that the folder's first run found; on that run, those present."""
        return list(self._remember("first_run", sorted(present)))

    def known_partitions(self) -> list[str]:
        """The key of every partition that may have state in this folder."""
        return list(self.starts())

    def start_of(self, partition_key: str) -> int | None:
        """The offset noted by `remember_starts`, or None."""
        return self.starts().get(partition_key)

    def starts(self) -> dict[str, int]:
        """The offsets noted by `remember_starts`, by partition key."""
        found: dict[str, int] = self._read().get("starts", {})
        return found

    def remember_starts(self, offsets: dict[str, int]) -> dict[str, int]:
        """Note the first offsets of partitions before anything is read; return all that are noted.

        So after a crash before the first snapshot, `latest` is not resolved a second time. An
        offset that is already noted, also by another process of the run, stays.
        """
        with self._exclusive():
            manifest = self._read()
            starts: dict[str, int] = {**offsets, **manifest.get("starts", {})}
            manifest["starts"] = starts
            self._write(manifest)
            return starts

    def remember_ends(self, offsets: dict[str, int]) -> dict[str, int]:
        """Note the offset at which each partition of a bounded run ends; returns all noted.

        What is noted already stays, so that a run that is stopped goes on to the same ends.
        """
        with self._exclusive():
            manifest = self._read()
            ends: dict[str, int] = {**offsets, **manifest.get("ends", {})}
            manifest["ends"] = ends
            self._write(manifest)
            return ends

    def cluster_id(self, present: str) -> str:
        """The id of the Kafka cluster of this folder's offsets; a new folder gets `present`."""
        return str(self._remember("kafka_cluster", present))

    def topic_id(self, topic: str, present: str) -> str:
        """The id of the topic of this folder's offsets; a new topic gets `present`."""
        return str(self._remember(f"topic_id {topic}", present))

    def replace_topic(self, topic: str, topic_id: str, starts: dict[str, int]) -> None:
        """A topic was recreated: note its new id, and where each of its partitions starts.

        `starts` are offsets by partition key.
        """
        with self._exclusive():
            manifest = self._read()
            if manifest.get(f"topic_id {topic}") != topic_id:
                manifest[f"topic_id {topic}"] = topic_id
                manifest["new_starts"] = {**manifest.get("new_starts", {}), **starts}
                self._new_starts = manifest["new_starts"]
                self._write(manifest)

    def go_on_at(self, offsets: Mapping[str, int]) -> None:
        """Note that the next run reads these partitions from there on, whatever its state is."""
        with self._exclusive():
            manifest = self._read()
            manifest["new_starts"] = {**manifest.get("new_starts", {}), **offsets}
            # Those of a recreated topic each host finds out by itself; these it does not.
            manifest["changed_offsets"] = sorted({*manifest.get("changed_offsets", ()), *offsets})
            self._write(manifest)

    def new_starts(self) -> dict[str, int]:
        """What overrules the state of partitions, by partition key."""
        found: dict[str, int] = self._read().get("new_starts", {})
        return found

    def new_start_of(self, partition_key: str) -> int | None:
        """The start in a recreated topic, which overrules the partition's state; or None."""
        self._new_starts = self._unchanged().get("new_starts", {})
        start: int | None = self._new_starts.get(partition_key)
        return start

    def forget_new_start(self, partition_key: str) -> None:
        """Forget the new start: the partition's state is now that of the recreated topic."""
        if partition_key in self._new_starts:
            with self._exclusive():
                manifest = self._read()
                manifest.get("new_starts", {}).pop(partition_key, None)
                changed = manifest.get("changed_offsets", ())
                manifest["changed_offsets"] = [key for key in changed if key != partition_key]
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
        """Keep the other processes and workers of this run out of the manifest."""
        with (self.path / "manifest.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _unchanged(self) -> dict[str, Any]:
        """The manifest for frequent reads: parsed only when the file has changed."""
        try:
            found = (self.path / MANIFEST).stat()
        except OSError:
            return {}
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._parsed is None or self._parsed[0] != version:
            self._parsed = (version, self._read())
        return self._parsed[1]

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads((self.path / MANIFEST).read_text("utf-8"))
            if not isinstance(content, dict) or not isinstance(content.get("contract", {}), dict):
                raise ValueError("it is not an object, or its contract is not one")
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
