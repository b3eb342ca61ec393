"""JSON text in fields becomes its value, as exact and as bounded as with the format json."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.records import Record, field_path
from connectors.settings.transforms import Json
from connectors.transforms.fields import sent_field

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError, ValueError)
"""The exceptions of `decode`."""
# Values of one text: three characters can become an object of 70 bytes.
MAX_VALUES = 1_000_000
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_decode = msgspec.json.Decoder().decode


def decode(text: str | bytes) -> Any:
    """The value of a JSON text. Raises one of `UNDECODABLE`."""
    if len(text) > MAX_VALUES and _marks(text) > MAX_VALUES:
        # Some commas may be inside of texts.
        data = text.encode() if isinstance(text, str) else text
        if _marks(_TEXT.sub(b"", data)) > MAX_VALUES:
            raise ValueError("too many values")
    return _decode(text)


def _marks(text: str | bytes) -> int:
    if isinstance(text, str):
        return text.count(",") + text.count("[") + text.count("{")
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def json_fields(settings: Json) -> Callable[[Record, dict[str, Any]], dict[str, Any]]:
    """The transform of a record's object that replaces JSON text by its value."""
    in_columns, prefix = settings.into == "columns", settings.prefix

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path in settings.fields:
            field = sent_field(value, path)
            if field is None:
                continue
            names, found = field
            found = _value(found, path)
            if in_columns:
                value = _spread(field_path.without(value, names), found, path, prefix)
            else:
                value = field_path.changed(value, names, found)
        return value

    return change


def _value(found: Any, path: str) -> Any:
    """The value of the text; an object or a list stays as it is."""
    if isinstance(found, (dict, list)):
        return found
    if not isinstance(found, (str, bytes)):
        raise Rejection(
            "transform_json", f"json: field {path!r} is not text but {type(found).__name__}"
        )
    try:
        return decode(found)
    except UNDECODABLE:
        raise Rejection(
            "transform_json",
            f"json: the text of field {path!r} is not JSON, is nested too deep, or has more than "
            f"{MAX_VALUES:,} values",
        ) from None


def _spread(rest: dict[str, Any], found: Any, path: str, prefix: str) -> dict[str, Any]:
    if found is None:
        return rest
    if not isinstance(found, dict):
        raise Rejection(
            "transform_json",
            f"json: the text of field {path!r} is not an object, so it has no columns: set into = "
            '"value"',
        )
    new = {f"{prefix}{name}": item for name, item in found.items()}
    if new.keys() & rest.keys():
        raise Rejection(
            "transform_name_taken",
            f"json: the text of field {path!r} has a field whose name is taken: set prefix",
        )
    return {**rest, **new}
