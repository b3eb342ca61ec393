"""`tablestore-sync skip`: moves one partition of a stopped run past an offset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from connectors.errors import StopRun
from connectors.run.recovery import MANIFEST, READ, RecoveryFolder

# A program, run in its own process, that prints the newest state of one partition. The pickle may
# contain an int, and nothing that is called.
_STATE = """
import io, pathlib, pickle, sqlite3, sys

class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(name)

found = []
for part in sorted(pathlib.Path(sys.argv[1]).glob("part-*.sqlite3")):
    rows = sqlite3.connect(part).execute(
        "SELECT snap_epoch, ser_change FROM snaps WHERE state_key = ? AND step_id LIKE ?",
        (sys.argv[2], "%." + sys.argv[3]),
    )
    found += [row for row in rows if row[1] is not None]
if found:
    print(int(Plain(io.BytesIO(max(found)[1])).load()))
"""


def skip(path: Path, topic: str, partition: int, offset: int) -> str:
    """Make the next run go on after `offset`; return a text that says what is skipped.

    Raises StopRun when the folder is in use, does not know the partition, or is already past the
    offset.
    """
    if not (path / MANIFEST).exists():
        raise StopRun(
            f"skip: {path} is not a recovery folder\n  remedy: name the run's folder with -r"
        )
    contract = json.loads((path / MANIFEST).read_text("utf-8")).get("contract", {})
    folder = RecoveryFolder.open(path, 0, 1, contract)
    key = f"{topic}:{partition}"
    state = folder.new_start_of(key)
    if state is None:
        state = _stored(path, key)
    if state is None:
        state = folder.start_of(key)
    if state is None:
        known = ", ".join(sorted(folder.known_partitions())) or "none"
        raise StopRun(
            f"skip: recovery folder {path} knows no partition {key} (it knows {known})\n"
            "  remedy: correct --topic and --partition"
        )
    if offset < state:
        raise StopRun(
            f"skip: topic {topic} partition {partition} goes on at offset {state}, which is past "
            f"offset {offset} already\n  remedy: do nothing, or correct --offset"
        )
    folder.skip_to(key, offset + 1)
    return (
        f"topic {topic} partition {partition}: {offset + 1 - state} offsets are skipped, {state} "
        f"to {offset}; the next run goes on at {offset + 1}. Their records are in no table and no "
        "dead letter."
    )


def _stored(path: Path, key: str) -> int | None:
    run = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _STATE, str(path), key, READ],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise StopRun(
            f"skip: the state of {key} in recovery folder {path} cannot be read: "
            f"{(run.stderr.strip().splitlines() or ['no text'])[-1]}\n  remedy: restore the folder "
            "from a backup"
        )
    return int(run.stdout) if run.stdout.strip() else None
