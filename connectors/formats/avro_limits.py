"""Walks Avro bytes before they are decoded, where their schema lets few bytes become much.

Recursive schemas do (depth), and arrays and maps whose items have many fields for few bytes, or
take no bytes at all. How much a schema can make of a byte is worked out once; only records that
could pass the limit are walked. For all others there is nothing to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.errors import Rejection

DEEPEST = 64
MOST_EMPTY_ITEMS = 10_000
# Fields and items of one record, all in all. A row has 1,024 columns; the rest is nested.
MOST_VALUES = 1_000_000

_FIXED = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_VARINTS = ("int", "long", "enum")


def walker(schema: Any, named: dict[str, Any], extra: int = 0) -> Callable[[bytes], None] | None:
    """The check of one schema's bytes; None where they need none. It raises Rejection.

    `extra` is how many fields a reader's schema may add to each record.
    """
    names = dict(named)
    measure = _Measure(names, extra)
    size = measure.of(schema, ())
    worst = measure.worst if size.values <= MOST_VALUES else math.inf
    if worst == 0:
        return None

    def check(data: bytes) -> None:
        if worst * max(1, len(data)) > MOST_VALUES:  # infinity times nothing is no number
            _Walk(data, names, extra).value(schema, 0)

    return check


class _Size(NamedTuple):
    """What one value of a schema is at most, without the items in it, and its fewest bytes."""

    values: int
    least: int


class _Measure:
    """The most values that a byte can become; infinity for recursion and items of no bytes."""

    def __init__(self, names: dict[str, Any], extra: int) -> None:
        self.worst = 0.0
        self._names = names
        self._extra = extra
        # Each record once: a type that is used twice by one that is used twice, and so on, would
        # take for ever.
        self._sizes: dict[str, _Size] = {}

    def of(self, schema: Any, above: tuple[str, ...]) -> _Size:
        """One value; `above` are the records that it stands in."""
        if isinstance(schema, list):
            parts = [self.of(part, above) for part in schema]
            values = max((part.values for part in parts), default=0)
            return _Size(values, 1 + min((part.least for part in parts), default=0))
        if isinstance(schema, str):
            if schema in above:
                self.worst = math.inf
                return _Size(1, 0)
            if schema in self._sizes:
                return self._sizes[schema]
            if schema in self._names:
                return self.of(self._names[schema], above)
            return _Size(1, _FIXED.get(schema, 1))
        kind = schema["type"]
        if kind in ("record", "error"):
            return self._record(schema, above)
        if kind in ("array", "map"):
            item = self.of(schema["items" if kind == "array" else "values"], above)
            least = item.least + (kind == "map")
            self.worst = max(self.worst, (1 + item.values) / least if least else math.inf)
            return _Size(1, 1)
        if kind == "fixed":
            self._names.setdefault(schema["name"], schema)
            return _Size(1, schema["size"])
        if kind == "enum":
            self._names.setdefault(schema["name"], schema)
            return _Size(1, 1)
        return self.of(kind, above)

    def _record(self, schema: Any, above: tuple[str, ...]) -> _Size:
        name = schema["name"]
        self._names.setdefault(name, schema)
        if name in above:
            self.worst = math.inf
            return _Size(1, 0)
        parts = [self.of(field["type"], (*above, name)) for field in schema["fields"]]
        values = 1 + self._extra + sum(part.values for part in parts)
        made = self._sizes[name] = _Size(values, sum(part.least for part in parts))
        return made


class _Walk:
    """One pass over the bytes of one record."""

    def __init__(self, data: bytes, names: dict[str, Any], extra: int) -> None:
        self._data = data
        self._names = names
        self._at = 0
        self._extra = extra
        self._values = 0
        self._empty_items = 0

    def value(self, schema: Any, depth: int) -> None:
        """Skip a value of the schema."""
        if depth > DEEPEST:
            raise Rejection("avro_depth", f"nested deeper than {DEEPEST} levels")
        if isinstance(schema, list):
            index = self._long()
            if not 0 <= index < len(schema):
                raise _invalid()
            self.value(schema[index], depth)
            return
        if isinstance(schema, str):
            if schema in self._names:
                self.value(self._names[schema], depth)
            else:
                self._primitive(schema)
            return
        kind = schema["type"]
        if kind in ("record", "error"):
            self._count(len(schema["fields"]) + self._extra)
            for field in schema["fields"]:
                self.value(field["type"], depth + 1)
        elif kind in ("array", "map"):
            self._blocks(schema, kind, depth)
        elif kind == "fixed":
            self._skip(schema["size"])
        elif isinstance(kind, str):
            self._primitive(kind)
        else:
            self.value(kind, depth)

    def _blocks(self, schema: Any, kind: str, depth: int) -> None:
        items = schema["items" if kind == "array" else "values"]
        while count := self._long():
            if count < 0:
                count = -count
                self._long()  # the block's size in bytes
            for _ in range(count):
                start = self._at
                self._count(1)
                if kind == "map":
                    self._primitive("string")
                self.value(items, depth + 1)
                if self._at == start:
                    self._empty_items += 1
                    if self._empty_items > MOST_EMPTY_ITEMS:
                        raise Rejection(
                            "avro_items", f"of more than {MOST_EMPTY_ITEMS:,} items of no bytes"
                        )

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise Rejection("avro_values", f"of more than {MOST_VALUES:,} fields and items")

    def _primitive(self, kind: str) -> None:
        if kind in _VARINTS:
            self._long()
        elif kind in ("string", "bytes"):
            self._skip(self._long())
        elif kind in _FIXED:
            self._skip(_FIXED[kind])
        else:
            raise _invalid()

    def _skip(self, size: int) -> None:
        if size < 0 or self._at + size > len(self._data):
            raise _invalid()
        self._at += size

    def _long(self) -> int:
        shift = number = 0
        while True:
            if self._at >= len(self._data) or shift > 63:
                raise _invalid()
            byte = self._data[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number >> 1 ^ -(number & 1)
            shift += 7


def _invalid() -> Rejection:
    return Rejection("avro_invalid", "no Avro of its schema")
