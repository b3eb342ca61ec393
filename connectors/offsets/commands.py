"""The commands of `tablestore-sync offsets`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.control.client import is_running
from connectors.control.commands import partition_lines, status
from connectors.errors import StopRun
from connectors.kafka.bounds import bounds_of
from connectors.kafka.clients import KafkaClients
from connectors.offsets.changes import changes, gone, parse_target, select
from connectors.run.skip import skipped
from connectors.run.stopped import StoppedRun
from connectors.settings import Settings

Confirm = Callable[[str], bool]
"""Is shown what will happen, and returns whether it is to."""


def show(folder: Path) -> list[dict[str, Any]]:
    """The partitions of a run: its own words while it goes on, else where it will go on.

    Raises StopRun when the folder is no recovery folder.
    """
    if folder.is_dir() and is_running(folder):
        found: list[dict[str, Any]] = status(folder)["partitions"]
        return found
    stopped = StoppedRun(folder, "offsets")
    stopped.close()
    return [
        {"topic": key.rpartition(":")[0], "partition": int(key.rpartition(":")[2]), "next": offset}
        for key, offset in sorted(stopped.positions.items())
    ]


def lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines in which the findings of `show` are printed for people."""
    return [*partition_lines(found)]


def reset(
    folder: Path,
    settings: Settings,
    to: str,
    topic: str | None,
    partition: int | None,
    confirm: Confirm,
    clients: KafkaClients | None = None,
) -> list[str]:
    """Have a stopped run go on elsewhere; returns what was done, for people.

    `to` is as `parse_target` takes it; the partitions are all, those of a topic, or one. Raises
    StopRun when the run goes on, the brokers do not answer, or there is no such offset.
    """
    target = parse_target(to)
    stopped = StoppedRun(folder, "offsets")
    try:
        positions = select(stopped.positions, topic, partition)
        bounds = bounds_of(settings.kafka, positions, target.moment, clients or KafkaClients())
        planned = changes(positions, bounds, target)
        lines = [*(change.text for change in planned), *gone(positions, bounds)]
        wanted = {change.key: change.new for change in planned if change.new != change.now}
        if not wanted:
            return [*lines, "nothing is to be changed"]
        if not confirm("\n".join(lines)):
            return ["nothing was changed"]
        stopped.go_on_at(wanted)
        return [*lines, "done: the next run goes on there"]
    finally:
        stopped.close()


def skip_one(folder: Path, topic: str, partition: int, offset: int, confirm: Confirm) -> list[str]:
    """Have a stopped run go on behind an offset. Raises StopRun as `connectors.run.skip` does."""
    stopped = StoppedRun(folder, "skip")
    try:
        text = skipped(stopped, topic, partition, offset)
        if not confirm(text):
            return ["nothing was changed"]
        stopped.go_on_at({f"{topic}:{partition}": offset + 1})
        return [text]
    finally:
        stopped.close()


def asks(yes: bool) -> Confirm:
    """Ask at the terminal; with `yes` all is agreed to.

    Raises StopRun where there is no terminal to ask at.
    """

    def confirm(text: str) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise StopRun(f"{text}\n  remedy: add --yes to have it done without being asked")
        sys.stderr.write(f"{text}\nGo on? [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    return confirm
