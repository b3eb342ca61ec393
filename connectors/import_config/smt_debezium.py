"""Debezium's ExtractNewRecordState and ExtractNewDocumentState [debezium] as [[transforms]]."""

from __future__ import annotations

from connectors.import_config.smt_step import SmtStep, Transforms

# delete.tombstone.handling.mode: what becomes of a delete event, and of the tombstone after it.
_HANDLING = {
    "drop": ("drop", "drop"),
    "tombstone": ("drop", "pass"),
    "rewrite": ("mark", "drop"),
    "rewrite-with-tombstone": ("mark", "pass"),
    "delete-to-tombstone": ("delete", "drop"),
}
# delete.handling.mode, its older form, beside drop.tombstones.
_OLD_HANDLING = {"drop": "drop", "rewrite": "mark", "none": "delete"}
_NOT_MOVED = {
    "route.by.field": "not imported: set mapping.route_field and route_tables (the connector's "
    "task failed when a transform had renamed the topic)",
    "drop.fields.header.name": "not imported: the fields that the header names are written; "
    "exclude them",
    "drop.fields.from.key": "not imported, as drop.fields.header.name",
    "drop.fields.keep.schema.compatible": "not imported, as drop.fields.header.name",
    "add.headers": "not imported: headers are not written; set `insert` of the transform",
    "add.headers.prefix": "not imported, as add.headers",
}


def extract_new_state(step: SmtStep, deletes: bool) -> Transforms:
    """The transforms of a step; `deletes`: delete.mode lets rows be deleted.

    Raises UnsupportedConnectorConfig for values that the transform does not have, or that cannot be
    kept.
    """
    deleted, tombstones = _handling(step, deletes)
    made: dict[str, object] = {"type": "debezium"}
    if deleted != "delete":
        made["deletes"] = deleted
    if tombstones == "pass":
        made["tombstones"] = "pass"
    insert = _added_fields(step)
    if insert:
        made["insert"] = insert
    for name, why in _NOT_MOVED.items():
        if step.text(name):
            step.note(why, name)
    step.note_nulls()
    if step.text("array.encoding").lower() == "document":
        raise step.unsupported(
            "array.encoding", "document: lists cannot be written as objects; use array"
        )
    if not step.flag("flatten.struct", False):
        return [made]
    separator = step.text("flatten.struct.delimiter") or "_"
    return [made, {"type": "flatten", "separator": separator}]


def _handling(step: SmtStep, deletes: bool) -> tuple[str, str]:
    """What becomes of deletes and of tombstones, as the options of the debezium transform."""
    name = "delete.tombstone.handling.mode"
    asked = True
    if step.has(name):
        mode = step.text(name).lower()
        if mode not in _HANDLING:
            raise step.unsupported(name, f"is not one of {', '.join(_HANDLING)}")
        deleted, tombstones = _HANDLING[mode]
    else:
        name = "delete.handling.mode"
        mode = step.text(name).lower() or "drop"
        if mode not in _OLD_HANDLING:
            raise step.unsupported(name, f"is not one of {', '.join(_OLD_HANDLING)}")
        asked = step.has(name) or step.has("drop.tombstones")
        deleted = _OLD_HANDLING[mode]
        tombstones = "drop" if step.flag("drop.tombstones", True) else "pass"
    if deletes:
        return _with_deletes(step, name, asked, deleted, tombstones)
    if tombstones == "pass":
        step.note(
            "tombstones are dropped: with this delete.mode each was an error in the connector"
        )
    if deleted == "delete" or (deleted == "drop" and tombstones == "pass") or not asked:
        step.note(
            'delete events are dropped: set delete_mode = "row", and deletes = "delete", to have '
            "rows deleted"
        )
    if deleted == "mark":
        _note_marks(step)
    return "drop" if deleted == "delete" else deleted, "drop"


def _with_deletes(
    step: SmtStep, name: str, asked: bool, deleted: str, tombstones: str
) -> tuple[str, str]:
    if not asked:
        step.note(
            "a delete event deletes its row (op, with or without the tombstone); the connector "
            "deleted none"
        )
        return "delete", "drop"
    if deleted == "mark":
        gone = "the tombstone after it deletes the row" if tombstones == "pass" else "rows stay"
        step.note(f"a delete is written as a row with __deleted = true, as {name} says; {gone}")
        _note_marks(step)
    elif deleted == "drop" and tombstones == "drop":
        step.note(
            f"deletes are dropped, as {name} says, so delete.mode has no effect: set deletes = "
            '"delete" to have rows deleted'
        )
    else:
        step.note("a delete deletes its row; the connector deleted none")
    return deleted, tombstones


def _note_marks(step: SmtStep) -> None:
    connector = step.connector
    by_coordinates = connector.text("primarykey.mode", "kafka").lower() in ("kafka", "search")
    if connector.text("insert.mode", "put").lower() == "put" and not by_coordinates:
        step.note(
            "with insert.mode=put a row that is marked as deleted is rejected, since the image "
            'before a change may be partial: set insert_mode = "update", or before_images = '
            '"whole" where the source sends whole images'
        )


def _added_fields(step: SmtStep) -> dict[str, str]:
    found = {}
    prefix = step.text("add.fields.prefix") if step.has("add.fields.prefix") else "__"
    for item in step.list("add.fields"):
        path, _, alias = item.partition(":")
        top = path in ("op", "ts_ms", "ts_us", "ts_ns") or "." in path
        found[prefix + (alias or path.replace(".", "_"))] = path if top else f"source.{path}"
    return found
