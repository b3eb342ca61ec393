"""Tablestore requests: the only module that knows the official SDK.

The SDK signs, checks answers, manages tables and defines the messages. It does not encode rows (its
encoder costs ten to forty times ours), does not send data requests (its clients cost three times
ours), and does not retry (its policy sleeps in the caller's thread and never looks at single rows).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from tablestore.auth import RequestContext
from tablestore.client import OTSClient
from tablestore.error import OTSClientError, OTSServiceError
from tablestore.metadata import (
    INF_MAX,
    PK_AUTO_INCR,
    BatchWriteRowRequest,
    CapacityUnit,
    ComparatorType,
    Condition,
    CreateTimeseriesTableRequest,
    ReservedThroughput,
    RowExistenceExpectation,
    SingleColumnCondition,
    TableInBatchWriteRowItem,
    TableMeta,
    TableOptions,
    TimeseriesMetaOptions,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
    UpdateRowItem,
)
from tablestore.metadata import Row as SdkRow
from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse
from tablestore.protobuf.timeseries_pb2 import PutTimeseriesDataResponse
from tablestore.retry import NoRetryPolicy
from urllib3.exceptions import HTTPError

from connectors.settings.tables import TableSettings
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import CredentialsSource
from connectors.tablestore.http import Answer, Pool, TransportError
from connectors.tablestore.verdicts import RequestFailed, Retry, Verdict, Written, judge

_API = "BatchWriteRow"
_WRITTEN = Written()
_REMEMBERED_ANSWERS = 64
_IS_OK = attrgetter("is_ok")
# At its default level the SDK formats every request for its log, and its error log holds payload.
_SDK_LOG = "sync.tablestore.sdk"

_TO_SDK = {
    "string": "STRING",
    "integer": "INTEGER",
    "binary": "BINARY",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
}


class TableShape(NamedTuple):
    """What a table is: (name, type) of its key columns in order, and of its defined columns.

    Types are named as in config.toml, and `auto_increment` for such a key. `deviation` is how many
    seconds the versions of its cells may lie away from the present; None where it is not told.
    """

    primary_key: tuple[tuple[str, str], ...]
    defined: tuple[tuple[str, str], ...]
    deviation: int | None = None
    takes_updates: bool = True


class TimeseriesShape(NamedTuple):
    """What a time series table is. Times to live in seconds, -1 for ever, None where not told.

    `keys` are the columns of its series' key, where those are not the usual three; `field_keys` the
    fields that are part of a point's key.
    """

    time_to_live: int
    metadata_time_to_live: int | None
    metadata_updates: bool | None
    keys: tuple[str, ...]
    field_keys: tuple[str, ...]


class Client:
    """One instance of Tablestore. Data requests belong to one asyncio loop; the rest blocks."""

    def __init__(self, settings: TablestoreSettings) -> None:
        logging.getLogger(_SDK_LOG).setLevel(logging.CRITICAL + 1)
        self._settings = settings
        self._credentials = CredentialsSource(settings)
        self._pool = Pool(settings.endpoint, settings.timeout)
        self._sdk = OTSClient(
            settings.endpoint,
            instance_name=settings.instance,
            credentials_provider=self._credentials,
            region=settings.region or None,
            retry_policy=NoRetryPolicy(),
            socket_timeout=settings.timeout,
            max_connection=4,
            logger_name=_SDK_LOG,
        )
        self._all_written: set[tuple[tuple[int, ...], bytes]] = set()
        self._protocol = self._sdk.protocol
        self._signer = self._sdk._signer

    async def write(self, body: bytes, rows: Sequence[int]) -> list[Verdict] | None:
        """BatchWriteRow: a verdict for each row, table after table as in the body.

        None when all were written. `rows` is how many rows each table has. Raises RequestFailed.
        """
        return self._verdicts(await self.post(_API, body), tuple(rows))

    async def post(self, api: str, body: bytes) -> bytes:
        """Any request: the body of an answer that says 200 and can be trusted, or RequestFailed."""
        return await self._exchange(self._pool, api, body)

    def ask(self, api: str, body: bytes) -> bytes:
        """As `post`, blocking and on a connection of its own: for what is asked once."""

        async def alone() -> bytes:
            pool = Pool(self._settings.endpoint, self._settings.timeout)
            try:
                return await self._exchange(pool, api, body)
            finally:
                pool.close()

        return asyncio.run(alone())

    async def _exchange(self, pool: Pool, api: str, body: bytes) -> bytes:
        path = f"/{api}"
        context = RequestContext(self._credentials.get_credentials())
        headers = self._protocol._make_request_headers(body, path, self._signer, context)
        try:
            answer = await pool.post(path, headers, body)
        except TransportError as error:
            raise RequestFailed(Retry(str(error))) from None
        if answer.status == 200:
            self._check_trust(answer, path, context)
            return answer.body
        try:
            self._protocol.handle_error(
                api,
                path,
                answer.status,
                "",
                answer.headers,
                answer.body,
                self._signer,
                context,
            )
        except (OTSServiceError, OTSClientError) as error:
            raise _failed(error) from None
        raise RequestFailed(Retry(f"HTTP {answer.status} instead of 200"))

    def _check_trust(self, answer: Answer, path: str, context: RequestContext) -> None:
        """The answer's checksum and signature, as the SDK checks them (its way costs twice)."""
        headers = answer.headers
        digest = base64.b64encode(hashlib.md5(answer.body, usedforsecurity=False).digest())
        if headers.get("x-ots-contentmd5", "").encode("latin-1") != digest:
            raise RequestFailed(Retry("untrusted answer: its checksum is wrong or missing"))
        signature = self._signer.make_response_signature(
            path, headers, self._signer.get_signing_key(context)
        )
        key_id = context.get_credentials().get_access_key_id()
        if headers.get("authorization") != f"OTS {key_id}:{signature}":
            raise RequestFailed(Retry("untrusted answer: its signature is wrong or missing"))

    def _verdicts(self, body: bytes, rows: tuple[int, ...]) -> list[Verdict] | None:
        # Answers that say "all written, one capacity unit each" are the same bytes again and again.
        if (rows, body) in self._all_written:
            return None
        try:
            response = BatchWriteRowResponse.FromString(body)
        except DecodeError as error:
            raise RequestFailed(Retry(f"unreadable answer: {error}")) from None
        if tuple(len(table.rows) for table in response.tables) != rows:
            raise RequestFailed(Retry("the answer has other rows than the request"))
        if not any(False in map(_IS_OK, table.rows) for table in response.tables):
            if len(self._all_written) >= _REMEMBERED_ANSWERS:
                self._all_written.clear()
            self._all_written.add((rows, body))
            return None
        return [
            _WRITTEN if row.is_ok else judge(200, row.error.code, row.error.message)
            for table in response.tables
            for row in table.rows
        ]

    def failed_points(self, body: bytes) -> list[tuple[int, str, str]]:
        """Number, code and message of the rows that an answer of PutTimeseriesData names.

        Raises RequestFailed.
        """
        if not body:
            return []
        try:
            response = PutTimeseriesDataResponse.FromString(body)
        except DecodeError as error:
            raise RequestFailed(Retry(f"unreadable answer: {error}")) from None
        return [(row.row_index, row.error_code, row.error_message) for row in response.failed_rows]

    def describe(self, table: str) -> TableShape:
        """DescribeTable, blocking. Raises RequestFailed; a missing table is OTSObjectNotExist."""
        found = self._call("describe_table", table)
        meta, options = found.table_meta, found.table_options
        return TableShape(
            tuple(_key_column(*column) for column in meta.schema_of_primary_key),
            tuple((name, _FROM_SDK.get(kind, kind)) for name, kind in meta.defined_columns or ()),
            None if options is None else options.max_time_deviation,
            options is None or options.allow_update is not False,
        )

    def create(self, table: str, rules: TableSettings, defined: int) -> None:
        """CreateTable, blocking, with the first `defined` listed columns defined.

        Raises RequestFailed; a table that exists is OTSObjectAlreadyExist.
        """
        columns = [] if rules.columns == "all" else [(c.name, c.type) for c in rules.columns]
        meta = TableMeta(
            table,
            [_sdk_key_column(name, kind) for name, kind in rules.key_columns],
            [(name, _TO_SDK[kind]) for name, kind in columns[:defined]],
        )
        options = TableOptions(rules.time_to_live, rules.max_versions, rules.deviation)
        self._call("create_table", meta, options, ReservedThroughput(CapacityUnit(0, 0)))

    def rows_from(
        self, table: str, start: Sequence[tuple[str, Any]], most: int
    ) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """GetRange from a key (inclusive) on, blocking: (key's values, columns) of some rows.

        None is left when it is empty. Raises RequestFailed.
        """
        end = [(name, INF_MAX) for name, _ in start]
        token: Any = list(start)
        while token is not None:
            _, token, rows, _ = self._call("get_range", table, "FORWARD", token, end, None, most)
            if rows:
                return [
                    (
                        tuple(value for _, value, *_ in row.primary_key),
                        {name: value for name, value, *_ in row.attribute_columns},
                    )
                    for row in rows
                ]
        return []

    def mark_replayed(
        self, table: str, dead_letters: Sequence[tuple[tuple[str, int], int]], time_ms: int
    ) -> None:
        """The column `replayed` to dead letters, blocking, where `replays` is still the given one.

        `dead letters` is (topic_partition and offset, replays) of each. Raises RequestFailed.
        """
        items = []
        for (place, offset), replays in dead_letters:
            same = SingleColumnCondition("replays", replays, ComparatorType.EQUAL, False)
            key = [("topic_partition", place), ("offset", offset)]
            row = SdkRow(key, {"PUT": [("replayed", time_ms)]})
            exists = Condition(RowExistenceExpectation.EXPECT_EXIST, same)
            items.append(UpdateRowItem(row, exists))
        request = BatchWriteRowRequest()
        request.add(TableInBatchWriteRowItem(table, items))
        for row in self._call("batch_write_row", request).get_failed_of_update():
            if row.error_code != "OTSConditionCheckFail":
                verdict = judge(200, row.error_code, row.error_message)
                raise RequestFailed(verdict, row.error_code)

    def describe_timeseries(self, table: str) -> TimeseriesShape:
        """DescribeTimeseriesTable, blocking. Raises RequestFailed, as `describe`."""
        meta = self._call("describe_timeseries_table", table).table_meta
        options = meta.timeseries_meta_options
        return TimeseriesShape(
            meta.timeseries_table_options.time_to_live,
            options.meta_time_to_live,
            options.allow_update_attributes,
            tuple(meta.timeseries_keys or ()),
            tuple(str(column[0]) for column in meta.field_primary_keys or ()),
        )

    def create_timeseries(self, table: str, rules: TableSettings) -> None:
        """CreateTimeseriesTable, blocking. Raises RequestFailed, as `create`."""
        points = rules.timeseries
        meta = TimeseriesTableMeta(
            table,
            TimeseriesTableOptions(rules.time_to_live),
            TimeseriesMetaOptions(points.metadata_time_to_live, points.metadata_updates),
        )
        self._call("create_timeseries_table", CreateTimeseriesTableRequest(meta))

    def close(self) -> None:
        """Drop idle connections; in the loop that writes."""
        self._pool.close()

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._sdk, method)(*arguments)
        except (OTSServiceError, OTSClientError) as error:
            raise _failed(error) from None
        except HTTPError as error:  # the SDK lets network failures out as they are
            raise RequestFailed(Retry(f"{type(error).__name__}: {error}")) from None


_FROM_SDK = {sdk: ours for ours, sdk in _TO_SDK.items()}


def _sdk_key_column(name: str, kind: str) -> tuple[Any, ...]:
    if kind == "auto_increment":
        return name, "INTEGER", PK_AUTO_INCR
    return name, _TO_SDK[kind]


def _key_column(name: str, kind: str, option: object = None) -> tuple[str, str]:
    if option is PK_AUTO_INCR:
        return name, "auto_increment"
    return name, _FROM_SDK.get(kind, kind)


def _failed(error: OTSServiceError | OTSClientError) -> RequestFailed:
    """What the SDK raised, with its verdict."""
    if isinstance(error, OTSServiceError):
        code = error.code or ""
        return RequestFailed(judge(error.http_status, code, error.message or ""), code)
    status = error.http_status
    if status is None or 200 <= status < 300:
        # Wrong checksum, signature or date: the answer is not to be trusted, so it says nothing.
        return RequestFailed(Retry(f"untrusted answer: {error.message}"))
    return RequestFailed(judge(status, "", ""))
