"""Predicates: conditions on a record, made once from their settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from connectors.records import Message, Record, field_path, headers_of
from connectors.settings.predicates import Predicate

Condition = Callable[[Record], bool]
# Of a message and the fields of its value.
Subject = tuple[Message, Sequence[Any]]


class _Access(NamedTuple):
    """How the parts of what is judged are found."""

    message: Callable[[Any], Message]
    is_tombstone: Callable[[Any], bool]
    field: Callable[[str], Callable[[Any], Any]]


_OF_RECORD = _Access(
    lambda record: record.message,
    lambda record: record.value is None and record.change == "upsert",
    lambda path: lambda record: field_path.get(record.value, path),
)


def condition(predicate: Predicate) -> Condition:
    """The function of a record that says whether the predicate holds."""
    return _condition(predicate, _OF_RECORD)


def condition_on_fields(predicate: Predicate, names: tuple[str, ...]) -> Callable[[Subject], bool]:
    """The same of a message, and the fields of these names in its value, which is an object."""

    def field(path: str) -> Callable[[Subject], Any]:
        get = field_path.getter(names, path)
        return lambda subject: get(subject[1])

    return _condition(predicate, _Access(itemgetter(0), lambda _: False, field))


def _condition(predicate: Predicate, access: _Access) -> Callable[[Any], bool]:
    if predicate.all is not None:
        every = [_condition(inner, access) for inner in predicate.all]
        return lambda subject: all(is_met(subject) for is_met in every)
    if predicate.any is not None:
        some = [_condition(inner, access) for inner in predicate.any]
        return lambda subject: any(is_met(subject) for is_met in some)
    if predicate.none is not None:
        never = [_condition(inner, access) for inner in predicate.none]
        return lambda subject: not any(is_met(subject) for is_met in never)
    message_of = access.message
    if predicate.tombstone is not None:
        wanted, is_tombstone = predicate.tombstone, access.is_tombstone
        return lambda subject: is_tombstone(subject) is wanted
    if predicate.topic is not None:
        topic = re.compile(predicate.topic)
        return lambda subject: topic.fullmatch(message_of(subject).topic()) is not None
    if predicate.header is not None:
        of_header = _of_header(predicate.header, _comparison(predicate))
        return lambda subject: of_header(message_of(subject))
    field, holds = access.field(predicate.field or ""), _comparison(predicate)
    return lambda subject: holds(field(subject))


def _of_header(name: str, holds: Callable[[Any], bool]) -> Callable[[Message], bool]:
    def is_met(message: Message) -> bool:
        return any(
            holds("" if value is None else value.decode(errors="replace"))
            for found, value in headers_of(message)
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
