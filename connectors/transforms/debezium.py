"""Debezium's change events to rows and deletes of rows.

After Debezium's documentation of the event of its MySQL, PostgreSQL and MongoDB connectors: `op` is
c (create), r (read in a snapshot), u (update), d (delete), t (truncate) or m (message); `before`
and `after` are the row's images, in MongoDB as text of extended JSON.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Change, Record
from connectors.records import field_path as paths
from connectors.settings.transforms import Debezium
from connectors.transforms.mongodb import document, identifier

_ROW = ("c", "r", "u")


class ChangeEvents:
    """One event to the records of what it did."""

    def __init__(self, settings: Debezium, key_fields: Sequence[str]) -> None:
        """`key_fields` are the fields of the row that are the table's primary key, if they are."""
        self._settings = settings
        self._key_fields = tuple(key_fields)
        self._unavailable = _forms(settings.unavailable)

    def records(self, record: Record) -> list[Record]:
        """What becomes of an event. Raises Rejection."""
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
            gone = _image(event.get("before")) or _row_of(key, event)
            return [self._made(record, event, gone, key, "delete")]
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
            "debezium: the value is no change event: it has no op of c, r, u, d, t or m",
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
        """Whether both images have the key, and another one."""
        fields = self._key_fields
        both = all(before.get(name) is not None and name in after for name in fields)
        return both and any(before[name] != after[name] for name in fields)

    def _old(self, key: Any, before: dict[str, Any]) -> Any:
        """The record's key, which names the new row, as it was for the old one."""
        old = {name: before[name] for name in self._key_fields}
        if isinstance(key, dict):
            return {name: old.get(name, item) for name, item in key.items()}
        return next(iter(old.values())) if key is not None and len(old) == 1 else key

    def _known(self, value: Any, before: Any) -> Any:
        """The value; for one that did not change and was not sent, that of the image before."""
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
            found = paths.get(event, path)
            row = {**row, name: None if found is paths.MISSING else found}
        return Record(record.message, row, key, change, record.table)


def _whole(row: dict[str, Any]) -> None:
    """Raise Rejection where the row of a new key would lack what only the old row has."""
    if any(value is UNAVAILABLE for value in row.values()):
        raise Rejection(
            "debezium_unavailable",
            "debezium: the key changed, and the source did not send a value that did not: with the "
            "old row it would be gone. Make the source send whole rows (PostgreSQL: REPLICA "
            "IDENTITY FULL), and write this one anew",
        )


def _event(value: Any) -> dict[str, Any]:
    """The envelope of the change."""
    found = _payload(value)
    if not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: the value is no object")
    return found


def _payload(value: Any) -> Any:
    """What is in the schema envelope of Kafka Connect's JSON converter, if it is one."""
    if isinstance(value, dict) and value.keys() == {"schema", "payload"}:
        return value["payload"]
    return value


def _of_mongodb(event: dict[str, Any]) -> bool:
    source = event.get("source")
    return isinstance(source, dict) and source.get("connector") == "mongodb"


def _row_of(key: Any, event: dict[str, Any]) -> dict[str, Any]:
    """What the record's key says of the row: MongoDB's `id` is the document's `_id`."""
    if not isinstance(key, dict):
        return {}
    return {"_id": key["id"]} if _of_mongodb(event) and key.keys() == {"id"} else dict(key)


def _image(value: Any) -> dict[str, Any] | None:
    """A row's image: an object, or text of a MongoDB document."""
    found = document(value) if isinstance(value, str) else value
    if found is not None and not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: an image of the row is no object")
    return found


def _forms(placeholder: str) -> list[Any]:
    """The placeholder as each type of column shows it."""
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
