"""Variable-length integers: what is written is read, and nothing behind the end is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.varint import VarintError, read_varint, zigzag


def written(number: int) -> bytes:
    """An unsigned integer as the formats write it."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_what_was_written_is_read(number: int, before: bytes, behind: bytes) -> None:
    """Anywhere in the bytes, with the position after it."""
    data = before + written(number) + behind
    assert read_varint(data, len(before), len(data)) == (number, len(data) - len(behind))


@given(st.integers(128, 2**64 - 1), st.data())
def test_an_integer_that_is_cut_off(number: int, data: st.DataObject) -> None:
    """By the end of the bytes, or by an end before that."""
    whole = written(number)
    end = data.draw(st.integers(0, len(whole) - 1))
    for cut in (whole[:end], whole):
        with pytest.raises(VarintError):
            read_varint(cut, 0, end)


@pytest.mark.parametrize(("max_bytes", "fits"), [(10, 10), (5, 5), (1, 1)])
def test_an_integer_of_too_many_bytes(max_bytes: int, fits: int) -> None:
    """Also one whose further bytes are all zero."""
    assert read_varint(b"\x80" * (fits - 1) + b"\0", 0, 20, max_bytes) == (0, fits)
    with pytest.raises(VarintError):
        read_varint(b"\x80" * fits + b"\0", 0, 20, max_bytes)


@given(st.integers(-(2**63), 2**63 - 1))
def test_zigzag(number: int) -> None:
    """Every integer of 64 bits; small ones have small codes."""
    assert zigzag(number << 1 ^ number >> 63) == number
    assert [zigzag(code) for code in range(5)] == [0, -1, 1, -2, 2]
