"""Varints: every number comes back, and the bytes behind it are not touched."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.tablestore.plainbuffer.varint import prefixed, read_varint, varint


@given(st.integers(0, 2**64 - 1))
def test_varints(value: int) -> None:
    """What is written is read, in the fewest bytes."""
    written = varint(value)
    assert read_varint(b"x" + written, 1) == (value, 1 + len(written))
    assert len(written) == max(1, (value.bit_length() + 6) // 7)
    assert prefixed(b"\x0a", written)[2:] == written
