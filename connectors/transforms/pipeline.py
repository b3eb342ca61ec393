"""All transforms of a configuration as one function of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from connectors.errors import Rejection
from connectors.records import Record
from connectors.settings import Settings
from connectors.settings import transforms as made
from connectors.settings.user_functions import find_function
from connectors.transforms import fields
from connectors.transforms.debezium import ChangeEvents
from connectors.transforms.predicates import question

Step = Callable[[Record], Iterable[Record]]


def pipeline(settings: Settings) -> Step | None:
    """The records that a record becomes; None when no transform is configured.

    The function raises Rejection for a record that a transform does not take. Raises StopRun here
    for a function that cannot be found.
    """
    steps = [
        _guarded(transform, _step(transform, settings, f"transforms.{number}"))
        for number, transform in enumerate(settings.transforms)
    ]
    if not steps:
        return None

    def all_of_them(record: Record) -> Iterable[Record]:
        records = [record]
        for step in steps:
            records = [out for one in records for out in step(one)]
        return records

    return all_of_them


def _step(transform: Any, settings: Settings, place: str) -> Step:
    if isinstance(transform, made.Debezium):
        return _debezium(transform, settings)
    if isinstance(transform, made.Filter):
        holds = question(transform.keep or transform.drop or made.Predicate(tombstone=True))
        kept = transform.keep is not None
        return lambda record: (record,) if holds(record) is kept else ()
    if isinstance(transform, made.Function):
        return _of_user(transform.function, place)
    for model, make in _FIELDS.items():
        if isinstance(transform, model):
            return _of_part(make(transform), transform.of, transform.type)
    raise AssertionError(f"{place} has no step")


_FIELDS: dict[type[Any], Callable[[Any], fields.Change]] = {
    made.Include: fields.include,
    made.Exclude: fields.exclude,
    made.Rename: fields.rename,
    made.Cast: fields.cast,
    made.Insert: fields.insert,
    made.Flatten: fields.flatten,
    made.Extract: fields.extract,
}


def _guarded(transform: Any, step: Step) -> Step:
    """The step for the records that it is meant for; the others pass."""
    if transform.topics is None and transform.when is None:
        return step
    topics = re.compile(transform.topics or ".*", re.DOTALL)
    holds = question(transform.when) if transform.when is not None else None

    def guarded(record: Record) -> Iterable[Record]:
        meant = topics.fullmatch(record.topic) and (holds is None or holds(record))
        return step(record) if meant else (record,)

    return guarded


def _of_part(change: fields.Change, part: str, word: str) -> Step:
    """A change of the value or the key; null passes, and what is no object is rejected."""

    def step(record: Record) -> Iterable[Record]:
        found = record.key if part == "key" else record.value
        if found is None:
            return (record,)
        if not isinstance(found, dict):
            raise Rejection(
                "transform_no_object",
                f"{word}: the {part} is no object but {type(found).__name__}, so it has no fields",
            )
        new = change(record, found)
        if part == "key":
            return (Record(record.message, record.value, new, record.change, record.table),)
        return (record.with_value(new),)

    return step


def _debezium(transform: made.Debezium, settings: Settings) -> Step:
    """The key's fields are the table's, where its key is in the value."""
    by_topic: dict[str, ChangeEvents] = {}

    def step(record: Record) -> Iterable[Record]:
        topic = record.topic
        if topic not in by_topic:
            rules = settings.rules_of(settings.table_of(topic))
            keys = [name for name, _ in rules.key_columns]
            in_value = rules.primary_key_mode == "record_value" and not transform.key_fields
            by_topic[topic] = ChangeEvents(transform, keys if in_value else transform.key_fields)
        return by_topic[topic].records(record)

    return step


def _of_user(name: str, place: str) -> Step:
    function = find_function(name, f"{place}.function")

    def step(record: Record) -> Iterable[Record]:
        out = function(record)
        records = [] if out is None else out if isinstance(out, list) else [out]
        for item in records:
            if type(item) is not Record:
                raise Rejection(
                    "step_failed",
                    f"{name} returned a {type(item).__name__} instead of a Record, a list of "
                    "Records or None",
                )
        return records

    return step
