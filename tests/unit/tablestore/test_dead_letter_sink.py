"""Dead letters as rows of a table: never cut, each key once a request."""

from __future__ import annotations

import base64
import json

import pytest

from connectors.errors import StopRun
from connectors.records import DeadLetter
from connectors.tablestore.dead_letter_sink import (
    PART_BYTES,
    TableDeadLetterSink,
    _columns,
    _requests,
)
from connectors.tablestore.shard_writer import Writer
from tests.unit.factories import CANARY, dead_letter, new_run

RUN = {"errors": {"tolerance": "all", "dead_letters": "tablestore"}}


def with_value(
    value: bytes | None, headers: tuple[tuple[str, bytes | None], ...] = ()
) -> DeadLetter:
    """A dead letter of a record with this value."""
    return dead_letter(7)._replace(original=(None, b"k", value, headers))


@pytest.mark.parametrize("size", [0, 1, PART_BYTES])
def test_a_value_within_the_limit_stands_whole(size: int) -> None:
    """Up to 2 MiB it is one column."""
    columns = dict(_columns(with_value(b"x" * size)))
    assert columns["value"] == b"x" * size
    assert "value_1" not in columns


def test_a_longer_value_stands_in_parts() -> None:
    """The parts, none beyond the limit, are the value."""
    value = bytes(range(256)) * (PART_BYTES // 256) + b"tail"
    columns = dict(_columns(with_value(value)))
    assert "value" not in columns
    assert columns["value_1"] == value[:PART_BYTES]
    assert columns["value_2"] == b"tail"


def test_null_is_no_column() -> None:
    """A tombstone's value and an empty one are told apart."""
    assert "value" not in dict(_columns(with_value(None)))


def test_headers_are_whole() -> None:
    """Order, doubles, nulls and bytes that are no text."""
    headers = (("a", b"\xff"), ("a", None), ("b", b""))
    packed = dict(_columns(with_value(b"", headers)))["headers"]
    assert isinstance(packed, bytes)
    assert [
        (name, None if value is None else base64.b64decode(value))
        for name, value in json.loads(packed)
    ] == list(headers)


def test_a_record_beyond_a_row_stops_the_run() -> None:
    """Never cut, never skipped: place and remedy are told, the payload is not."""
    writer = Writer(new_run(**RUN), TableDeadLetterSink)
    destination = TableDeadLetterSink(writer)
    with pytest.raises(StopRun, match=r"offset 7 .*\n.*remedy") as stopped:
        destination._wire(with_value(CANARY.encode() * 500_000))
    assert CANARY not in str(stopped.value)


def test_requests_keep_within_the_limits() -> None:
    """At most 200 letters and 4,000,000 bytes together; a larger one goes alone; none is lost."""
    sizes = [10] * 250 + [3_000_000, 3_000_000, 4_100_000, 10]
    waiting = [(b"x" * size, dead_letter(n)) for n, size in enumerate(sizes)]
    requests = list(_requests(waiting))
    assert [one for request in requests for one in request] == waiting
    for request in requests:
        assert len(request) <= 200
        assert len(request) == 1 or sum(len(wire) for wire, _ in request) <= 4_000_000
