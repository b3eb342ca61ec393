"""Objects of known fields, decoded from JSON into structs: half the time of a dict.

Any name will do, since the structs' own names are made up, but for those that msgspec cannot have,
such as one with a quote. The order of the fields in the text does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Union

import msgspec
from msgspec.structs import astuple

from connectors.records import ABSENT

Tree = tuple[tuple[str, "Tree | None"], ...]
"""The fields of an object: the name of each, and its own fields where it is an object too."""

_MAX_DEPTH = 20
# Of a table whose objects are flattened, what a field may be that is no object.
_LEAF = Union[str, int, float, bool, None, list[Any]]  # noqa: UP007 - msgspec reads it


class StructDecoder(NamedTuple):
    """Decodes objects of known fields into a msgspec struct."""

    names: tuple[str, ...]
    """Of the fields that `fields_of` gives."""
    optional: bool
    decode: Callable[[bytes], Any]
    """Bytes to a struct; raises one of `json.UNDECODABLE` for other values, and for what
    `json.decode` rejects."""
    fields_of: Callable[[Any], tuple[Any, ...]]
    """The fields of a struct in the order of the names, `ABSENT` for one that it lacks."""
    tree: Tree | None = None
    """The fields as they are nested, where `names` are those that flattening makes."""


@lru_cache(maxsize=256)
def struct_decoder(names: tuple[str, ...], optional: bool = False) -> StructDecoder | None:
    """The decoder of objects with exactly these fields; None where there is none.

    `optional`: of objects with any of them, and no further ones.
    """
    try:
        struct = _struct([(name, Any, ABSENT) for name in names], optional)
    except ValueError:
        return None
    return StructDecoder(names, optional, msgspec.json.Decoder(struct).decode, astuple)


def tree_of(value: dict[str, Any]) -> Tree:
    """The fields of an object; one without fields is a value."""
    return tuple(
        (name, tree_of(item) if type(item) is dict and item else None)
        for name, item in value.items()
    )


@lru_cache(maxsize=256)
def flattening_decoder(tree: Tree, separator: str, optional: bool = False) -> StructDecoder | None:
    """The decoder of objects with exactly these fields, nested ones included; None without one.

    It gives the fields that flattening makes (mapping/column_names.py): the names with the
    separator between them. `optional`: of objects that have any of them, where a nested object may
    be null too.
    """
    made = _Flattening(separator, optional)
    try:
        struct = made.struct(tree, "v", "", 0)
    except ValueError:
        return None
    names = (*(path for path, _ in made.fields),)
    if len({*names}) < len(names):
        return None
    lines = [*made.lines, f"return ({''.join(f'{place}, ' for _, place in made.fields)})"]
    source = "\n ".join(["def fields_of(v):", *lines])
    space: dict[str, Any] = made.constants
    exec(compile(source, "<flattening_decoder>", "exec"), space)  # noqa: S102 - names made here
    decode = msgspec.json.Decoder(struct).decode
    return StructDecoder(names, optional, decode, space["fields_of"], tree)


def _struct(fields: list[tuple[str, Any, Any]], optional: bool) -> type[msgspec.Struct]:
    """A struct of fields (name, type, default if optional). Raises ValueError for a name."""
    own = [f"f{number}" for number in range(len(fields))]
    return msgspec.defstruct(
        "Object",
        [
            (field, kind, default) if optional else (field, kind)
            for field, (_, kind, default) in zip(own, fields, strict=True)
        ],
        rename=dict(zip(own, [name for name, _, _ in fields], strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )


class _Flattening:
    """The structs of nested objects, and the source of what takes their fields."""

    def __init__(self, separator: str, optional: bool) -> None:
        self._separator = separator
        self._optional = optional
        self.fields: list[tuple[str, str]] = []  # (name, expression)
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {"ABSENT": ABSENT}
        self._count = 0

    def struct(self, tree: Tree, place: str, prefix: str, depth: int) -> type[msgspec.Struct]:
        """The struct of an object that stands at `place`. Raises ValueError where there is none."""
        if depth > _MAX_DEPTH:
            raise ValueError
        fields: list[tuple[str, Any, Any]] = []
        for number, (name, inner) in enumerate(tree):
            path, own = prefix + name, f"{place}.f{number}"
            if inner is None:
                self.fields.append((path, own))
                fields.append((name, _LEAF, ABSENT))
                continue
            self._count += 1
            variable = f"s{self._count}"
            self.lines.append(f"{variable} = {own}")
            if self._optional:
                self._may_be_null(path, variable)
            struct = self.struct(inner, variable, path + self._separator, depth + 1)
            if self._optional:
                self.constants[f"empty_{variable}"] = struct()
            kind = Union[struct, None] if self._optional else struct  # noqa: UP007 - as above
            fields.append((name, kind, ABSENT))
        return _struct(fields, self._optional)

    def _may_be_null(self, path: str, variable: str) -> None:
        """A nested object that is null, or has no fields, is a field of its own."""
        self.fields.append((path, f"own_{variable}"))
        self.lines += [
            f"own_{variable} = ABSENT",
            f"if {variable} is None: own_{variable}, {variable} = None, empty_{variable}",
            f"elif {variable} is ABSENT: {variable} = empty_{variable}",
            f"elif {variable} == empty_{variable}: own_{variable} = {{}}",
        ]
