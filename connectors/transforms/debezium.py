"""Debezium's change events [debezium] to rows and deletes of rows.

In an event, `op` is c (create), r (read in a snapshot), u (update), d (delete), t (truncate) or m
(message); `before` and `after` are the images of the row, of MongoDB as text of extended JSON
[mongodb-extjson]. The image before is whole only where the source is set so (PostgreSQL: REPLICA
IDENTITY FULL); nothing is taken from it but what `debezium_keys` allows.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Change, Record, field_path
from connectors.settings import Settings
from connectors.settings.tables import TableSettings
from connectors.settings.transforms import Debezium
from connectors.transforms.debezium_keys import KeyFields, KeyImages, believed, in_key
from connectors.transforms.mongodb import changed_fields, document, identifier
from connectors.transforms.step import Step, by_table

_ROW = ("c", "r", "u")
_ENVELOPE = {"schema", "payload"}  # the fields of the envelope of Connect JSON
# The header with the old key, in the create that follows the delete when a key changes.
_OLD_KEY = "__debezium.oldkey"


def step(transform: Debezium, settings: Settings, _option: str) -> Step:
    """The step of a debezium transform, by the rules of the tables that its rows may go to."""
    routed = [settings.rules_of(table) for table in settings.mapping.route_tables]
    return by_table(settings, lambda rules: ChangeEvents(transform, rules, routed).records)


class ChangeEvents:
    """Turns the change events of one topic into records of rows and deletes."""

    def __init__(
        self, settings: Debezium, rules: TableSettings, routed: Sequence[TableSettings] = ()
    ) -> None:
        """`rules` are those of the topic's table, `routed` those of tables that rows may name."""
        self._settings = settings
        self._insert = (*settings.insert.items(),)
        self._unavailable, self._unavailable_nested = _forms(settings.unavailable)
        self._whole = settings.before_images == "whole"
        self._changed_key = self._whole_change if self._whole else self._believed_change
        self._marks = settings.deletes == "mark"
        of_value = rules.mode == "wide_column" and rules.key_mode.key_from == "value"
        names = [name for name, _ in rules.key_columns] if of_value else ()
        self._keys = KeyFields(settings.key_fields or names)
        tables = (rules, *routed)  # a row may go to any of them
        # Whether columns that a row does not have stay as they are.
        self._keeps_columns = all(map(_keeps_columns, tables))
        self._marks_key_alone = all(_keeps_columns(one) or _has_own_rows(one) for one in tables)
        self._deletes_columns = all(
            one.mode == "wide_column" and one.deletes_columns for one in tables
        )

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
            return self._written(record, event, key, op)
        if op == "d":
            if self._settings.deletes == "drop":
                return []
            return [self._gone(record, event, self._gone_row(event, key), key)]
        if op == "m" or (op == "t" and self._settings.truncate == "skip"):
            return []
        if op == "t":
            raise Rejection(
                "debezium_truncate",
                "debezium: the source table was emptied: empty the table yourself, and set "
                'truncate = "skip" to go on',
            )
        if op is None and _is_other(event):
            if self._settings.other_events == "skip":
                return []
            raise Rejection(
                "debezium_other_event",
                "debezium: a heartbeat, a transaction's begin or end, or a change of a schema: "
                'other_events = "skip" drops them, or leave its topic out',
            )
        raise Rejection(
            "debezium_envelope",
            "debezium: the value is not a change event: it has no op of c, r, u, d, t or m",
        )

    def _written(self, record: Record, event: dict[str, Any], key: Any, op: str) -> list[Record]:
        before = _image(event.get("before")) if op == "u" else None
        after = _image(event.get("after"))
        if after is None:
            after = self._partial(event, key)
        unsent = self._unavailable_in(after)
        if unsent:
            after = {**after, **self._unsent(unsent, before)}
        own = _own_key(key, event)
        change = self._changed_key(own, before, after)
        if change is None:
            if op == "c" and unsent and _follows_a_key(record):
                raise _unavailable()
            return [self._made(record, event, after, key, "upsert")]
        if _has_unavailable(after):
            raise _unavailable()
        old, new = change
        written = self._made(record, event, after, in_key(key, new), "upsert")
        if self._settings.deletes == "drop":
            return [written]
        row = {**before, **old} if before is not None and self._whole else old
        return [self._gone(record, event, row, in_key(key, old)), written]

    def _believed_change(
        self, key: Any, before: dict[str, Any] | None, after: dict[str, Any]
    ) -> KeyImages | None:
        """The old and new key of an update, if the record's own key confirms them."""
        self._keys.check_written(key, after)
        return None if before is None else believed(self._keys, key, before, after)

    def _whole_change(
        self, _key: Any, before: dict[str, Any] | None, after: dict[str, Any]
    ) -> KeyImages | None:
        """The old and new key of an update, from two images that are both whole."""
        return None if before is None else self._keys.differing(before, after)

    def _gone_row(self, event: dict[str, Any], key: Any) -> dict[str, Any]:
        """The row of a delete; only its key if the image is partial."""
        before, of_key = _image(event.get("before")), _row_of(key, event)
        if before is None:
            return of_key
        if self._whole:
            return before
        found = self._keys.of_deleted(of_key or key, before)
        if self._marks:
            return {**of_key, **{name: found[name] for name in self._keys.names if name in found}}
        return found

    def _gone(self, record: Record, event: dict[str, Any], row: dict[str, Any], key: Any) -> Record:
        """The delete of a row, or the row marked as deleted."""
        if not self._marks:
            return self._made(record, event, row, key, "delete")
        if not self._whole and not self._marks_key_alone:
            raise Rejection(
                "debezium_partial",
                'debezium: deletes = "mark" with a put needs all values of the row, and its image '
                'before the delete may be partial: set insert_mode = "update", or before_images = '
                '"whole" where the source sends whole images (PostgreSQL: REPLICA IDENTITY FULL)',
            )
        return self._made(record, event, row, key, "upsert", deleted=True)

    def _partial(self, event: dict[str, Any], key: Any) -> dict[str, Any]:
        described = event.get("updateDescription")
        if not isinstance(described, dict):
            raise Rejection("debezium_envelope", "debezium: the event has no image of the row")
        if self._settings.partial == "reject":
            raise Rejection(
                "debezium_partial",
                "debezium: the event has only what an update changed: set Debezium's capture.mode "
                "to change_streams_update_full (there it means that the document is gone by now: "
                'its delete follows), or partial = "pass" with insert_mode = "update"',
            )
        if not self._keeps_columns:
            raise Rejection(
                "debezium_partial",
                "debezium: the event has only what an update changed, and a put would lose the "
                'rest: partial = "pass" needs insert_mode = "update" of every table that they may '
                "go to",
            )
        return {**_row_of(key, event), **changed_fields(described, self._deletes_columns)}

    def _unsent(self, names: list[str], before: dict[str, Any] | None) -> dict[str, Any]:
        """The values of columns that were not sent, from the image before if that is whole."""
        known = before if self._whole and before is not None else {}
        return {
            name: UNAVAILABLE
            if known.get(name) is None or self._is_unavailable(known[name])
            else known[name]
            for name in names
        }

    def _unavailable_in(self, row: dict[str, Any]) -> list[str]:
        try:
            if self._unavailable.isdisjoint(row.values()):
                return []
        except TypeError:  # lists and objects are looked at one by one
            pass
        return [name for name, item in row.items() if self._is_unavailable(item)]

    def _is_unavailable(self, value: Any) -> bool:
        value_type = type(value)
        if value_type is str or value_type is bytes:
            return value in self._unavailable
        if value_type is list or value_type is dict:
            try:
                return value in self._unavailable_nested
            except RecursionError:  # no placeholder is nested
                return False
        return False

    def _made(
        self,
        record: Record,
        event: dict[str, Any],
        row: dict[str, Any],
        key: Any,
        change: Change,
        *,
        deleted: bool = False,
    ) -> Record:
        for name, path in self._insert:
            found = field_path.get(event, path)
            row = {**row, name: None if found is field_path.MISSING else found}
        if self._marks:
            row = {**row, self._settings.deleted_field: "true" if deleted else "false"}
        return Record(record.message, row, key, change, record.table, record.positions)


def _keeps_columns(rules: TableSettings) -> bool:
    return rules.mode == "wide_column" and (
        rules.insert_mode == "update" or rules.version != "none"
    )


def _has_own_rows(rules: TableSettings) -> bool:
    """Whether each record is a row of its own."""
    return rules.mode == "wide_column" and rules.key_mode.key_from == "coordinates"


def _has_unavailable(row: dict[str, Any]) -> bool:
    return any(value is UNAVAILABLE for value in row.values())


def _follows_a_key(record: Record) -> bool:
    """Whether the row follows a key change, whose delete was the event before."""
    return any(name == _OLD_KEY for name, _ in record.headers)


def _unavailable() -> Rejection:
    """The rejection of a row with a new key that would lack values that only the old row has."""
    return Rejection(
        "debezium_unavailable",
        "debezium: the key changed, and the source did not send a value that did not: with the "
        "old row it would be gone. Make the source send whole rows (PostgreSQL: REPLICA "
        "IDENTITY FULL), and write this one again",
    )


def _event(value: Any) -> dict[str, Any]:
    """The change event's envelope. Raises Rejection if the value is not an object."""
    found = _payload(value)
    if not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: the value is not an object")
    return found


def _is_other(event: dict[str, Any]) -> bool:
    """Whether it is a heartbeat, a transaction's begin or end, or a change of a schema.

    By the fields that Debezium documents for each of them [debezium].
    """
    names = event.keys()
    return (
        (bool(names) and names <= {"ts_ms", "ts_us", "ts_ns"})
        or ({"id", "status", "event_count"} <= names and event["status"] in ("BEGIN", "END"))
        or ({"source", "databaseName"} <= names and not {"ddl", "tableChanges"}.isdisjoint(names))
    )


def _payload(value: Any) -> Any:
    """The payload of the envelope of Connect JSON [connect-json]; any other value as it is."""
    if isinstance(value, dict) and len(value) == 2 and value.keys() == _ENVELOPE:
        return value["payload"]
    return value


def _of_mongodb(event: dict[str, Any]) -> bool:
    source = event.get("source")
    return isinstance(source, dict) and source.get("connector") == "mongodb"


def _own_key(key: Any, event: dict[str, Any]) -> Any:
    """The record's key by the names of the row's fields; not to be changed."""
    if type(key) is dict and "id" not in key:
        return key
    return _row_of(key, event) or key


def _row_of(key: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The key fields of the row, from the record's key: MongoDB's `id` is the document's `_id`."""
    if not isinstance(key, dict):
        return {}
    if len(key) == 1 and "id" in key and _of_mongodb(event):
        return {"_id": key["id"]}
    return dict(key)


def _image(value: Any) -> dict[str, Any] | None:
    """The image of a row: an object, or the text of a MongoDB document."""
    if value is None or type(value) is dict:
        return value
    found = document(value) if isinstance(value, str) else value
    if found is not None and not isinstance(found, dict):
        raise Rejection("debezium_envelope", "debezium: an image of the row is not an object")
    return found


def _forms(placeholder: str) -> tuple[frozenset[str | bytes], list[Any]]:
    """The placeholder in the form of each column type: text and bytes; lists and maps."""
    data = placeholder.encode()
    digest = bytearray(hashlib.md5(data, usedforsecurity=False).digest())
    named = str(uuid.UUID(bytes=bytes(digest), version=3))
    return (
        frozenset((placeholder, data, base64.b64encode(data).decode(), data.hex())),
        [[placeholder], [named], [*data], {placeholder: placeholder}],
    )
