"""The Tablestore sink: one Bytewax partition a shard.

`snapshot` is what at-least-once rests on: Bytewax closes an epoch, and with it moves the Kafka
offsets, only after every partition that took rows in it has returned from `snapshot`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.dead_letters.destinations import Destination
from connectors.records import Batch
from connectors.run.context import Run
from connectors.tablestore.shard_writer import Lane, Writer


class TablestoreSink(FixedPartitionedSink[Batch, None]):
    """Writes batches, keyed by shard."""

    def __init__(
        self,
        run: Run,
        shards: list[str],
        tables: Sequence[str],
        dead_letters: Callable[[Writer], Destination],
    ) -> None:
        self._writer = Writer(run, dead_letters)
        self._shards = shards
        self._tables = tables

    def list_parts(self) -> list[str]:
        """The shards.

        The tables known by now and the place of dead letters are made sure of here, once at the
        start, so that a wrong one stops the run before a record is read.
        """
        for table in self._tables:
            self._writer.schema.ensure(table)
        self._writer.rejections.prepare()
        return self._shards

    def part_fn(self, item_key: str) -> int:
        """The key is the shard's number."""
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Partition:  # noqa: ARG002
        """A lane for the shard."""
        return _Partition(self._writer.open_lane())


class _Partition(StatefulSinkPartition[Batch, None]):
    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def write_batch(self, values: list[Batch]) -> None:
        """Hand over; blocks while the lane is full."""
        self._lane.submit(values)

    def snapshot(self) -> None:
        """Wait until every row handed over is written or set aside; raise when that fails."""
        self._lane.drain()

    def close(self) -> None:
        """Let go; nothing is promised here."""
        self._lane.close()
