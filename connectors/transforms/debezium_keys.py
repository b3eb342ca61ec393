"""The key of a Debezium event's row, where the image before the change may be partial.

A partial image has fillers ("" 0 false, the first second of 1970, a column's default) for columns
that cannot be null and were not sent [debezium]. It is trusted for a key only together with the
record's own key; if neither decides, the record is rejected, because the wrong row might be
deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE

_FIRST_DAY = date(1970, 1, 1)
_FILLER_TEXTS = ("1970-01-01", "00:00:00", "00000000-0000-0000-0000-000000000000")


class KeyImages(NamedTuple):
    """The key fields of a row before and after an update that changed them."""

    old: dict[str, Any]
    new: dict[str, Any]


class KeyFields:
    """The fields of a row that are the key of its table."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def said(self, key: Any) -> dict[str, Any]:
        """The values of the key fields in the record's own key; a bare key is the only field."""
        if isinstance(key, dict):
            return {name: key[name] for name in self.names if key.get(name) is not None}
        return {self.names[0]: key} if len(self.names) == 1 and key is not None else {}

    def differing(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> KeyImages | None:
        """Both keys, if both images have one and they differ."""
        old = {name: before.get(name) for name in self.names}
        new = {name: after.get(name) for name in self.names}
        if any(map(_is_absent, old.values())) or not {*new} <= {*after}:
            return None
        return KeyImages(old, new) if old != new else None

    def check_written(self, key: Any, after: Mapping[str, Any]) -> None:
        """Raise Rejection if a written row's image has a filler where the record's key differs.

        The image after a change is whole, except where the source logs only what changed (MySQL:
        binlog_row_image = minimal).
        """
        if not isinstance(key, dict):
            return
        for name in self.names:
            value, said = after.get(name), key.get(name)
            if said is None or value is None or said == value:
                continue
            if _is_filler(value) and not _same(said, value):
                raise _uncertain(name, "after")

    def of_deleted(self, key: Any, before: dict[str, Any]) -> dict[str, Any]:
        """The image of a deleted row, with the key that the record's own key has.

        Possible fillers are left out, so that no step takes them for values. Raises Rejection if
        neither the record's key nor the image determines the row's key.
        """
        said = self.said(key)
        row = {
            name: value
            for name, value in before.items()
            if name in self.names or not (value is None or _is_filler(value))
        }
        for name in self.names:
            value = before.get(name)
            if name not in said:
                # Where the record's key has only the other key fields, a partial image may have the
                # column's default here, which looks like any other value.
                if value is not None and (said or _is_filler(value)):
                    raise _uncertain(name)
            elif not _same(said[name], value):
                if not isinstance(key, dict):  # it may be a key of another kind
                    raise _uncertain(name)
                row[name] = said[name]
        return row


def believed(
    keys: KeyFields, key: Any, before: dict[str, Any], after: dict[str, Any]
) -> KeyImages | None:
    """Both keys of an update, if the record's own key is the old one; None otherwise.

    Raises Rejection if the images differ in a key field and the record's key does not decide.
    """
    said = keys.said(key)
    old: dict[str, Any] = {}
    unknown: str | None = None
    changed = False
    for name in keys.names:
        was, became = before.get(name), after.get(name)
        if _is_absent(became):
            return None  # the mapping says so
        old[name] = became
        if _same(was, became):
            continue
        if name in said and _same(said[name], became):
            continue  # the image is contradicted, or does not know
        if _is_absent(was) or (_is_filler(was) and not (name in said and _same(said[name], was))):
            unknown = name
        elif name in said and _same(said[name], was) and not _is_filler(became):
            old[name] = was
            changed = True
        else:
            raise _uncertain(name)
    if changed and unknown is not None:
        raise _uncertain(unknown)
    new = {name: after[name] for name in keys.names}
    return KeyImages(old, new) if changed else None


def in_key(key: Any, fields: Mapping[str, Any]) -> Any:
    """The record's key with other values of the key fields."""
    if isinstance(key, dict):
        return {
            name: fields[name] if name in fields and not _same(fields[name], item) else item
            for name, item in key.items()
        }
    if key is None or len(fields) != 1:
        return key
    (only,) = fields.values()
    return key if _same(key, only) else only


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same key; key and value may have formats with different types."""
    if _is_absent(one) or _is_absent(other):
        return False
    return bool(one == other) or str(one) == str(other)


def _is_absent(value: Any) -> bool:
    return value is None or value is UNAVAILABLE


def _is_filler(value: Any) -> bool:
    """Whether Debezium writes such a value for a column that was not sent."""
    if isinstance(value, str):
        return not value or value.startswith(_FILLER_TEXTS) or not value.strip("0.")
    if isinstance(value, datetime):
        return value.replace(tzinfo=None) == datetime(1970, 1, 1)  # noqa: DTZ001 - of any zone
    if isinstance(value, (date, time)):
        return value == _FIRST_DAY or value == time()
    if isinstance(value, UUID):
        return value.int == 0
    return not value


def _uncertain(name: str, image: str = "before") -> Rejection:
    return Rejection(
        "debezium_key",
        f"debezium: the images of the row do not determine its key: field {name!r} of the one "
        f"{image} may be a filler, and the record's own key does not have it. Make Debezium's key "
        "hold the table's key columns (message.key.columns), or set before_images = "
        '"whole" where the source sends whole images (PostgreSQL: REPLICA IDENTITY FULL)',
    )
