"""The commands to a run that goes on, and its status in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.control.client import ask_all

Status = Mapping[str, Any]


def status(folder: Path) -> dict[str, Any]:
    """The status of the run of a recovery folder: its supervisors, processes and partitions.

    docs/operations.md describes it. Raises CommandError when no run answers.
    """
    answers = ask_all(folder, "status")
    processes = sorted(
        (process for answer in answers for process in answer["processes"]),
        key=lambda process: int(process["process"]),
    )
    counts: dict[str, int] = {}
    for process in processes:
        for name, number in process.get("counts", {}).items():
            counts[name] = counts.get(name, 0) + number
    return {
        "supervisors": [answer["supervisor"] for answer in answers if answer["supervisor"]],
        "counts": counts,
        "partitions": partitions_of(processes),
        "processes": processes,
    }


def partitions_of(processes: Sequence[Status]) -> list[dict[str, Any]]:
    """The partitions that the processes read, in their order, each with its process."""
    found = [
        {**partition, "process": process["process"]}
        for process in processes
        for partition in process.get("partitions", ())
    ]
    return sorted(found, key=lambda one: (one["topic"], one["partition"]))


def pause(folder: Path) -> str:
    """Stop reading; snapshots go on. Returns what that means, for people."""
    ask_all(folder, "pause")
    return (
        "paused: nothing is read until `resume`; what was read is written. Nothing is skipped, and "
        "nothing is read again"
    )


def resume(folder: Path) -> str:
    """Have the run read on, and return a text for people that says what this means."""
    ask_all(folder, "resume")
    return "resumed: each partition goes on where it was paused"


def drain(folder: Path) -> str:
    """End the run as SIGTERM does. Returns what that means, for people."""
    ask_all(folder, "drain")
    return (
        "draining: what was read is written, then the run ends with exit code 0. Nothing is "
        "skipped, and nothing is read again by the next start"
    )


def log_level(folder: Path, level: str) -> str:
    """Log events of this level and above. Returns what that means, for people."""
    ask_all(folder, "log-level", level=level)
    return f"log level {level}, until the run ends"


def status_lines(found: Status) -> Iterator[str]:
    """The lines in which a status is printed for people."""
    for supervisor in found["supervisors"]:
        yield _supervisor(supervisor)
    for process in found["processes"]:
        yield _process(process)
    counts = found["counts"]
    if counts:
        yield "records: " + ", ".join(f"{name} {number:,}" for name, number in counts.items())
    yield from partition_lines(found["partitions"])
    for process in found["processes"]:
        yield from (f"waiting: {reason}" for reason in process.get("waiting", ()))
    yield from _drift(found["processes"])
    yield from _rejections(found["processes"])


def partition_lines(partitions: Sequence[Status]) -> Iterator[str]:
    """A table of partitions with their offsets."""
    if not partitions:
        yield "no partition is read"
        return
    rows = [["topic", "partition", "next", "durable", "end", "lag", "process"]]
    for one in partitions:
        cells = [one["topic"], *(one.get(name) for name in rows[0][1:])]
        rows.append(["?" if cell is None else str(cell) for cell in cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells])


def _supervisor(found: Status) -> str:
    text = f"run: {found['state']} for {_duration(found['seconds'])} (supervisor pid {found['pid']}"
    if found["restarts"]:
        text += f", {found['restarts']} restarts, the last one because {found['last_restart']}"
    return f"{text})"


def _process(found: Status) -> str:
    text = f"process {found['process']} (pid {found['pid']}): {found['state']}"
    if "error" in found:
        return f"{text}: {found['error']}"
    if found.get("snapshot_age") is not None:
        text += f", snapshot {found['snapshots']} {found['snapshot_age']:.0f} s ago"
    if found.get("partitions_stalled"):
        text += f", {found['partitions_stalled']} partitions are stalled"
    return text


def _drift(processes: Sequence[Status]) -> Iterator[str]:
    notes = [note for process in processes for note in process.get("drift", ())]
    yield from dict.fromkeys(
        f"drift: topic {n['topic']}: field {n['field']} {n['text']}" for n in notes
    )


def _rejections(processes: Sequence[Status]) -> Iterator[str]:
    total: dict[str, int] = {}
    for process in processes:
        for one in process.get("rejections", ()):
            name = f"{one['stage']}, {one['code']} -> {one['destination']}"
            total[name] = total.get(name, 0) + one["records"]
    yield from (f"rejected: {number:,} by {name}" for name, number in sorted(total.items()))
    for process in processes:
        yield from (f"last rejected: {text}" for text in process.get("last_rejected", ()))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
