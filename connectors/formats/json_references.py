"""What a `$ref` of JSON Schema refers to [json-schema]: a pointer, or an anchor."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from connectors.formats.schema_registry import SchemaError


def own_name(root: Any) -> Any:
    """The URI by which a document identifies itself."""
    found = root.get("$id", root.get("id")) if isinstance(root, dict) else None
    return found.partition("#")[0] if isinstance(found, str) else None


def _anchored(root: Any, name: str) -> list[Any]:
    """The parts of a document with this anchor; before draft 2019-09 an anchor is an id."""
    found, waiting = [], [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("$anchor") == name or f"#{name}" in (one.get("$id"), one.get("id")):
                found.append(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def pointed(root: Any, pointer: str) -> Any:
    """The part of a document that a pointer or anchor refers to. Raises SchemaError."""
    if pointer and not pointer.startswith("/"):
        anchored = _anchored(root, pointer)
        if len(anchored) == 1:
            return anchored[0]
        raise SchemaError(
            f"it refers to the anchor {pointer[:200]!r}, which does not occur exactly once in it"
        )
    found = root
    for part in pointer.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            raise SchemaError(f"it refers to #{pointer[:200]}, which it does not have")
    return found
