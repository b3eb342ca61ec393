"""Transforms of whole chunks whose values have the same fields, made once for their names.

What a transform does to the names is done once. What it does to values is a function of a record's
fields in order, without an object. The functions of one record (pipeline.py) are the oracle: they
take every record that raises here, and every chunk with transforms that are not made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from connectors.records import Message, Record
from connectors.settings import transforms as models
from connectors.settings.predicates import Predicate
from connectors.transforms import fields
from connectors.transforms.json_text import json_fields
from connectors.transforms.predicates import condition_on_fields
from connectors.transforms.times import timestamp

Fields = tuple[Any, ...]
Step = Callable[[Message, Fields], "Fields | None"]
"""The fields of a record behind a transform; None for one that is dropped.

Whatever it raises, the record is one for the pipeline.
"""


class Program(NamedTuple):
    """All transforms, for values of certain fields."""

    names: tuple[str, ...]
    """Of the fields behind them."""
    steps: list[Step]


class _OthersError(Exception):
    """It takes the pipeline to say what becomes of such records."""


def program(
    transforms: Sequence[models.TransformSettings], topic: str, names: tuple[str, ...]
) -> Program | None:
    """The transforms for records of a topic with these fields; None where they take records."""
    made = Program(names, [])
    try:
        for transform in transforms:
            if transform.topics is None or re.compile(transform.topics, re.DOTALL).fullmatch(topic):
                names, step = _guarded(transform, made.names)
                made = Program(names, made.steps if step is None else [*made.steps, step])
    except _OthersError:
        return None
    return made


def has_programs(transforms: Sequence[models.TransformSettings]) -> bool:
    """Whether `program` can make any of these transforms."""
    return all(
        type(transform) in _MADE and getattr(transform, "of", "value") == "value"
        for transform in transforms
    )


_Made = tuple[tuple[str, ...], "Step | None"]


def _guarded(transform: models.TransformSettings, names: tuple[str, ...]) -> _Made:
    """The step of a transform that is applied only where its condition `when` holds."""
    when = transform.when
    make = _MADE.get(type(transform))
    if make is None:
        raise _OthersError
    new, step = make(transform, names)
    if when is None:
        return new, step
    holds = condition_on_fields(when, names)
    if isinstance(transform, models.DeleteWhen) or new != names:

        def unless(message: Message, values: Fields) -> Fields:
            if holds((message, values)):
                raise _OthersError
            return values

        return names, unless
    if step is None:
        return names, None
    if_met = step
    return (
        names,
        lambda message, values: if_met(message, values) if holds((message, values)) else values,
    )


def _top(path: str, names: tuple[str, ...]) -> bool:
    """Whether it is a field at the top. Raises _OthersError where it may be a nested one."""
    if path in names:
        return True
    if any(path.startswith(f"{name}.") for name in names):
        raise _OthersError
    return False


def _only(names: tuple[str, ...], kept: Sequence[str]) -> _Made:
    if len(kept) == len(names):
        return names, None
    positions = [names.index(name) for name in kept]
    if len(positions) < 2:
        return tuple(kept), lambda _, values: (*[values[position] for position in positions],)
    take = itemgetter(*positions)
    return tuple(kept), lambda _, values: take(values)


def _include(transform: models.Include, names: tuple[str, ...]) -> _Made:
    wanted = {path for path in transform.fields if _top(path, names)}
    return _only(names, [name for name in names if name in wanted])


def _exclude(transform: models.Exclude, names: tuple[str, ...]) -> _Made:
    out = {path for path in transform.fields if _top(path, names)}
    return _only(names, [name for name in names if name not in out])


def _rename(transform: models.Rename, names: tuple[str, ...]) -> _Made:
    new = {path: name for path, name in transform.fields.items() if _top(path, names)}
    renamed = (*[new.get(name, name) for name in names],)
    if len({*renamed}) < len(renamed):
        raise _OthersError
    return renamed, None


def _insert(transform: models.Insert, names: tuple[str, ...]) -> _Made:
    added = fields.inserted(transform)
    if not added.keys().isdisjoint(names):
        raise _OthersError
    literals = (*transform.literals.values(),)
    of_message = [made for name, made in added.items() if name not in transform.literals]
    if not of_message:
        return (*names, *added), lambda _, values: (*values, *literals)
    if len(of_message) == 1:
        (made,) = of_message
        return (*names, *added), lambda message, values: (*values, made(message), *literals)
    return (*names, *added), lambda message, values: (
        *values,
        *[made(message) for made in of_message],
        *literals,
    )


def _in_place(change: fields.Change, paths: Sequence[str], names: tuple[str, ...]) -> _Made:
    """A change of some fields that keeps their names, by the change of an object of only these."""
    heads = {path.rpartition(".")[0] or path for path in paths}
    heads |= {path[:at] for path in paths for at, one in enumerate(path) if one == "."} | {*paths}
    involved = [(at, name) for at, name in enumerate(names) if name in heads]

    def step(message: Message, values: Fields) -> Fields:
        some = {name: values[at] for at, name in involved}
        changed = change(Record(message, None), some)
        if changed is some:
            return values
        new = [*values]
        for at, name in involved:
            new[at] = changed[name]
        return (*new,)

    return names, step if involved else None


def _of_value(
    make: Callable[[Any, tuple[str, ...]], _Made],
) -> Callable[[Any, tuple[str, ...]], _Made]:
    """A transform of the value; one of the key takes records."""

    def made(transform: Any, names: tuple[str, ...]) -> _Made:
        if transform.of == "key":
            raise _OthersError
        return make(transform, names)

    return made


def _json(transform: models.Json, names: tuple[str, ...]) -> _Made:
    if transform.into != "value":
        raise _OthersError
    return _in_place(json_fields(transform), transform.fields, names)


def _filter(transform: models.Filter, names: tuple[str, ...]) -> _Made:
    holds = condition_on_fields(
        transform.keep or transform.drop or Predicate(tombstone=True), names
    )
    kept = transform.keep is not None
    return names, lambda message, values: values if holds((message, values)) is kept else None


# How a transform is made, by the model of its settings; the others take records.
_MADE: dict[type[models.TransformSettings], Callable[[Any, tuple[str, ...]], _Made]] = {
    models.Include: _of_value(_include),
    models.Exclude: _of_value(_exclude),
    models.Rename: _of_value(_rename),
    models.Insert: _of_value(_insert),
    models.Cast: _of_value(
        lambda transform, names: _in_place(fields.cast(transform), [*transform.fields], names)
    ),
    models.Timestamp: _of_value(
        lambda transform, names: _in_place(timestamp(transform), transform.fields, names)
    ),
    models.Json: _of_value(_json),
    models.Filter: _filter,
    models.DeleteWhen: lambda _, names: (names, None),
}
