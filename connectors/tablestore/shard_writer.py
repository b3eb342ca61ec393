"""Writes batches: one lane a shard, one request in flight a lane, many lanes at once.

A lane keeps the order of each primary key whatever is retried: a batch is done, every row of it
written or set aside, before the next one of its lane is sent. So rows that must not overtake each
other only have to be in the same lane, which the shard sees to.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain, groupby

from connectors.dead_letters.destinations import Destination
from connectors.dead_letters.policy import ErrorPolicy
from connectors.errors import StopRun
from connectors.records import Batch, DeadLetter, Row, Segment, count_of
from connectors.run.accounting import ShardCounts
from connectors.run.context import Run
from connectors.run.retry import Backoff
from connectors.tablestore.client import Client
from connectors.tablestore.requests import Kind, Requests
from connectors.tablestore.schema import Schema
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written

log = logging.getLogger("sync.tablestore")

# How often a waiting worker looks whether the run failed or its drain is overdue.
_LOOK = 0.2


class Writer:
    """The lanes of a process and the thread whose asyncio loop drives them."""

    def __init__(self, run: Run, dead_letters: Callable[[Writer], Destination]) -> None:
        """`dead_letters` makes the place of what is rejected; it may write through this writer."""
        self.run = run
        self.client = Client(run.settings.tablestore)
        self.requests = Requests(self.client, run)
        self.schema = Schema(self.client, run, self.requests.points.choose)
        self.rejections = ErrorPolicy(run, dead_letters(self))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._lanes = 0

    def open_lane(self) -> Lane:
        """A lane; close it when done. The first one starts the loop."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name="tablestore-writer", daemon=True
                ).start()
            self._lanes += 1
            return Lane(self, self._loop)

    def lane_closed(self) -> None:
        """The last lane to close stops the loop."""
        with self._lock:
            self._lanes -= 1
            if self._lanes == 0 and self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop, self._loop)
                self._loop = None

    def for_new_tables(self, verdict: Verdict, code: str, tables: set[str]) -> Verdict:
        """A table made a moment ago may not be there yet for the servers of its partitions."""
        if code == "OTSObjectNotExist":
            coming = sorted(filter(self.schema.still_coming, tables))
            if coming:
                return Retry(f"table {', '.join(coming)} is being made")
        return verdict

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self.client.close()
        self.rejections.close()
        loop.stop()


class Lane:
    """Batches of one shard, in order. A worker submits and drains; the loop writes."""

    def __init__(self, writer: Writer, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = writer
        self._run = writer.run
        self._loop = loop
        self._most = writer.run.settings.tablestore.queue + 1
        self._batches: deque[Batch] = deque()
        self._count = writer.run.counts.new_shard()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False

    def submit(self, batches: Sequence[Batch]) -> None:
        """Hand batches over. Blocks while the lane is full: that is the back-pressure.

        Raises what failed in the background, or StopRun when a drain is overdue.
        """
        for batch in batches:
            with self._changed:
                self._wait(self._most - 1)
                self._batches.append(batch)
                self._count.received(sum(map(count_of, batch[0])) + len(batch[1]))
                if not self._busy:
                    self._busy = True
                    self._loop.call_soon_threadsafe(self._start)

    def drain(self) -> None:
        """Wait until everything handed over is settled. Raises as `submit` does."""
        with self._changed:
            self._wait(0)
        self._count.snapshot()

    def close(self) -> None:
        """Forget what is not sent. It promises nothing: after a failure it is called too."""
        if not self._closed:
            self._closed = True
            self._batches.clear()
            self._writer.lane_closed()

    def _wait(self, most: int) -> None:
        run = self._run
        while run.failure is None and len(self._batches) > most:
            self._changed.wait(_LOOK)
            if run.overdue:
                raise StopRun(
                    f"the drain ({run.drain_reason}) is not done within shutdown.deadline "
                    f"{run.settings.shutdown.deadline:g} s: Tablestore does not take the rows, "
                    "or the dead letters' destination does not take those.\n"
                    "  remedy: none is lost; the next start goes on from the last snapshot"
                )
        run.check()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        """Write the lane's batches until there are none."""
        try:
            while True:
                with self._changed:
                    if not self._batches or self._closed or self._run.failure is not None:
                        self._busy = False
                        self._changed.notify_all()
                        return
                    segments, dead = self._batches[0]
                for kind, some in self._writer.requests.of(segments) if segments else ():
                    await _BatchWrite(self._writer, kind, some, self._count).done()
                if dead:
                    await self._writer.rejections.take(dead, self._count)
                with self._changed:
                    if self._batches:
                        self._batches.popleft()
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - the boundary of the background thread
            self._run.fail(error)
            with self._changed:
                self._busy = False
                self._changed.notify_all()


class _BatchWrite:
    """One batch on its way: which rows are still to be written, and what was tried.

    Two changes of one key are never in one request. A put or delete takes the place of all that
    came before it for its key, as it replaces the row whole; should the service refuse it, those
    are sent after all: a bad row takes no good one along. An update waits until what came before it
    is settled, and goes with the next request.
    """

    def __init__(
        self, writer: Writer, kind: Kind, segments: Sequence[Segment], lane: ShardCounts
    ) -> None:
        self._writer = writer
        self._lane = lane
        self._kind = kind
        self._run = writer.run
        self._segments = segments
        # Only of keys that have several changes here, by (table, key): what the row that is sent
        # takes the place of, and what comes after it, oldest first.
        self._earlier: dict[tuple[str, bytes], list[Row]] = {}
        self._later: dict[tuple[str, bytes], list[Row]] = {}
        settings = writer.run.settings.tablestore
        self._backoff = Backoff(settings.retry_initial, settings.retry_max)

    async def done(self) -> None:
        """Return when every row is written or set aside. Raises StopRun."""
        schema = self._writer.schema
        tables = {segment.table for segment in self._segments}
        for table in tables:
            if not schema.sure_of(table):
                await asyncio.get_running_loop().run_in_executor(None, schema.ensure, table)
        waiting: Sequence[Row]
        if len(tables) == 1 and self._each_key_once():
            # The plain case: no row needs to be looked at by itself, unless one fails.
            wires = [segment.wire for segment in self._segments]
            number = sum(map(count_of, self._segments))
            outcome = await self._request([(tables.pop(), wires)], [number])
            if outcome is None:
                self._run.counts.add("written", number, self._lane)
                return
            rows = [row for segment in self._segments for row in segment.rows()]
            waiting = await self._pause(*await self._learn(rows, outcome))
        else:
            waiting = self._first_changes()
        while waiting:
            waiting = await self._pause(*await self._send(waiting))

    def _each_key_once(self) -> bool:
        """Segments without identities have rows of their own."""
        identities = [*chain.from_iterable([segment.identities for segment in self._segments])]
        return not identities or len({*identities}) == len(identities)

    def _first_changes(self) -> Sequence[Row]:
        """The change of each key that is sent first."""
        changes: dict[tuple[str, bytes], list[Row]] = {}
        for segment in self._segments:
            for row in segment.rows():
                changes.setdefault(row.key, []).append(row)
        first = [rows[0] if len(rows) == 1 else self._next(rows) for rows in changes.values()]
        return sorted(first, key=_table)  # as the request groups them

    def _next(self, rows: Sequence[Row]) -> Row:
        """Which of the changes of one key is sent, now that those before them are settled."""
        key, last = rows[0].key, 0
        for at, row in enumerate(rows):
            if row.operation != "update":  # a put and a delete leave nothing of what was before
                last = at
        if last:
            self._earlier[key] = [*rows[:last]]
        if last + 1 < len(rows):
            self._later[key] = [*rows[last + 1 :]]
        return rows[last]

    def _after(self, row: Row) -> list[Row]:
        """What is sent of a key now that a row of it is settled."""
        later = self._later.pop(row.key, None) if self._later else None
        return [self._next(later)] if later else []

    def _instead(self, row: Row) -> list[Row]:
        """What is sent of a key now that a row of it is refused."""
        rows = self._earlier.pop(row.key, []) + self._later.pop(row.key, [])
        return [self._next(rows)] if rows else []

    async def _pause(self, again: Sequence[Row], trouble: str | None) -> Sequence[Row]:
        """The rows to send again, after the wait that a transient failure asks for."""
        if trouble is not None:
            self._run.check()
            self._run.counts.add("retried", len(again))
            wait = self._backoff.wait()
            if self._backoff.worth_telling():
                log.warning(
                    "%d rows wait after %d tries: %s", len(again), self._backoff.tries, trouble
                )
            await asyncio.sleep(wait)
        return sorted(again, key=_table)

    async def _send(self, rows: Sequence[Row]) -> tuple[list[Row], str | None]:
        """One request of rows that are sorted by table.

        Returns the rows to send again, and the trouble if there was a transient one.
        """
        self._run.check()
        tables = [
            (table, [row.wire for row in group]) for table, group in groupby(rows, key=_table)
        ]
        numbers = [len(wires) for _, wires in tables]
        return await self._learn(rows, await self._request(tables, numbers))

    async def _request(
        self, tables: list[tuple[str, list[bytes]]], numbers: list[int]
    ) -> list[Verdict] | RequestFailed | None:
        """What became of a request of so many rows a table: None when all rows are written."""
        try:
            return await self._kind.write(tables, numbers)
        except RequestFailed as failed:
            return failed

    async def _learn(
        self, rows: Sequence[Row], outcome: list[Verdict] | RequestFailed | None
    ) -> tuple[list[Row], str | None]:
        """Act on the outcome; a request refused as a whole is halved until the bad row is alone."""
        if outcome is None:
            self._count_written(rows)
            return [next_one for row in rows for next_one in self._after(row)], None
        if not isinstance(outcome, RequestFailed):
            return await self._settle(rows, outcome)
        tables = {row.table for row in rows}
        verdict = self._writer.for_new_tables(outcome.verdict, outcome.code, tables)
        if isinstance(verdict, Reject) and len(rows) > 1:
            middle = len(rows) // 2
            first, trouble = await self._send(rows[:middle])
            second, more = await self._send(rows[middle:])
            return first + second, trouble or more
        return await self._settle(rows, [verdict] * len(rows))

    def _count_written(self, rows: Sequence[Row]) -> None:
        """The rows are in their tables, and with them what they replaced."""
        replaced = 0
        if self._earlier:
            replaced = sum(len(self._earlier.pop(row.key, ())) for row in rows)
        self._run.counts.add("written", len(rows) + replaced, self._lane)

    async def _settle(
        self, rows: Sequence[Row], verdicts: Sequence[Verdict]
    ) -> tuple[list[Row], str | None]:
        written: list[Row] = []
        again: list[Row] = []
        dead: list[DeadLetter] = []
        trouble: str | None = None
        for row, found in zip(rows, verdicts, strict=True):
            verdict = found
            if isinstance(verdict, Stop):
                verdict = self._writer.for_new_tables(verdict, verdict.code, {row.table})
            if isinstance(verdict, Written):
                written.append(row)
            elif isinstance(verdict, Retry):
                again.append(row)
                trouble = trouble or verdict.reason
            elif isinstance(verdict, Reject) and self._is_there_already(verdict):
                # So it is for what this row replaced in its batch.
                replaced = len(self._earlier.pop(row.key, ()))
                self._run.counts.add("filtered", 1 + replaced, self._lane)
                again += self._after(row)
            elif isinstance(verdict, Reject):
                dead.append(row.rejected(verdict.code, verdict.reason))
                again += self._instead(row)
            else:
                raise StopRun(f"table {row.table}: {verdict.reason}")
        self._count_written(written)
        again += [next_one for row in written for next_one in self._after(row)]
        if dead:
            await self._writer.rejections.take(dead, self._lane)
        return again, trouble

    def _is_there_already(self, verdict: Reject) -> bool:
        """Only a replay with only_missing puts a condition on its rows."""
        only_missing = self._run.settings.replay.only_missing
        return only_missing and verdict.code == "OTSConditionCheckFail"


def _table(row: Row) -> str:
    return row.table
