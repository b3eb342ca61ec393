"""Walks Avro bytes before they are decoded, where their schema lets few bytes become much.

Only two kinds of schema do: recursive ones (depth), and arrays or maps of items that take no bytes
(number). For all others a record is no larger than its bytes, and there is nothing to walk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.records import Rejection

DEEPEST = 64
MOST_EMPTY_ITEMS = 10_000

_FIXED = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_VARINTS = ("int", "long", "enum")


def walker(schema: Any, named: dict[str, Any]) -> Callable[[bytes], None] | None:
    """The check of one schema's bytes; None where they need none. It raises Rejection."""
    names = dict(named)
    if not _risky(schema, names, ()):
        return None

    def check(data: bytes) -> None:
        _Walk(data, names).value(schema, 0)

    return check


def _risky(schema: Any, names: dict[str, Any], above: tuple[str, ...]) -> bool:
    if isinstance(schema, list):
        return any(_risky(part, names, above) for part in schema)
    if isinstance(schema, str):
        if schema in above:
            return True
        return schema in names and _risky(names[schema], names, above)
    kind = schema["type"]
    if kind in ("record", "error"):
        names.setdefault(schema["name"], schema)
        if schema["name"] in above:
            return True
        inner = (*above, schema["name"])
        return any(_risky(field["type"], names, inner) for field in schema["fields"])
    if kind in ("array", "map"):
        items = schema["items" if kind == "array" else "values"]
        return _risky(items, names, above) or (kind == "array" and _empty(items, names))
    if kind in ("enum", "fixed"):
        names.setdefault(schema["name"], schema)
        return False
    return isinstance(kind, (dict, list)) and _risky(kind, names, above)


def _empty(schema: Any, names: dict[str, Any]) -> bool:
    """Whether its values take no bytes."""
    if isinstance(schema, str):
        return schema == "null" or (schema in names and _empty(names[schema], names))
    if isinstance(schema, list):
        return False
    kind = schema["type"]
    if kind in ("record", "error"):
        return all(_empty(field["type"], names) for field in schema["fields"])
    if kind == "fixed":
        return bool(schema["size"] == 0)
    return (
        isinstance(kind, (str, dict))
        and kind not in ("array", "map", "enum")
        and _empty(kind, names)
    )


class _Walk:
    """One pass over the bytes of one record."""

    def __init__(self, data: bytes, names: dict[str, Any]) -> None:
        self._data = data
        self._names = names
        self._at = 0
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
                if kind == "map":
                    self._primitive("string")
                self.value(items, depth + 1)
                if self._at == start:
                    self._empty_items += 1
                    if self._empty_items > MOST_EMPTY_ITEMS:
                        raise Rejection(
                            "avro_items", f"of more than {MOST_EMPTY_ITEMS:,} items of no bytes"
                        )

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
