"""Varints [protobuf-wire]: seven bits a byte, the lowest first, the top bit set but on the last."""

from __future__ import annotations

_ONE_BYTE = [bytes((value,)) for value in range(128)]
_MASK = (1 << 64) - 1
# Microseconds since 1970 of the years 1987 to 4253 have eight bytes.
_EIGHT_FROM, _EIGHT_TO = 1 << 49, 1 << 56


def varint(value: int) -> bytes:
    """The varint of a number below 2**64; a negative one of 64 bits goes as its complement."""
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    value &= _MASK
    if _EIGHT_FROM <= value < _EIGHT_TO:
        return bytes(
            (
                value & 127 | 128,
                value >> 7 & 127 | 128,
                value >> 14 & 127 | 128,
                value >> 21 & 127 | 128,
                value >> 28 & 127 | 128,
                value >> 35 & 127 | 128,
                value >> 42 & 127 | 128,
                value >> 49,
            )
        )
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at a position, never negative, and the position after it. Raises IndexError."""
    value = data[position]
    if value < 128:
        return value, position + 1
    value &= 127
    shift = 7
    while True:
        position += 1
        byte = data[position]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position + 1
        shift += 7


def prefixed(tag: bytes, content: bytes) -> bytes:
    """A field of bytes: its tag, the length, the content."""
    return tag + varint(len(content)) + content
