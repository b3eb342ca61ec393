"""Measures requests: how long they took, what they carried, and what became of their rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from time import perf_counter

from connectors.run.context import Run
from connectors.run.tracing import BatchSpan
from connectors.tablestore.requests import RequestType, TableRows
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Verdict, Written

# A throttle lets some rows through: refusals within so many seconds are one wait.
THROTTLE_LINGER = 15.0
_CODE = re.compile(r"OTS\w+|HTTP \d{3}\b")
_OUTCOMES = ((Written, "written"), (Retry, "retried"), (Reject, "rejected"))


def code_in(reason: str) -> str:
    """The service's code, or HTTP_ and the status, with which a reason begins; empty for none."""
    found = _CODE.match(reason)
    return "" if found is None else found[0].replace(" ", "_")


class RequestMeter:
    """A request type that measures those of another one; made for each batch."""

    def __init__(self, request_type: RequestType, run: Run, span: BatchSpan | None = None) -> None:
        self._request_type = request_type
        self._meters = run.meters
        self._waits = run.waits
        self._span = span

    async def write(self, tables: Sequence[TableRows]) -> list[Verdict] | None:
        """Write the rows through the measured request type, and return what that returns."""
        meters = self._meters
        meters.in_flight += 1
        started = perf_counter()
        verdicts: list[Verdict] | None = None
        failed: RequestFailed | None = None
        try:
            verdicts = await self._request_type.write(tables)
        except RequestFailed as error:
            failed = error
            raise
        finally:
            meters.in_flight -= 1
            self._count(tables, verdicts, failed, perf_counter() - started)
        return verdicts

    def note(
        self, tables: Sequence[TableRows], answer: list[Verdict] | RequestFailed, seconds: float
    ) -> None:
        """Count a request that was sent without `write`, and has not written all rows."""
        if isinstance(answer, RequestFailed):
            self._count(tables, None, answer, seconds)
        else:
            self._count(tables, answer, None, seconds)

    def _count(
        self,
        tables: Sequence[TableRows],
        verdicts: list[Verdict] | None,
        failed: RequestFailed | None,
        seconds: float,
    ) -> None:
        code = "OK" if verdicts is None else "PARTIAL"
        if failed is not None:
            code = _code_of(failed.verdict, failed.code) or "NO_ANSWER"
        before = 0
        for table, wires, sizes in tables:
            meter = self._meters.table(table)
            size = sum(map(len, wires))
            meter.request(code, seconds, size)
            number = sum(map(len, sizes))
            if failed is not None:
                meter.rows(_outcome(failed.verdict), code, number)
                self._note_throttle(table, [failed.verdict])
            elif verdicts is None:
                meter.rows("written", "OK", number)
                meter.written(size, sizes)
            else:
                mine = zip(
                    chain.from_iterable(sizes), verdicts[before : before + number], strict=True
                )
                written = [each for each, verdict in mine if isinstance(verdict, Written)]
                meter.written(sum(written), [written])
                for (outcome, of_row), rows in Counter(
                    (_outcome(verdict), _code_of(verdict) or "OK")
                    for verdict in verdicts[before : before + number]
                ).items():
                    meter.rows(outcome, of_row, rows)
                self._note_throttle(table, verdicts[before : before + number])
            before += number
        if self._span is not None:
            names = [rows.table for rows in tables]
            size = sum(len(wire) for rows in tables for wire in rows.wires)
            self._span.request(names, code, before, size, seconds)

    def _note_throttle(self, table: str, verdicts: Sequence[Verdict]) -> None:
        """A throttled table is waited for, however its rows are sent again."""
        for verdict in verdicts:
            if isinstance(verdict, Retry) and verdict.cause == "throttled":
                reason, code = verdict.reason, code_in(verdict.reason)
                self._waits.touch("tablestore", table, reason, code, THROTTLE_LINGER)
                return


def _outcome(verdict: Verdict) -> str:
    for kind, outcome in _OUTCOMES:
        if isinstance(verdict, kind):
            return outcome
    return "stopped"


def _code_of(verdict: Verdict, code: str = "") -> str:
    if code or isinstance(verdict, Written):
        return code
    if isinstance(verdict, Retry):
        return code_in(verdict.reason)
    return verdict.code
