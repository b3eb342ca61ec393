"""transforms.* and predicates.* of Kafka Connect [connect-smt] as [[transforms]]."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties

Moved = list[dict[str, Any]]
_KAFKA = "org.apache.kafka.connect.transforms."
_CASTS = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), "integer"),
    **dict.fromkeys(("float32", "float64"), "double"),
    "boolean": "boolean",
    "string": "string",
}
_HINTS = {
    "RegexRouter": "name the table in [mapping.topics] or by mapping.table_name (with the "
    "connector a topic router could not work)",
    "TimestampRouter": "route by mapping.route_field or route_header",
    "TimestampConverter": "times options of [table], or a function",
    "MaskField": "exclude the field, or mask it by a function BEFORE the first run: it is written "
    "as it is otherwise",
    "ValueToKey": 'primary_key_mode = "record_value" takes the key from the value; set it and '
    "correct primary_key",
    "HoistField": "write a function",
    "InsertHeader": "headers are not written",
    "DropHeaders": "headers are not written",
    "HeaderFrom": "insert takes fields from headers; the other way has no use here",
    "EventRouter": "write a function",
}


class _Unable(Exception):  # noqa: N818 - a signal inside of this file
    """A transform cannot be expressed; the text says why."""


class _Step:
    """One transform's own keys."""

    def __init__(self, connector: ConnectorProperties, name: str) -> None:
        self.connector = connector
        self.prefix = f"transforms.{name}."
        self.type = connector.required(f"{self.prefix}type")

    def text(self, *names: str) -> str:
        """The first of these keys that is there."""
        for name in names:
            if f"{self.prefix}{name}" in self.connector:
                return self.connector.text(f"{self.prefix}{name}")
        return ""

    def required(self, name: str) -> str:
        """A key that must be there."""
        return self.connector.required(f"{self.prefix}{name}")

    def list(self, *names: str) -> list[str]:
        """Names with commas."""
        return [item.strip() for item in self.text(*names).split(",") if item.strip()]

    @property
    def of(self) -> dict[str, str]:
        """The option that says whether it changes the key."""
        return {"of": "key"} if self.type.endswith("$Key") else {}

    def note(self, text: str) -> None:
        """Note what becomes of it, under the key of its type."""
        self.connector.note(f"{self.prefix}type", text)


def transforms(connector: ConnectorProperties, deletes: bool) -> Moved:
    """[[transforms]] in the connector's order. `deletes`: delete.mode lets rows be deleted."""
    predicates = _predicates(connector)
    made: Moved = []
    names = [item.strip() for item in connector.text("transforms").split(",") if item.strip()]
    for name in names:
        step = _Step(connector, name)
        keys = connector.keys(step.prefix)
        try:
            moved = _moved(step, predicates, deletes)
        except _Unable as why:
            connector.use(*keys)
            short = re.split(r"[.$]", step.type.removesuffix("$Value").removesuffix("$Key"))[-1]
            hint = str(why) or _HINTS.get(short, "write a function (docs/transforms.md)")
            rest = ", ".join(key[len(step.prefix) :] for key in keys if not key.endswith(".type"))
            step.note(f"{short} is not moved{f' (nor {rest})' if rest else ''}: {hint}")
            continue
        made += moved
        for key in keys:
            if key in connector.unused():
                connector.use(key)
                connector.note(key, "not moved: it has no counterpart here")
    for key in [*connector.keys("transforms."), *connector.keys("predicates")]:
        if key in connector.unused():
            connector.use(key)
            connector.note(key, "is not used by a transform that is moved: not moved")
    return made


def _moved(step: _Step, predicates: dict[str, dict[str, Any] | None], deletes: bool) -> Moved:
    condition: dict[str, Any] | None = None
    name = step.text("predicate")
    negate = step.connector.flag(f"{step.prefix}negate", False)
    if name:
        if name not in predicates:
            raise UnsupportedConnectorConfig(
                f"{step.prefix}predicate: there is no predicate of that name"
            )
        condition = predicates[name]
        if condition is None:
            raise _Unable("its predicate has no counterpart here; write a filter or a function")
        if negate:
            condition = {"none": [condition]}
    if step.type == f"{_KAFKA}Filter":
        if condition is None:
            raise _Unable("without a predicate it drops every record")
        return [{"type": "filter", "drop": condition}]
    short = step.type.removesuffix("$Value").removesuffix("$Key")
    make = _MAKERS.get(short)
    if short == f"{_KAFKA}SetSchemaMetadata":
        step.connector.use(*step.connector.keys(step.prefix))
        step.note("not needed: the name of a schema has no effect on rows")
        return []
    if make is None:
        raise _Unable
    made = make(step, deletes)
    return [{**item, **({"when": condition} if condition else {})} for item in made]


def _predicates(connector: ConnectorProperties) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = {}
    for name in [item.strip() for item in connector.text("predicates").split(",") if item.strip()]:
        prefix = f"predicates.{name}."
        predicate = connector.required(f"{prefix}type").rsplit(".", 1)[-1]
        if predicate == "RecordIsTombstone":
            found[name] = {"tombstone": True}
        elif predicate == "HasHeaderKey":
            found[name] = {"header": connector.required(f"{prefix}name")}
        elif predicate == "TopicNameMatches":
            pattern = connector.required(f"{prefix}pattern")
            try:
                re.compile(pattern)
            except re.error:
                raise UnsupportedConnectorConfig(
                    f"{prefix}pattern: is not a regular expression here"
                ) from None
            found[name] = {"topic": pattern}
        else:
            found[name] = None
            connector.note(f"{prefix}type", f"{predicate} has no counterpart here: not moved")
    return found


def _replace_field(step: _Step, _deletes: bool) -> Moved:
    made: Moved = []
    include = step.list("include", "whitelist")
    exclude = step.list("exclude", "blacklist")
    if include:
        made.append({"type": "include", **step.of, "fields": include})
    if exclude:
        made.append({"type": "exclude", **step.of, "fields": exclude})
    renames = _pairs(step, "renames")
    if renames:
        made.append({"type": "rename", **step.of, "fields": renames})
    return made


def _pairs(step: _Step, name: str) -> dict[str, str]:
    pairs = [item.partition(":") for item in step.list(name)]
    if not all(colon and old.strip() and new.strip() for old, colon, new in pairs):
        raise UnsupportedConnectorConfig(f"{step.prefix}{name}: an entry is no name:name")
    return {old.strip(): new.strip() for old, _, new in pairs}


def _cast(step: _Step, _deletes: bool) -> Moved:
    step.required("spec")
    if any(":" not in item for item in step.list("spec")):
        raise _Unable("a cast of the whole value; set the format, or write a function")
    spec = _pairs(step, "spec")
    if not {*spec.values()} <= {*_CASTS}:
        raise UnsupportedConnectorConfig(
            f"{step.prefix}spec: has a type other than {', '.join(_CASTS)}"
        )
    step.note("casts are exact or the record is rejected; Kafka's cut fractions and wrap numbers")
    fields = {name: _CASTS[type_name] for name, type_name in spec.items()}
    return [{"type": "cast", **step.of, "fields": fields}]


def _insert(step: _Step, _deletes: bool) -> Moved:
    fields = {}
    for origin in ("topic", "partition", "offset", "timestamp"):
        name = step.text(f"{origin}.field").rstrip("!?")
        if name:
            fields[name] = origin
    made: dict[str, Any] = {"type": "insert", **step.of}
    static = step.text("static.field").rstrip("!?")
    if static:
        made["literals"] = {static: step.required("static.value")}
        fields.pop(static, None)
    if fields:
        made["fields"] = fields
    return [{**made, "replace": True}] if fields or static else []


def _flatten(step: _Step, _deletes: bool) -> Moved:
    delimiter = step.text("delimiter") or "."
    if not re.fullmatch(r"[A-Za-z0-9_]*", delimiter):
        step.note(
            "its delimiter cannot stand in a column name, so the service rejected such rows: set "
            'separator = "_", rename the fields, or set column_names = "rewrite"'
        )
    return [{"type": "flatten", **step.of, "separator": delimiter}]


def _extract(step: _Step, _deletes: bool) -> Moved:
    return [{"type": "extract", **step.of, "field": step.required("field"), "missing": "null"}]


def _debezium(step: _Step, deletes: bool) -> Moved:
    made: dict[str, Any] = {"type": "debezium"}
    keep = step.text("drop.tombstones").lower() == "false"
    handling = step.text("delete.tombstone.handling.mode", "delete.handling.mode").lower()
    if keep:
        made["tombstones"] = "pass"
    insert = _added_fields(step)
    if insert:
        made["insert"] = insert
    for name in ("add.fields", "add.fields.prefix"):
        step.text(name)
    if deletes:
        step.note(
            "a delete event deletes its row (op, with or without the tombstone); the connector "
            "deleted none"
        )
        return [made]
    if handling.startswith("rewrite"):
        raise _Unable(
            "rewrite marks deleted rows by __deleted; add type = debezium with delete_mode = row, "
            "or write a function"
        )
    step.note(
        "delete events are filtered out, as its own default did: set delete_mode = row and remove "
        "that filter to have rows deleted"
    )
    return [{"type": "filter", "drop": {"field": "op", "equals": "d"}}, made]


def _added_fields(step: _Step) -> dict[str, str]:
    found = {}
    prefixed = f"{step.prefix}add.fields.prefix" in step.connector
    prefix = step.text("add.fields.prefix") if prefixed else "__"
    for item in step.list("add.fields"):
        path, _, alias = item.partition(":")
        top = path in ("op", "ts_ms", "ts_us", "ts_ns") or "." in path
        found[prefix + (alias or path.replace(".", "_"))] = path if top else f"source.{path}"
    return found


_MAKERS: dict[str, Callable[[_Step, bool], Moved]] = {
    f"{_KAFKA}ReplaceField": _replace_field,
    f"{_KAFKA}Cast": _cast,
    f"{_KAFKA}InsertField": _insert,
    f"{_KAFKA}Flatten": _flatten,
    f"{_KAFKA}ExtractField": _extract,
    "io.debezium.transforms.ExtractNewRecordState": _debezium,
    "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState": _debezium,
}
