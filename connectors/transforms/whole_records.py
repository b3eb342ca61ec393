"""Transforms of whole records: delete_when, filter, and functions of the user."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.errors import Rejection
from connectors.records import Record
from connectors.settings import Settings
from connectors.settings import transforms as models
from connectors.settings.predicates import Predicate
from connectors.settings.user_functions import find_function
from connectors.transforms.predicates import condition
from connectors.transforms.step import Step


def delete_when(_transform: models.DeleteWhen, _settings: Settings, _option: str) -> Step:
    """The step of a delete_when transform: each record becomes a delete.

    `when`, its condition, is an option of every transform, so the pipeline applies it.
    """

    def step(record: Record) -> Iterable[Record]:
        return (msgspec.structs.replace(record, change="delete"),)

    return step


def filter_by(transform: models.Filter, _settings: Settings, _option: str) -> Step:
    """The step of a filter transform, which returns the record or nothing."""
    holds = condition(transform.keep or transform.drop or Predicate(tombstone=True))
    kept = transform.keep is not None
    return lambda record: (record,) if holds(record) is kept else ()


def function(transform: models.Function, _settings: Settings, option: str) -> Step:
    """The step of a function of the user. Raises StopRun when there is none of that name."""
    name = transform.function
    of_user = find_function(name, f"{option}.function")

    def step(record: Record) -> Iterable[Record]:
        out = of_user(record)
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
