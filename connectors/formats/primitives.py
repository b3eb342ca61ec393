"""Primitive values as Kafka's own serializers write them [kafka-serializers].

Text in UTF-8, bytes, and big-endian numbers of a fixed length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection

_INTEGER, _LONG, _DOUBLE = (struct.Struct(form) for form in (">i", ">q", ">d"))


def string(data: bytes) -> str:
    """Decode UTF-8 text. Raises Rejection."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Rejection(
            "string_encoding", f"not UTF-8 text: byte {error.start} ({error.reason})"
        ) from None


def plain_bytes(data: bytes) -> bytes:
    """Return the bytes unchanged."""
    return data


def _number(word: str, form: struct.Struct) -> Callable[[bytes], Any]:
    """The decoder of numbers in a struct format; it raises Rejection for another length."""

    def decode(data: bytes) -> Any:
        if len(data) != form.size:
            raise Rejection(
                f"{word}_length", f"not a {word}: {len(data)} bytes instead of {form.size}"
            )
        return form.unpack(data)[0]

    return decode


integer, long, double = (
    _number("integer", _INTEGER),
    _number("long", _LONG),
    _number("double", _DOUBLE),
)
