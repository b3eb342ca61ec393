"""The governors of all tables, and what each of them is to know of a request and its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from connectors.run.accounting import Counts
from connectors.run.read_limits import ReadLimits
from connectors.run.retry import Backoff
from connectors.tablestore.throttle.governor import Governor, Limits
from connectors.tablestore.verdicts import RequestFailed, Retry, Verdict

# The tables of a request, with the numbers of their rows.
_Counts = Sequence[tuple[str, int]]


class Governors(dict[str, Governor]):
    """The governor of each table, made when the table is first written."""

    def __init__(
        self,
        limits_of: Callable[[str], Limits],
        counts: Counts,
        read_limits: ReadLimits,
        new_pauses: Callable[[], Backoff],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._limits_of = limits_of
        self._counts = counts
        self._read_limits = read_limits
        self._new_pauses = new_pauses
        self._clock = clock
        self.on: set[str] = set()
        """The tables whose rows have to wait for their turn."""

    def __missing__(self, table: str) -> Governor:
        """A governor for a new table."""
        made = Governor(
            table,
            self._limits_of(table),
            self._counts,
            self._read_limits,
            self._new_pauses,
            self._clock,
            on=self.on,
        )
        self[table] = made
        return made

    def sent(self, tables: _Counts) -> float:
        """A request is sent; returns when."""
        sent_at = 0.0
        for table, _ in tables:
            sent_at = self[table].sent()
        return sent_at

    def answered(
        self,
        tables: _Counts,
        sent_at: float,
        answer: Sequence[Verdict] | RequestFailed | None,
        units: float = 0.0,
    ) -> None:
        """A request was answered, or failed; None when all rows are written.

        `units` are the capacity units that were reckoned when its turn came.
        """
        if answer is None:
            for table, rows in tables:
                self[table].written(sent_at, rows, units)
            return
        if isinstance(answer, RequestFailed):
            verdict = answer.verdict
            for table, rows in tables:
                if isinstance(verdict, Retry) and verdict.cause == "throttled":
                    self[table].answered(sent_at, 0, rows, verdict.reason, units)
                else:
                    is_slow = isinstance(verdict, Retry) and verdict.cause == "slow"
                    self[table].failed(sent_at, is_slow)
            return
        at = 0
        for table, rows in tables:
            retries = [each for each in answer[at : at + rows] if isinstance(each, Retry)]
            throttled = [each.reason for each in retries if each.cause == "throttled"]
            accepted = rows - len(retries)
            self[table].answered(sent_at, accepted, len(throttled), "".join(throttled[:1]), units)
            at += rows
