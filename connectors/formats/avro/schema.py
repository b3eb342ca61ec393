"""Avro schemas as nodes, read as leniently as Java's library reads a writer's schema.

What does not affect the bytes is not checked: defaults of a wrong type, names that the
specification does not allow, an enum's default that is not one of its symbols. An invalid logical
type is ignored, as the specification requires [avro-spec].
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from connectors.formats.avro.logical import Convert, convert_of
from connectors.formats.schema_registry import Schema, SchemaError

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_MAX_DEPTH = 200
# Types of one schema, nested ones included: code is compiled for each.
_MAX_TYPES = 40_000
NO_DEFAULT: Any = object()
"""Marks a field without a default."""


class Node:
    """One type of a schema. A named type that is used twice, or inside itself, is one node."""

    def __init__(self, avro_type: str) -> None:
        self.type = avro_type
        self.name = ""  # with its namespace
        self.aliases: Sequence[str] = ()
        self.size = 0
        self.symbols: tuple[str, ...] = ()
        self.enum_default: str | None = None
        self.fields: list[Field] = []
        self.branches: list[Node] = []
        self.items: Node | None = None  # of arrays; the values of maps
        self.logical = ""
        self.scale = 0
        self.convert: Convert | None = None
        """From the plain value to that of the logical type; None without one."""
        self.uses = 1
        self.is_recursive = False

    @property
    def short_name(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(".")[2]

    @property
    def inner(self) -> Node:
        """The type of an array's items or a map's values."""
        if self.items is None:
            raise AssertionError(f"{self.type} has no items")
        return self.items

    def __str__(self) -> str:
        return f"{self.type} {self.name!r}" if self.name else self.type


class Field:
    """One field of a record. `default` is as in the JSON, or NO_DEFAULT."""

    def __init__(self, name: str, node: Node, aliases: Sequence[str], default: Any) -> None:
        self.name = name
        self.node = node
        self.aliases = aliases
        self.default = default

    @property
    def has_default(self) -> bool:
        """Whether the field has a default, so that the writer's schema need not have it."""
        return self.default is not NO_DEFAULT


def parsed(schema: Any, names: dict[str, Node] | None = None) -> Node:
    """The node of a schema, given as parsed JSON.

    `names` are the named types that it may use; its own are added. Raises SchemaError, whose text
    says where in the schema the error is, and what.
    """
    try:
        return _Parser({} if names is None else names).whole(schema)
    except RecursionError:
        raise SchemaError("it is nested too deep") from None


def parsed_registered(schema: Schema) -> Node:
    """The node of a schema from a registry, with those that it imports. Raises SchemaError."""
    names: dict[str, Node] = {}
    known: set[str] = set()

    def add(one: Schema, where: str) -> Node:
        for reference in one.references:
            if reference.schema.text not in known:  # two schemas may import the same third one
                known.add(reference.schema.text)
                add(reference.schema, f"the schema that it imports as {reference.name!r}: ")
        try:
            return parsed(json.loads(one.text), names)
        except (ValueError, RecursionError):
            raise SchemaError(f"{where}it is not JSON") from None
        except SchemaError as error:
            raise SchemaError(f"{where}{error}") from None

    return add(schema, "")


class _Parser:
    def __init__(self, names: dict[str, Node]) -> None:
        self._names = names
        self._count = 0
        # Types that are used before they are defined, by their names, and where: the specification
        # has none, and Java's library as of 1.12 reads them.
        self._ahead: dict[str, tuple[Node, str]] = {}
        self._open: set[int] = set()  # records whose fields are being read

    def whole(self, schema: Any) -> Node:
        """The node of a whole schema."""
        made = self.node(schema, "", "the schema", 0)
        for name, (_, where) in self._ahead.items():
            raise SchemaError(f"{where} is of type {name[:100]!r}, which is defined nowhere")
        return made

    def node(self, schema: Any, space: str, where: str, depth: int) -> Node:
        """The node of a type in JSON, in the namespace `space`; `where` names it in errors."""
        self._check_size(depth)
        if isinstance(schema, str):
            return self._named(schema, space, where)
        if isinstance(schema, list):
            made = Node("union")
            made.branches = [self.node(one, space, where, depth + 1) for one in schema]
            return made
        if not isinstance(schema, dict):
            raise SchemaError(f"the type of {where} is not text, an object or a list")
        avro_type = schema.get("type")
        if isinstance(avro_type, (dict, list)):
            return self.node(avro_type, space, where, depth + 1)
        if avro_type in ("record", "error"):
            return self._record(schema, space, where, depth)
        if avro_type in ("enum", "fixed"):
            made = self._new(schema, avro_type, space, where)[0]
            if avro_type == "enum":
                _enum(made, schema, where)
            else:
                made.size = _size(schema, where)
        elif avro_type in ("array", "map"):
            made = Node(avro_type)
            made.items = self.node(
                schema.get("items" if avro_type == "array" else "values"),
                space,
                f"the items of {where}",
                depth + 1,
            )
        elif isinstance(avro_type, str):
            if avro_type not in PRIMITIVES:
                return self._named(avro_type, space, where)
            made = Node(avro_type)
        else:
            raise SchemaError(f"{where} has no type")
        made.logical, made.scale, made.convert = convert_of(schema, made.type, made.size)
        return made

    def _check_size(self, depth: int) -> None:
        """Raise SchemaError for a schema that is too deep or has too many types."""
        if depth > _MAX_DEPTH:
            raise SchemaError(f"it is nested deeper than {_MAX_DEPTH} levels")
        self._count += 1
        if self._count > _MAX_TYPES:
            raise SchemaError(f"it has too many types: more than {_MAX_TYPES:,}")

    def _named(self, name: str, space: str, where: str) -> Node:
        if name in PRIMITIVES:
            return Node(name)
        full = name if "." in name or not space else f"{space}.{name}"
        found = self._names.get(full) or self._names.get(name)
        if found is None:
            ahead = Node("")
            ahead.is_recursive = True  # perhaps
            found, _ = self._ahead.setdefault(full, (ahead, where))
        found.uses += 1
        found.is_recursive = found.is_recursive or id(found) in self._open
        return found

    def _new(
        self, schema: dict[str, Any], avro_type: str, space: str, where: str
    ) -> tuple[Node, str]:
        """A new named type, which is added to the names, and the namespace of its inner types."""
        name, own = schema.get("name"), schema.get("namespace", space)
        if not isinstance(name, str) or not name:
            raise SchemaError(f"{where} is of a type {avro_type} without a name")
        own = own if isinstance(own, str) else ""
        full = f"{own}.{name}" if own else name
        if "." in name:
            own = name.rpartition(".")[0]
            full = name.lstrip(".")
        made, _ = self._ahead.pop(full, (Node(avro_type), where))
        made.type, made.name = avro_type, full
        made.aliases = [
            alias if "." in alias or not own else f"{own}.{alias}" for alias in _aliases(schema)
        ]
        self._names[made.name] = made
        return made, own

    def _record(self, schema: dict[str, Any], space: str, where: str, depth: int) -> Node:
        made, own = self._new(schema, "record", space, where)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise SchemaError(f"record {made.name!r} has no list of fields")
        known = set()
        self._open.add(id(made))
        for field in fields:
            name = field.get("name") if isinstance(field, dict) else None
            if not isinstance(name, str):
                raise SchemaError(f"record {made.name!r} has a field without a name")
            if name in known:
                raise SchemaError(f"record {made.name!r} has two fields {name!r}")
            known.add(name)
            node = self.node(
                field.get("type"), own, f"field {name!r} of record {made.name!r}", depth + 1
            )
            made.fields.append(Field(name, node, _aliases(field), field.get("default", NO_DEFAULT)))
        self._open.discard(id(made))
        made.logical, made.scale, made.convert = convert_of(schema, "record", 0)
        return made


def _aliases(schema: dict[str, Any]) -> list[str]:
    found = schema.get("aliases")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _enum(made: Node, schema: dict[str, Any], where: str) -> None:
    symbols = schema.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(one, str) for one in symbols):
        raise SchemaError(f"{where} is an enum without a list of symbols")
    made.symbols = tuple(symbols)
    if schema.get("default") in symbols:
        made.enum_default = schema["default"]


def _size(schema: dict[str, Any], where: str) -> int:
    size = schema.get("size")
    if type(size) is not int or size < 0:
        raise SchemaError(f"{where} is a fixed without a size")
    return size
