"""Every rejection code: where it arises, its cause, and what its reader can do about it.

docs/codes.md is made from this (`make pages`). A test compares it with the codes that the source
raises, so a new code needs its line here. Codes never change: they are in dead letters, metrics and
the options of replays.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.dead_letters.map_codes import MAP_CODES
from connectors.records.dead_letter import Stage


def remedy_of(stage: Stage, code: str) -> str:
    """What to do about a rejection; empty where the code is the service's or a step's own."""
    known = code.removeprefix("key_").removeprefix("value_") if stage == "decode" else code
    for each in REJECTION_CODES:
        if (each.stage, each.code) == (stage, known):
            return each.remedy
    return ""


class RejectionCode(NamedTuple):
    """One code at one stage; those of the stage decode get `key_` or `value_` in front."""

    stage: Stage
    code: str
    cause: str
    remedy: str


_DECODE: dict[str, tuple[str, str]] = {
    "avro_decimal": (
        "A decimal of no bytes, or of more digits than are read.",
        "Correct the producer.",
    ),
    "avro_depth": ("Nested deeper than is read.", "Flatten the schema."),
    "avro_invalid": (
        "The bytes do not follow the Avro schema.",
        "Check the schema id and the serializer of the producer.",
    ),
    "avro_items": (
        "An array or map of too many items that take no bytes.",
        "Correct the producer: few bytes would become very many values.",
    ),
    "avro_length": (
        "There are bytes after the value that the schema describes.",
        "Check the schema and the serializer of the producer.",
    ),
    "avro_resolution": (
        "The writer's schema cannot be read as the reader's schema.",
        "Make the two schemas compatible.",
    ),
    "avro_time": (
        "A time of day that is not within a day.",
        "Correct the producer.",
    ),
    "avro_values": ("More fields and items than are read.", "Split the record."),
    "connect_envelope": (
        "The document is not an object of `schema` and `payload`.",
        "Set the producer's `schemas.enable`, or use format `json`.",
    ),
    "connect_payload": ("The payload does not follow its schema.", "Correct the producer."),
    "connect_schema": (
        "The schema in the document is not a Connect schema.",
        "Correct the producer.",
    ),
    "decode_failed": (
        "An unexpected exception while decoding.",
        "Please report it as a bug, with the reason's text.",
    ),
    "double_length": (
        "The value is not 8 bytes.",
        "Check the format against the producer's serializer.",
    ),
    "format_failed": (
        "Your format function raised an exception.",
        "Correct the function; the reason names the file and line.",
    ),
    "headers_unreadable": (
        "The schema id is in a header, and a header's name is not UTF-8.",
        "Correct the producer.",
    ),
    "integer_length": (
        "The value is not 4 bytes.",
        "Check the format against the producer's serializer.",
    ),
    "json_bom": ("The document begins with a UTF-8 byte order mark.", "Remove it in the producer."),
    "json_depth": ("Nested deeper than is read.", "Flatten the document before it is produced."),
    "json_empty": ("No bytes, or only white space.", "Send null (a tombstone) or a document."),
    "json_encoding": ("The document is not UTF-8.", "Send UTF-8."),
    "json_invalid": (
        "The bytes are not JSON; the reason has the position.",
        "Correct the producer, or the format.",
    ),
    "json_schema": (
        "The document is not valid by its JSON Schema (`format.json_schema_validation`).",
        "Correct the producer, or the schema; the reason names the field and the keyword.",
    ),
    "json_values": ("More values than are read.", "Split the record."),
    "long_length": (
        "The value is not 8 bytes.",
        "Check the format against the producer's serializer.",
    ),
    "named_type": (
        "A value that the type named by its schema, such as Debezium's, does not have.",
        "Correct the producer; the reason names the type.",
    ),
    "protobuf_depth": ("Nested deeper than is read.", "Flatten the message."),
    "protobuf_failed": (
        "An unexpected exception while decoding.",
        "Please report it as a bug, with the reason's text.",
    ),
    "protobuf_index": (
        "The message index does not name a message of the schema, or is missing.",
        "Use a Schema Registry serializer in the producer.",
    ),
    "protobuf_invalid": (
        "The bytes are not a message of the schema.",
        "Check the schema id and the serializer of the producer.",
    ),
    "protobuf_time": (
        "A Timestamp whose nanoseconds are not within a second, or an invalid Decimal or day.",
        "Correct the producer.",
    ),
    "protobuf_values": ("More fields and items than are read.", "Split the record."),
    "schema_bad": (
        ("The schema cannot be used: malformed, too large, or a reference is missing or circular."),
        "Correct the schema in the registry; the reason names its id and what is wrong in it.",
    ),
    "schema_denied": (
        "The registry hands out other schemas to these credentials, and not this one.",
        "Let the user of `format.registry` read the subject of the schema.",
    ),
    "schema_frame": (
        "The bytes do not begin with a zero byte and a schema id of 4 bytes.",
        "Use a Schema Registry serializer in the producer, or another format.",
    ),
    "schema_kind": (
        "The schema is of another type than the configured format.",
        "Correct `format.value` or `format.key`.",
    ),
    "schema_unknown": (
        "The registry does not know the schema id, also after `format.registry.unknown_wait`.",
        "Check `format.registry.url`; register the schema again.",
    ),
    "size": ("Longer than `format.max_bytes`.", "Raise it, or make records smaller."),
    "unreadable": (
        "A batch of the topic is damaged, or unpacks to too much; the reason has its offsets.",
        "Produce its records again. Raise `receive.message.max.bytes` where it was too large.",
    ),
    "string_encoding": ("The text is not UTF-8.", "Send UTF-8, or use the format `bytes`."),
}
_TRANSFORM: dict[str, tuple[str, str]] = {
    "debezium_document": (
        "An image of the document is not a text of MongoDB extended JSON.",
        "Check that the topic is one of Debezium's MongoDB connector.",
    ),
    "debezium_key": (
        (
            "The images of a row do not determine its key: one may hold fillers, and the "
            "record's own key does not have it."
        ),
        (
            "Make Debezium's key hold the table's key columns (`message.key.columns`), or set "
            '`before_images = "whole"` where the source sends whole images.'
        ),
    ),
    "debezium_other_event": (
        "A heartbeat, a transaction's begin or end, or a change of a schema.",
        'Set `other_events = "skip"`, or leave its topic out.',
    ),
    "debezium_envelope": (
        "The value is not a Debezium change event.",
        "Limit the transform to Debezium's topics by its `topics`.",
    ),
    "debezium_partial": (
        ("The event has only a part of the row, and the table's rules need all of it."),
        (
            'Set Debezium\'s `capture.mode` to `change_streams_update_full`; or `partial = "pass"` '
            'with `insert_mode = "update"`. For `deletes = "mark"`: `insert_mode = "update"`, or '
            '`before_images = "whole"`.'
        ),
    ),
    "debezium_truncate": (
        "The source table was truncated.",
        'Empty the table yourself, and set `truncate = "skip"`.',
    ),
    "debezium_unavailable": (
        "The key changed, and the source did not send all values of the row.",
        "Make the source send whole rows (PostgreSQL: `REPLICA IDENTITY FULL`).",
    ),
    "explode_count": (
        (
            "The list has more elements than `max_elements`, or the fields beside it would become "
            "more than 64 MiB, once for each element, or several lists more than 200,000 records."
        ),
        "Raise it, exclude large fields before, or split the record at its producer.",
    ),
    "explode_delete": (
        "A delete does not say how many rows its record had.",
        "Drop deletes by a `filter` transform, or mark rows as deleted by a field.",
    ),
    "explode_key": (
        "The rows of one record would overwrite each other in this table.",
        "Add `index` to `primary_key`; the reason names the ways.",
    ),
    "explode_lines": (
        "A line of the text is not JSON; the reason has its number.",
        "Correct the producer.",
    ),
    "explode_missing": (
        "`explode`: the field, or the value, is null or absent.",
        'Set `missing = "drop"`, or limit the transform with `when`.',
    ),
    "explode_no_list": (
        "What should be exploded is not a list (with `lines`: not text).",
        "Correct `field`, or limit the transform with `when`.",
    ),
    "explode_position": (
        "A step after `explode` made a new `Record`, which has no position for the row's key.",
        "Return `record.with_value(...)`.",
    ),
    "headers_unreadable": (
        "A transform asks for headers, and a header's name is not UTF-8.",
        "Correct the producer, or use no header.",
    ),
    "step_failed": (
        (
            "A step or function of yours raised an exception, or returned something else than "
            "records."
        ),
        "Correct it; the reason names the file and line.",
    ),
    "transform_cast": (
        "A field's value cannot become the type exactly.",
        "Correct the producer or the cast.",
    ),
    "transform_depth": (
        "`flatten`: nested deeper than is flattened.",
        "Leave out the field in a transform before.",
    ),
    "transform_field_missing": (
        "`extract`: the field does not exist.",
        'Set `missing = "null"`, or limit the transform with `when`.',
    ),
    "transform_header": (
        "A header is not UTF-8 text.",
        "Correct the producer, or leave the header out.",
    ),
    "transform_json": (
        "`json`: the field holds no JSON text, or (into columns) no object.",
        "Correct the producer, or limit the transform with `when`.",
    ),
    "transform_timestamp": (
        "`timestamp`: the field is not such a time, or is finer than its new unit.",
        "Correct `unit` or `format`, or the producer.",
    ),
    "transform_name_length": (
        "`flatten`: a name would be too long.",
        "Rename or exclude the field in a transform before.",
    ),
    "transform_name_taken": (
        "The new name is already the name of another field.",
        (
            "Choose another name, separator, `prefix` (`json`) or `index` (`explode`), or set "
            "`replace = true` (`insert`)."
        ),
    ),
    "transform_no_object": (
        "The value or key is not an object, so it has no fields.",
        "Limit the transform with `when`.",
    ),
}
_STAGES: dict[Stage, dict[str, tuple[str, str]]] = {
    "decode": _DECODE,
    "transform": _TRANSFORM,
    "map": MAP_CODES,
}
REJECTION_CODES = tuple(
    RejectionCode(stage, code, cause, remedy)
    for stage, codes in _STAGES.items()
    for code, (cause, remedy) in sorted(codes.items())
)
"""All of this software's own; a step of yours may raise `Rejection` with codes of its own."""
