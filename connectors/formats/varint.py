"""Variable-length integers, as Avro and Protobuf have them: 7 bits a byte, the lowest first.

The highest bit of a byte says that another one follows [avro-spec] [protobuf-wire].
"""

from __future__ import annotations


class VarintError(ValueError):
    """The bytes end before the integer does, or it has too many of them."""


def read_varint(data: bytes, start: int, end: int, max_bytes: int = 10) -> tuple[int, int]:
    """The unsigned integer at `start`, and the position after it. Raises VarintError.

    It must end before `end`, and within `max_bytes`: ten hold 64 bits.
    """
    if start < end and data[start] < 0x80:  # most are
        return data[start], start + 1
    number = shift = 0
    for position in range(start, min(end, start + max_bytes)):
        byte = data[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
        shift += 7
    raise VarintError


def zigzag(number: int) -> int:
    """The signed integer of a zigzag-encoded one: 0, -1, 1, -2, ... for 0, 1, 2, 3, ..."""
    return number >> 1 ^ -(number & 1)
