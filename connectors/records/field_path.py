"""Fields by dotted paths, and objects with changed fields. Nothing is changed in place.

A path is looked up name by name; a field whose own name holds the dot wins, so `a.b` finds
`{"a.b": 1}` before `{"a": {"b": 1}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from connectors.records.chunk import ABSENT

Names = tuple[str, ...]
MISSING: Final = object()


def names_of(value: Any, path: str) -> Names | None:
    """The names that lead to an existing field; None if it does not exist."""
    if not isinstance(value, dict):
        return None
    if path in value:
        return (path,)
    dot = path.find(".")
    while dot >= 0:
        head = path[:dot]
        if head in value:
            rest = names_of(value[head], path[dot + 1 :])
            if rest is not None:
                return (head, *rest)
        dot = path.find(".", dot + 1)
    return None


def get(value: Any, path: str) -> Any:
    """The field of `value` at `path`, or MISSING if there is none."""
    names = names_of(value, path)
    if names is None:
        return MISSING
    for name in names:
        value = value[name]
    return value


def getter(names: tuple[str, ...], path: str) -> Callable[[Sequence[Any]], Any]:
    """`get` of an object whose fields have these names, given as their values in that order.

    A value may be `ABSENT`, which the object does not have.
    """
    if path in names and "." not in path:
        position = names.index(path)

        def at_top(fields: Sequence[Any]) -> Any:
            found = fields[position]
            return MISSING if found is ABSENT else found

        return at_top
    dots = [at for at, character in enumerate(path) if character == "."]
    heads = [(path, ""), *((path[:at], path[at + 1 :]) for at in dots)]
    places = [(names.index(head), rest) for head, rest in heads if head in names]

    def anywhere(fields: Sequence[Any]) -> Any:
        for position, rest in places:
            found = fields[position]
            if rest:
                found = get(found, rest)
            if found is not MISSING and found is not ABSENT:
                return found
        return MISSING

    return anywhere


def changed(value: dict[str, Any], names: Names, new: Any) -> dict[str, Any]:
    """The object with another value at the names of an existing field."""
    head, *rest = names
    return {**value, head: changed(value[head], tuple(rest), new) if rest else new}


def without(value: dict[str, Any], names: Names) -> dict[str, Any]:
    """The object without an existing field."""
    head, *rest = names
    if rest:
        return {**value, head: without(value[head], tuple(rest))}
    return {name: item for name, item in value.items() if name != head}


def renamed(value: dict[str, Any], names: dict[Names, str]) -> dict[str, Any]:
    """The object with the last names of paths changed, in the same order.

    Raises KeyError for a name that another field has.
    """
    out: dict[str, Any] = {}
    for name, item in value.items():
        inner = {path[1:]: new for path, new in names.items() if path[0] == name and path[1:]}
        new_name = names.get((name,), name)
        if new_name in out:
            raise KeyError(new_name)
        out[new_name] = renamed(item, inner) if inner else item
    return out


def only(value: dict[str, Any], wanted: list[Names]) -> dict[str, Any]:
    """The object with only these fields, in its own order."""
    whole = {names[0] for names in wanted if len(names) == 1}
    inner: dict[str, list[Names]] = {}
    for names in wanted:
        if len(names) > 1:
            inner.setdefault(names[0], []).append(names[1:])
    return {
        name: item if name in whole else only(item, inner[name])
        for name, item in value.items()
        if name in whole or name in inner
    }


def holder(value: dict[str, Any], names: Names) -> dict[str, Any]:
    """The object that directly holds the field."""
    for name in names[:-1]:
        value = value[name]
    return value
