"""All transforms of a configuration as one function of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.records import Record, position_lost
from connectors.settings import Settings
from connectors.settings import transforms as models
from connectors.settings.predicates import Predicate
from connectors.settings.tables import TableSettings
from connectors.settings.user_functions import find_function
from connectors.transforms import fields
from connectors.transforms.debezium import ChangeEvents
from connectors.transforms.explode import exploder
from connectors.transforms.json_text import json_fields
from connectors.transforms.predicates import condition
from connectors.transforms.times import timestamp

# Of one record, by transforms that make many: two lists of ten thousand would be a hundred million.
MAX_RECORDS = 200_000

Step = Callable[[Record], Iterable[Record]]
"""The records that a record becomes; raises Rejection for one that the transform does not take."""


class Made(list[Record]):
    """The records that one becomes in all transforms."""

    __slots__ = ("dropped",)

    def __init__(self, records: Iterable[Record], dropped: int) -> None:
        """`dropped`: how many records transforms dropped, be it this one or one made of it."""
        super().__init__(records)
        self.dropped = dropped


Pipeline = Callable[[Record], Made]
# (the transform's own settings, all settings, the option's name for texts) -> its step
MakeStep = Callable[[Any, Settings, str], Step]


def pipeline(settings: Settings) -> Pipeline | None:
    """All transforms of the configuration as one step; None when it has none.

    Raises StopRun for a function of the user that cannot be found.
    """
    steps = [
        _guarded(transform, STEPS[type(transform)](transform, settings, f"transforms.{number}"))
        for number, transform in enumerate(settings.transforms)
    ]
    if not steps:
        return None
    explodes = [isinstance(one, models.Explode) for one in settings.transforms]
    with_positions = settings.has_index_columns

    def all_of_them(record: Record) -> Made:
        records, dropped = [record], 0
        positioned = False
        for step, is_explode in zip(steps, explodes, strict=True):
            if len(records) == 1:
                records = [*step(records[0])]
                dropped += not records
                positioned |= is_explode and any(one.positions is not None for one in records)
                continue
            made: list[Record] = []
            for each in records:
                before = len(made)
                made += step(each)
                dropped += len(made) == before
                if len(made) > MAX_RECORDS:
                    raise Rejection(
                        "explode_count",
                        f"the transforms make more than {MAX_RECORDS:,} records of it: explode "
                        "one list only, or split the record at its producer",
                    )
            records = made
            positioned |= is_explode and any(one.positions is not None for one in records)
        if with_positions:
            records = [*map(_placed, records, repeat(positioned))]
        return Made(records, dropped)

    return all_of_them


def _placed(record: Record, exploded: bool) -> Record:
    """The record with a position, which a table's key needs; it is 0 without an explode.

    `exploded`: records of this one had positions. Raises Rejection where it got lost.
    """
    if record.positions is not None:
        return record
    if exploded:
        raise position_lost()
    return msgspec.structs.replace(record, positions={})


def _guarded(transform: models.TransformSettings, step: Step) -> Step:
    """The step, limited to the topics and the condition of its transform; other records pass."""
    if transform.topics is None and transform.when is None:
        return step
    topics = re.compile(transform.topics or ".*", re.DOTALL)
    holds = condition(transform.when) if transform.when is not None else None

    def guarded(record: Record) -> Iterable[Record]:
        applies = topics.fullmatch(record.topic) and (holds is None or holds(record))
        return step(record) if applies else (record,)

    return guarded


def _of_fields(make: Callable[[Any], fields.Change]) -> MakeStep:
    """The steps of a transform that changes the fields of the value, or of the key.

    Null passes; anything but an object is rejected.
    """

    def make_step(transform: Any, _settings: Settings, _option: str) -> Step:
        change, of, word = make(transform), transform.of, transform.type

        def step(record: Record) -> Iterable[Record]:
            found = record.key if of == "key" else record.value
            if found is None:
                return (record,)
            if not isinstance(found, dict):
                raise Rejection(
                    "transform_no_object",
                    f"{word}: the {of} is not an object but {type(found).__name__}, so it has no "
                    "fields",
                )
            new = change(record, found)
            if of == "key":
                return (record.with_key(new),)
            return (record.with_value(new),)

        return step

    return make_step


def _by_table(settings: Settings, make: Callable[[TableSettings], Step]) -> Step:
    """The step of each record's table, made once: the one that a step named, or its topic's."""
    made: dict[str, Step] = {}

    def step(record: Record) -> Iterable[Record]:
        table = record.table or settings.table_of(record.topic)
        if table not in made:
            made[table] = make(settings.rules_of(table))
        return made[table](record)

    return step


def _debezium(transform: models.Debezium, settings: Settings, _option: str) -> Step:
    """The step of a Debezium transform, by the rules of the tables that its rows may go to."""
    routed = [settings.rules_of(table) for table in settings.mapping.route_tables]
    return _by_table(settings, lambda rules: ChangeEvents(transform, rules, routed).records)


def _explode(transform: models.Explode, settings: Settings, _option: str) -> Step:
    """The step of an explode transform, by the rules of each record's table."""
    return _by_table(settings, lambda rules: exploder(transform, rules))


def _delete_when(_transform: models.DeleteWhen, _settings: Settings, _option: str) -> Step:
    """Its predicate is `when`, so only the records of which that holds come here."""

    def step(record: Record) -> Iterable[Record]:
        return (msgspec.structs.replace(record, change="delete"),)

    return step


def _filter(transform: models.Filter, _settings: Settings, _option: str) -> Step:
    holds = condition(transform.keep or transform.drop or Predicate(tombstone=True))
    kept = transform.keep is not None
    return lambda record: (record,) if holds(record) is kept else ()


def _function(transform: models.Function, _settings: Settings, option: str) -> Step:
    """The step of a function of the user. Raises StopRun when there is none of that name."""
    name = transform.function
    function = find_function(name, f"{option}.function")

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


# How the step of each transform is made, by the model of its settings.
STEPS: dict[type[models.TransformSettings], MakeStep] = {
    models.Include: _of_fields(fields.include),
    models.Exclude: _of_fields(fields.exclude),
    models.Rename: _of_fields(fields.rename),
    models.Cast: _of_fields(fields.cast),
    models.Insert: _of_fields(fields.insert),
    models.Flatten: _of_fields(fields.flatten),
    models.Extract: _of_fields(fields.extract),
    models.Timestamp: _of_fields(timestamp),
    models.Json: _of_fields(json_fields),
    models.Explode: _explode,
    models.Debezium: _debezium,
    models.DeleteWhen: _delete_when,
    models.Filter: _filter,
    models.Function: _function,
}
