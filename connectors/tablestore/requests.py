"""Request types: how rows become the body of a request, and what its answer says of each row.

BatchWriteRow [batch-write-row] takes rows of several wide-column tables together; rows of a time
series table are sent by themselves, in PutTimeseriesData (timeseries/requests.py). The batch
handles rows, verdicts and retries; a request type handles the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from google.protobuf.message import DecodeError
from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse

from connectors.batching import split_requests
from connectors.records import Segment
from connectors.settings import Settings
from connectors.tablestore.client import Client
from connectors.tablestore.plainbuffer.varint import prefixed, varint
from connectors.tablestore.timeseries.requests import PointRequests
from connectors.tablestore.verdicts import RequestFailed, Retry, Verdict, Written, judge

_OPERATION = "BatchWriteRow"
_WRITTEN = Written()
_MAX_REMEMBERED = 64
_IS_OK = attrgetter("is_ok")


class TableRows(NamedTuple):
    """The rows of one table in a request."""

    table: str
    wires: Sequence[bytes]
    """The rows' parts of the request, one or more rows in a piece."""
    sizes: Sequence[Sequence[int]]
    """Of each piece, the bytes of each of its rows."""


# Is called with a table and the capacity units that a request to it took.
Used = Callable[[str, int], None]


class RequestType(Protocol):
    """One API operation that writes rows."""

    async def write(self, tables: Sequence[TableRows]) -> list[Verdict] | None:
        """A verdict for each row, in their order; None when all are written.

        Raises RequestFailed.
        """
        ...


class RowRequests:
    """BatchWriteRow: rows of wide-column tables, each table once."""

    def __init__(self, client: Client, used: Used | None = None) -> None:
        """`used` is called with the capacity units of each answer, if a table limits them."""
        self._client = client
        self._used = used
        self._all_written: set[tuple[tuple[int, ...], bytes]] = set()

    async def write(self, tables: Sequence[TableRows]) -> list[Verdict] | None:
        """Send the rows of one request, under the contract of `RequestType.write`."""
        body = batch_body([(table, wires) for table, wires, _ in tables])
        answer = await self._client.post(_OPERATION, body)
        return self.verdicts(answer, tuple([sum(map(len, rows.sizes)) for rows in tables]))

    def verdicts(self, answer: bytes, counts: tuple[int, ...]) -> list[Verdict] | None:
        """The verdicts in the answer to a request with `counts` rows of each table, as `write`.

        Raises RequestFailed for an answer that cannot be read or has other rows.
        """
        # Answers for "all written, one capacity unit each" repeat the same bytes.
        if self._used is None and (counts, answer) in self._all_written:
            return None
        try:
            response = BatchWriteRowResponse.FromString(answer)
        except DecodeError as error:
            raise RequestFailed(Retry(f"unreadable answer: {error}")) from None
        if tuple(len(table.rows) for table in response.tables) != counts:
            raise RequestFailed(Retry("the answer has other rows than the request"))
        if self._used is not None:
            for table in response.tables:
                units = [row.consumed.capacity_unit for row in table.rows]
                self._used(table.table_name, sum([unit.read + unit.write for unit in units]))
        if not any(False in map(_IS_OK, table.rows) for table in response.tables):
            if len(self._all_written) >= _MAX_REMEMBERED:
                self._all_written.clear()
            self._all_written.add((counts, answer))
            return None
        return [
            _WRITTEN if row.is_ok else judge(200, row.error.code, row.error.message)
            for table in response.tables
            for row in table.rows
        ]


class RequestTypes:
    """Chooses the request type of each row by its table's mode."""

    def __init__(self, client: Client, settings: Settings, used: Used) -> None:
        self._settings = settings
        rules = [settings.table, *settings.tables.values()]
        counts_units = any(one.capacity_units_per_second is not None for one in rules)
        self.rows = RowRequests(client, used if counts_units else None)
        self.points = PointRequests(client, settings.tablestore.timeseries_encoding)
        self._only_rows = all(one.mode == "wide_column" for one in rules)

    def split(self, segments: Sequence[Segment]) -> Iterator[tuple[RequestType, Sequence[Segment]]]:
        """The requests that write these rows: the type and the rows of each, order kept."""
        if self._only_rows:
            yield self.rows, segments
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
            yield self.rows, rows
        for table, mine in points.items():
            max_rows = self._settings.rules_of(table).timeseries.rows_per_request
            for together in split_requests(mine, max_rows):
                yield self.points, together


def batch_body(tables: Iterable[tuple[str, Iterable[bytes]]]) -> bytes:
    """The body of a BatchWriteRow request of (table, wire rows) pairs, one pair a table.

    BatchWriteRowRequest{1 tables}; TableInBatchWriteRowRequest{1 table_name, 2 rows}: a wire row is
    the field `rows` with its tag and length (plainbuffer/batch_write_row.py).
    """
    body: list[bytes] = []
    for table, rows in tables:
        message = [prefixed(b"\x0a", table.encode()), *rows]
        body += (b"\x0a", varint(sum(map(len, message))), *message)
    return b"".join(body)
