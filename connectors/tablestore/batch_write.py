"""Writes batches: what every request to the tables of one instance shares."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import chain

from connectors.records import Segment, count_of, size_of
from connectors.run.context import Run
from connectors.run.retry import Backoff, RetryLoop
from connectors.run.tracing import BatchSpan
from connectors.settings.tables import TableSettings
from connectors.tablestore.batch_rows import BatchWrite, Outcomes
from connectors.tablestore.client import Client
from connectors.tablestore.request_meter import RequestMeter
from connectors.tablestore.requests import RequestType, RequestTypes, TableRows
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.throttle.governor import Limits
from connectors.tablestore.throttle.governors import Governors
from connectors.tablestore.throttle.in_flight import SLOW
from connectors.tablestore.verdicts import RequestFailed, Verdict

__all__ = ["BatchWrite", "Outcomes", "TableWriter"]

log = logging.getLogger("sync.tablestore")


class TableWriter:
    """Writes rows to the tables of one instance, checking each table before its first row."""

    def __init__(self, run: Run, client: Client, tables_api: TablesApi) -> None:
        self._run = run
        self._client = client
        self.governors = Governors(
            self._limits_of, run.counts, run.read_limits, self._new_pauses, run.clock
        )
        self._types = RequestTypes(client, run.settings, self._used)
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
        self.governors[table]  # its limits hold from the first row on

    async def write(
        self, segments: Sequence[Segment], outcomes: Outcomes, only_missing: bool = False
    ) -> list[BatchWrite]:
        """Return when every row is written or rejected, but those of tables that are throttled.

        These are in what is returned: one for each such table, to be finished. Raises StopRun.
        `only_missing`: the rows have the condition that there is no row of their key.
        """
        meters, window = self._run.meters, self._run.settings.window
        rows = sum(map(count_of, segments)) / window.rows
        meters.fills.observe(max(rows, sum(map(size_of, segments)) / window.bytes))
        span = None if meters.tracer is None else meters.tracer.batch(segments)
        error: BaseException | None = None
        try:
            rest: list[BatchWrite] = []
            for request_type, some in self._types.split(segments):
                rest += await self._write(request_type, some, outcomes, only_missing, span)
        except BaseException as raised:
            error = raised
            raise
        finally:
            if span is not None:
                span.end(error)
        return rest

    async def _write(
        self,
        request_type: RequestType,
        segments: Sequence[Segment],
        outcomes: Outcomes,
        only_missing: bool,
        span: BatchSpan | None,
    ) -> list[BatchWrite]:
        """Write what goes with one type of request."""
        table = segments[0].table
        governor = self.governors[table]
        if governor.slow_start is not None:
            await governor.start()
        if span is not None or not self._is_plain(table, segments):
            return await self._batch(request_type, segments, outcomes, only_missing, span).write()
        # The plain case: no row is handled by itself, unless one fails.
        rows = sum(map(count_of, segments))
        wires = [segment.wire for segment in segments]
        sizes = [segment.sizes for segment in segments]
        request = [TableRows(table, wires, sizes)]
        meters = self._run.meters
        sent_at = governor.clock()
        answer: list[Verdict] | RequestFailed | None
        meters.in_flight += 1
        governor.in_flight += 1
        try:
            answer = await request_type.write(request)
        except RequestFailed as failed:
            answer = failed
        finally:
            meters.in_flight -= 1
        seconds = governor.clock() - sent_at
        if answer is not None:
            batch = self._batch(request_type, segments, outcomes, only_missing)
            return await batch.go_on_after(request, sent_at, seconds, answer)
        meter = meters.table(table)
        size = sum(map(len, wires))
        meter.request("OK", seconds, size)
        meter.rows("written", "OK", rows)
        meter.written(size, sizes)
        if governor.is_on or seconds > SLOW or governor.slow_start is not None:
            governor.written(sent_at, rows)
        else:
            governor.recent.written(rows, seconds, sent_at + seconds)
            governor.in_flight -= 1
        outcomes.written(rows)
        return []

    def _is_plain(self, table: str, segments: Sequence[Segment]) -> bool:
        """Whether no row needs a look: rows of one table that is not throttled, each key once.

        A segment without identities has different keys.
        """
        if table not in self.checks.checked or self.governors[table].is_on:
            return False
        if any(segment.table != table for segment in segments):
            return False
        identities = [*chain.from_iterable([segment.identities for segment in segments])]
        return not identities or len({*identities}) == len(identities)

    async def write_rows(self, segments: Sequence[Segment], outcomes: Outcomes) -> None:
        """Return when every row is written or rejected: to wide-column tables of no topic."""
        for rest in await self._batch(self._types.rows, segments, outcomes, False).write():
            await rest.finish()

    async def write_throttled(
        self, segments: Sequence[Segment], outcomes: Outcomes, only_missing: bool = False
    ) -> None:
        """As `write_rows`, to one table that is throttled: in turn with other batches."""
        for request_type, some in self._types.split(segments):
            await self._batch(request_type, some, outcomes, only_missing).finish()

    def close(self) -> None:
        """Close idle connections; called in the writing loop."""
        self._client.close()

    def _batch(
        self,
        request_type: RequestType,
        segments: Sequence[Segment],
        outcomes: Outcomes,
        only_missing: bool,
        span: BatchSpan | None = None,
    ) -> BatchWrite:
        return BatchWrite(
            RequestMeter(request_type, self._run, span),
            segments,
            self.checks,
            self.governors,
            outcomes,
            self._new_retry_loop,
            self._run.check,
            only_missing,
        )

    def _new_retry_loop(self) -> RetryLoop:
        settings = self._run.settings.tablestore
        return RetryLoop(self._run, settings.retry_initial, settings.retry_max, log)

    def _new_pauses(self) -> Backoff:
        settings = self._run.settings.tablestore
        return Backoff(settings.retry_initial, settings.retry_max, clock=self._run.clock)

    def _limits_of(self, table: str) -> Limits:
        settings = self._run.settings
        if table == settings.dead_letters.table and settings.errors.dead_letters == "tablestore":
            return Limits()
        rules = settings.rules_of(table)
        return Limits(rules.rows_per_second, rules.capacity_units_per_second)

    def _used(self, table: str, units: int) -> None:
        self.governors[table].used(units)
