"""Predicates: conditions on a record, made once from their settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.records import Record, field_path
from connectors.settings.predicates import Predicate

Condition = Callable[[Record], bool]


def condition(predicate: Predicate) -> Condition:
    """The function of a record that says whether the predicate holds."""
    if predicate.all is not None:
        every = [condition(inner) for inner in predicate.all]
        return lambda record: all(is_met(record) for is_met in every)
    if predicate.any is not None:
        some = [condition(inner) for inner in predicate.any]
        return lambda record: any(is_met(record) for is_met in some)
    if predicate.none is not None:
        never = [condition(inner) for inner in predicate.none]
        return lambda record: not any(is_met(record) for is_met in never)
    if predicate.tombstone is not None:
        wanted = predicate.tombstone
        return lambda record: (record.value is None and record.change == "upsert") is wanted
    if predicate.topic is not None:
        topic = re.compile(predicate.topic)
        return lambda record: topic.fullmatch(record.topic) is not None
    if predicate.header is not None:
        return _of_header(predicate.header, _comparison(predicate))
    field, holds = predicate.field or "", _comparison(predicate)
    return lambda record: holds(field_path.get(record.value, field))


def _of_header(name: str, holds: Callable[[Any], bool]) -> Condition:
    def is_met(record: Record) -> bool:
        return any(
            holds("" if value is None else value.decode(errors="replace"))
            for found, value in record.headers
            if found == name
        )

    return is_met


def _comparison(predicate: Predicate) -> Callable[[Any], bool]:
    """The comparison of one value; MISSING counts as null. Values of other types never match."""
    if predicate.equals is not None:
        wanted = predicate.equals
        return lambda value: _same(value, wanted)
    if predicate.one_of is not None:
        choices = predicate.one_of
        return lambda value: any(_same(value, choice) for choice in choices)
    if predicate.matches is not None:
        pattern = re.compile(predicate.matches)
        return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
    if predicate.above is not None:
        minimum = predicate.above
        return lambda value: _is_number(value) and value > _like(value, minimum)
    if predicate.below is not None:
        maximum = predicate.below
        return lambda value: _is_number(value) and value < _like(value, maximum)
    if predicate.is_null is not None:
        wanted_null = predicate.is_null
        return lambda value: (value is None or value is field_path.MISSING) is wanted_null
    return lambda _: True  # the header is present


def _is_number(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: Any, wanted: Any) -> bool:
    """Whether two values are equal: 1 and 1.0 are, but neither true nor "1" is a number."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(value, Decimal):
        return not isinstance(wanted, str) and bool(value == _like(value, wanted))
    return isinstance(value, (str, int, float)) and bool(value == wanted)


def _like(value: Any, wanted: int | float) -> int | float | Decimal:
    """The configured number, as a decimal if the value is one: then 0.1 is exactly 0.1."""
    return Decimal(repr(wanted)) if isinstance(value, Decimal) else wanted
