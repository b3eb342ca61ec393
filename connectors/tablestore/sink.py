"""The Tablestore sink: one Bytewax partition per shard, one request in flight per shard.

At-least-once rests on `snapshot`: Bytewax closes an epoch, and with it moves the Kafka offsets,
only after every partition that received rows in it has returned from `snapshot` [bytewax-recovery].

A shard writes its batches one after the other, and many shards write at the same time: all of them
share one asyncio loop in a thread of its own. Rows whose order matters only have to be on the same
shard, which the mapping ensures.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.dead_letters.policy import ErrorPolicy
from connectors.errors import StopRun
from connectors.records import Batch, DeadLetter, count_of
from connectors.run.accounting import ShardCounts
from connectors.run.context import Run
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.set_aside import SetAside

# Seconds after which a blocked worker checks again whether the run failed or its drain is overdue.
_CHECK_INTERVAL = 0.2


class TablestoreSink(FixedPartitionedSink[Batch, None]):
    """Writes batches that are keyed by shard."""

    def __init__(
        self,
        run: Run,
        shards: list[str],
        tables: Sequence[str],
        writer: TableWriter,
        policy: ErrorPolicy,
        new_loop: Callable[[Callable[[], None]], WriterLoop] | None = None,
    ) -> None:
        """`tables` are those known before a record is read."""
        self._run = run
        self._shards = shards
        self._tables = tables
        self._writer = writer
        self._policy = policy
        self._loop = (new_loop or WriterLoop)(self._close)
        self.list_parts = run.noting(self.list_parts)  # type: ignore[method-assign]

    def list_parts(self) -> list[str]:
        """The names of the shards.

        The checks of the run, the known tables and the destination of dead letters are checked
        here, once at the start, so that an error stops the run before a record is read.
        """
        self._run.formed = True
        self._run.check_start()
        for table in self._tables:
            self._writer.ensure(table)
        self._policy.prepare()
        return self._shards

    def part_fn(self, item_key: str) -> int:
        """The shard's number, which is its key."""
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> ShardWriter:  # noqa: ARG002
        """The writer of a shard."""
        return ShardWriter(self._run, self._writer, self._policy, self._loop)

    def _close(self) -> None:
        self._writer.close()
        self._policy.close()


class WriterLoop:
    """The asyncio loop of all shards of a process. It runs while there are shards."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        """`on_stop` is called in the loop, before it stops."""
        self._on_stop = on_stop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._shards = 0

    def new_condition(self) -> threading.Condition:
        """What a worker waits on until the loop has changed something."""
        return threading.Condition()

    def join(self) -> asyncio.AbstractEventLoop:
        """Return the loop for one more shard; the first call starts it."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_run_to_the_end,
                    args=(self._loop,),
                    name="tablestore-writer",
                    daemon=True,
                ).start()
            self._shards += 1
            return self._loop

    def leave(self) -> None:
        """Note that a shard is closed; the last one stops the loop."""
        with self._lock:
            self._shards -= 1
            if self._shards == 0 and self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop, self._loop)
                self._loop = None

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._on_stop()
        loop.stop()


def _run_to_the_end(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped; then cancel the requests in flight, and close it.

    A loop that is only dropped would report each of its tasks as destroyed while pending.
    """
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.close()


class ShardWriter(StatefulSinkPartition[Batch, None]):
    """Writes the batches of one shard in order. Bytewax's worker hands over, the loop writes.

    Rows of a throttled table are set aside, so that those of other tables pass them.
    """

    def __init__(
        self, run: Run, writer: TableWriter, policy: ErrorPolicy, loop: WriterLoop
    ) -> None:
        self._run = run
        self._writer = writer
        self._policy = policy
        self._shared_loop = loop
        self._loop = loop.join()
        self._max_batches = run.settings.tablestore.queue + 1
        self._only_missing = run.settings.replay.only_missing
        self._batches: deque[Batch] = deque()
        self._counts = run.counts.new_shard()
        self._outcomes = _ShardOutcomes(run, policy, self._counts)
        self._changed = loop.new_condition()
        self._aside = SetAside(run.settings, writer, self._outcomes, self._changed, run.fail)
        self._busy = False
        self._closed = False
        run.read_limits.watch(self._waiting)
        run.meters.shards.append(self._has_throttled_rows)
        self.write_batch = run.noting(self.write_batch)  # type: ignore[method-assign]
        self.snapshot = run.noting(self.snapshot)  # type: ignore[method-assign]

    def write_batch(self, values: list[Batch]) -> None:
        """Hand batches over. Blocks while the shard's queue is full: that is the back-pressure.

        Raises what failed in the background, or StopRun when a drain is overdue.
        """
        for batch in values:
            with self._changed:
                self._wait_for_room(self._max_batches - 1)
                self._batches.append(batch)
                self._counts.received(sum(map(count_of, batch[0])) + len(batch[1]))
                if not self._busy:
                    self._busy = True
                    self._loop.call_soon_threadsafe(self._start)

    def snapshot(self) -> None:
        """Block until every row handed over is written or its dead letter is durable.

        Raises as `write_batch` does, so that the epoch stays open.
        """
        with self._changed:
            self._wait_for_room(0)
        self._counts.snapshot()

    def close(self) -> None:
        """Drop what is not sent: this is called after a failure too, so it guarantees nothing."""
        if not self._closed:
            self._closed = True
            self._batches.clear()
            self._aside.close()
            self._shared_loop.leave()

    def _waiting(self) -> list[tuple[str, str, int]]:
        """Table, topic and number of the rows that wait here. Any thread may ask."""
        waiting = [segment for segments, _ in [*self._batches] for segment in segments]
        return self._aside.rows() + [(s.table, s.topic, count_of(s)) for s in waiting]

    def _has_throttled_rows(self) -> bool:
        return self._aside.has_more_than(0)

    def _wait_for_room(self, max_batches: int) -> None:
        run = self._run
        while run.failure is None and (
            len(self._batches) > max_batches
            or (self._aside.queues and self._aside.has_more_than(max_batches))
        ):
            self._changed.wait(_CHECK_INTERVAL)
            if run.overdue:
                raise StopRun(
                    f"the drain ({run.drain_reason}) is not done within shutdown.deadline "
                    f"{run.settings.shutdown.deadline:g} s: Tablestore does not accept the rows, "
                    "or the dead letters' destination does not accept those.\n"
                    "  remedy: none is lost; the next start goes on from the last snapshot"
                )
        run.check()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        """Write batches until there are none."""
        meters = self._run.meters
        meters.busy_shards += 1
        try:
            while True:
                with self._changed:
                    if not self._batches or self._closed or self._run.failure is not None:
                        self._busy = False
                        self._changed.notify_all()
                        return
                    segments, dead_letters = self._batches[0]
                if segments and (self._aside.queues or self._writer.governors.on):
                    segments = self._aside.put(segments)
                if segments:
                    rest = await self._writer.write(segments, self._outcomes, self._only_missing)
                    if rest:
                        self._aside.put_rest(rest)
                if dead_letters:
                    await self._policy.handle(dead_letters, self._counts)
                with self._changed:
                    if self._batches:
                        self._batches.popleft()
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - the boundary of the background thread
            self._run.fail(error)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        finally:
            meters.busy_shards -= 1


class _ShardOutcomes:
    """Counts a shard's rows, and passes rejected ones to the error policy."""

    def __init__(self, run: Run, policy: ErrorPolicy, shard_counts: ShardCounts) -> None:
        self._counts = run.counts
        self._policy = policy
        self._shard_counts = shard_counts

    def written(self, number: int) -> None:
        self._counts.add("written", number, self._shard_counts)

    def skipped(self, number: int) -> None:
        self._counts.add("filtered", number, self._shard_counts)

    def retried(self, number: int) -> None:
        self._counts.add("retried", number)

    async def rejected(self, dead_letters: Sequence[DeadLetter]) -> None:
        await self._policy.handle(dead_letters, self._shard_counts)

    def stopped(self, table: str, reason: str) -> StopRun:
        return StopRun(f"table {table}: {reason}")
