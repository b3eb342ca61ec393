"""Transforms of fields: include, exclude, rename, cast, insert, flatten, extract.

They correspond to transforms of Kafka Connect [connect-smt]. Each is made once from its settings,
and is then a function of (record, object) that returns the new object and leaves the old one as it
is; it raises Rejection for an object that it cannot change.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any

from connectors.errors import Rejection
from connectors.records import (
    UNAVAILABLE,
    Message,
    Record,
    field_path,
    headers_of,
    timestamp_of,
)
from connectors.settings.predicates import Literals
from connectors.settings.transforms import (
    Cast,
    Exclude,
    Extract,
    Flatten,
    Include,
    Insert,
    Rename,
)
from connectors.transforms.casts import CASTS, CastError

Change = Callable[[Record, dict[str, Any]], Any]
# Levels of objects that flatten accepts.
_MAX_DEPTH = 200
# Characters of a name that flatten makes; a column has at most 255 [limits]. Without a limit, one
# long name above many fields would be copied for each of them.
_MAX_NAME_LENGTH = 1024


def sent_field(value: dict[str, Any], path: str) -> tuple[field_path.Names, Any] | None:
    """(names, value) of a field; None if it is absent or null, or was not sent by its source."""
    names = field_path.names_of(value, path)
    if names is None:
        return None
    found = field_path.holder(value, names)[names[-1]]
    return None if found is None or found is UNAVAILABLE else (names, found)


def include(settings: Include) -> Change:
    """A transform that keeps only the fields of these paths; absent ones are ignored."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        found = [field_path.names_of(value, path) for path in settings.fields]
        return field_path.only(value, [names for names in found if names is not None])

    return change


def exclude(settings: Exclude) -> Change:
    """A transform that removes the fields of these paths; absent ones are ignored."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path in settings.fields:
            names = field_path.names_of(value, path)
            if names is not None:
                value = field_path.without(value, names)
        return value

    return change


def rename(settings: Rename) -> Change:
    """A transform that renames fields, all at once, so that two can swap their names.

    It raises Rejection when a new name is that of another field.
    """

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        found = {
            names: new
            for path, new in settings.fields.items()
            for names in (field_path.names_of(value, path),)
            if names is not None
        }
        try:
            return field_path.renamed(value, found)
        except KeyError:
            raise Rejection(
                "transform_name_taken", "rename: a new name is that of another field already"
            ) from None

    return change


def cast(settings: Cast) -> Change:
    """A transform that converts fields; null stays. It raises Rejection for an inexact cast."""

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path, wanted in settings.fields.items():
            field = sent_field(value, path)
            if field is None:
                continue
            names, found = field
            try:
                value = field_path.changed(value, names, CASTS[wanted](found))
            except CastError as error:
                raise Rejection(
                    "transform_cast", f"cast: field {path!r} {error}, so it cannot become {wanted}"
                ) from None
        return value

    return change


def insert(settings: Insert) -> Change:
    """A transform that adds fields: the record's coordinates, a header, a literal.

    It raises Rejection when there is a field of that name, unless `replace` is set.
    """
    added = inserted(settings)

    def change(record: Record, value: dict[str, Any]) -> dict[str, Any]:
        new = {name: of_message(record.message) for name, of_message in added.items()}
        if not settings.replace:
            for name in new:
                if name in value:
                    raise Rejection(
                        "transform_name_taken",
                        f"insert: there is a field {name!r} already (replace = true replaces it)",
                    )
        return {**value, **new}

    return change


def inserted(settings: Insert) -> dict[str, Callable[[Message], Any]]:
    """The fields that a transform adds, each with its value of a message. Raises Rejection."""
    added = {name: _origin(origin) for name, origin in settings.fields.items()}
    literals: dict[str, Literals] = settings.literals
    return {**added, **{name: _always(literal) for name, literal in literals.items()}}


def _always(literal: Literals) -> Callable[[Message], Literals]:
    return lambda _: literal


def _origin(origin: str) -> Callable[[Message], Any]:
    if origin.startswith("header:"):
        name = origin.removeprefix("header:")
        return lambda message: _header(message, name)
    return timestamp_of if origin == "timestamp" else methodcaller(origin)


def _header(message: Message, name: str) -> str | None:
    """The last header of a name as text, None when absent. Raises Rejection unless it is UTF-8."""
    for found, value in reversed(headers_of(message)):
        if found == name:
            try:
                return None if value is None else value.decode()
            except UnicodeDecodeError:
                raise Rejection("transform_header", f"header {name!r} is not UTF-8 text") from None
    return None


def flatten(settings: Flatten) -> Change:
    """A transform that turns nested objects into fields of one; lists stay.

    It raises Rejection for two fields of one name, and for names and levels above the limits.
    """
    separator = settings.separator

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}

        def put(prefix: str, items: dict[str, Any], depth: int) -> None:
            if depth > _MAX_DEPTH:
                raise Rejection("transform_depth", "flatten: nested too deep")
            for name, item in items.items():
                path = f"{prefix}{name}"
                if len(path) > _MAX_NAME_LENGTH and prefix:
                    raise Rejection(
                        "transform_name_length",
                        f"flatten: a name would have more than {_MAX_NAME_LENGTH:,} characters",
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
    """A transform that returns the value of one field.

    It raises Rejection when the field is absent, unless `missing` is null.
    """

    def change(_: Record, value: dict[str, Any]) -> Any:
        found = field_path.get(value, settings.field)
        if found is not field_path.MISSING:
            return found
        if settings.missing == "null":
            return None
        raise Rejection("transform_field_missing", f"extract: there is no field {settings.field!r}")

    return change
