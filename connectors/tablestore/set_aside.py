"""Rows of a shard that wait for tables that are throttled, while rows of other tables pass them.

Each table has its own queue, which is written in order, one request at a time: no key is in two
requests at once, and none overtakes another.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence

from connectors.records import Segment, count_of, size_of
from connectors.settings import Settings
from connectors.tablestore.batch_write import BatchWrite, Outcomes, TableWriter


class _Queue:
    """What waits for one table: what is left of batches that were begun, then further rows."""

    def __init__(self, max_rows: int) -> None:
        """Make an empty queue; `max_rows` is the limit of rows in one request."""
        self.max_rows = max_rows
        self.begun: deque[BatchWrite] = deque()
        self.batches: deque[list[Segment]] = deque()
        self.mixed_rows = 0
        """Rows of the last of these, where it has had rows of other tables."""
        self.rows = 0
        """Rows in it, those on their way included."""
        self.task: asyncio.Task[None] | None = None


class SetAside:
    """The rows of one shard that wait for throttled tables. It belongs to the loop that writes."""

    def __init__(
        self,
        settings: Settings,
        writer: TableWriter,
        outcomes: Outcomes,
        changed: threading.Condition,
        fail: Callable[[BaseException], None],
    ) -> None:
        """`changed` is notified when rows are written; `fail` is called when that fails."""
        self._writer = writer
        self._settings = settings
        self._max_bytes = settings.window.bytes
        self._only_missing = settings.replay.only_missing
        self._outcomes = outcomes
        self._changed = changed
        self._fail = fail
        self.queues: dict[str, _Queue] = {}
        """By table; empty while none is throttled."""
        self._closed = False

    def has_more_than(self, batches: int) -> bool:
        """Whether more rows than those of full batches wait for a table."""
        if not self.queues:
            return False
        rows = batches * self._settings.window.rows
        return any(queue.rows > rows for queue in [*self.queues.values()])

    def put(self, segments: list[Segment]) -> list[Segment]:
        """Set aside the rows of throttled tables; returns the others."""
        queues, throttled = self.queues, self._writer.governors.on
        if not queues and not throttled:
            return segments
        waiting: dict[str, list[Segment]] = {}
        free: list[Segment] = []
        for segment in segments:
            table = segment.table
            if table in queues or table in throttled:
                waiting.setdefault(table, []).append(segment)
            else:
                free.append(segment)
        for table, mine in waiting.items():
            self._put(self._queue(table), mine, len(mine) < len(segments))
        return free

    def _put(self, queue: _Queue, segments: list[Segment], is_mixed: bool) -> None:
        rows = sum(map(count_of, segments))
        queue.rows += rows
        # What is left of batches of several tables goes together, as far as it fits.
        if is_mixed and queue.mixed_rows and queue.batches:
            together = [*queue.batches[-1], *segments]
            size = sum(map(size_of, together))
            if queue.mixed_rows + rows <= queue.max_rows and size <= self._max_bytes:
                queue.batches[-1] = together
                queue.mixed_rows += rows
                return
        queue.batches.append(segments)
        queue.mixed_rows = rows if is_mixed else 0

    def put_rest(self, rest: Sequence[BatchWrite]) -> None:
        """Set aside what is left of a batch that was begun: it comes first."""
        for batch in rest:
            queue = self._queue(batch.table)
            queue.begun.append(batch)
            queue.rows += batch.waiting

    def rows(self) -> list[tuple[str, str, int]]:
        """Table, topic and number of the rows that wait. Any thread may ask."""
        found: list[tuple[str, str, int]] = []
        for table, queue in [*self.queues.items()]:
            found.append((table, "", queue.rows))
            found += [(table, each.topic, 0) for some in [*queue.batches] for each in some]
        return found

    def close(self) -> None:
        """Drop the rows that have not been sent."""
        self._closed = True

    def _queue(self, table: str) -> _Queue:
        queue = self.queues.get(table)
        if queue is None:
            rules, max_rows = self._settings.rules_of(table), self._settings.window.rows
            if rules.mode == "timeseries":
                max_rows = min(max_rows, rules.timeseries.rows_per_request)
            queue = self.queues[table] = _Queue(max_rows)
            queue.task = asyncio.get_running_loop().create_task(self._work(table, queue))
        return queue

    async def _work(self, table: str, queue: _Queue) -> None:
        """Write what waits for a table until nothing does."""
        try:
            while not self._closed and (queue.begun or queue.batches):
                if queue.begun:
                    batch = queue.begun.popleft()
                    rows = batch.waiting
                    await batch.finish()
                else:
                    segments = queue.batches.popleft()
                    rows = sum(map(count_of, segments))
                    await self._writer.write_throttled(segments, self._outcomes, self._only_missing)
                with self._changed:
                    queue.rows -= rows
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - the boundary of the background thread
            self._fail(error)
        finally:
            with self._changed:
                del self.queues[table]
                self._changed.notify_all()
