"""A make-believe Tablestore: answers signed as the service signs them, and a fake client."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import NamedTuple, cast

from tablestore.protobuf.table_store_pb2 import BatchWriteRowRequest, BatchWriteRowResponse

from connectors.records import Batch, Operation, Row
from connectors.run.context import Run
from connectors.settings.tables import TableSettings
from connectors.steps import error_policy
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.client import Client
from connectors.tablestore.http import Answer
from connectors.tablestore.plainbuffer.encode import wire_row
from connectors.tablestore.sink import ShardWriter, TablestoreSink
from connectors.tablestore.tables_api import TablesApi, TableShape
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written
from tests.unit.factories import batch, new_run, row

KEY_ID, KEY_SECRET, TOKEN = "test-id", "test-secret-value", "test-token-value"
ENVIRONMENT = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
}

OK = Written()
BUSY = Retry("OTSServerBusy: busy")
BAD = Reject("OTSParameterInvalid", "OTSParameterInvalid: no")
DENIED = Stop("Tablestore denies every request", "OTSAuthFailed")
GONE = Stop("Tablestore denies every request: no table", "OTSObjectNotExist")


def signed(
    body: bytes, status: int = 200, path: str = "/BatchWriteRow", region: str = ""
) -> Answer:
    """An answer with the headers, checksum and signature of the real service."""
    now = datetime.now(timezone.utc)
    headers = {
        "x-ots-contentmd5": base64.b64encode(hashlib.md5(body).digest()).decode(),
        "x-ots-contenttype": "protocol buffer",
        "x-ots-date": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "x-ots-requestid": "0005c56d-5b5b-1b8e-5ac5-1d0b0a8b3c4d",
    }
    key = KEY_SECRET.encode()
    if region:
        key = b"aliyun_v4" + key
        for part in (now.strftime("%Y%m%d"), region, "ots", "aliyun_v4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        key = base64.b64encode(key)
    text = "\n".join(f"{name}:{value}" for name, value in sorted(headers.items())) + f"\n{path}"
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha1).digest()).decode()
    return Answer(status, {**headers, "authorization": f"OTS {KEY_ID}:{signature}"}, body)


class Change(NamedTuple):
    """A row change as it arrived."""

    table: str
    key: str
    value: str


def change(
    key: str,
    value: object,
    offset: int = 0,
    table: str = "orders",
    operation: Operation = "put",
) -> Row:
    """A row whose wire the fake service can read."""
    made = row(f"{table}/{key}", table=table, offset=offset)
    wire = wire_row(operation, f"{key}={value}".encode())
    return made._replace(wire=wire, operation=operation)


def changes(*values: tuple[str, object], table: str = "orders", start: int = 0) -> Batch:
    """A batch of (key, value) pairs at the offsets from `start`."""
    return batch(
        [change(key, value, offset, table) for offset, (key, value) in enumerate(values, start)]
    )


Reply = Callable[[list[Change]], "Sequence[Verdict] | None"]


def all_written(_: list[Change]) -> None:
    """Every row is written."""


class FakeClient:
    """Stands in for the client and for the calls about tables.

    `reply` gives each request's verdicts, or raises RequestFailed. It checks what must hold of each
    request: one change a key, none of a key that is in flight, rows grouped by table, at most 200.
    """

    def __init__(self, reply: Reply = all_written) -> None:
        self.reply = reply
        self.requests: list[list[Change]] = []
        self.applied: list[Change] = []
        self.rows: dict[tuple[str, str], str] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.max_in_flight = 0
        self.closed = 0
        self.shapes: dict[str, TableShape] = {}
        self.created: list[str] = []
        self.describe_answers: list[Exception] = []
        self.create_answers: list[Exception] = []
        self.described: list[str] = []
        self._in_flight: Counter[tuple[str, str]] = Counter()
        self._requests_in_flight = 0

    async def post(self, operation: str, body: bytes) -> bytes:
        """As the client's: an answer with a verdict for each row."""
        assert operation == "BatchWriteRow"
        request = BatchWriteRowRequest.FromString(body)
        found = _changes_of(request)
        keys = [(change.table, change.key) for change in found]
        assert len(set(keys)) == len(keys), "a key twice in one request"
        assert not any(self._in_flight[key] for key in keys), "a key in two requests at once"
        assert len(found) <= 200
        self.requests.append(found)
        self._in_flight.update(keys)
        self._requests_in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._requests_in_flight)
        try:
            await asyncio.sleep(0)
            while not self.gate.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.001)
            verdicts = self.reply(found)
        finally:
            self._in_flight.subtract(keys)
            self._requests_in_flight -= 1
        answers: Sequence[Verdict] = [OK] * len(found) if verdicts is None else verdicts
        for change, verdict in zip(found, answers, strict=True):
            if isinstance(verdict, Written):
                self.applied.append(change)
                self.rows[change.table, change.key] = change.value
        return _answer(request, answers)

    def describe(self, table: str) -> TableShape:
        """As the client's: the next of `describe_answers`, else the table's shape."""
        self.described.append(table)
        if self.describe_answers:
            raise self.describe_answers.pop(0)
        if table not in self.shapes:
            raise RequestFailed(GONE, "OTSObjectNotExist")
        return self.shapes[table]

    def create(self, table: str, rules: TableSettings, defined: int) -> None:
        """As the client's: the next of `create_answers`, else the table is made."""
        if self.create_answers:
            raise self.create_answers.pop(0)
        self.created.append(table)
        columns = () if rules.columns == "all" else rules.columns[:defined]
        self.shapes[table] = TableShape(
            rules.key_columns, tuple((column.name, column.type) for column in columns)
        )

    def close(self) -> None:
        """Take the place of the client's method of this name."""
        self.closed += 1


def _changes_of(request: BatchWriteRowRequest) -> list[Change]:
    names = [table.table_name for table in request.tables]
    assert len(set(names)) == len(names), "a table twice in one request"
    assert all(table.rows for table in request.tables), "a table without rows"
    return [
        Change(table.table_name, *row.row_change.decode().split("=", 1))
        for table in request.tables
        for row in table.rows
    ]


def _answer(request: BatchWriteRowRequest, verdicts: Sequence[Verdict]) -> bytes:
    """The service's answer that `judge` reads these verdicts from."""
    left = iter(verdicts)
    response = BatchWriteRowResponse()
    for table in request.tables:
        answered = response.tables.add(table_name=table.table_name)
        for _ in table.rows:
            verdict = next(left)
            row = answered.rows.add(is_ok=isinstance(verdict, Written))
            if isinstance(verdict, Stop):
                row.error.code, row.error.message = verdict.code, "words"
            elif not isinstance(verdict, Written):
                row.error.code, _, row.error.message = verdict.reason.partition(": ")
    return bytes(response.SerializeToString())


KAFKA_SHAPE = TableShape((("topic_partition", "string"), ("offset", "integer")), ())


def table_writer(run: Run, fake: FakeClient) -> TableWriter:
    """A writer of a run to the fake."""
    return TableWriter(run, cast(Client, fake), cast(TablesApi, fake))


class Writing:
    """The sink of a run on a fake client, its tables already there; use it with `with`."""

    def __init__(
        self, run: Run, reply: Reply = all_written, tables: Iterable[str] = ("orders", "clicks")
    ) -> None:
        self.run = run
        self.fake = FakeClient(reply)
        self.fake.shapes = dict.fromkeys(tables, KAFKA_SHAPE)
        writer = table_writer(run, self.fake)
        self.sink = TablestoreSink(run, ["0"], [*tables], writer, error_policy(run, writer))
        self._shards: list[ShardWriter] = []

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.gate.set()
        for shard in self._shards:
            shard.close()

    def shard(self) -> ShardWriter:
        """The writer of another shard."""
        made = self.sink.build_part("write", "0", None)
        self._shards.append(made)
        return made

    def write(self, *batches: Batch) -> None:
        """Through a shard of its own, to the end."""
        shard = self.shard()
        shard.write_batch([*batches])
        shard.snapshot()

    @property
    def counts(self) -> dict[str, int]:
        """The counts that are not zero."""
        return {name: number for name, number in self.run.counts.snapshot().items() if number}


SHORT_WAITS = {"retry_initial": 0.0005, "retry_max": 0.001, "queue": 2}


def tolerant(**tablestore: object) -> Run:
    """A run that goes on after a rejected row."""
    return new_run(tablestore={**SHORT_WAITS, **tablestore}, errors={"tolerance": "all"})


def strict() -> Run:
    """A run that stops at the first rejected row."""
    return new_run(tablestore=SHORT_WAITS)


def answers(*replies: Sequence[Verdict] | Exception | None) -> Reply:
    """One reply a request, in this order; after the last everything is written."""
    left = list(replies)

    def reply(_: list[Change]) -> Sequence[Verdict] | None:
        if not left:
            return None
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return reply


def rejects_whole(*bad: tuple[str, str]) -> Reply:
    """The whole request is rejected when it holds one of these (key, value) pairs."""

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if any((change.key, change.value) in bad for change in found):
            raise RequestFailed(BAD, BAD.code)
        return None

    return reply
