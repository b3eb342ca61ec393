"""One record becomes many: the elements of a list, or lines of JSON, each with its own key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Record, field_path
from connectors.settings import Settings
from connectors.settings.tables import TableSettings
from connectors.settings.transforms import Explode
from connectors.transforms.json_text import UNDECODABLE, decode
from connectors.transforms.step import Step, by_table

# What the fields beside a list may become in the rows of one record: a megabyte beside ten thousand
# elements would be ten gigabytes.
MAX_BYTES = 64 << 20
_CELL = 32  # bytes of a cell besides its name and text
# The field of an element that is not an object.
_VALUE = "value"

# (the record, the object of an element, its position) -> the element's record
_Make = Callable[[Record, dict[str, Any], int], Record]


def step(transform: Explode, settings: Settings, _option: str) -> Step:
    """The step of an explode transform, by the rules of each record's table."""
    return by_table(settings, lambda rules: _exploder(transform, rules))


def _exploder(settings: Explode, rules: TableSettings) -> Step:
    """The step of one topic, whose table has these rules: from a record to one per element.

    The position of an element is part of its key, so a record that is read again makes the same
    rows. The step raises Rejection.
    """
    problem, path, maximum = settings.problem(rules), settings.field, settings.max_elements
    elements_of = _lines if settings.lines else _elements
    make: _Make = _as_it_is
    if settings.key == "index":
        of_coordinates = settings.index in rules.index_columns
        make = (_positioned if of_coordinates else _indexed)(settings.index, rules)
    drops = settings.missing == "drop"

    def step(record: Record) -> Iterable[Record]:
        if problem is not None:
            raise Rejection("explode_key", problem)
        value = record.value
        if value is None or record.change == "delete":
            raise Rejection(
                "explode_delete",
                "explode: a delete does not say how many rows its record had: drop deletes by a "
                "transform of type filter, or mark rows as deleted by a field",
            )
        names = (field_path.names_of(value, path) or ()) if path is not None else ()
        found = field_path.get(value, path) if path is not None else value
        if found is None or found is field_path.MISSING:
            if drops:
                return ()
            raise Rejection(
                "explode_missing",
                f"explode: {f'field {path!r}' if path else 'the value'} is null or absent: set "
                'missing = "drop" for records without a list',
            )
        elements = elements_of(found)
        if len(elements) > maximum:
            raise Rejection(
                "explode_count",
                f"explode: the list has more than {maximum:,} elements: raise max_elements, or "
                "split the record at its producer",
            )
        if names and len(elements) * _weight(value, found) > MAX_BYTES:
            raise Rejection(
                "explode_count",
                "explode: the fields beside the list would become more than "
                f"{MAX_BYTES >> 20} MiB, once for each element: exclude large ones before, or "
                "split the record at its producer",
            )
        return [
            make(record, _row(value, names, element), at) for at, element in enumerate(elements)
        ]

    return step


def _weight(value: Any, without: Any) -> int:
    """The approximate bytes of a value in rows, without those of one part of it."""
    weight, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if one is without:
            continue
        if isinstance(one, dict):
            weight += sum(map(len, one)) + _CELL * len(one)
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            weight += _CELL * len(one)
            waiting += one
        elif isinstance(one, (str, bytes)):
            weight += len(one)
    return weight


def _row(value: Any, names: field_path.Names, element: Any) -> dict[str, Any]:
    if names:
        return field_path.changed(value, names, element)
    return element if isinstance(element, dict) else {_VALUE: element}


def _as_it_is(record: Record, row: dict[str, Any], _at: int) -> Record:
    return record.with_value(row)


def _indexed(index: str, rules: TableSettings) -> _Make:
    """Add the position to the row, and to the record's key if that is the row's key."""
    in_key = rules.key_mode.key_from == "key"
    others = [name for name, _ in rules.key_columns if name != index]
    only = others[0] if len(others) == 1 else None

    def key_of(key: Any, at: int) -> Any:
        if isinstance(key, dict):
            return {**key, index: at}
        return key if key is None or only is None else {only: key, index: at}

    def make(record: Record, row: dict[str, Any], at: int) -> Record:
        if index in row:
            raise Rejection(
                "transform_name_taken",
                f"explode: there is a field {index!r} already: give index another name",
            )
        key = key_of(record.key, at) if in_key else None
        with_index = record.with_value({**row, index: at})
        return with_index.with_key(key) if in_key else with_index

    return make


def _positioned(index: str, _rules: TableSettings) -> _Make:
    """Notes the position for the row's key, which is the record's coordinates otherwise."""

    def make(record: Record, row: dict[str, Any], at: int) -> Record:
        before = record.positions or {}
        if index in before:
            raise Rejection(
                "transform_name_taken",
                f"explode: the record has a position {index!r} from a list around this one: give "
                "index another name",
            )
        return msgspec.structs.replace(record, value=row, positions={**before, index: at})

    return make


def _elements(found: Any) -> list[Any]:
    if isinstance(found, (list, tuple)):
        return [*found]
    what = "not sent by its source" if found is UNAVAILABLE else type(found).__name__
    raise Rejection("explode_no_list", f"explode: what should be a list is {what}")


def _lines(found: Any) -> list[Any]:
    """The documents in the lines that are not blank. Raises Rejection."""
    if isinstance(found, bytes):
        try:
            found = found.decode()
        except UnicodeDecodeError:
            raise Rejection("explode_lines", "explode: the text of lines is not UTF-8") from None
    if not isinstance(found, str):
        raise Rejection(
            "explode_no_list",
            f"explode: lines needs text and the value is {type(found).__name__}: set format.value "
            "to string, or name the field with the text",
        )
    out = []
    # Not splitlines: JSON text may contain other line separators.
    for number, line in enumerate(found.split("\n"), 1):
        if not line.strip():
            continue
        try:
            out.append(decode(line))
        except UNDECODABLE:
            raise Rejection("explode_lines", f"explode: line {number} is not JSON") from None
    return out
