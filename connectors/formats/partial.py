"""Conversions of some values inside a decoded document; all others stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Convert = Callable[[Any], Any]


def same(value: Any) -> Any:
    """Return the value unchanged."""
    return value


def unless_null(convert: Convert) -> Convert:
    """The conversion, applied to any value but null."""
    return lambda value: None if value is None else convert(value)


def to_float(value: Any) -> Any:
    """A double from a number that was decoded as a Decimal because the document has decimals."""
    return float(value) if type(value) is Decimal else value


def each_item(convert: Convert) -> Convert:
    """A conversion of each item of a list."""
    return lambda value: [*map(convert, value)] if type(value) is list else value


def each_value(convert: Convert) -> Convert:
    """A conversion of each value of an object, whatever its name."""

    def read(value: Any) -> Any:
        if type(value) is not dict:
            return value
        return {name: convert(item) for name, item in value.items()}

    return read


def each_pair(key: Convert, item: Convert) -> Convert:
    """A conversion of keys and values of a map, which is an object or a list of pairs."""
    of_object = each_value(item)

    def read(value: Any) -> Any:
        if type(value) is not list:
            return of_object(value)
        return [
            [key(one[0]), item(one[1])] if type(one) is list and len(one) == 2 else one
            for one in value
        ]

    return read


def some_fields(converters: Mapping[str, Convert]) -> Convert:
    """A conversion of some fields of an object, which is changed in place."""

    def read(value: Any) -> Any:
        if type(value) is dict:
            for name, convert in converters.items():
                if name in value:
                    value[name] = convert(value[name])
        return value

    return read
