"""What a recovery folder says of itself, read without touching it or its locks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from connectors.errors import StopRun
from connectors.run.recovery import MANIFEST

_LOCKS = Path("/proc/locks")


class FolderDescription(NamedTuple):
    """A recovery folder as it is now."""

    contract: dict[str, Any]
    """Flow, steps and shards; {} of a folder that no run has used."""
    processes: int
    """How many processes the largest of its runs had."""
    running: list[int]
    """The pids of supervisors and processes that use it now, as far as this machine knows."""
    missing_files: int
    """Files of its store that should be there."""
    changed_offsets: list[str]
    """Keys of the partitions whose offset was changed, and which no run has read since."""


def describe_folder(path: Path) -> FolderDescription:
    """Describe an existing folder. Raises StopRun when its manifest is damaged."""
    manifest = _manifest(path)
    locks = sorted(path.glob("process-*.lock"))
    held = _holders()
    # A supervisor that waits for its next start has no process.
    all_locks = [*sorted(path.glob("supervisor*.lock")), *locks]
    running = [held[inode] for lock in all_locks if (inode := lock.stat().st_ino) in held]
    files = len([*path.glob("part-*.sqlite3")])
    contract = manifest.get("contract", {})
    missing = max(0, manifest.get("partitions", files) - files)
    changed = list(manifest.get("changed_offsets", ()))
    return FolderDescription(contract, len(locks), running, missing, changed)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / MANIFEST).read_text("utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("contract", {}), dict):
            raise ValueError("it is not an object, or its contract is not one")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StopRun(
            f"{path / MANIFEST} cannot be read: {error}\n  remedy: restore the folder from a "
            "backup, or start with a new one (-r)"
        ) from None
    return content


def _holders() -> dict[int, int]:
    """The pid of the process that holds a lock of a file, by inode.

    Trying the lock instead would make a run that starts at that moment believe in another run.
    """
    try:
        lines = _LOCKS.read_text("utf-8").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK":
            found[int(words[5].rpartition(":")[2])] = int(words[4])
    return found
