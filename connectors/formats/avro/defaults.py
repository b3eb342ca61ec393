"""The defaults of a reader's schema: from JSON to values.

In JSON, bytes are text, dates are numbers, and fields of a record may be left out. A writer's
defaults are never used: they do not affect its bytes.
"""

from __future__ import annotations

from typing import Any

from connectors.errors import Rejection
from connectors.formats.avro.schema import Node
from connectors.formats.schema_registry import SchemaError

_MAX_DEPTH = 100
_PLAIN = {"null": type(None), "boolean": bool, "int": int, "long": int, "string": str}


def check_defaults(top: Node) -> None:
    """Raise SchemaError when a default of a reader's schema does not fit its type."""
    seen: set[int] = set()
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.branches
        waiting += [node.items] if node.items is not None else []
        for field in node.fields:
            waiting.append(field.node)
            if field.has_default:
                try:
                    default_value(field.node, field.default)
                except SchemaError as error:
                    raise SchemaError(
                        f"the default of field {field.name!r} of record {node.name!r} does not "
                        f"fit its type: {error}"
                    ) from None


def default_value(node: Node, value: Any, depth: int = 0) -> Any:
    """The value that a default in JSON stands for. Raises SchemaError."""
    if depth > _MAX_DEPTH:
        raise SchemaError("it is nested too deep")
    if node.type == "union":  # it matches the first branch, or since Avro 1.12 any branch
        for branch in node.branches:
            try:
                return default_value(branch, value, depth + 1)
            except SchemaError:
                continue
        raise SchemaError("it is of none of the union's types")
    made = _plain(node, value, depth)
    if node.convert is None:
        return made
    try:
        return node.convert(made)
    except Rejection as rejection:
        raise SchemaError(f"it is {rejection.reason}") from None


def _plain(node: Node, value: Any, depth: int) -> Any:
    if node.type == "record":
        given = _of(dict, value, node)
        return {
            field.name: default_value(
                field.node, given[field.name] if field.name in given else _own(field), depth + 1
            )
            for field in node.fields
        }
    if node.type == "array":
        return [default_value(node.inner, item, depth + 1) for item in _of(list, value, node)]
    if node.type == "map":
        items = _of(dict, value, node).items()
        return {name: default_value(node.inner, item, depth + 1) for name, item in items}
    if node.type in ("bytes", "fixed"):
        return _bytes(node, value)
    if node.type in ("float", "double"):
        if type(value) not in (int, float) or (type(value) is int and abs(value) >= 1 << 1023):
            raise SchemaError(f"it is not of type {node.type}")
        return float(value)
    if node.type == "enum":
        if value not in node.symbols:
            raise SchemaError("it is not one of the enum's symbols")
        return value
    return _of(_PLAIN[node.type], value, node)


def _own(field: Any) -> Any:
    if not field.has_default:
        raise SchemaError(f"it lacks field {field.name!r}, which has no default of its own")
    return field.default


def _bytes(node: Node, value: Any) -> bytes:
    try:
        data: bytes = _of(str, value, node).encode("latin-1")
    except UnicodeEncodeError:
        raise SchemaError("it has a character that is not a byte") from None
    if node.type == "fixed" and len(data) != node.size:
        raise SchemaError(f"it has another length than {node.size} bytes")
    return data


def _of(python_type: type, value: Any, node: Node) -> Any:
    if type(value) is not python_type:
        raise SchemaError(f"it is not of type {node.type}")
    return value
