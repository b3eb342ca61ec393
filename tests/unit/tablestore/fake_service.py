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

from tablestore.protobuf.table_store_pb2 import BatchWriteRowRequest

from connectors.records import Batch, Row
from connectors.run.context import Run
from connectors.settings.tables import TableSettings
from connectors.steps import dead_letters_of
from connectors.tablestore.client import Client, TableShape
from connectors.tablestore.http import Answer
from connectors.tablestore.plainbuffer.encode import wire_row
from connectors.tablestore.requests import Requests
from connectors.tablestore.schema import Schema
from connectors.tablestore.shard_writer import Lane, Writer
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
DENIED = Stop("Tablestore refuses everything", "OTSAuthFailed")
GONE = Stop("Tablestore refuses everything: no table", "OTSObjectNotExist")


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


def change(key: str, value: object, offset: int = 0, table: str = "orders") -> Row:
    """A row whose wire the fake service can read."""
    made = row(f"{table}/{key}", table=table, offset=offset)
    return made._replace(wire=wire_row("put", f"{key}={value}".encode()))


def changes(*values: tuple[str, object], table: str = "orders", start: int = 0) -> Batch:
    """A batch of (key, value) pairs at the offsets from `start`."""
    return batch(
        [change(key, value, offset, table) for offset, (key, value) in enumerate(values, start)]
    )


Reply = Callable[[list[Change]], "Sequence[Verdict] | None"]


def all_written(_: list[Change]) -> None:
    """Every row is written."""


class FakeClient:
    """Stands in for the client. `reply` gives each request's verdicts, or raises RequestFailed.

    It checks what must hold of every request: one change a key, none of a key that is in flight,
    rows grouped by table, at most 200.
    """

    def __init__(self, reply: Reply = all_written) -> None:
        self.reply = reply
        self.requests: list[list[Change]] = []
        self.applied: list[Change] = []
        self.rows: dict[tuple[str, str], str] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.most_in_flight = 0
        self.closed = 0
        self.shapes: dict[str, TableShape] = {}
        self.created: list[str] = []
        self.describe_answers: list[Exception] = []
        self.create_answers: list[Exception] = []
        self.described: list[str] = []
        self._in_flight: Counter[tuple[str, str]] = Counter()
        self._requests_in_flight = 0

    async def write(self, body: bytes, rows: Sequence[int]) -> list[Verdict] | None:
        """As the client's."""
        found = self._read(body, rows)
        keys = [(change.table, change.key) for change in found]
        assert len(set(keys)) == len(keys), "a key twice in one request"
        assert not any(self._in_flight[key] for key in keys), "a key in two requests at once"
        assert len(found) <= 200
        self.requests.append(found)
        self._in_flight.update(keys)
        self._requests_in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._requests_in_flight)
        try:
            await asyncio.sleep(0)
            while not self.gate.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.001)
            verdicts = self.reply(found)
        finally:
            self._in_flight.subtract(keys)
            self._requests_in_flight -= 1
        answers: list[Verdict] = [OK] * len(found) if verdicts is None else list(verdicts)
        for change, verdict in zip(found, answers, strict=True):
            if isinstance(verdict, Written):
                self.applied.append(change)
                self.rows[change.table, change.key] = change.value
        return None if verdicts is None else answers

    def _read(self, body: bytes, rows: Sequence[int]) -> list[Change]:
        request = BatchWriteRowRequest.FromString(body)
        names = [table.table_name for table in request.tables]
        assert len(set(names)) == len(names), "a table twice in one request"
        assert [len(table.rows) for table in request.tables] == list(rows)
        assert all(rows), "a table without rows"
        return [
            Change(table.table_name, *row.row_change.decode().split("=", 1))
            for table in request.tables
            for row in table.rows
        ]

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
        """As the client's."""
        self.closed += 1


KAFKA_SHAPE = TableShape((("topic_partition", "string"), ("offset", "integer")), ())


class Writing:
    """A writer of a run on a fake client, its tables already there; use it with `with`."""

    def __init__(
        self, run: Run, reply: Reply = all_written, tables: Iterable[str] = ("orders", "clicks")
    ) -> None:
        self.run = run
        self.fake = FakeClient(reply)
        self.fake.shapes = dict.fromkeys(tables, KAFKA_SHAPE)
        self.writer = Writer(run, dead_letters_of(run))
        self.writer.client = cast(Client, self.fake)
        self.writer.requests = Requests(self.writer.client, run)
        self.writer.schema = Schema(self.writer.client, run, self.writer.requests.points.choose)
        self._lanes: list[Lane] = []

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.gate.set()
        for lane in self._lanes:
            lane.close()

    def lane(self) -> Lane:
        """Another lane."""
        made = self.writer.open_lane()
        self._lanes.append(made)
        return made

    def write(self, *batches: Batch) -> None:
        """Through a lane of its own, to the end."""
        lane = self.lane()
        lane.submit(batches)
        lane.drain()

    @property
    def counts(self) -> dict[str, int]:
        """The counts that are not zero."""
        return {name: number for name, number in self.run.counts.snapshot().items() if number}


QUICK = {"retry_initial": 0.0005, "retry_max": 0.001, "queue": 2}


def tolerant(**tablestore: object) -> Run:
    """A run that sets rejected rows aside."""
    return new_run(tablestore={**QUICK, **tablestore}, errors={"tolerance": "all"})


def strict() -> Run:
    """A run that stops at the first rejected row."""
    return new_run(tablestore=QUICK)


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


def refused(*bad: tuple[str, str]) -> Reply:
    """The whole request is refused when it holds one of these (key, value) pairs."""

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if any((change.key, change.value) in bad for change in found):
            raise RequestFailed(BAD, BAD.code)
        return None

    return reply
