"""BatchWriteRow: what a body holds, and what an answer says of each row."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablestore.protobuf.table_store_pb2 import BatchWriteRowRequest, BatchWriteRowResponse

from connectors.tablestore.client import Client
from connectors.tablestore.plainbuffer.encode import wire_row
from connectors.tablestore.requests import RowRequests, TableRows
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Written


class FakeClient:
    """Answers every request with the same, and remembers what was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.sent: list[tuple[str, bytes]] = []

    async def post(self, operation: str, body: bytes) -> bytes:
        """Take the place of the client's method of this name."""
        self.sent.append((operation, body))
        return self.answer


def row_requests(answer: bytes = b"") -> RowRequests:
    """The request type, with this answer to every request."""
    return RowRequests(cast(Client, FakeClient(answer)))


def answer_of(*tables: list[tuple[str, str] | None]) -> bytes:
    """The body of an answer: None for a written row, else (code, message)."""
    response = BatchWriteRowResponse()
    for number, results in enumerate(tables):
        table = response.tables.add(table_name=f"t{number}")
        for found in results:
            one = table.rows.add(is_ok=found is None)
            if found is not None:
                one.error.code, one.error.message = found
    data: bytes = response.SerializeToString()
    return data


def test_all_written() -> None:
    """When every row is written there is nothing to look at: None, also the second time."""
    types = row_requests()
    for _ in range(3):
        assert types.verdicts(answer_of([None, None], [None]), (2, 1)) is None


def test_each_row_has_its_verdict() -> None:
    """In the order of the request, table after table; one failed row gives a verdict for all."""
    body = answer_of(
        [None, ("OTSServerBusy", "busy"), ("OTSParameterInvalid", "no")],
        [("OTSInvalidPK", "other key"), None],
    )
    for _ in range(2):
        found = row_requests().verdicts(body, (3, 2))
        assert found is not None
        assert [type(verdict) for verdict in found] == [Written, Retry, Reject, Stop, Written]


@pytest.mark.parametrize("expected", [(2, 1), (1, 2), (3,), (2,), (1, 1), ()])
def test_an_answer_about_other_rows_says_nothing(expected: tuple[int, ...]) -> None:
    """Fewer, more or other rows than were sent: the outcome is unknown, so it is retried."""
    body = answer_of([None, None]) if expected != (2,) else answer_of([None, None], [None])
    with pytest.raises(RequestFailed) as caught:
        row_requests().verdicts(body, expected)
    assert isinstance(caught.value.verdict, Retry)


def test_a_remembered_answer_is_not_taken_for_another_request() -> None:
    """The bytes that said `all written` for one request say nothing about a longer one."""
    types, answer = row_requests(), answer_of([None])
    assert types.verdicts(answer, (1,)) is None
    for counts in ((2,), (1, 1)):
        with pytest.raises(RequestFailed):
            types.verdicts(answer, counts)


def test_remembered_answers_are_bounded() -> None:
    """Answers that never come again do not pile up."""
    types = row_requests()
    for number in range(1, 400):
        counts = (number % 200 + 1, number // 200 + 1)
        answer = answer_of([None] * counts[0], [None] * counts[1])
        assert types.verdicts(answer, counts) is None
    assert len(types._all_written) <= 64


@given(st.lists(st.lists(st.sampled_from([None, ("OTSTimeout", ""), ("X", "y")]), min_size=1)))
def test_verdicts_stand_in_the_order_of_rows(tables: list[list[tuple[str, str] | None]]) -> None:
    """Whatever rows failed, each verdict is that of its row."""
    found = row_requests().verdicts(answer_of(*tables), tuple(map(len, tables)))
    expected = [row for table in tables for row in table]
    if found is None:
        assert not any(expected)
    else:
        assert [isinstance(verdict, Written) for verdict in found] == [
            row is None for row in expected
        ]


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x7f", b"<html></html>"])
def test_an_answer_that_cannot_be_read(body: bytes) -> None:
    """Bytes that are no answer are an unknown outcome, not a crash."""
    with pytest.raises(RequestFailed) as caught:
        row_requests().verdicts(body, (1,))
    assert isinstance(caught.value.verdict, Retry)


def test_a_request_has_all_tables_and_rows() -> None:
    """The official message holds the rows in their order; pieces may hold several rows."""
    one, two = wire_row("put", b"1"), wire_row("delete", b"22")
    client = FakeClient(answer_of([None, None, ("OTSServerBusy", "x")], [None]))
    tables = [
        TableRows("a", [one + two, one], [[len(one), len(two)], [len(one)]]),
        TableRows("b", [two], [[len(two)]]),
    ]
    found = asyncio.run(RowRequests(cast(Client, client)).write(tables))
    assert found is not None
    assert [type(verdict) for verdict in found] == [Written, Written, Retry, Written]
    ((operation, body),) = client.sent
    assert operation == "BatchWriteRow"
    request = BatchWriteRowRequest.FromString(body)
    assert [(t.table_name, [row.row_change for row in t.rows]) for t in request.tables] == [
        ("a", [b"1", b"22", b"1"]),
        ("b", [b"22"]),
    ]
