"""`tablestore-sync skip`: moves one partition of a stopped run past an offset."""

from __future__ import annotations

from pathlib import Path

from connectors.errors import StopRun
from connectors.run.stopped import StoppedRun


def skip(path: Path, topic: str, partition: int, offset: int) -> str:
    """Make the next run go on after `offset`; return a text that says what is skipped.

    Raises StopRun when the folder is in use, does not know the partition, or is already past the
    offset.
    """
    stopped = StoppedRun(path, "skip")
    try:
        text = skipped(stopped, topic, partition, offset)
        stopped.go_on_at({f"{topic}:{partition}": offset + 1})
    finally:
        stopped.close()
    return text


def skipped(stopped: StoppedRun, topic: str, partition: int, offset: int) -> str:
    """What a skip to behind `offset` leaves out, for people. Raises StopRun as `skip` does."""
    key = f"{topic}:{partition}"
    state = stopped.positions.get(key)
    if state is None:
        known = ", ".join(sorted(stopped.positions)) or "none"
        raise StopRun(
            f"skip: recovery folder {stopped.path} knows no partition {key} (it knows {known})\n"
            "  remedy: correct --topic and --partition"
        )
    if offset < state:
        raise StopRun(
            f"skip: topic {topic} partition {partition} goes on at offset {state}, which is past "
            f"offset {offset} already\n  remedy: do nothing, or correct --offset"
        )
    return (
        f"topic {topic} partition {partition}: {offset + 1 - state} offsets are skipped, {state} "
        f"to {offset}; the next run goes on at {offset + 1}. Their records are in no table and no "
        "dead letter."
    )
