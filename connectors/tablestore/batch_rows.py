"""Writes the rows of one batch: decides which to send next, and what to retry.

A batch is done when every row of it is written or rejected; its shard sends the next one after
that. So the order of each primary key is kept whatever is retried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from itertools import groupby
from typing import Protocol

from connectors.errors import StopRun
from connectors.records import DeadLetter, Row, Segment
from connectors.run.retry import RetryLoop, TransientFailure
from connectors.tablestore.request_meter import RequestMeter, code_in
from connectors.tablestore.requests import TableRows
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.throttle.governors import Governors
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written


class Outcomes(Protocol):
    """Receives the outcomes of a batch's rows."""

    def written(self, number: int) -> None:
        """`number` rows are in their tables, or superseded by a later row of the batch that is."""
        ...

    def skipped(self, number: int) -> None:
        """`number` rows were not written, because a row of their key exists already."""
        ...

    def retried(self, number: int) -> None:
        """Count `number` rows that will be sent again."""
        ...

    async def rejected(self, dead_letters: Sequence[DeadLetter]) -> None:
        """The service rejected rows; return when their dead letters are durable.

        Raises StopRun when the run must not go on without them.
        """
        ...

    def stopped(self, table: str, reason: str) -> StopRun:
        """The StopRun to raise when nothing can be written to a table until an operator acts."""
        ...


class BatchWrite:
    """One batch while it is written.

    Two changes of one key are never in one request. A put or delete supersedes all earlier changes
    of its key in the batch, as it replaces the whole row; should the service reject it, those
    changes are sent after all, so an invalid row costs no valid one. An update waits until the
    earlier changes are written or rejected, and goes with the next request.

    Rows of a table that is throttled wait for their turn at its governor, and no others with them.
    """

    def __init__(
        self,
        requests: RequestMeter,
        segments: Sequence[Segment],
        checks: TableChecks,
        governors: Governors,
        outcomes: Outcomes,
        new_retry_loop: Callable[[], RetryLoop],
        check_run: Callable[[], None],
        only_missing: bool,
    ) -> None:
        """`check_run` raises an error of another part of the run; called before each retry."""
        self._requests = requests
        self._segments = segments
        self._checks = checks
        self._governors = governors
        self._outcomes = outcomes
        self._new_retry_loop = new_retry_loop
        self._check_run = check_run
        self._only_missing = only_missing
        # The rows to send next, and the reason if they must wait before that.
        self._waiting: Sequence[Row] | None = None
        self._trouble: str | None = None
        self._reckoned = 0.0  # capacity units of the next request
        # Only of keys that have several changes here, by (table, key): what the row that is sent
        # supersedes, and what comes after it, oldest first.
        self._superseded: dict[tuple[str, bytes], list[Row]] = {}
        self._later: dict[tuple[str, bytes], list[Row]] = {}

    async def write(self) -> list[BatchWrite]:
        """Return when every row is written or rejected, but those of throttled tables.

        Each of these tables has one of its own in what is returned. Raises StopRun.
        """
        await self._check_tables()
        if self._waiting is None:
            self._waiting = self._first_changes()
        throttled: dict[str, list[Row]] = {}

        async def send() -> None:
            await self._send_free(throttled)

        await self._new_retry_loop().call_async(send)
        return [self._rest(rows) for rows in throttled.values()]

    async def go_on_after(
        self,
        request: list[TableRows],
        sent_at: float,
        seconds: float,
        answer: list[Verdict] | RequestFailed,
    ) -> list[BatchWrite]:
        """As `write`, when all rows were sent with one request that has not written them all.

        It was sent at `sent_at`, of which its governor knows, and took `seconds`.
        """
        self._requests.note(request, answer, seconds)
        self._governors.answered(_counts(request), sent_at, answer)
        rows = [row for segment in self._segments for row in segment.rows()]
        self._waiting, self._trouble = await self._judge(rows, answer)
        return await self.write()

    async def finish(self) -> None:
        """Return when every row of the one table is written or rejected. Raises StopRun."""
        if self._waiting is None:
            await self._check_tables()
            self._waiting = self._first_changes()
        await self._new_retry_loop().call_async(self._send_in_turn)

    @property
    def table(self) -> str:
        """The one table of what `write` has returned."""
        return self._waiting[0].table if self._waiting else self._segments[0].table

    @property
    def waiting(self) -> int:
        """How many rows are to be sent now; some of their keys may have more behind them."""
        return len(self._waiting or ())

    def _rest(self, rows: list[Row]) -> BatchWrite:
        """Those rows of it, with what waits behind them."""
        rest = copy(self)
        rest._waiting = rows
        return rest

    async def _check_tables(self) -> None:
        for table in {segment.table for segment in self._segments}:
            if table not in self._checks.checked:
                await asyncio.get_running_loop().run_in_executor(None, self._checks.ensure, table)

    def _first_changes(self) -> Sequence[Row]:
        """The change of each key that is sent first."""
        changes: dict[tuple[str, bytes], list[Row]] = {}
        for segment in self._segments:
            for row in segment.rows():
                changes.setdefault(row.key, []).append(row)
        return [rows[0] if len(rows) == 1 else self._next(rows) for rows in changes.values()]

    def _next(self, rows: Sequence[Row]) -> Row:
        """The change of one key to send next; notes what it supersedes and what comes later."""
        key, last = rows[0].key, 0
        for index, row in enumerate(rows):
            if row.operation != "update":  # a put or a delete leaves nothing of the earlier row
                last = index
        if last:
            self._superseded[key] = [*rows[:last]]
        if last + 1 < len(rows):
            self._later[key] = [*rows[last + 1 :]]
        return rows[last]

    def _after(self, row: Row) -> list[Row]:
        """The next change of a key after one was written or skipped; [] if there is none."""
        later = self._later.pop(row.key, None) if self._later else None
        return [self._next(later)] if later else []

    def _instead_of(self, row: Row) -> list[Row]:
        """The next change of a key after one was rejected; [] if there is none."""
        rows = self._superseded.pop(row.key, []) + self._later.pop(row.key, [])
        return [self._next(rows)] if rows else []

    async def _send_free(self, throttled: dict[str, list[Row]]) -> None:
        """Try once: return when no row waits, or raise TransientFailure for those that do.

        Rows of throttled tables are not sent, but added to `throttled`.
        """
        while True:
            self._raise_trouble()
            waiting = []
            for row in self._waiting or ():
                if self._governors[row.table].is_on:
                    throttled.setdefault(row.table, []).append(row)
                else:
                    waiting.append(row)
            self._waiting = sorted(waiting, key=_table)
            if not waiting:
                return
            self._waiting, self._trouble = await self._send(self._waiting)

    async def _send_in_turn(self) -> None:
        """As `_send_free`, of one table: as many rows at a time as its governor grants."""
        while self._waiting:
            self._raise_trouble()
            waiting = self._waiting
            governor = self._governors[waiting[0].table]
            number, self._reckoned = await governor.turn(len(waiting), self._check_run)
            again, self._trouble = await self._send(waiting[:number])
            self._waiting = [*again, *waiting[number:]]

    def _raise_trouble(self) -> None:
        """Raise TransientFailure when the rows must wait before they are sent."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None and self._waiting:
            self._check_run()
            tables = ", ".join(sorted({row.table for row in self._waiting}))
            raise TransientFailure(
                f"{len(self._waiting)} rows wait for table {tables}: {trouble}",
                subject=tables,
                code=code_in(trouble),
            )

    async def _send(self, rows: Sequence[Row]) -> tuple[list[Row], str | None]:
        """Send one request of rows that are sorted by table.

        Returns the rows to send next, and the reason if they must wait before that.
        """
        self._check_run()
        tables = []
        for table, group in groupby(rows, key=_table):
            wires = [row.wire for row in group]
            tables.append(TableRows(table, wires, [(len(wire),) for wire in wires]))
        return await self._judge(rows, await self._request(tables))

    async def _request(self, tables: list[TableRows]) -> list[Verdict] | RequestFailed | None:
        """The answer to a request: None when all rows are written."""
        counts = _counts(tables)
        sent_at = self._governors.sent(counts)
        answer: list[Verdict] | RequestFailed | None
        try:
            answer = await self._requests.write(tables)
        except RequestFailed as failed:
            answer = failed
        self._governors.answered(counts, sent_at, answer, self._reckoned)
        self._reckoned = 0.0
        return answer

    async def _judge(
        self, rows: Sequence[Row], answer: list[Verdict] | RequestFailed | None
    ) -> tuple[list[Row], str | None]:
        """Act on an answer; a request rejected as a whole is halved until the bad row is found.

        Returns as `_send`.
        """
        if answer is None:
            self._count_written(rows)
            return [following for row in rows for following in self._after(row)], None
        if not isinstance(answer, RequestFailed):
            return await self._act(rows, answer)
        tables = {row.table for row in rows}
        verdict = self._checks.revise(answer.verdict, answer.code, tables)
        if isinstance(verdict, Reject) and len(rows) > 1:
            middle = len(rows) // 2
            first, trouble = await self._send(rows[:middle])
            second, more = await self._send(rows[middle:])
            return first + second, trouble or more
        return await self._act(rows, [verdict] * len(rows))

    def _count_written(self, rows: Sequence[Row]) -> None:
        """Count written rows, and those that they superseded."""
        superseded = 0
        if self._superseded:
            superseded = sum(len(self._superseded.pop(row.key, ())) for row in rows)
        self._outcomes.written(len(rows) + superseded)

    async def _act(
        self, rows: Sequence[Row], verdicts: Sequence[Verdict]
    ) -> tuple[list[Row], str | None]:
        """Act on the verdict of each row. Returns as `_send`. Raises StopRun."""
        written: list[Row] = []
        again: list[Row] = []
        dead_letters: list[DeadLetter] = []
        trouble: str | None = None
        retried = 0
        for row, found in zip(rows, verdicts, strict=True):
            verdict = found
            if isinstance(verdict, Stop):
                verdict = self._checks.revise(verdict, verdict.code, {row.table})
            if isinstance(verdict, Written):
                written.append(row)
            elif isinstance(verdict, Retry):
                again.append(row)
                retried += 1
                if verdict.cause != "throttled":  # then its governor knows when
                    trouble = trouble or verdict.reason
            elif isinstance(verdict, Reject) and self._exists_already(verdict):
                # Rows that this one superseded in the batch are not written either.
                superseded = len(self._superseded.pop(row.key, ()))
                self._outcomes.skipped(1 + superseded)
                again += self._after(row)
            elif isinstance(verdict, Reject):
                dead_letters.append(row.rejected(verdict.code, verdict.reason))
                again += self._instead_of(row)
            else:
                raise self._outcomes.stopped(row.table, verdict.reason)
        if retried:
            self._outcomes.retried(retried)
        self._count_written(written)
        again += [following for row in written for following in self._after(row)]
        if dead_letters:
            await self._outcomes.rejected(dead_letters)
        return again, trouble

    def _exists_already(self, verdict: Reject) -> bool:
        """Whether the row exists: only `only_missing` sets a condition [batch-write-row]."""
        return self._only_missing and verdict.code == "OTSConditionCheckFail"


def _counts(tables: Sequence[TableRows]) -> list[tuple[str, int]]:
    """Each table with the number of its rows."""
    return [(each.table, sum(map(len, each.sizes))) for each in tables]


def _table(row: Row) -> str:
    return row.table
