"""Avro's logical types: what the values of plain types mean [avro-spec].

A logical type is ignored, and the value is that of the plain type, if it is not known, is used with
another type than it is defined for, or has invalid attributes. The name that Kafka Connect's
converter writes into a schema (`connect.name`) counts where there is no logical type.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors.errors import Rejection
from connectors.formats import semantic_types
from connectors.formats.semantic_types import decimal_of
from connectors.formats.varint import read_varint, zigzag
from connectors.records import exact_time

Convert = Callable[[Any], Any]

_CONNECT_TYPES = {
    "int": "int32",
    "long": "int64",
    "string": "string",
    "bytes": "bytes",
    "fixed": "bytes",
    "record": "struct",
}
_MAX_INT = 2**31 - 1
_DURATION = struct.Struct("<III")
# Logical types of one family differ only in the unit of their numbers.
FAMILIES = ("local-timestamp-", "timestamp-", "time-")


def convert_of(
    schema: dict[str, Any], avro_type: str, size: int
) -> tuple[str, int, Convert | None]:
    """The logical type of a type, its scale and its conversion; without one: "", 0, None."""
    word = schema.get("logicalType")
    if isinstance(word, str):
        if word == "decimal" and avro_type in ("bytes", "fixed"):
            scale = _decimal_scale(schema, avro_type, size)
            if scale is not None:
                return word, scale, _decimal(scale)
        made = _LOGICAL.get((avro_type, word))
        if made is not None and (avro_type != "fixed" or size == _SIZES[word]):
            return word, 0, made
    name = schema.get("connect.name")
    if not isinstance(name, str):
        return "", 0, None
    parameters = schema.get("connect.parameters")
    convert = semantic_types.convert_of(name, _CONNECT_TYPES.get(avro_type, ""), parameters)
    if convert is None:
        return "", 0, None
    return name, semantic_types.scale_of(parameters) or 0, convert


def _decimal_scale(schema: dict[str, Any], avro_type: str, size: int) -> int | None:
    """The scale of a decimal; None where its attributes are invalid."""
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if type(precision) is not int or type(scale) is not int:
        return None
    if not 0 < precision <= _MAX_INT or not 0 <= scale <= precision:
        return None
    if avro_type == "fixed" and precision > math.floor(math.log10(2) * (8 * size - 1)):
        return None
    return scale


def _decimal(scale: int) -> Convert:
    def read(data: bytes) -> Decimal:
        try:
            return decimal_of(data, scale)
        except (ValueError, ArithmeticError):
            raise Rejection(
                "avro_decimal", "not valid: it has a decimal of no bytes, or of too many"
            ) from None

    return read


def _big_decimal(data: bytes) -> Decimal:
    """A decimal with a scale of its own: the bytes of its digits, then the scale."""
    try:
        size, at = _number(data, 0)
        scale, end = _number(data, at + size)
        if size < 0 or end != len(data) or abs(scale) > semantic_types.MAX_SCALE:
            raise ValueError("no number")
        return decimal_of(data[at : at + size], scale)
    except (ValueError, IndexError):
        raise Rejection("avro_decimal", "not valid: it has an invalid big-decimal") from None


def _number(data: bytes, start: int) -> tuple[int, int]:
    number, end = read_varint(data, start, len(data))
    return zigzag(number), end


def _time_of_day(nanoseconds: int) -> Convert:
    def read(number: int) -> Any:
        try:
            return exact_time.time_of_day(number * nanoseconds)
        except ValueError:
            raise Rejection(
                "avro_time", "not valid: it has a time of day outside of a day"
            ) from None

    return read


def _duration(data: bytes) -> str:
    """A duration in ISO 8601, in months, days and milliseconds: a month has no fixed length."""
    months, days, milliseconds = _DURATION.unpack(data)
    seconds, fraction = divmod(milliseconds, 1000)
    clock = f"T{seconds}.{fraction:03d}S" if fraction else f"T{seconds}S" if seconds else ""
    return f"P{months}M{days}D{clock}"


def _uuid_of_bytes(data: bytes) -> str:
    return str(UUID(bytes=data))


_LOGICAL: dict[tuple[str, str], Convert | None] = {
    ("bytes", "big-decimal"): _big_decimal,
    ("fixed", "duration"): _duration,
    ("fixed", "uuid"): _uuid_of_bytes,
    ("int", "date"): exact_time.day,
    ("int", "time-millis"): _time_of_day(1_000_000),
    ("long", "time-micros"): _time_of_day(1000),
    ("long", "timestamp-millis"): exact_time.instant_of_ms,
    ("long", "timestamp-micros"): exact_time.instant_of_us,
    ("long", "timestamp-nanos"): exact_time.instant,
    ("long", "local-timestamp-millis"): exact_time.local_of_ms,
    ("long", "local-timestamp-micros"): exact_time.local_of_us,
    ("long", "local-timestamp-nanos"): exact_time.local,
}
_SIZES = {"duration": 12, "uuid": 16}
