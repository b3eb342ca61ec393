"""All transforms of a configuration as one function of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.errors import Rejection
from connectors.records import Record
from connectors.settings import Settings
from connectors.settings import transforms as models
from connectors.settings.implementations import implementation
from connectors.transforms.fields import Change
from connectors.transforms.predicates import condition
from connectors.transforms.step import Step

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
    if len(steps) == 1:
        return steps[0]

    def all_of_them(record: Record) -> Iterable[Record]:
        records = [record]
        for step in steps:
            if len(records) == 1:
                records = [*step(records[0])]
                continue
            made: list[Record] = []
            for each in records:
                made += step(each)
                if len(made) > MAX_RECORDS:
                    raise Rejection(
                        "explode_count",
                        f"the transforms make more than {MAX_RECORDS:,} records of it: explode "
                        "one list only, or split the record at its producer",
                    )
            records = made
        return records

    return all_of_them


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
            return (Record(record.message, record.value, new, record.change, record.table),)
        return (record.with_value(new),)

    return step
