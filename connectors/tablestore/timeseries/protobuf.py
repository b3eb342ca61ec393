"""Points of time series as protobuf: how they wait, and how they are sent where that is possible.

Rows{1 rows}; Row{1 key, 2 time, 3 fields}; Key{1 measurement, 2 source, 4 tags}; Tag{1 name,
2 value}; Field{1 name, 2 integer, 3 string, 4 boolean, 5 double, 6 binary}: the schema of the
official Go SDK [put-timeseries-data]. What depends on names and types alone is put together once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

from connectors.records import Operation
from connectors.settings.tablestore_limits import (
    MAX_FIELD_VALUE_BYTES,
    MAX_INTEGER,
    MAX_POINTS_REQUEST_BYTES,
    MIN_INTEGER,
)
from connectors.tablestore.plainbuffer.encode import EncodingError
from connectors.tablestore.plainbuffer.varint import prefixed, varint

# A request may hold 4 MiB as the service counts, which is up to 8 bytes a number [ts-limits]: one
# point leaves room for the frame around it.
MAX_POINT_BYTES = MAX_POINTS_REQUEST_BYTES - 16 * 1024

_DOUBLE = Struct("<d").pack
_TIME = Struct(">q").pack
_TIME_BYTES = 8

# Tags of protobuf: field number times 8, plus 0 for numbers, 1 for eight bytes, 2 for a length.
_ROWS, _KEY, _TIME_TAG, _FIELD, _NAME = b"\x0a", b"\x0a", b"\x10", b"\x1a", b"\x0a"

EncodeField = Callable[[Any], bytes]
# Series, time in microseconds, values -> (identity, part of the request, operation).
EncodePoint = Callable[[bytes, int, Sequence[Any]], tuple[bytes, bytes, Operation]]


class PointEncoder:
    """Encodes points as (identity, wire, operation); raises `error` for what no field takes."""

    error = EncodingError

    def series(self, measurement: str, source: str, tags: Sequence[tuple[str, str]]) -> bytes:
        """The field `key` of a series' points; `tags` are in the order of their names."""
        content = prefixed(b"\x0a", measurement.encode())
        if source:
            content += prefixed(b"\x12", source.encode())
        for name, value in tags:
            tag = prefixed(b"\x0a", name.encode()) + prefixed(b"\x12", value.encode())
            content += prefixed(b"\x22", tag)
        return prefixed(_KEY, content)

    def compile(self, fields: Sequence[tuple[str, str]]) -> EncodePoint:
        """A function of a series, the time in microseconds and the values of these (name, type).

        It returns (identity, wire, operation); the identity is the series and the time.
        """
        writers = [_WRITERS[field_type](name) for name, field_type in fields]

        def encode(
            series: bytes, time: int, values: Sequence[Any]
        ) -> tuple[bytes, bytes, Operation]:
            content = b"".join(
                [
                    series,
                    _TIME_TAG,
                    varint(time),
                    *[write(value) for write, value in zip(writers, values, strict=True)],
                ]
            )
            if len(content) > MAX_POINT_BYTES:
                raise EncodingError(
                    "row_size",
                    f"the row has {len(content)} bytes, a request carries at most"
                    f" {MAX_POINT_BYTES}.",
                )
            return series + _TIME(time), _ROWS + varint(len(content)) + content, "put"

        return encode

    def series_of(self, identity: bytes) -> bytes:
        """The series in the identity of a point."""
        return identity[:-_TIME_BYTES]


def _integer(name: str) -> EncodeField:
    label = prefixed(_NAME, name.encode()) + b"\x10"
    # By how many bytes the number takes.
    heads = [_FIELD + varint(len(label) + size) + label for size in range(11)]

    def write(value: int) -> bytes:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise EncodingError(
                "integer_range",
                f"field '{name}': it needs {value.bit_length() + 1} bits; 64 is the limit."
                " Write it as a string.",
                name,
            )
        number = varint(value)
        return heads[len(number)] + number

    return write


def _double(name: str) -> EncodeField:
    label = prefixed(_NAME, name.encode()) + b"\x29"
    head = _FIELD + varint(len(label) + 8) + label

    def write(value: float) -> bytes:
        if value - value != 0.0:
            raise EncodingError(
                "not_finite",
                f"field '{name}': NaN and infinity cannot be stored as a double. Leave the field"
                " out or write a string.",
                name,
            )
        return head + _DOUBLE(value)

    return write


def _boolean(name: str) -> EncodeField:
    label = prefixed(_NAME, name.encode()) + b"\x20"
    head = _FIELD + varint(len(label) + 1) + label
    both = head + b"\x00", head + b"\x01"
    return lambda value: both[value]


def _binary(name: str, tag: bytes = b"\x32") -> EncodeField:
    label = prefixed(_NAME, name.encode()) + tag
    heads: dict[int, bytes] = {}  # by length, of short values

    def write(value: bytes) -> bytes:
        length = len(value)
        head = heads.get(length)
        if head is None:
            if length > MAX_FIELD_VALUE_BYTES:
                raise EncodingError(
                    "value_length",
                    f"field '{name}': the value has {length} bytes, the limit is"
                    f" {MAX_FIELD_VALUE_BYTES}.",
                    name,
                )
            size = varint(length)
            head = _FIELD + varint(len(label) + len(size) + length) + label + size
            if length < 256:
                heads[length] = head
        return head + value

    return write


def _string(name: str) -> EncodeField:
    write_bytes = _binary(name, b"\x1a")

    def write(value: str) -> bytes:
        try:
            return write_bytes(value.encode())
        except UnicodeEncodeError:
            raise EncodingError(
                "encoding",
                f"field '{name}': the string holds half of a UTF-16 pair (a lone surrogate), which"
                " has no UTF-8 form. Repair the producer or write it as binary.",
                name,
            ) from None

    return write


_WRITERS: dict[str, Callable[[str], EncodeField]] = {
    "integer": _integer,
    "double": _double,
    "boolean": _boolean,
    "string": _string,
    "binary": _binary,
}
