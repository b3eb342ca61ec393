"""Frames around rows: operation, bytes and condition."""

from connectors.tablestore.plainbuffer.batch_write_row import expect_not_exist, wire_row
from connectors.tablestore.requests import batch_body


def test_frames_of_a_request() -> None:
    """A request is nested fields: a name and rows a table; operation, bytes, condition a row."""
    row = wire_row("delete", b"xyz")
    assert row.hex() == "120b" + "0803" + "1203" + b"xyz".hex() + "1a020800"
    assert batch_body([("t", [row, row]), ("uv", [])]).hex() == (
        "0a1d" + "0a0174" + row.hex() * 2 + "0a04" + "0a027576"
    )
    assert batch_body([]) == b""


def test_a_condition_takes_the_place_of_none() -> None:
    """EXPECT_NOT_EXIST instead of IGNORE, and nothing else changes."""
    row = wire_row("put", b"xyz")
    assert row.hex() == "120b" + "0801" + "1203" + b"xyz".hex() + "1a020800"
    assert expect_not_exist(row).hex() == row.hex()[:-1] + "2"
