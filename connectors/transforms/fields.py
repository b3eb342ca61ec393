"""Transforms of fields: include, exclude, rename, cast, insert, flatten, extract.

Each is made once from its settings, and is then a function of (record, object) that returns the new
object. What is no object has no fields: it is rejected, but null passes, as tombstones do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Record
from connectors.records import field_path as paths
from connectors.settings.transforms import (
    Cast,
    Exclude,
    Extract,
    Flatten,
    Include,
    Insert,
    Literals,
    Rename,
)
from connectors.transforms.casts import CASTS, CastError

Change = Callable[[Record, dict[str, Any]], Any]
# Objects in objects; deeper ones are nobody's data.
_DEEPEST = 200
# Characters of a name that flatten makes. No column's has more than 255; without a limit, one long
# name above many fields would take their product in memory.
_LONGEST_NAME = 1024


def include(settings: Include) -> Change:
    """Keep only some fields."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        found = [paths.names_of(value, path) for path in settings.fields]
        return paths.only(value, [names for names in found if names is not None])

    return change


def exclude(settings: Exclude) -> Change:
    """Remove some fields."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path in settings.fields:
            names = paths.names_of(value, path)
            if names is not None:
                value = paths.without(value, names)
        return value

    return change


def rename(settings: Rename) -> Change:
    """Other names for fields; all at once, so that two can change places."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        found = {
            names: new
            for path, new in settings.fields.items()
            for names in (paths.names_of(value, path),)
            if names is not None
        }
        try:
            return paths.renamed(value, found)
        except KeyError:
            raise Rejection(
                "transform_name_taken", "rename: a new name is that of another field already"
            ) from None

    return change


def cast(settings: Cast) -> Change:
    """Other types for fields."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path, kind in settings.fields.items():
            names = paths.names_of(value, path)
            if names is None:
                continue
            found = paths.holder(value, names)[names[-1]]
            if found is None or found is UNAVAILABLE:
                continue
            try:
                value = paths.changed(value, names, CASTS[kind](found))
            except CastError as error:
                raise Rejection(
                    "transform_cast", f"cast: field {path!r} {error}, so it cannot become {kind}"
                ) from None
        return value

    return change


def insert(settings: Insert) -> Change:
    """New fields from the record's place, its headers, or the configuration."""

    def change(record: Record, value: dict[str, Any]) -> dict[str, Any]:
        new: dict[str, Any] = {
            name: _from_record(record, origin) for name, origin in settings.fields.items()
        }
        literals: dict[str, Literals] = settings.literals
        new.update(literals)
        if not settings.replace:
            for name in new:
                if name in value:
                    raise Rejection(
                        "transform_name_taken",
                        f"insert: there is a field {name!r} already (replace = true replaces it)",
                    )
        return {**value, **new}

    return change


def _from_record(record: Record, origin: str) -> Any:
    if origin.startswith("header:"):
        return header(record, origin.removeprefix("header:"))
    return getattr(record, origin)


def header(record: Record, name: str) -> str | None:
    """The last header of a name as text; None when there is none. Raises Rejection for no UTF-8."""
    for found, value in reversed(record.headers):
        if found == name:
            try:
                return None if value is None else value.decode()
            except UnicodeDecodeError:
                raise Rejection("transform_header", f"header {name!r} is no UTF-8 text") from None
    return None


def flatten(settings: Flatten) -> Change:
    """Nested objects to one."""
    separator = settings.separator

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}

        def put(prefix: str, items: dict[str, Any], depth: int) -> None:
            if depth > _DEEPEST:
                raise Rejection("transform_depth", "flatten: nested too deep")
            for name, item in items.items():
                path = f"{prefix}{name}"
                if len(path) > _LONGEST_NAME and prefix:
                    raise Rejection(
                        "transform_name_length",
                        f"flatten: a name would have more than {_LONGEST_NAME:,} characters",
                    )
                if isinstance(item, dict) and item:
                    put(path + separator, item, depth + 1)
                elif path in out:
                    raise Rejection(
                        "transform_name_taken", "flatten: two fields would have the same name"
                    )
                elif not isinstance(item, dict):
                    out[path] = item

        put("", value, 0)
        return out

    return change


def extract(settings: Extract) -> Change:
    """One field instead of the whole."""

    def change(_: Record, value: dict[str, Any]) -> Any:
        found = paths.get(value, settings.field)
        if found is not paths.MISSING:
            return found
        if settings.missing == "null":
            return None
        raise Rejection("transform_field_missing", f"extract: there is no field {settings.field!r}")

    return change
