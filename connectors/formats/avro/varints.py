"""Avro's variable-length numbers, and the errors of the compiled readers.

Java's library drops bits of a last byte that do not fit the type, which changes the value. Here
such bytes are a rejection; a number in more bytes than necessary is not.
"""

from __future__ import annotations

import struct

from connectors.errors import Rejection

_FLOAT = struct.Struct("<f")
_INT_BYTES, _LONG_BYTES = 5, 10
# The largest last byte of the longest form, for 32 and for 64 bits.
_INT_LAST, _LONG_LAST = 0x0F, 0x01


class DamagedError(Exception):
    """The bytes are not a value of the schema."""


def long_at(data: bytes, at: int) -> tuple[int, int]:
    """The 64-bit integer at a position, and the position after it. Raises DamagedError."""
    byte = data[at]
    number = byte & 0x7F
    if byte > 0x7F:
        byte = data[at + 1]
        number |= (byte & 0x7F) << 7
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at + 2
        byte = data[at + 2]
        number |= (byte & 0x7F) << 14
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at + 3
        byte = data[at + 3]
        number |= (byte & 0x7F) << 21
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at + 4
        byte = data[at + 4]
        number |= (byte & 0x7F) << 28
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at + 5
        byte = data[at + 5]
        number |= (byte & 0x7F) << 35
        if byte < 0x80:  # as many as a time in milliseconds has
            return number >> 1 ^ -(number & 1), at + 6
        return _long_rest(data, at, at + 6, number)
    return number >> 1 ^ -(number & 1), at + 1


def _long_rest(data: bytes, start: int, at: int, number: int) -> tuple[int, int]:
    shift = 42
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if at - start == _LONG_BYTES and byte > _LONG_LAST:
                raise DamagedError
            return number >> 1 ^ -(number & 1), at
        shift += 7
        if at - start == _LONG_BYTES:
            raise DamagedError


def int_at(data: bytes, at: int) -> tuple[int, int]:
    """The 32-bit integer at a position, and the position after it. Raises DamagedError."""
    start = at
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if at - start == _INT_BYTES and byte > _INT_LAST:
                raise DamagedError
            return number >> 1 ^ -(number & 1), at
        shift += 7
        if at - start == _INT_BYTES:
            raise DamagedError


def length_at(data: bytes, at: int) -> tuple[int, int]:
    """A length, and the position after it. Raises DamagedError, also for a negative one."""
    number, at = long_at(data, at)
    if number < 0:
        raise DamagedError
    return number, at


def index_at(data: bytes, at: int) -> tuple[int, int]:
    """The index of a symbol or branch, and the position after it. Raises DamagedError."""
    number, at = int_at(data, at)
    if number < 0:
        raise DamagedError
    return number, at


def single(number: float) -> float:
    """The nearest 32-bit float, as the type `float` of a reader's schema holds it."""
    found: float = _FLOAT.unpack(_FLOAT.pack(number))[0]
    return found


def resolution(text: str) -> Rejection:
    """The rejection of data that has no value in the reader's schema."""
    return Rejection("avro_resolution", f"not readable by the reader's schema: {text}")
