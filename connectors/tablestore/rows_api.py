"""Reads rows and points by their keys with the official SDK, for `verify`. All calls block."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tablestore.metadata import (
    BatchGetRowRequest,
    GetTimeseriesDataRequest,
    TableInBatchGetRowItem,
    TimeseriesKey,
)

from connectors.errors import StopRun
from connectors.run.backoff import Backoff
from connectors.tablestore.client import Client
from connectors.tablestore.row_reader import Value
from connectors.tablestore.tables_api import sdk_call
from connectors.tablestore.verdicts import RequestFailed, Retry, judge

T = TypeVar("T")

MAX_ROWS = 100
"""Keys of one BatchGetRow request [limits]."""
_PAGE = 1000
_PATIENCE = 300.0  # seconds of refusals in a row
_INITIAL, _MAXIMUM = 0.1, 5.0  # seconds between two tries

Found = dict[str, tuple[Value, int | None]]
"""The columns of a row: (value, version in ms since 1970), of their newest versions."""


class RowsApi:
    """Reads the tables of one instance; retries what passes, for five minutes at most."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rows(self, table: str, keys: Sequence[Sequence[tuple[str, Value]]]) -> list[Found | None]:
        """BatchGetRow of at most MAX_ROWS keys: the row of each, None where there is none.

        Raises StopRun.
        """
        wanted = [[(name, _to_sdk(value)) for name, value in key] for key in keys]

        def ask() -> list[Found | None]:
            request = BatchGetRowRequest()
            request.add(TableInBatchGetRowItem(table, wanted, max_version=1))
            items = self._call("batch_get_row", request).items.get(table) or ()
            for item in items:
                if not item.is_ok:
                    verdict = judge(200, item.error_code, item.error_message or "")
                    raise RequestFailed(verdict, item.error_code)
            if len(items) != len(wanted):
                raise RequestFailed(Retry("an answer of another number of rows"))
            return [_columns(item.row) for item in items]

        return self._until_answered(table, ask)

    def points(
        self, table: str, series: tuple[str, str, dict[str, str]], first: int, end: int
    ) -> dict[int, list[Found]]:
        """GetTimeseriesData: by time in us, the fields of each point of a series before `end`.

        `series` is measurement, data source and tags. Raises StopRun.
        """
        found: dict[int, list[Found]] = {}
        token: Any = None
        while True:

            def ask(token: Any = token) -> Any:
                request = GetTimeseriesDataRequest(
                    table, TimeseriesKey(*series), first, end, _PAGE, token
                )
                return self._call("get_timeseries_data", request)

            answer = self._until_answered(table, ask)
            for row in answer.rows or ():
                fields: Found = {name: (_plain(value), None) for name, value in row.fields.items()}
                found.setdefault(row.time_in_us, []).append(fields)
            token = answer.nextToken
            if not token:
                return found

    def dead_letter_offsets(self, table: str, place: str, first: int, end: int) -> list[int]:
        """GetRange: the offsets of the dead letters of a topic and partition before `end`.

        `place` is the first key column. Empty where there is no such table. Raises StopRun.
        """
        found: list[int] = []
        start: Any = [("topic_partition", place), ("offset", first)]
        stop = [("topic_partition", place), ("offset", end)]
        while start is not None:

            def ask(start: Any = start) -> Any:
                try:
                    return self._call("get_range", table, "FORWARD", start, stop, ["stage"], _PAGE)
                except RequestFailed as failed:
                    if failed.code == "OTSObjectNotExist":
                        return None, None, (), None
                    raise

            _, start, rows, _ = self._until_answered(table, ask)
            found += [int(row.primary_key[1][1]) for row in rows]
        return found

    def _until_answered(self, table: str, ask: Callable[[], T]) -> T:
        backoff = Backoff(_INITIAL, _MAXIMUM)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except RequestFailed as failed:
                verdict = failed.verdict
                reason = getattr(verdict, "reason", str(verdict))
                if not isinstance(verdict, Retry):
                    raise StopRun(f"table {table}: {reason}") from None
                if time.monotonic() > deadline:
                    raise StopRun(
                        f"table {table}: {reason}\n  remedy: there was no other answer for "
                        f"{_PATIENCE:g} s; try again when the service answers"
                    ) from None
            time.sleep(backoff.next_wait())

    def _call(self, method: str, *arguments: Any) -> Any:
        return sdk_call(self._client, method, *arguments)


def _columns(row: Any) -> Found | None:
    if row is None or not row.primary_key:
        return None
    return {name: (_plain(value), version) for name, value, version in row.attribute_columns or ()}


def _to_sdk(value: Value) -> Any:
    return bytearray(value) if isinstance(value, bytes) else value


def _plain(value: Any) -> Value:
    return bytes(value) if isinstance(value, bytearray) else value
