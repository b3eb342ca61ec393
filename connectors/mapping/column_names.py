"""Column names made from the names of nested fields, and from names with illegal characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from connectors.errors import Rejection
from connectors.settings.tablestore_limits import MAX_NAME_LENGTH

_ILLEGAL = re.compile(r"[^A-Za-z0-9_]")
# Levels of objects inside each other; no real data is nested deeper.
_MAX_DEPTH = 100
# Fields of a flattened object, those that do not become columns included.
_MAX_FIELDS = 10_000


def rewritten(names: tuple[Any, ...], used: Collection[str] | None) -> tuple[str, ...]:
    """The names with `_` for each illegal character, and before a leading digit.

    Raises Rejection when two become the same name and it is in `used`; with None, when any two do.
    """
    made = [_rewritten(name) for name in names]
    first: dict[str, int] = {}
    for number, name in enumerate(made, 1):
        if name in first and (used is None or name in used):
            raise Rejection(
                "column_collision",
                f"fields number {first[name]} and {number} become the same column: "
                "rename one of them in a step before, or leave it out",
            )
        first.setdefault(name, number)
    return tuple(made)


def _rewritten(name: Any) -> str:
    if not isinstance(name, str):
        raise Rejection("column_name", "a field's name is not text: use a str")
    new = _ILLEGAL.sub("_", name)
    return f"_{new}" if new[:1].isdigit() else new


def flattener(
    separator: str, used: Collection[str] | None
) -> Callable[[dict[Any, Any]], dict[str, Any]]:
    """The function that flattens an object; lists stay.

    It raises Rejection when two fields get the same name and it is in `used`; with None, when any
    two do. An object without fields is kept as a value, so that it is not lost.
    """

    def flatten(value: dict[Any, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}

        def put(prefix: str, items: dict[Any, Any], depth: int) -> None:
            if depth > _MAX_DEPTH:
                raise Rejection("json_depth", f"nested deeper than {_MAX_DEPTH}: flatten it less")
            for name, item in items.items():
                if not isinstance(name, str):
                    raise Rejection("column_name", "a field's name is not text: use a str")
                path = prefix + name
                if len(path) > MAX_NAME_LENGTH:
                    if used is None:
                        raise Rejection(
                            "column_name",
                            f"a field's name has {len(path)} characters with those around it, and "
                            f"a column's at most {MAX_NAME_LENGTH}: rename it, or list the columns",
                        )
                elif isinstance(item, dict) and item:
                    put(path + separator, item, depth + 1)
                elif path not in out:
                    out[path] = item
                    if len(out) > _MAX_FIELDS:
                        raise Rejection(
                            "column_count", f"more than {_MAX_FIELDS:,} fields when flattened"
                        )
                elif used is None or path in used:
                    raise Rejection(
                        "column_collision",
                        "two fields get the same name when flattened: choose another separator, or "
                        "rename one of them in a step before",
                    )

        put("", value, 0)
        return out

    return flatten
