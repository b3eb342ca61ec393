"""How many values the bytes of a schema can become, so that few bytes do not fill the memory.

A recursive schema turns bytes into depth; arrays and maps whose items have many fields for few
bytes, or take no bytes at all, turn them into many values. How many values a byte can become is
worked out once for a schema. Only records that could pass the limit are counted while they are
read.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from connectors.formats.avro.schema import Node

MAX_DEPTH = 64
"""Levels of records inside each other."""
MAX_EMPTY_ITEMS = 10_000
"""Items that take no bytes, in one record."""
MAX_VALUES = 1_000_000
"""Fields and items of one record, nested ones included. A row has 1,024 columns."""

_LEAST = {"null": 0, "boolean": 1, "float": 4, "double": 8, "array": 1, "map": 1}


class Size(NamedTuple):
    """The number of values in one value of a schema, without its items, and its fewest bytes."""

    values: int
    least: int


class Measure:
    """The number of values and the fewest bytes of each type of a writer's schema."""

    def __init__(self, top: Node, extra: int) -> None:
        """`extra` is how many fields a reader's schema may add to each record."""
        self._extra = extra
        self._sizes: dict[int, Size] = {}
        self._open: set[int] = set()
        self._worst = 0.0
        size = self.of(top)
        self.worst = self._worst if size.values <= MAX_VALUES else math.inf
        """The most values that a byte can become; 0 where each takes a byte or more."""

    def of(self, node: Node) -> Size:
        """The size of one value of a node's type; a type that contains itself has no bound."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            self._worst = math.inf
            return Size(1, 0)
        self._open.add(id(node))
        made = self._sizes[id(node)] = self._made(node)
        self._open.discard(id(node))
        return made

    def _made(self, node: Node) -> Size:
        if node.type == "union":
            parts = [self.of(branch) for branch in node.branches]
            values = max((part.values for part in parts), default=0)
            return Size(values, 1 + min((part.least for part in parts), default=0))
        if node.type == "record":
            parts = [self.of(field.node) for field in node.fields]
            values = 1 + self._extra + sum(part.values for part in parts)
            return Size(values, sum(part.least for part in parts))
        if node.type in ("array", "map"):
            item = self.of(node.inner)
            least = item.least + (node.type == "map")
            self._worst = max(self._worst, (1 + item.values) / least if least else math.inf)
        return Size(1, node.size if node.type == "fixed" else _LEAST.get(node.type, 1))


def max_fields(node: Node) -> int:
    """The most fields that a reader's schema may add to one record."""
    seen: set[int] = set()
    waiting, found = [node], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        found = max(found, len(one.fields))
        waiting += [field.node for field in one.fields]
        waiting += one.branches
        waiting += [one.items] if one.items is not None else []
    return found
