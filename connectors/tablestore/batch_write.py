"""Writes one batch: decides which of its rows to send next, and what to retry.

A batch is done when every row of it is written or rejected; its shard sends the next one after
that. So the order of each primary key is kept whatever is retried.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from typing import Protocol

from connectors.errors import StopRun
from connectors.records import DeadLetter, Row, Segment, count_of
from connectors.run.context import Run
from connectors.run.retry import RetryLoop, TransientFailure
from connectors.settings.tables import TableSettings
from connectors.tablestore.client import Client
from connectors.tablestore.requests import RequestType, RequestTypes, TableRows
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written

log = logging.getLogger("sync.tablestore")


class Outcomes(Protocol):
    """Receives the outcomes of a batch's rows."""

    def written(self, number: int) -> None:
        """`number` rows are in their tables, or superseded by a later row of the batch that is."""
        ...

    def skipped(self, number: int) -> None:
        """`number` rows were not written, because a row of their key exists already."""
        ...

    def retried(self, number: int) -> None:
        """`number` rows will be sent again."""
        ...

    async def rejected(self, dead_letters: Sequence[DeadLetter]) -> None:
        """The service rejected rows; return when their dead letters are durable.

        Raises StopRun when the run must not go on without them.
        """
        ...

    def stopped(self, table: str, reason: str) -> StopRun:
        """The StopRun to raise when nothing can be written to a table until an operator acts."""
        ...


class TableWriter:
    """Writes rows to the tables of one instance, checking each table before its first row."""

    def __init__(self, run: Run, client: Client, tables_api: TablesApi) -> None:
        self._run = run
        self._client = client
        self._types = RequestTypes(client, run.settings)
        self.checks = TableChecks(tables_api, run, self._types.points.choose_encoding)

    @classmethod
    def of_run(cls, run: Run) -> TableWriter:
        """A writer to the instance of a run's settings. Nothing is connected yet."""
        client = Client(run.settings.tablestore)
        return cls(run, client, TablesApi(client))

    def ensure(
        self, table: str, rules: TableSettings | None = None, option: str | None = None
    ) -> None:
        """As `TableChecks.ensure`."""
        self.checks.ensure(table, rules, option)

    async def write(
        self, segments: Sequence[Segment], outcomes: Outcomes, only_missing: bool = False
    ) -> None:
        """Return when every row is written or rejected. Raises StopRun.

        `only_missing`: the rows have the condition that there is no row of their key.
        """
        for request_type, some in self._types.split(segments):
            await self._batch(request_type, some, outcomes, only_missing).write()

    async def write_rows(self, segments: Sequence[Segment], outcomes: Outcomes) -> None:
        """As `write`, to wide-column tables that are not those of topics."""
        await self._batch(self._types.rows, segments, outcomes, False).write()

    def close(self) -> None:
        """Close idle connections; called in the writing loop."""
        self._client.close()

    def _batch(
        self,
        request_type: RequestType,
        segments: Sequence[Segment],
        outcomes: Outcomes,
        only_missing: bool,
    ) -> BatchWrite:
        return BatchWrite(
            request_type,
            segments,
            self.checks,
            outcomes,
            self._new_retry_loop,
            self._run.check,
            only_missing,
        )

    def _new_retry_loop(self) -> RetryLoop:
        settings = self._run.settings.tablestore
        return RetryLoop(self._run, settings.retry_initial, settings.retry_max, log)


class BatchWrite:
    """One batch while it is written.

    Two changes of one key are never in one request. A put or delete supersedes all earlier changes
    of its key in the batch, as it replaces the whole row; should the service reject it, those
    changes are sent after all, so an invalid row costs no valid one. An update waits until the
    earlier changes are written or rejected, and goes with the next request.
    """

    def __init__(
        self,
        request_type: RequestType,
        segments: Sequence[Segment],
        checks: TableChecks,
        outcomes: Outcomes,
        new_retry_loop: Callable[[], RetryLoop],
        check_run: Callable[[], None],
        only_missing: bool,
    ) -> None:
        """`check_run` raises an error of another part of the run; called before each retry."""
        self._request_type = request_type
        self._segments = segments
        self._checks = checks
        self._outcomes = outcomes
        self._new_retry_loop = new_retry_loop
        self._check_run = check_run
        self._only_missing = only_missing
        # The rows to send next, and the reason if they must wait before that.
        self._waiting: Sequence[Row] = ()
        self._trouble: str | None = None
        # Only of keys that have several changes here, by (table, key): what the row that is sent
        # supersedes, and what comes after it, oldest first.
        self._superseded: dict[tuple[str, bytes], list[Row]] = {}
        self._later: dict[tuple[str, bytes], list[Row]] = {}

    async def write(self) -> None:
        """Return when every row is written or rejected. Raises StopRun."""
        tables = {segment.table for segment in self._segments}
        for table in tables:
            if table not in self._checks.checked:
                await asyncio.get_running_loop().run_in_executor(None, self._checks.ensure, table)
        if len(tables) == 1 and self._each_key_once():
            # The plain case: no row is handled by itself, unless one fails.
            wires = [segment.wire for segment in self._segments]
            sizes = [segment.sizes for segment in self._segments]
            answer = await self._request([TableRows(tables.pop(), wires, sizes)])
            if answer is None:
                self._outcomes.written(sum(map(count_of, self._segments)))
                return
            rows = [row for segment in self._segments for row in segment.rows()]
            self._waiting, self._trouble = await self._judge(rows, answer)
        else:
            self._waiting = self._first_changes()
        await self._new_retry_loop().call_async(self._send_waiting)

    def _each_key_once(self) -> bool:
        """Whether no key occurs twice: a segment without identities has different keys."""
        identities = [*chain.from_iterable([segment.identities for segment in self._segments])]
        return not identities or len({*identities}) == len(identities)

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

    async def _send_waiting(self) -> None:
        """Try once: return when no row waits, or raise TransientFailure for those that do."""
        while True:
            if self._trouble is not None:
                trouble, self._trouble = self._trouble, None
                self._check_run()
                self._outcomes.retried(len(self._waiting))
                tables = ", ".join(sorted({row.table for row in self._waiting}))
                raise TransientFailure(
                    f"{len(self._waiting)} rows wait for table {tables}: {trouble}"
                )
            if not self._waiting:
                return
            self._waiting, self._trouble = await self._send(sorted(self._waiting, key=_table))

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
        try:
            return await self._request_type.write(tables)
        except RequestFailed as failed:
            return failed

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
        for row, found in zip(rows, verdicts, strict=True):
            verdict = found
            if isinstance(verdict, Stop):
                verdict = self._checks.revise(verdict, verdict.code, {row.table})
            if isinstance(verdict, Written):
                written.append(row)
            elif isinstance(verdict, Retry):
                again.append(row)
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
        self._count_written(written)
        again += [following for row in written for following in self._after(row)]
        if dead_letters:
            await self._outcomes.rejected(dead_letters)
        return again, trouble

    def _exists_already(self, verdict: Reject) -> bool:
        """Whether the row exists: only `only_missing` sets a condition [batch-write-row]."""
        return self._only_missing and verdict.code == "OTSConditionCheckFail"


def _table(row: Row) -> str:
    return row.table
