"""All transforms of a configuration as one function of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import repeat

import msgspec

from connectors.errors import Rejection
from connectors.records import Record, position_lost
from connectors.settings import Settings
from connectors.settings import transforms as models
from connectors.settings.implementations import implementation
from connectors.transforms.fields import Change
from connectors.transforms.predicates import condition
from connectors.transforms.step import Made, Step

# Records made of one by all transforms: two lists of ten thousand would make a hundred million.
MAX_RECORDS = 200_000


def pipeline(settings: Settings) -> Step | None:
    """All transforms of the configuration as one step; None when it has none.

    Raises StopRun for a function of the user that cannot be found.
    """
    steps = [
        _guarded(transform, _step(transform, settings, f"transforms.{number}"))
        for number, transform in enumerate(settings.transforms)
    ]
    if not steps:
        return None
    explodes = [isinstance(one, models.Explode) for one in settings.transforms]
    with_positions = settings.has_index_columns
    if len(steps) == 1 and not with_positions:
        return steps[0]

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


def _step(transform: models.TransformSettings, settings: Settings, option: str) -> Step:
    """The step of a transform, by the function that its model names."""
    make = implementation(transform.implementation)
    if isinstance(transform, models.FieldTransform):
        return _of_fields(transform, make(transform))
    step: Step = make(transform, settings, option)
    return step


def _of_fields(transform: models.FieldTransform, change: Change) -> Step:
    """The step of a transform that changes the fields of the value, or of the key.

    Null passes; anything but an object is rejected.
    """
    of, word = transform.of, transform.type

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
