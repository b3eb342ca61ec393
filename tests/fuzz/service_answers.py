"""Random answers of Tablestore: each is verdicts for the rows, or a failure with a verdict."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from google.protobuf.message import Message
from tablestore.protobuf.table_store_pb2 import (
    BatchGetRowResponse,
    BatchWriteRowResponse,
    DescribeTableResponse,
    Error,
)
from tablestore.protobuf.timeseries_pb2 import (
    DescribeTimeseriesTableResponse,
    PutTimeseriesDataResponse,
)

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.http import Answer, TransportError, _Connection
from connectors.tablestore.requests import RowRequests, TableRows
from connectors.tablestore.rows_api import RowsApi
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.timeseries.requests import PointRequests
from connectors.tablestore.verdicts import RequestFailed
from tests.fuzz import mutate
from tests.fuzz.outcomes import text_of
from tests.unit.tablestore.fake_service import ENVIRONMENT, signed

_ROWS = 3
_TABLE = [TableRows("t", [b"x"], [[1] * _ROWS])]
_CODES = ("OTSServerBusy", "OTSParameterInvalid", "OTSAuthFailed", "", "é", "Nobody'sCode")


def _batch_answer(random_: random.Random) -> Any:
    made = BatchWriteRowResponse()
    table = made.tables.add()
    table.table_name = "t"
    for _ in range(random_.choice((_ROWS, _ROWS, _ROWS, 0, 7))):
        row = table.rows.add()
        row.is_ok = random_.random() < 0.6
        row.consumed.capacity_unit.write = 1
        if not row.is_ok:
            row.error.code = random_.choice(_CODES)
            row.error.message = "m"
    return made


def _points_answer(random_: random.Random) -> Any:
    made = PutTimeseriesDataResponse()
    for _ in range(random_.randrange(4)):
        row = made.failed_rows.add()
        row.row_index = random_.choice((0, 1, 2, -1, 3, 2**31 - 1))
        row.error_code = random_.choice(_CODES)
        row.error_message = "m"
    return made


def _table_answer(_: random.Random) -> Any:
    made = DescribeTableResponse()
    made.table_meta.table_name = "t"
    key = made.table_meta.primary_key.add()
    key.name, key.type = "id", 2
    made.table_options.max_versions = 1
    made.table_options.time_to_live = -1
    return made


def _points_table_answer(_: random.Random) -> Any:
    made = DescribeTimeseriesTableResponse()
    made.table_meta.table_name = "t"
    made.table_meta.table_options.time_to_live = -1
    return made


def _read_answer(random_: random.Random) -> Any:
    made = BatchGetRowResponse()
    table = made.tables.add()
    table.table_name = "t"
    row = table.rows.add()
    row.is_ok = random_.random() < 0.8
    row.consumed.capacity_unit.read = 1
    row.row = random_.randbytes(random_.choice((0, 4, 40)))
    if not row.is_ok:
        row.error.code = random_.choice(_CODES)
    return made


def _error(random_: random.Random) -> Any:
    made = Error()
    made.code, made.message = random_.choice(_CODES), "m"
    return made


class _Urllib3Answer:
    """An answer as the SDK's connections give it."""

    reason = "OK"

    def __init__(self, answer: Answer) -> None:
        self.status, self.headers, self.data = answer


class _Service:
    """Answers at random, to our client and to the SDK."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_
        self.made: Callable[[random.Random], Message] = _batch_answer

    def _answer(self, path: str) -> Answer:
        random_ = self._random
        status = random_.choice((200,) * 8 + (400, 403, 500, 503, 204, 302))
        message = self.made(random_) if status == 200 else _error(random_)
        body = message.SerializePartialToString()
        if random_.random() < 0.6:
            body = mutate.data(random_, body)
        answer = signed(body, status, path)
        if random_.random() < 0.2:
            headers = dict(answer.headers)
            name = random_.choice(list(headers))
            headers[name] = mutate.data(random_, headers[name].encode()).decode("latin-1")
            if random_.random() < 0.3:
                del headers[name]
            answer = answer._replace(headers=headers)
        return answer

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._random.random() < 0.02:
            raise TransportError("no connection")
        return self._answer(path)

    def urlopen(self, _method: str, url: str, **_: Any) -> _Urllib3Answer:
        return _Urllib3Answer(self._answer("/" + url.rpartition("/")[2]))

    def close(self) -> None:
        """Nothing to close."""


def attempts(random_: random.Random) -> Callable[[], str]:
    """A function that tries the next answer; it raises what no answer must raise."""
    with patch.dict("os.environ", ENVIRONMENT):
        service = _Service(random_)
        given = TablestoreSettings(endpoint="http://127.0.0.1:1", instance="test")
        client = Client(given, pool=service)  # type: ignore[arg-type]
        client._credentials.get_credentials()
    client.sdk.connection.pool = service
    rows, points = RowRequests(client), PointRequests(client, "protobuf")
    tables, reads = TablesApi(client), RowsApi(client)
    loop = asyncio.new_event_loop()

    def read() -> object:
        with patch("connectors.tablestore.rows_api._PATIENCE", -1.0):
            return reads.rows("t", [[("id", "a")]])

    calls: tuple[tuple[Callable[[random.Random], Message], Callable[[], object]], ...] = (
        (_batch_answer, lambda: loop.run_until_complete(rows.write(_TABLE))),
        (_points_answer, lambda: loop.run_until_complete(points.write(_TABLE))),
        (_table_answer, lambda: tables.describe("t")),
        (_points_table_answer, lambda: tables.describe_timeseries("t")),
        (_read_answer, read),
        (_batch_answer, lambda: _parse(random_)),
    )

    def attempt() -> str:
        service.made, call = random_.choice(calls)
        try:
            found = call()
        except (RequestFailed, StopRun) as failed:
            return text_of(failed)
        if isinstance(found, list) and service.made is not _read_answer:
            if len(found) != _ROWS:
                raise AssertionError("verdicts on other rows")
            return "verdicts"
        return "taken"

    return attempt


class _NoTransport(asyncio.Transport):
    def abort(self) -> None:
        """Nothing to close."""


def _parse(random_: random.Random) -> None:
    """Bytes from the network, in pieces."""
    connection = _Connection()
    connection.connection_made(_NoTransport())
    body = b"x" * random_.randrange(9)
    text = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nA: b\r\n\r\n%b" % (len(body), body)
    if random_.random() < 0.3:
        text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    text = mutate.data(random_, text)
    cut = random_.randrange(len(text) + 1)
    connection.data_received(text[:cut])
    connection.data_received(text[cut:])
    connection.connection_lost(None)
