"""topics, tables and their keys and columns: a connector's data tables."""

from __future__ import annotations

from typing import Any

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties
from connectors.settings import NAME
from connectors.settings.primary_key_modes import PRIMARY_KEY_MODES

_KEY_TYPES = ("string", "integer", "binary", "auto_increment")
_COLUMN_TYPES = ("string", "integer", "binary", "boolean", "double")
_OF_TABLE = (
    "primarykey.name",
    "primarykey.type",
    "columns.whitelist.name",
    "columns.whitelist.type",
    "search.timestamp.type",
)
_MAX_TOPIC_LENGTH = 249


def topics_and_tables(
    connector: ConnectorProperties,
) -> tuple[list[str], dict[str, Any], list[str]]:
    """The topics, the values of section [mapping], and the names of the topics' tables."""
    if "topics" not in connector and "topics.regex" in connector:
        raise UnsupportedConnectorConfig(
            "topics.regex: the connector did not work with it, so no topics are known: list them "
            "in topics (you can replace the list by kafka.topics_pattern afterwards)"
        )
    connector.required("topics")
    topics = connector.names("topics")
    pattern = connector.text("table.name.format", "<topic>")
    assigned: dict[str, str] = {}
    for entry in connector.names("topics.assign.tables"):
        topic, *rest = (name.strip() for name in entry.split(":"))
        if not topic or not rest or not rest[0]:
            raise UnsupportedConnectorConfig("topics.assign.tables: an entry is not topic:table")
        if len(rest) > 1:
            connector.note(
                "topics.assign.tables", f"{topic}: what follows a second colon has no effect"
            )
        assigned[topic] = rest[0]
        if topic not in topics:
            connector.note(
                "topics.assign.tables",
                f"topic {topic} is not in topics, so it is not read: not imported",
            )
    mapping: dict[str, Any] = {"table_name": pattern}
    used = {topic: assigned[topic] for topic in topics if topic in assigned}
    if used:
        mapping["topics"] = used
    tables = []
    for topic in topics:
        table = used.get(topic, pattern.replace("<topic>", topic))
        if not NAME.fullmatch(table):
            key = "topics.assign.tables" if topic in used else "table.name.format"
            raise UnsupportedConnectorConfig(
                f"{key}: topic {topic} would go to a table whose name is not legal (1 "
                "to 255 of A-Z a-z 0-9 _, no digit in front): give it a table in "
                "topics.assign.tables, as topic:table"
            )
        tables.append(table)
    if not NAME.fullmatch(pattern.replace("<topic>", "t")):
        # Every topic has a table of its own, so it is never used.
        del mapping["table_name"]
        connector.note(
            "table.name.format", "cannot give a legal table name and is not used: not imported"
        )
    return topics, mapping, list(dict.fromkeys(tables))


def rules(
    connector: ConnectorProperties, tables: list[str], compatible: bool
) -> dict[str, dict[str, Any]]:
    """The rules of each wide-column table, by its name."""
    mode = connector.choice(
        "primarykey.mode", ("kafka", "record_key", "record_value", "search"), "kafka"
    )
    insert = connector.choice("insert.mode", ("put", "update"), "put")
    delete = connector.choice("delete.mode", ("none", "row", "column", "row_and_column"), "none")
    if delete != "none" and mode != "record_key":
        raise UnsupportedConnectorConfig(
            "delete.mode: needs primarykey.mode=record_key, or must be none"
        )
    create = connector.flag("auto.create", False)
    _note_modes(connector, mode, insert, delete, create, compatible)
    found = {}
    for table in tables:
        key = _key(connector, table, mode)
        taken = [item["name"] for item in key] or [
            name for name, _ in PRIMARY_KEY_MODES[mode].columns
        ]
        columns = _columns(connector, table, taken)
        made: dict[str, Any] = {"primary_key_mode": mode}
        if key:
            made["primary_key"] = key
        if mode == "search":
            made["search_timestamp"] = _timestamp(connector, table, columns)
        made |= {"columns": columns or "all", "insert_mode": insert, "delete_mode": delete}
        made["auto_create"] = create
        if compatible:
            made |= {"conversions": "connector", "key_fields": "override"}
        if "binary" in [item["type"] for item in [*key, *columns]]:
            made["binary_text"] = "utf8"
            connector.note(
                f"tablestore.{table}.columns.whitelist.type"
                if any(item["type"] == "binary" for item in columns)
                else f"tablestore.{table}.primarykey.type",
                "text becomes a binary column by its UTF-8 bytes, as in the connector "
                '(binary_text = "utf8"); a key of text was an error there. Bytes stay bytes, where '
                "the connector wrote java.nio.HeapByteBuffer[...] for those of Avro",
            )
        found[table] = made
    _other_tables(connector, tables)
    return found


def _note_modes(
    connector: ConnectorProperties,
    mode: str,
    insert: str,
    delete: str,
    create: bool,
    compatible: bool,
) -> None:
    if not compatible:
        connector.note(
            "primarykey.mode",
            "fields of the record's key no longer become columns, nor does a text key as the "
            "column `key`; the connector wrote them over the value's fields, without documenting "
            "it. "
            'With --compatible it stays so (key_fields = "override")',
        )
    if delete in ("row", "row_and_column"):
        connector.note(
            "delete.mode",
            "a tombstone now deletes its row. The connector never deleted one (each was an error), "
            "so the table may have rows that should have been deleted",
        )
    elif mode == "record_key":
        what = "replaces its row by an empty one" if insert == "put" else "is rejected"
        connector.note(
            "delete.mode",
            f"{delete}: a tombstone {what}, as documented; in the connector it was an error. Set "
            "delete_mode to row if it should delete the row",
        )
    if create:
        connector.note(
            "auto.create",
            "a missing table is created immediately, from the primary key alone as before; the "
            "connector took a minute for each. The key pair needs ots:CreateTable",
        )


def _key(connector: ConnectorProperties, table: str, mode: str) -> list[dict[str, str]]:
    prefix = f"tablestore.{table}.primarykey"
    if PRIMARY_KEY_MODES[mode].columns:
        for key in (f"{prefix}.name", f"{prefix}.type"):
            if connector.raw(key) is not None:
                connector.note(
                    key, f"has no effect with primarykey.mode={mode}, as in the connector"
                )
        return []
    names, types = (
        connector.names(f"{prefix}.name"),
        _types(connector, f"{prefix}.type", _KEY_TYPES),
    )
    for key, listed in ((f"{prefix}.name", names), (f"{prefix}.type", types)):
        if not listed:
            raise UnsupportedConnectorConfig(
                f"{key}: is missing; primarykey.mode={mode} needs it for table {table}"
            )
    if len(names) != len(types):
        raise UnsupportedConnectorConfig(
            f"{prefix}.type: has {len(types)} types for {len(names)} names"
        )
    if len(names) > 4:
        raise UnsupportedConnectorConfig(
            f"{prefix}.name: names {len(names)} columns; a primary key has 1 to 4"
        )
    _check_names(f"{prefix}.name", names)
    if "auto_increment" in types:
        if types[0] == "auto_increment" or types.count("auto_increment") > 1:
            raise UnsupportedConnectorConfig(
                f"{prefix}.type: at most one column is auto_increment, and not the first"
            )
        connector.note(
            f"{prefix}.type",
            "auto_increment: a record that is read twice makes two rows, as in the connector",
        )
    return [
        {"name": name, "type": column_type} for name, column_type in zip(names, types, strict=True)
    ]


def _columns(connector: ConnectorProperties, table: str, key: list[str]) -> list[dict[str, str]]:
    prefix = f"tablestore.{table}.columns.whitelist"
    if f"{prefix}.name" not in connector:
        if connector.raw(f"{prefix}.type") is not None:
            connector.note(
                f"{prefix}.type", "has no effect without names, as in the connector: not imported"
            )
        return []
    names, types = (
        connector.names(f"{prefix}.name"),
        _types(connector, f"{prefix}.type", _COLUMN_TYPES),
    )
    if len(names) != len(types):
        raise UnsupportedConnectorConfig(
            f"{prefix}.type: has {len(types)} types for {len(names)} names"
        )
    _check_names(f"{prefix}.name", names)
    both = sorted({*names} & {*key})
    if both:
        raise UnsupportedConnectorConfig(
            f"{prefix}.name: is in the primary key as well: {', '.join(both)}"
        )
    return [
        {"name": name, "type": column_type} for name, column_type in zip(names, types, strict=True)
    ]


def _types(connector: ConnectorProperties, key: str, allowed: tuple[str, ...]) -> list[str]:
    if key not in connector:
        return []
    items = connector.text(key).split(",")
    while items and not items[-1].strip():
        items.pop()
    if not items:
        raise UnsupportedConnectorConfig(f"{key}: is blank: give a type for each name")
    found = [item.strip().lower() for item in items]
    if not {*found} <= {*allowed}:
        raise UnsupportedConnectorConfig(f"{key}: has a type other than {', '.join(allowed)}")
    return found


def _check_names(key: str, names: list[str]) -> None:
    if not all(NAME.fullmatch(name) for name in names):
        raise UnsupportedConnectorConfig(
            f"{key}: has a name that is not legal (1 to 255 of A-Z a-z 0-9 _, and no digit "
            "in front)"
        )


def _timestamp(connector: ConnectorProperties, table: str, columns: list[dict[str, str]]) -> str:
    key = f"tablestore.{table}.search.timestamp.type"
    found = connector.text(key, "kafka").lower()
    if found not in ("kafka", "local"):
        connector.note(key, "is neither kafka nor local: read as kafka, as in the connector")
        found = "kafka"
    if any(item["name"] == "timestamp" and item["type"] != "integer" for item in columns):
        raise UnsupportedConnectorConfig(
            f"tablestore.{table}.columns.whitelist.type: timestamp is the integer column that "
            "primarykey.mode=search adds"
        )
    return found


def table_of_key(key: str) -> tuple[str, str] | None:
    """(table, rest) of a key that is for one wide-column table; None for any other key."""
    for rest in _OF_TABLE:
        if key.startswith("tablestore.") and key.endswith(f".{rest}"):
            return key[len("tablestore.") : -len(rest) - 1], rest
    return None


def _other_tables(connector: ConnectorProperties, tables: list[str]) -> None:
    for key in connector.unused():
        found = table_of_key(key)
        if found is None:
            continue
        connector.use(key)
        table, rest = found
        if table in tables and rest == "search.timestamp.type":
            connector.note(
                key, "has an effect only with primarykey.mode=search, as in the connector"
            )
        else:
            connector.note(
                key, f"no topic leads to table {table}: not imported, as it had no effect"
            )
