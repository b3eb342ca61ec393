"""Kinds of request: which one writes the rows of a table, what its body is, what its answer says.

The writer knows rows, verdicts and retries; a kind knows the request. Rows of all wide-column
tables of a batch go together, those of a time series table by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from connectors.records import Segment, count_of
from connectors.run.context import Run
from connectors.tablestore.client import Client
from connectors.tablestore.plainbuffer.encode import batch_body
from connectors.tablestore.timeseries.requests import PointRequests
from connectors.tablestore.verdicts import Verdict

# Tables, each with the parts of the request that its rows are, one or more in a piece.
Tables = Sequence[tuple[str, Sequence[bytes]]]


class Kind(Protocol):
    """One kind of request."""

    async def write(self, tables: Tables, rows: Sequence[int]) -> list[Verdict] | None:
        """A verdict for each row in order; None when all are written. Raises RequestFailed.

        `rows` is how many rows each table has.
        """
        ...


class RowRequests:
    """Rows of wide-column tables: BatchWriteRow."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def write(self, tables: Tables, rows: Sequence[int]) -> list[Verdict] | None:
        """As `Kind`."""
        return await self._client.write(batch_body(tables), rows)


class Requests:
    """Which kind of request writes what."""

    def __init__(self, client: Client, run: Run) -> None:
        settings = run.settings
        self._settings = settings
        self._rows = RowRequests(client)
        self.points = PointRequests(client, settings.tablestore.timeseries_encoding)
        rules = [settings.table, *settings.tables.values()]
        self._only_rows = all(one.mode == "wide_column" for one in rules)

    def of(self, segments: Sequence[Segment]) -> Iterator[tuple[Kind, Sequence[Segment]]]:
        """The requests that write these rows: their kinds, and the rows of each."""
        if self._only_rows:
            yield self._rows, segments
            return
        rows: list[Segment] = []
        points: dict[str, list[Segment]] = {}
        for segment in segments:
            table = segment.table
            if self._settings.rules_of(table).mode == "timeseries":
                points.setdefault(table, []).append(segment)
            else:
                rows.append(segment)
        if rows:
            yield self._rows, rows
        for table, mine in points.items():
            most = self._settings.rules_of(table).timeseries.rows_per_request
            for part in _parts(mine, most):
                yield self.points, part


def _parts(segments: Sequence[Segment], most: int) -> Iterator[list[Segment]]:
    """The same rows in order, at most so many together."""
    part: list[Segment] = []
    room = most
    for segment in segments:
        rest = segment
        while count_of(rest) > room:
            if room:
                head, rest = rest.split(room)
                part.append(head)
            yield part
            part, room = [], most
        part.append(rest)
        room -= count_of(rest)
    if part:
        yield part
