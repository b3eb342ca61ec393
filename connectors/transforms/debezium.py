"""Debezium's change events [debezium] to rows and deletes of rows.

In an event of its MySQL, PostgreSQL and MongoDB connectors, `op` is c (create), r (read in a
snapshot), u (update), d (delete), t (truncate) or m (message); `before` and `after` are the images
of the row, of MongoDB as text of extended JSON [mongodb-extjson].
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Change, Record, field_path
from connectors.settings.transforms import Debezium
from connectors.transforms.mongodb import document, identifier

_ROW = ("c", "r", "u")


class ChangeEvents:
    """Turns the change events of one topic into records of rows and deletes."""

    def __init__(self, settings: Debezium, key_fields: Sequence[str]) -> None:
        """`key_fields` are the fields of the row that make the primary key, if they are known."""
        self._settings = settings
        self._key_fields = tuple(key_fields)
        self._unavailable = _forms(settings.unavailable)

    def records(self, record: Record) -> list[Record]:
        """The records of one event: a row, a delete, both when the key changed, or none.

        Raises Rejection for what is not a change event, or not one that can be applied.
        """
        if record.value is None:
            return [record] if self._settings.tombstones == "pass" else []
        event = _event(record.value)
        op = event.get("op")
        key = _payload(record.key)
        if _of_mongodb(event):
            key = identifier(key)
        if op in _ROW:
            return self._written(record, event, key)
        if op == "d":
            row = _image(event.get("before")) or _row_of(key, event)
            return [self._made(record, event, row, key, "delete")]
        if op == "m" or (op == "t" and self._settings.truncate == "skip"):
            return []
        if op == "t":
            raise Rejection(
                "debezium_truncate",
                "debezium: the source table was emptied: empty the table yourself, and set "
                'truncate = "skip" to go on',
            )
        raise Rejection(
            "debezium_envelope",
            "debezium: the value is not a change event: it has no op of c, r, u, d, t or m",
        )

    def _written(self, record: Record, event: dict[str, Any], key: Any) -> list[Record]:
        before, after = _image(event.get("before")), _image(event.get("after"))
        if after is None:
            after = self._partial(event, key)
        after = {name: self._known(item, (before or {}).get(name)) for name, item in after.items()}
        made = [self._made(record, event, after, key, "upsert")]
        if before is not None and self._key_changed(before, after):
            _whole(after)
            made.insert(0, self._made(record, event, before, self._old(key, before), "delete"))
        return made

    def _partial(self, event: dict[str, Any], key: Any) -> dict[str, Any]:
        described = event.get("updateDescription")
        if not isinstance(described, dict):
            raise Rejection("debezium_envelope", "debezium: the event has no image of the row")
        if self._settings.partial == "reject":
            raise Rejection(
                "debezium_partial",
                "debezium: the event has only what an update changed: set Debezium's capture.mode "
                'to change_streams_update_full, or partial = "pass" with insert_mode = "update"',
            )
        fields = document(described.get("updatedFields")) or {}
        removed = described.get("removedFields") or ()
        names = [name for name in removed if isinstance(name, str)]
        return {**_row_of(key, event), **fields, **dict.fromkeys(names)}

    def _key_changed(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Whether both images have the fields of the key, with different values."""
        fields = self._key_fields
        both = all(before.get(name) is not None and name in after for name in fields)
        return both and any(before[name] != after[name] for name in fields)

    def _old(self, key: Any, before: dict[str, Any]) -> Any:
        """The record's key with the values of the old row; the event's own names the new one."""
        old = {name: before[name] for name in self._key_fields}
        if isinstance(key, dict):
            return {name: old.get(name, item) for name, item in key.items()}
        return next(iter(old.values())) if key is not None and len(old) == 1 else key

    def _known(self, value: Any, before: Any) -> Any:
        """The value, or that of the row before where the source did not send an unchanged one."""
        if not self._is_unavailable(value):
            return value
        if before is None or self._is_unavailable(before):
            return UNAVAILABLE
        return before

    def _is_unavailable(self, value: Any) -> bool:
        try:
            return value in self._unavailable
        except RecursionError:  # no placeholder is nested
            return False

    def _made(
        self, record: Record, event: dict[str, Any], row: dict[str, Any], key: Any, change: Change
    ) -> Record:
        for name, path in self._settings.insert.items():
            found = field_path.get(event, path)
            row = {**row, name: None if found is field_path.MISSING else found}
        return Record(record.message, row, key, change, record.table)


def _whole(row: dict[str, Any]) -> None:
    """Raise Rejection when the row of a new key would lack values that only the old row has."""
    if any(value is UNAVAILABLE for value in row.values()):
        raise Rejection(
            "debezium_unavailable",
            "debezium: the key changed, and the source did not send a value that did not: with the "
            "old row it would be gone. Make the source send whole rows (PostgreSQL: REPLICA "
            "IDENTITY FULL), and write this one again",
        )


def _event(value: Any) -> dict[str, Any]:
    """The event in a record's value. Raises Rejection when it is not an object."""
    found = _payload(value)
    if not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: the value is not an object")
    return found


def _payload(value: Any) -> Any:
    """The payload of the envelope of Connect JSON [connect-json]; any other value as it is."""
    if isinstance(value, dict) and value.keys() == {"schema", "payload"}:
        return value["payload"]
    return value


def _of_mongodb(event: dict[str, Any]) -> bool:
    source = event.get("source")
    return isinstance(source, dict) and source.get("connector") == "mongodb"


def _row_of(key: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The fields of the row that the record's key holds; MongoDB's `id` is the document's `_id`."""
    if not isinstance(key, dict):
        return {}
    return {"_id": key["id"]} if _of_mongodb(event) and key.keys() == {"id"} else dict(key)


def _image(value: Any) -> dict[str, Any] | None:
    """An image of the row: an object, or the text of a MongoDB document. Raises Rejection."""
    found = document(value) if isinstance(value, str) else value
    if found is not None and not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: an image of the row is not an object")
    return found


def _forms(placeholder: str) -> list[Any]:
    """The placeholder of values that were not sent, as each type of column holds it [debezium]."""
    data = placeholder.encode()
    digest = bytearray(hashlib.md5(data, usedforsecurity=False).digest())
    named = str(uuid.UUID(bytes=bytes(digest), version=3))
    return [
        placeholder,
        data,
        base64.b64encode(data).decode(),
        data.hex(),
        [placeholder],
        [named],
        [*data],
        {placeholder: placeholder},
    ]
