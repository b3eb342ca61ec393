"""What the fields of decoded records hold: how often, of which types, how many different values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.inspect.plain import plain
from connectors.records.value_types import type_name

_MAX_DIFFERENT = 100_000
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
# Numbers that are times between 2001 and 2096, by their unit.
_EPOCHS = (("s", 1e9, 4e9), ("ms", 1e12, 4e12), ("us", 1e15, 4e15), ("ns", 1e18, 4e18))


class FieldProfile:
    """One field of the records of a sample."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.present = 0
        """Records that have it, null or not."""
        self.types: Counter[str] = Counter()
        self.max_length = 0
        self._different: set[str] = set()
        self._times: Counter[str] = Counter()

    @property
    def filled(self) -> int:
        """Records in which it is not null."""
        return self.present - self.types["null"]

    @property
    def different(self) -> int:
        """How many different values there are, as far as they were counted."""
        return len(self._different)

    @property
    def value_types(self) -> set[str]:
        """The types of its values, null left out."""
        return {*self.types} - {"null"}

    @property
    def time_unit(self) -> str | None:
        """The unit in which all of its values look like times since 1970, or iso8601; or None."""
        for unit, number in self._times.items():
            if number == self.filled and number:
                return unit
        return None

    def add(self, value: Any) -> None:
        """Note its value in one more record."""
        self.present += 1
        kind = type_name(value)
        self.types[kind] += 1
        if kind == "null":
            return
        text = value if kind == "string" else json.dumps(plain(value), sort_keys=True)
        self.max_length = max(self.max_length, len(text.encode("utf-8", "replace")))
        if len(self._different) < _MAX_DIFFERENT:
            self._different.add(text)
        if kind == "string" and _ISO.fullmatch(value):
            self._times["iso8601" if value[-1] in "Zz" or "+" in value else "iso_date"] += 1
        elif kind == "integer":
            for unit, low, high in _EPOCHS:
                if low <= value < high:
                    self._times[unit] += 1

    def evidence(self, records: int) -> str:
        """What speaks for a guess about it, such as "1,000 of 1,000 present, all different"."""
        text = f"{self.present:,} of {records:,} present"
        if self.types["null"]:
            text += f", {self.types['null']:,} null"
        if self.filled:
            every = self.different == self.filled
            text += ", all different" if every else f", {self.different:,} different"
        types = ", ".join(f"{number:,} {kind}" for kind, number in self.types.most_common())
        return f"{text}; {types}"


class Profile:
    """The fields of the records of a sample, in the order in which they first appear."""

    def __init__(self, values: Iterable[Any]) -> None:
        """`values` are decoded; what is no object counts as a record without fields."""
        self.records = 0
        self.objects = 0
        self.fields: dict[str, FieldProfile] = {}
        for value in values:
            self.records += 1
            if isinstance(value, Mapping):
                self.objects += 1
                for name, item in value.items():
                    self._field(str(name)).add(item)

    def _field(self, name: str) -> FieldProfile:
        found = self.fields.get(name)
        if found is None:
            found = self.fields[name] = FieldProfile(name)
        return found

    def is_everywhere(self, field: FieldProfile) -> bool:
        """Return whether every record has the field, and none has null in it."""
        return field.filled == self.records

    def is_unique(self, field: FieldProfile) -> bool:
        """Return whether every record has the field, and no two have the same value in it."""
        return self.is_everywhere(field) and field.different == self.records


def column_type(field: FieldProfile) -> str:
    """The column type that takes every value that was seen, without loss."""
    kinds = field.value_types
    if kinds == {"integer", "double"}:
        return "double"
    if len(kinds) == 1:
        (kind,) = kinds
        return kind if kind in ("integer", "double", "boolean", "string", "binary") else "string"
    return "string"
