"""A connector with tablestore.mode=timeseries: how its records become points."""

from __future__ import annotations

from typing import Any

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties
from connectors.import_config.tables import table_of_key
from connectors.settings.tablestore_limits import MAX_TIMESERIES_TABLE_NAME
from connectors.settings.timeseries import (
    FIELD_NAME_RULE,
    TAG_NAME_RULE,
    is_field_name,
    is_tag_name,
)

_PREFIX = "tablestore.timeseries."
_UNITS = {"SECONDS": "s", "MILLISECONDS": "ms", "MICROSECONDS": "us", "NANOSECONDS": "ns"}
_FIELD_TYPES = ("double", "integer", "string", "binary", "boolean")
_OF_TABLE = (
    "measurement",
    "dataSource",
    "tags",
    "time",
    "time.unit",
    "field.name",
    "field.type",
)
# Keys of data tables, which a connector of points reads and does not use.
_WITHOUT_EFFECT = ("primarykey.mode", "insert.mode", "delete.mode", "insert.order.enable")


def rules(connector: ConnectorProperties, tables: list[str]) -> dict[str, dict[str, Any]]:
    """The rules of each time series table."""
    map_all = connector.flag(f"{_PREFIX}mapAll", True)
    lower = connector.flag(f"{_PREFIX}toLowerCase", True)
    rows = connector.number(f"{_PREFIX}rowsPerBatch", 200, minimum=-(2**31), maximum=2**31 - 1)
    if not 1 <= rows <= 200:
        rows = max(1, min(200, rows))
        connector.note(
            f"{_PREFIX}rowsPerBatch",
            f"becomes {rows}: the service accepts 1 to 200 rows per request",
        )
    create = connector.flag("auto.create", False)
    for key in _WITHOUT_EFFECT:
        if connector.raw(key) is not None:
            connector.note(key, "has no effect on time series, as in the connector: not imported")
    if map_all:
        connector.note(
            f"{_PREFIX}mapAll",
            "fields that are not listed keep their own types: whole numbers are integers, where "
            "the connector made every number a double (list them as double to keep that). "
            "Without field.name the connector failed at every record; here it works",
        )
    found = {}
    for table in tables:
        if len(table) > MAX_TIMESERIES_TABLE_NAME:
            raise UnsupportedConnectorConfig(f"topics: table {table} has more than 128 characters")
        points = _points(connector, table, map_all, lower)
        points |= {"map_all": map_all, "to_lower_case": lower, "rows_per_request": rows}
        found[table] = {"mode": "timeseries", "auto_create": create}
        if any(field["type"] == "binary" for field in points.get("fields", ())):
            found[table]["binary_text"] = "utf8"  # as the connector: the text's own bytes
        found[table]["timeseries"] = points
    _other_tables(connector, tables)
    return found


def _points(
    connector: ConnectorProperties, table: str, map_all: bool, lower_case: bool
) -> dict[str, Any]:
    prefix = f"{_PREFIX}{table}."
    points: dict[str, Any] = {}
    measurement = connector.required(f"{prefix}measurement")
    if measurement.lower() == "<topic>":
        points["measurement"] = "<topic>"
    else:
        points["measurement_field"] = measurement
    source = connector.text(f"{prefix}dataSource")
    if source:
        points["data_source_field"] = source
    if connector.text(f"{prefix}tags"):
        tags = connector.names(f"{prefix}tags")
        if [*(connector.raw(f"{prefix}tags") or "").split(",")] != tags:
            connector.note(
                f"{prefix}tags",
                "blanks around a name are dropped; with them the connector never found the tag, "
                "and wrote it as a field",
            )
        wrong = [tag for tag in tags if not is_tag_name(tag)]
        if wrong:
            raise UnsupportedConnectorConfig(f"{prefix}tags: {', '.join(wrong)}: {TAG_NAME_RULE}")
        points["tags"] = tags
    points["time_field"] = connector.required(f"{prefix}time")
    points["time_unit"] = _unit(connector, f"{prefix}time.unit")
    fields = _fields(connector, prefix, lower_case)
    if fields:
        points["fields"] = fields
    elif not map_all:
        raise UnsupportedConnectorConfig(
            f"{prefix}field.name: is missing; mapAll=false needs it for table {table}"
        )
    names = [points.get("measurement_field"), source or None, points["time_field"]]
    names += [*points.get("tags", ()), *(item["name"] for item in fields)]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UnsupportedConnectorConfig(
            f"{prefix}field.name: a field can be used only once: {', '.join(twice)}"
        )
    return points


def _unit(connector: ConnectorProperties, key: str) -> str:
    unit = connector.required(key).upper()
    if unit in ("MINUTES", "HOURS", "DAYS"):
        raise UnsupportedConnectorConfig(
            f"{key}: {unit} is not supported: let the producer send SECONDS to NANOSECONDS, or "
            "turn the field into seconds by a function in [[transforms]]"
        )
    if unit not in _UNITS:
        raise UnsupportedConnectorConfig(f"{key}: is not one of {', '.join(_UNITS)}")
    return _UNITS[unit]


def _fields(connector: ConnectorProperties, prefix: str, lower_case: bool) -> list[dict[str, str]]:
    names = connector.names(f"{prefix}field.name")
    listed_types = connector.text(f"{prefix}field.type")
    types = [name.strip().lower() for name in listed_types.split(",")] if listed_types else []
    if len(names) != len(types):
        raise UnsupportedConnectorConfig(
            f"{prefix}field.type: has {len(types)} types for {len(names)} names"
        )
    if not {*types} <= {*_FIELD_TYPES}:
        raise UnsupportedConnectorConfig(
            f"{prefix}field.type: has a type other than {', '.join(_FIELD_TYPES)}"
        )
    lower = [name.lower() for name in names]
    if len({*lower}) != len(lower):
        raise UnsupportedConnectorConfig(
            f"{prefix}field.name: two names differ only in case, which it ignores"
        )
    wrong = [name for name in names if not is_field_name(name.lower() if lower_case else name)]
    if wrong:
        raise UnsupportedConnectorConfig(
            f"{prefix}field.name: {', '.join(wrong)}: the service does not accept such a name "
            f"({FIELD_NAME_RULE})"
        )
    return [
        {"name": name, "type": column_type} for name, column_type in zip(names, types, strict=True)
    ]


def _other_tables(connector: ConnectorProperties, tables: list[str]) -> None:
    for key in connector.unused():
        if table_of_key(key) is not None and not key.startswith(_PREFIX):
            connector.use(key)
            connector.note(
                key, "is for wide-column tables and has no effect on time series: not imported"
            )
        elif table := table_of_points(key):
            connector.use(key)
            known = table in tables
            connector.note(
                key,
                "has no effect: not imported"
                if known
                else f"no topic leads to table {table}: not imported, as it had no effect",
            )


def table_of_points(key: str) -> str | None:
    """The table of a key of one time series table."""
    for rest in _OF_TABLE:
        if key.startswith(_PREFIX) and key.endswith(f".{rest}"):
            return key[len(_PREFIX) : -len(rest) - 1]
    return None
