"""Dead letters as rows of a table: never cut, each key once a request."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any, cast

import pytest
from tablestore.protobuf.table_store_pb2 import BatchWriteRowRequest, BatchWriteRowResponse

from connectors.errors import StopRun
from connectors.records import DeadLetter
from connectors.settings.tablestore_limits import MAX_VALUE_BYTES
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.client import Client
from connectors.tablestore.dead_letter_sink import TableDeadLetterSink, dead_letter_columns
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.verdicts import RequestFailed, Stop, Verdict, Written
from tests.unit.factories import CANARY, dead_letter, new_run
from tests.unit.tablestore.fake_service import BAD, BUSY, OK, SHORT_WAITS

RUN: dict[str, Any] = {
    "errors": {"tolerance": "all", "dead_letters": "tablestore"},
    "tablestore": SHORT_WAITS,
}


def with_value(
    value: bytes | None, headers: tuple[tuple[str, bytes | None], ...] = ()
) -> DeadLetter:
    """A dead letter of a record with this value."""
    return dead_letter(7)._replace(original=(None, b"k", value, headers))


@pytest.mark.parametrize("size", [0, 1, MAX_VALUE_BYTES])
def test_a_value_within_the_limit_stands_whole(size: int) -> None:
    """Up to 2 MiB it is one column."""
    columns = dict(dead_letter_columns(with_value(b"x" * size)))
    assert columns["value"] == b"x" * size
    assert "value_1" not in columns


def test_a_longer_value_stands_in_several_columns() -> None:
    """The columns, none beyond the limit, are the value."""
    value = bytes(range(256)) * (MAX_VALUE_BYTES // 256) + b"tail"
    columns = dict(dead_letter_columns(with_value(value)))
    assert "value" not in columns
    assert columns["value_1"] == value[:MAX_VALUE_BYTES]
    assert columns["value_2"] == b"tail"


def test_null_is_no_column() -> None:
    """A tombstone's value and an empty one are told apart."""
    assert "value" not in dict(dead_letter_columns(with_value(None)))


def test_headers_are_whole() -> None:
    """Order, doubles, nulls and bytes that are no text."""
    headers = (("a", b"\xff"), ("a", None), ("b", b""))
    packed = dict(dead_letter_columns(with_value(b"", headers)))["headers"]
    assert isinstance(packed, bytes)
    assert [
        (name, None if value is None else base64.b64decode(value))
        for name, value in json.loads(packed)
    ] == list(headers)


class Service:
    """Takes BatchWriteRow; `answers` are the verdicts on the rows of each request, or a failure."""

    def __init__(self, *answers: Sequence[Verdict] | Exception) -> None:
        self.answers = [*answers]
        self.requests: list[list[int]] = []

    async def post(self, _: str, body: bytes) -> bytes:
        """Take the place of the client's method of this name."""
        ((table, rows),) = [
            (t.table_name, t.rows) for t in BatchWriteRowRequest.FromString(body).tables
        ]
        assert table == "dead_letters"
        self.requests.append([len(row.row_change) for row in rows])
        answer = self.answers.pop(0) if self.answers else [OK] * len(rows)
        if isinstance(answer, Exception):
            raise answer
        response = BatchWriteRowResponse()
        found = response.tables.add(table_name=table)
        for verdict in answer:
            row = found.rows.add(is_ok=verdict == OK)
            if not isinstance(verdict, Written):
                row.error.code, _, row.error.message = verdict.reason.partition(": ")
        return bytes(response.SerializeToString())


def send(service: Service, dead_letters: Sequence[DeadLetter]) -> dict[str, int]:
    """Send dead letters to the table, which is there; returns the counts of the run."""
    run = new_run(**RUN)
    writer = TableWriter(run, cast(Client, service), cast(TablesApi, None))
    writer.checks.checked.add("dead_letters")
    asyncio.run(TableDeadLetterSink(run, writer).send(dead_letters))
    return {name: number for name, number in run.counts.snapshot().items() if number}


def letters(*offsets: int) -> list[DeadLetter]:
    """Dead letters of small records."""
    return [dead_letter(n)._replace(original=(None, b"k", b"v", ())) for n in offsets]


def test_a_record_beyond_a_row_stops_the_run() -> None:
    """Never cut, never skipped: the text has coordinates and remedy, and no payload."""
    service = Service()
    with pytest.raises(StopRun, match=r"offset 7 .*\n.*remedy") as stopped:
        send(service, [with_value(CANARY.encode() * 500_000)])
    assert CANARY not in str(stopped.value)
    assert service.requests == []


def test_requests_keep_within_the_limits() -> None:
    """At most 200 dead letters and 4,000,000 bytes together; none is lost."""
    service = Service()
    large = [
        one._replace(original=(None, b"", b"x" * 1_500_000, ())) for one in letters(300, 301, 302)
    ]
    send(service, [*letters(*range(250)), *large])
    assert [len(sizes) for sizes in service.requests] == [200, 52, 1]
    assert all(sum(sizes) <= 4_000_000 for sizes in service.requests)


@pytest.mark.P1
def test_only_what_failed_is_sent_again() -> None:
    """P1: transient failures of one dead letter or of all are waited out, and count nothing."""
    service = Service([OK, BUSY, OK], [BUSY], RequestFailed(BUSY, "OTSServerBusy"))
    assert send(service, letters(1, 2, 3)) == {}
    assert [len(sizes) for sizes in service.requests] == [3, 1, 1, 1]


def test_a_key_is_once_in_a_request() -> None:
    """A step may have made several records of one: its coordinates are one row."""
    service = Service()
    send(service, letters(1, 1, 2))
    assert [len(sizes) for sizes in service.requests] == [2]


@pytest.mark.parametrize("whole", [True, False])
def test_a_rejected_dead_letter_stops_the_run(whole: bool) -> None:
    """It is kept nowhere, so its record must be read again: coordinates, reason, remedy."""
    answers: list[Sequence[Verdict] | Exception] = [[OK, BAD]]
    if whole:  # halved until it is alone
        failed = RequestFailed(BAD, BAD.code)
        answers = [failed, [OK], failed]
    with pytest.raises(StopRun, match=r"dead letters to table.*offset 6.*Invalid: no\n.*remedy"):
        send(Service(*answers), letters(5, 6))


@pytest.mark.P5
def test_a_stop_verdict_names_the_table() -> None:
    """P5: no permission on the dead-letter table ends the run."""
    stop = Stop("no permission: remedy", "OTSNoPermissionAccess")
    with pytest.raises(StopRun, match="dead letters to table dead_letters: no permission"):
        send(Service(RequestFailed(stop, stop.code)), letters(1))
