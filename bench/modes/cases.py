"""The modes that are measured: what each has in its configuration, and the goal it has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bench.orders import FIELDS

# No mode that the Java connector has too may be below this share of plain: twice the connector.
CONNECTOR = 0.52


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Mode(NamedTuple):
    """A configuration to measure, beside the plain one on the same cells."""

    source: str = "orders"
    table: Mapping[str, Any] = _NOTHING
    sections: Mapping[str, Any] = _NOTHING
    """Other sections of the configuration. `{registry}` stands for the URL of the registry."""
    goal: float | None = None
    """The share of plain in rows per CPU-second; None where it is only reported."""


_BY_KEY: dict[str, Any] = {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
_BY_VALUE: dict[str, Any] = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "order_id"}],
}
_UPDATE: dict[str, Any] = {**_BY_KEY, "insert_mode": "update"}
_LISTED = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
_RENAME = {"type": "rename", "fields": {"user_id": "customer", "ts": "created"}}
_INSERT = {"type": "insert", "fields": {"origin": "topic"}, "literals": {"source": "shop"}}
_FILTER = {"type": "filter", "drop": {"field": "status", "equals": "test"}}
_STEP = {"type": "function", "function": "bench.modes.step:with_total"}
_POINTS: dict[str, Any] = {
    "measurement": "climate",
    "data_source": "plant",
    "tags": ["device", "room"],
    "time_field": "at",
    "time_unit": "us",
}

_REGISTRY = {"registry": {"url": "{registry}"}}

MODES: dict[str, Mode] = {
    "plain": Mode(),
    "record_value": Mode(table=_BY_VALUE, goal=0.85),
    "record_key": Mode(table=_BY_KEY, goal=0.75),
    "search": Mode(table={"primary_key_mode": "search"}, goal=CONNECTOR),
    "update": Mode(table=_UPDATE, goal=0.7),
    "delete row": Mode("tombstones", {**_BY_KEY, "delete_mode": "row"}, goal=0.7),
    "delete column": Mode("nulls", {**_UPDATE, "delete_mode": "column"}, goal=0.7),
    "delete both": Mode(
        "tombstones_and_nulls", {**_UPDATE, "delete_mode": "row_and_column"}, goal=0.7
    ),
    "version timestamp": Mode(table={**_BY_KEY, "version": "record_timestamp"}, goal=0.7),
    "version field": Mode(
        table={"version": "field", "version_field": "ts"},
        goal=0.7,
    ),
    "auto_increment": Mode(
        table={
            **_BY_VALUE,
            "primary_key": [{"name": "order_id"}, {"name": "number", "type": "auto_increment"}],
        },
        goal=CONNECTOR,
    ),
    "null fields": Mode("nulls", goal=0.85),
    "flatten": Mode("nested", {"nested": "flatten"}, goal=0.6),
    "rewrite": Mode("dashes", {"column_names": "rewrite"}, goal=0.6),
    "listed": Mode(table={"columns": _LISTED}, goal=0.85),
    "listed from text": Mode("texts", {"columns": _LISTED}, goal=CONNECTOR),
    "filter": Mode(sections={"transforms": [_FILTER]}, goal=0.6),
    "rename and insert": Mode(sections={"transforms": [_RENAME, _INSERT]}, goal=0.6),
    "Python step": Mode(sections={"transforms": [_STEP]}, goal=0.5),
    "originals kept": Mode(
        sections={"errors": {"tolerance": "all", "dead_letters": "tablestore"}}, goal=0.85
    ),
    "Avro": Mode("avro", sections={"format": {"value": "avro", **_REGISTRY}}, goal=0.5),
    "Protobuf": Mode(
        "protobuf", sections={"format": {"value": "protobuf", **_REGISTRY}}, goal=0.35
    ),
    "Connect JSON": Mode("connect", sections={"format": {"value": "connect_json"}}, goal=0.35),
    "Debezium": Mode(
        "debezium",
        {**_BY_VALUE, "delete_mode": "row"},
        sections={"transforms": [{"type": "debezium"}]},
        goal=0.35,
    ),
    "points as protobuf": Mode(
        "readings",
        {"mode": "timeseries", "timeseries": _POINTS},
        {"tablestore": {"timeseries_encoding": "protobuf"}},
        CONNECTOR,
    ),
    "points as FlatBuffers": Mode(
        "readings",
        {"mode": "timeseries", "timeseries": _POINTS},
        {"tablestore": {"timeseries_encoding": "flatbuffers"}},
        CONNECTOR,
    ),
    "40 columns of 1 KB": Mode("wide"),
    "3 columns of 100 B": Mode("narrow"),
}


def sections_of(mode: Mode, registry: str) -> dict[str, Any]:
    """The sections of a mode's configuration besides kafka and tablestore."""
    made: dict[str, Any] = {"table": dict(mode.table), **mode.sections}
    if "registry" in made.get("format", {}):
        made["format"] = {**made["format"], "registry": {"url": registry}}
    return made
