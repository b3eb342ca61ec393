"""Limits the depth and the number of values of Avro data [avro-spec] before it is decoded.

Three kinds of schemas let few bytes become much in memory: recursive ones (depth), and arrays and
maps whose items have many fields in few bytes, or take no bytes at all. How many values a byte can
become at most is worked out once for each schema. Only data that could exceed the limit by that is
walked; other data costs one multiplication.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.errors import Rejection
from connectors.formats.varint import VarintError, read_varint, zigzag

# Levels of records, arrays and maps.
MAX_DEPTH = 64
# Items without bytes in one record.
MAX_EMPTY_ITEMS = 10_000
# Fields and items of one record, nested ones included: a row has at most 1,024 columns [limits].
MAX_VALUES = 1_000_000

_FIXED = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_VARINTS = ("int", "long", "enum")


def walker(schema: Any, named: dict[str, Any], extra: int = 0) -> Callable[[bytes], None] | None:
    """The check of the data of one schema, which raises Rejection; None where none is needed.

    `named` are the types that the schema refers to, by name; `extra` is how many fields a reader's
    schema may add to each record.
    """
    names = dict(named)
    measure = _Measure(names, extra)
    size = measure.of(schema, ())
    worst = measure.worst if size.values <= MAX_VALUES else math.inf
    if worst == 0:
        return None

    def check(data: bytes) -> None:
        if worst * max(1, len(data)) > MAX_VALUES:  # infinity times 0 is not a number
            _Walk(data, names, extra).value(schema, 0)

    return check


class _Size(NamedTuple):
    """How many values one value of a schema is at most, items not counted, in how few bytes."""

    values: int
    min_bytes: int


class _Measure:
    """How many values a byte can become at most; infinity with recursion or items of no bytes."""

    def __init__(self, names: dict[str, Any], extra: int) -> None:
        self.worst = 0.0
        self._names = names
        self._extra = extra
        # Each record is measured once: types that use each other twice, thirty levels deep, would
        # take for ever otherwise.
        self._sizes: dict[str, _Size] = {}

    def of(self, schema: Any, above: tuple[str, ...]) -> _Size:
        """The size of a value of the schema; `above` names the records around it."""
        if isinstance(schema, list):
            branches = [self.of(branch, above) for branch in schema]
            values = max((branch.values for branch in branches), default=0)
            return _Size(values, 1 + min((branch.min_bytes for branch in branches), default=0))
        if isinstance(schema, str):
            if schema in above:
                self.worst = math.inf
                return _Size(1, 0)
            if schema in self._sizes:
                return self._sizes[schema]
            if schema in self._names:
                return self.of(self._names[schema], above)
            return _Size(1, _FIXED.get(schema, 1))
        type_ = schema["type"]
        if type_ in ("record", "error"):
            return self._record(schema, above)
        if type_ in ("array", "map"):
            item = self.of(schema["items" if type_ == "array" else "values"], above)
            min_bytes = item.min_bytes + (type_ == "map")
            self.worst = max(self.worst, (1 + item.values) / min_bytes if min_bytes else math.inf)
            return _Size(1, 1)
        if type_ == "fixed":
            self._names.setdefault(schema["name"], schema)
            return _Size(1, schema["size"])
        if type_ == "enum":
            self._names.setdefault(schema["name"], schema)
            return _Size(1, 1)
        return self.of(type_, above)

    def _record(self, schema: Any, above: tuple[str, ...]) -> _Size:
        name = schema["name"]
        self._names.setdefault(name, schema)
        if name in above:
            self.worst = math.inf
            return _Size(1, 0)
        fields = [self.of(field["type"], (*above, name)) for field in schema["fields"]]
        values = 1 + self._extra + sum(field.values for field in fields)
        made = self._sizes[name] = _Size(values, sum(field.min_bytes for field in fields))
        return made


class _Walk:
    """One pass over the bytes of one record. Raises Rejection."""

    def __init__(self, data: bytes, names: dict[str, Any], extra: int) -> None:
        self._data = data
        self._names = names
        self._position = 0
        self._extra = extra
        self._values = 0
        self._empty_items = 0

    def value(self, schema: Any, depth: int) -> None:
        """Skip a value of the schema."""
        if depth > MAX_DEPTH:
            raise Rejection("avro_depth", f"nested deeper than {MAX_DEPTH} levels")
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
        type_ = schema["type"]
        if type_ in ("record", "error"):
            self._count(len(schema["fields"]) + self._extra)
            for field in schema["fields"]:
                self.value(field["type"], depth + 1)
        elif type_ in ("array", "map"):
            self._blocks(schema, type_, depth)
        elif type_ == "fixed":
            self._skip(schema["size"])
        elif isinstance(type_, str):
            self._primitive(type_)
        else:
            self.value(type_, depth)

    def _blocks(self, schema: Any, type_: str, depth: int) -> None:
        items = schema["items" if type_ == "array" else "values"]
        while count := self._long():
            if count < 0:
                count = -count
                self._long()  # the block's size in bytes
            for _ in range(count):
                start = self._position
                self._count(1)
                if type_ == "map":
                    self._primitive("string")
                self.value(items, depth + 1)
                if self._position == start:
                    self._empty_items += 1
                    if self._empty_items > MAX_EMPTY_ITEMS:
                        raise Rejection(
                            "avro_items", f"of more than {MAX_EMPTY_ITEMS:,} items of no bytes"
                        )

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise Rejection("avro_values", f"of more than {MAX_VALUES:,} fields and items")

    def _primitive(self, type_: str) -> None:
        if type_ in _VARINTS:
            self._long()
        elif type_ in ("string", "bytes"):
            self._skip(self._long())
        elif type_ in _FIXED:
            self._skip(_FIXED[type_])
        else:
            raise _invalid()

    def _skip(self, size: int) -> None:
        if size < 0 or self._position + size > len(self._data):
            raise _invalid()
        self._position += size

    def _long(self) -> int:
        try:
            number, self._position = read_varint(self._data, self._position, len(self._data))
        except VarintError:
            raise _invalid() from None
        return zigzag(number)


def _invalid() -> Rejection:
    return Rejection("avro_invalid", "not Avro data of its schema")
