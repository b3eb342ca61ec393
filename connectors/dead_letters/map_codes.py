"""The rejection codes of mapping records to rows and points; see codes.py."""

from __future__ import annotations

MAP_CODES: dict[str, tuple[str, str]] = {
    "auto_increment": (
        (
            "A row has more than one generated key column, or it is the first, or a delete names "
            "its row by it."
        ),
        "Give the record its number; see `primary_key` in mapping.md.",
    ),
    "base64_invalid": ("The text is not base64.", "Correct the producer, or `binary_text`."),
    "column_collision": (
        "Two fields become one column when they are renamed or flattened.",
        "Rename one of them by a transform, or choose another separator.",
    ),
    "column_count": (
        "More than 1,024 attribute columns.",
        "List the columns to write, or nest some.",
    ),
    "column_is_key": (
        "A field has the name of a key column.",
        "Rename it, or list the columns to write without it.",
    ),
    "column_name": (
        "A field's name is not legal for a column (1 to 255 of A-Z a-z 0-9 _, no digit in front).",
        'Rename the field, set `column_names = "rewrite"`, or list the columns.',
    ),
    "data_source_length": ("The data source is longer than the service takes.", "Shorten it."),
    "decimal_digits": ("The decimal has more digits than are written.", "Correct the producer."),
    "delete_impossible": (
        (
            "The record is a delete, and with this `primary_key_mode` each record is a row of its "
            "own."
        ),
        "Use `record_key` or `record_value`, or drop deletes by a `filter` transform.",
    ),
    "delete_off": (
        "The record is a delete, and `delete_mode` has no deletes of rows.",
        (
            "Set `delete_mode` to `row` or `row_and_column`, or drop deletes by a `filter` "
            "transform."
        ),
    ),
    "delete_timeseries": (
        "The record is a delete, and points of time series are not deleted.",
        "Drop tombstones by a `filter` transform.",
    ),
    "duplicate_column": ("A column occurs twice in a row.", "Rename one of the fields."),
    "encoding": (
        "The text holds half of a UTF-16 pair, or the bytes are not UTF-8.",
        "Correct the producer, or write the field as binary.",
    ),
    "field_collision": (
        "Two fields have one name when lower-cased.",
        "Rename one of them, or list the fields with `map_all = false`.",
    ),
    "field_count": (
        "More than 1,024 fields in a point.",
        "List the fields to write, or nest some.",
    ),
    "field_name": (
        "A field's name cannot be that of a point's field.",
        "Rename it, or list the fields with `map_all = false`.",
    ),
    "fields_missing": (
        "The record has no field that a point could hold.",
        "Check `tags`, `time_field` and `fields`.",
    ),
    "explode_position": (
        "A step after `explode` made a new `Record`, which has no position for the row's key.",
        "Return `record.with_value(...)`.",
    ),
    "headers_unreadable": (
        "A header names the record's table, and a header's name is not UTF-8.",
        "Correct the producer, or route by a field.",
    ),
    "hex_invalid": (
        "The text is not hexadecimal digits.",
        "Correct the producer, or `binary_text`.",
    ),
    "integer_range": ("The integer needs more than 64 bits.", "Write it as a string column."),
    "json_depth": ("Nested deeper than is written.", "Flatten the field in a transform before."),
    "json_key_twice": ("Two keys of a map have the same text.", "Correct the producer."),
    "key_column_clash": ("An attribute column has the name of a key column.", "Rename the field."),
    "key_conflict": (
        "A field of the value is a key column and differs from the record's key.",
        "Remove the field, or rename it.",
    ),
    "key_count": (
        "The row does not have the table's number of key columns (1 to 4).",
        "Correct `primary_key`.",
    ),
    "key_length": (
        "The value of a key column is longer than 1,024 bytes.",
        "Shorten it, or take another field as the key.",
    ),
    "key_missing": (
        "The key or value has no field for a key column.",
        "Correct the producer, or `primary_key`.",
    ),
    "key_no_object": (
        "The record's key is not an object, and key columns are its fields.",
        "Use a key format that gives objects, or name one key column.",
    ),
    "key_null": (
        "The record has no key, or a key column is null.",
        "Correct the producer, or use another `primary_key_mode`.",
    ),
    "key_type": ("A key column cannot be of this type.", "Use integer, string or binary."),
    "map_failed": (
        "An unexpected exception while mapping.",
        "Please report it as a bug, with the reason's text.",
    ),
    "measurement_invalid": (
        "The measurement is not a legal name.",
        "Correct the field, or set `measurement`.",
    ),
    "measurement_missing": (
        "The field of the measurement is null or absent.",
        "Correct the producer, or set `measurement`.",
    ),
    "no_columns": (
        "No column has a value, and a row without columns would change nothing.",
        "Check `columns`, or drop such records by a `filter` transform.",
    ),
    "not_finite": (
        "NaN or infinity cannot be stored in a double.",
        "Leave the field out, or write it as a string.",
    ),
    "operation": (
        "The cell operation does not fit the row's operation.",
        "Please report it as a bug, unless a step of yours made the row.",
    ),
    "route_missing": (
        (
            "The field or header that names the table is null or absent, perhaps in a delete of "
            "which Debezium's image may be partial."
        ),
        (
            'Correct the producer, or set `mapping.route_missing = "topic"`; of deletes, let '
            'Debezium\'s key hold the field, or set `before_images = "whole"`.'
        ),
    ),
    "route_unknown": (
        "The record names a table that is not in `mapping.route_tables`.",
        "Add it there, or correct the producer.",
    ),
    "row_size": (
        "The row is larger than a request may be (4 MiB).",
        "Make the record smaller, or list the columns to write.",
    ),
    "series_unavailable": (
        "The source did not send a field of the series.",
        "Make the source send whole rows.",
    ),
    "table_name": (
        "The topic's table would have a name that no table can have.",
        "Give the topic a table in `[mapping.topics]`, or change the rules of `[mapping]`.",
    ),
    "table_unknown": (
        "A step gave the record a table that no topic has.",
        "Add it to `mapping.route_tables`.",
    ),
    "tag_empty": ("A tag is empty.", "Leave it out, or send null."),
    "tag_name": ("A tag's name is not legal.", "Rename the tag."),
    "tag_nested": ("A tag holds an object or a list.", "Make it text in a transform before."),
    "tag_twice": ("Two tags have the same name.", "Rename one of them."),
    "tag_value": ('A tag holds `"` or `=`.', "Replace the character in a transform before."),
    "tags_length": (
        "The tags together are longer than the service takes.",
        "Shorten or drop some.",
    ),
    "tags_no_object": (
        "The field of `tags_field` is not an object.",
        "Correct the producer, or `tags_field`.",
    ),
    "time_invalid": (
        (
            "The field is not a time in `time_unit`, has no zone, or is outside of the years 1 "
            "to 9999."
        ),
        "Correct the producer, or `time_unit`.",
    ),
    "time_missing": (
        "The record has no timestamp after 1970, or the time field is null or absent.",
        "Set `time_field`, or correct the producer.",
    ),
    "time_precision": (
        "A time finer than a millisecond cannot become milliseconds exactly.",
        'Set `times = "iso8601"`, or list the column as string.',
    ),
    "time_range": ("The time is before 1970, or too late.", "Check `time_unit`."),
    "timestamp_missing": (
        "The record has no timestamp after 1970 for `search_timestamp`.",
        'Set it to `"local"` or `"none"`.',
    ),
    "timestamp": ("The time of a cell is not 0 to 2^63-1 ms.", "Check `version_unit`."),
    "type_mismatch": (
        "The value cannot become the column's type exactly.",
        "Correct the column's type, or the producer.",
    ),
    "type_unknown": (
        "A Python type that has no Tablestore type.",
        "Turn it into text, a number or bytes in a step before.",
    ),
    "value_length": ("The value is longer than 2 MiB.", "Shorten it, or leave the column out."),
    "value_no_object": (
        "The value is not an object, and a row needs named columns.",
        "Use a format that gives objects, or a transform.",
    ),
    "value_null": (
        "The value is null (a tombstone), and there is nothing to write.",
        "Set `delete_mode`, or drop tombstones by a `filter` transform.",
    ),
    "value_type": ("The value's type is not that of its column.", "Convert it or leave it out."),
    "value_unavailable": (
        "The source did not send the value, and a put would lose the one in the table.",
        'Set `insert_mode = "update"`; for points, make the source send whole rows.',
    ),
    "version_invalid": (
        "The field of the version is not a time in `version_unit`.",
        "Correct the producer, or `version_unit`.",
    ),
    "version_missing": (
        "The record has no timestamp after 1970, or the version's field is null or absent.",
        "Correct the producer, or set `version`.",
    ),
    "version_range": (
        "The version is before 1970, or too far from now.",
        "Check `version_unit`; raise `max_version_deviation`.",
    ),
}
