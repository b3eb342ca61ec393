"""The values that travel: what they show, what they hold, how they are cut."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.records import DeadLetter, PlainMessage, Record, Segment, original
from tests.unit.factories import CANARY, row, segments, wire_of


def test_a_record_reads_its_message() -> None:
    """Topic, partition, offset, time and headers come from the message."""
    headers = [("a", b"1"), ("a", None)]
    message = PlainMessage("t", 3, 7, timestamp=99, key=b"k", value=b"v", headers=headers)
    made = Record(message, {"x": 1}, "key")
    assert (made.topic, made.partition, made.offset, made.timestamp) == ("t", 3, 7, 99)
    assert made.headers == headers
    assert (made.value, made.key) == ({"x": 1}, "key")


def test_what_a_message_does_not_have() -> None:
    """No time is None, no headers are an empty list."""
    made = Record(PlainMessage(), None)
    assert (made.timestamp, made.headers, made.key) == (None, [], None)


@pytest.mark.parametrize("found", [(0, -1), (0, 99), (1, -1), (2, -1), (1, 0), (1, -5)])
def test_a_sentinel_is_no_time(found: tuple[int, int]) -> None:
    """-1 means none though its type says CREATE_TIME; so do 0 and what lies before 1970."""

    class Sentinel(PlainMessage):
        def timestamp(self) -> tuple[int, int]:
            return found

    assert Record(Sentinel(), None).timestamp is None
    assert original(Sentinel())[0] is None


def test_another_value_is_another_record() -> None:
    """with_value leaves the record as it is, and keeps message and key."""
    first = Record(PlainMessage("t", 1, 2), {"a": 1}, "k")
    second = first.with_value({"a": 2})
    assert (first.value, second.value) == ({"a": 1}, {"a": 2})
    assert second.message is first.message
    assert second.key == "k"


def test_an_original_is_the_messages_own_bytes() -> None:
    """Time, key, value and headers as they came, as plain values that can be pickled."""
    message = PlainMessage(timestamp=5, key=b"k", value=None, headers=[("h", None)])
    found = original(message)
    assert found == (5, b"k", None, (("h", None),))
    assert pickle.loads(pickle.dumps(found)) == found
    assert original(PlainMessage()) == (None, None, None, ())


def test_coordinates() -> None:
    """Where the record stands, in words."""
    assert (
        DeadLetter("t", 1, 2, "map", "code", "reason").coordinates == "topic t partition 1 offset 2"
    )


def test_a_rejection_has_code_and_reason() -> None:
    """A Rejection has a code and a reason, and its text is the reason."""
    found = Rejection("code", "reason")
    assert (found.code, found.reason, str(found)) == ("code", "reason", "reason")


def test_refusing_a_row() -> None:
    """The dead letter has the row's coordinates, and nothing of its bytes."""
    made = row(CANARY, CANARY.encode(), partition=4, offset=9)
    dead_letter = made.rejected("OTSParameterInvalid", "no")
    assert dead_letter == DeadLetter("orders", 4, 9, "write", "OTSParameterInvalid", "no", None)
    assert CANARY not in repr(dead_letter)


@given(st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_a_cut_segment_is_the_same_rows(size: int, at: int, kept: bool) -> None:
    """However a segment is cut, its two parts are its rows in order, originals with them."""
    originals: list[Any] = [(n, None, b"", ()) for n in range(size)] if kept else []
    whole = Segment(
        "table",
        "topic",
        1,
        [b"k%d" % n for n in range(size)],
        b"".join(wire_of(2 + 50 * n) for n in range(size)),
        [*range(size)],
        originals,
        [2 + 50 * n for n in range(size)],
        ["update" if n % 2 else "put" for n in range(size)] if kept else [],
    )
    head, tail = whole.split(at)
    assert head.rows() + tail.rows() == whole.rows()
    assert len(head.rows()) == min(at, size)


def test_rows_of_a_segment_are_whole() -> None:
    """Each row has its own identity, wire, offset and the segment's coordinates."""
    made = [row(f"k{n}", wire_of(5 + n), offset=n, partition=2) for n in range(3)]
    (segment,) = segments(made)
    assert segment.rows() == made
    assert {found.key for found in segment.rows()} == {("orders", b"k%d" % n) for n in range(3)}


def test_a_broken_segment_is_noticed() -> None:
    """Lists of different lengths are a mistake, not fewer rows."""
    with pytest.raises(ValueError, match="shorter"):
        Segment("t", "t", 0, [b"a", b"b"], wire_of(9), [0], [], [9], []).rows()
