"""The offsets of a run that is stopped: where it goes on, and how that is changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from connectors.errors import StopRun
from connectors.run.folder_lock import forget, lock_stopped
from connectors.run.recovery import MANIFEST, READ, RecoveryFolder

# Prints the newest state of each partition, in a process of its own. Its pickle may hold an int and
# nothing that is called.
_STATES = """
import io, json, pathlib, pickle, sqlite3, sys

class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(name)

found = {}
for part in sorted(pathlib.Path(sys.argv[1]).glob("part-*.sqlite3")):
    rows = sqlite3.connect(part).execute(
        "SELECT state_key, snap_epoch, ser_change FROM snaps WHERE step_id LIKE ?",
        ("%." + sys.argv[2],),
    )
    for key, epoch, state in rows:
        if state is not None and epoch >= found.get(key, (0, None))[0]:
            found[key] = epoch, state
print(json.dumps({key: int(Plain(io.BytesIO(state)).load()) for key, (_, state) in found.items()}))
"""


class StoppedRun:
    """Keeps a run from starting while it is looked at. Close it."""

    def __init__(self, path: Path, command: str) -> None:
        """`command` begins the texts of errors. Raises StopRun when the folder is none, or runs."""
        if not (path / MANIFEST).exists():
            raise StopRun(
                f"{command}: {path} is not a recovery folder\n"
                "  remedy: name the run's folder with -r"
            )
        self._command = command
        self.path = path
        self._locks = lock_stopped(path)
        try:
            self._folder = RecoveryFolder(path, self._locks[0])
            if self._folder.is_of_other_host():
                raise StopRun(
                    f"{command}: recovery folder {path} has no offsets: they are on the first host "
                    "of the run\n  remedy: change them there, then run that host alone until its "
                    "first snapshot, so that they are known to all"
                )
            # A change that is not applied yet overrules the state, and that the first start.
            self.positions: Mapping[str, int] = {
                **self._folder.starts(),
                **self._states(),
                **self._folder.new_starts(),
            }
        except BaseException:
            self.close()
            raise

    def go_on_at(self, offsets: Mapping[str, int]) -> None:
        """The next run goes on at these offsets, by partition key, whatever its state is."""
        self._folder.go_on_at(offsets)

    def close(self) -> None:
        """Release the locks of the folder, so that a run can start."""
        for lock in self._locks:
            forget(lock)

    def _states(self) -> dict[str, int]:
        run = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", _STATES, str(self.path), READ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise StopRun(
                f"{self._command}: the offsets in recovery folder {self.path} cannot be read: "
                f"{(run.stderr.strip().splitlines() or ['no text'])[-1]}\n  remedy: restore the "
                "folder from a backup"
            )
        found: dict[str, int] = json.loads(run.stdout)
        return found
