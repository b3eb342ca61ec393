"""Predicates: questions about a record, made once from their settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.records import Record
from connectors.records import field_path as paths
from connectors.settings.transforms import Predicate

Question = Callable[[Record], bool]


def question(predicate: Predicate) -> Question:
    """The function that answers it."""
    if predicate.all is not None:
        every = [question(part) for part in predicate.all]
        return lambda record: all(ask(record) for ask in every)
    if predicate.any is not None:
        some = [question(part) for part in predicate.any]
        return lambda record: any(ask(record) for ask in some)
    if predicate.none is not None:
        never = [question(part) for part in predicate.none]
        return lambda record: not any(ask(record) for ask in never)
    if predicate.tombstone is not None:
        wanted = predicate.tombstone
        return lambda record: (record.value is None and record.change == "upsert") is wanted
    if predicate.topic is not None:
        topic = re.compile(predicate.topic)
        return lambda record: topic.fullmatch(record.topic) is not None
    if predicate.header is not None:
        return _of_header(predicate.header, _comparison(predicate))
    field, holds = predicate.field or "", _comparison(predicate)
    return lambda record: holds(paths.get(record.value, field))


def _of_header(name: str, holds: Callable[[Any], bool]) -> Question:
    def ask(record: Record) -> bool:
        return any(
            holds("" if value is None else value.decode(errors="replace"))
            for found, value in record.headers
            if found == name
        )

    return ask


def _comparison(predicate: Predicate) -> Callable[[Any], bool]:
    """A question about one value; MISSING is like null. Values of other kinds never compare."""
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
        least = predicate.above
        return lambda value: _is_number(value) and value > _like(value, least)
    if predicate.below is not None:
        most = predicate.below
        return lambda value: _is_number(value) and value < _like(value, most)
    if predicate.is_null is not None:
        wanted_null = predicate.is_null
        return lambda value: (value is None or value is paths.MISSING) is wanted_null
    return lambda _: True  # a header that is there


def _is_number(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(value: Any, wanted: Any) -> bool:
    """1 equals 1.0, but true is no number and "1" is no number either."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(value, Decimal):
        return not isinstance(wanted, str) and bool(value == _like(value, wanted))
    return isinstance(value, (str, int, float)) and bool(value == wanted)


def _like(value: Any, wanted: int | float) -> int | float | Decimal:
    """What stands in the configuration, as a decimal where the value is one: 0.1 is 0.1 there."""
    return Decimal(repr(wanted)) if isinstance(value, Decimal) else wanted
