"""What a flow would write, kept in memory in place of Tablestore."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.dead_letters.policy import ErrorPolicy
from connectors.records import Batch, DeadLetter, Operation, count_of
from connectors.run.context import Run
from connectors.tablestore.row_reader import ReadCell, read_row


class CapturedRow(NamedTuple):
    """A row or a point as a request would carry it."""

    table: str
    operation: Operation
    """put, update or delete."""
    key: dict[str, Any]
    """Values by column; of a point `_m_name`, `_data_source`, its tags, and `_time` in µs."""
    columns: dict[str, Any]
    """Values by column; None for a cell that an update deletes."""
    cells: list[ReadCell]
    """The columns with their types, versions and operations."""
    coordinates: tuple[str, int, int]
    """Topic, partition and offset of the record."""


class Captured(NamedTuple):
    """What has arrived so far, in the order of writing."""

    batches: list[list[CapturedRow]]
    rejected: list[DeadLetter]


class RejectedDestination:
    """A destination of dead letters that keeps them in a list."""

    def __init__(self, kept: list[DeadLetter]) -> None:
        self._kept = kept

    def prepare(self) -> None:
        """Do nothing: dead letters that stay in memory need no check before the run."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Keep the dead letters in memory."""
        self._kept += dead_letters

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class CapturingSink(FixedPartitionedSink[Batch, None]):
    """Takes the place of the Tablestore sink; the error policy is the configured one."""

    def __init__(self, run: Run, shards: list[str], captured: Captured) -> None:
        self._run = run
        self._shards = shards
        self._captured = captured
        self._policy = ErrorPolicy(run, RejectedDestination(captured.rejected))

    def list_parts(self) -> list[str]:
        """The names of the shards."""
        self._run.check_start()
        return self._shards

    def part_fn(self, item_key: str) -> int:
        """The shard's number, which is its key."""
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Shard:  # noqa: ARG002
        """One shard of the sink."""
        return _Shard(self._run, self._policy, self._captured)


class _Shard(StatefulSinkPartition[Batch, None]):
    def __init__(self, run: Run, policy: ErrorPolicy, captured: Captured) -> None:
        self._run = run
        self._policy = policy
        self._captured = captured
        self._counts = run.counts.new_shard()

    def write_batch(self, values: list[Batch]) -> None:
        for segments, dead_letters in values:
            number = sum(map(count_of, segments))
            self._counts.received(number + len(dead_letters))
            if segments:
                rows = [self._read(row) for segment in segments for row in segment.rows()]
                self._captured.batches.append(rows)
                self._run.counts.add("written", number, self._counts)
            if dead_letters:
                asyncio.run(self._policy.handle(dead_letters, self._counts))

    def _read(self, row: Any) -> CapturedRow:
        rules = self._run.settings.rules_of(row.table)
        found = read_row(row, rules.mode == "timeseries")
        return CapturedRow(
            row.table,
            row.operation,
            {cell.name: cell.value for cell in found.key},
            {cell.name: cell.value for cell in found.columns},
            found.columns,
            (row.topic, row.partition, row.offset),
        )

    def snapshot(self) -> None:
        self._counts.snapshot()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
