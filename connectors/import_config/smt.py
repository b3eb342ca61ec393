"""transforms.* and predicates.* of Kafka Connect [connect-smt] as [[transforms]]."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.import_config.date_patterns import strptime_codes
from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties
from connectors.import_config.smt_debezium import extract_new_state
from connectors.import_config.smt_step import NotImported, SmtStep, Transforms

_KAFKA = "org.apache.kafka.connect.transforms."
_CASTS = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), "integer"),
    **dict.fromkeys(("float32", "float64"), "double"),
    "boolean": "boolean",
    "string": "string",
}
_TARGETS = {
    "string": "text",
    "unix": "number",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
}
_PRECISIONS = {"seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
_HINTS = {
    "RegexRouter": "name tables by mapping.replace (regular expressions), table_name or "
    "[mapping.topics]; with the connector a topic router did not work",
    "TimestampRouter": "route by mapping.route_field or route_header",
    "ValueToKey": 'primary_key_mode = "record_value" takes the key from the value; set it and '
    "correct primary_key",
    "HoistField": "write a function",
    "InsertHeader": "headers are not written",
    "DropHeaders": "headers are not written",
    "EventRouter": "write a function",
    "Filter": "records that it dropped are now written: use a filter transform, or write a "
    "function",
}


def transforms(connector: ConnectorProperties, deletes: bool) -> Transforms:
    """The entries of [[transforms]], in the connector's order.

    `deletes`: delete.mode allows rows to be deleted.
    """
    predicates = _predicates(connector)
    made: Transforms = []
    names = [item.strip() for item in connector.text("transforms").split(",") if item.strip()]
    for name in names:
        step = SmtStep(connector, name)
        keys = connector.keys(step.prefix)
        try:
            converted = _converted(step, predicates, deletes)
        except NotImported as why:
            connector.use(*keys)
            short = re.split(r"[.$]", step.type.removesuffix("$Value").removesuffix("$Key"))[-1]
            hint = str(why) or _HINTS.get(short, "write a function (docs/transforms.md)")
            rest = ", ".join(key[len(step.prefix) :] for key in keys if not key.endswith(".type"))
            step.note(f"{short} is not imported{f' (nor {rest})' if rest else ''}: {hint}")
            continue
        made += converted
        for key in keys:
            if key in connector.unused():
                connector.use(key)
                connector.note(key, "not imported: it has no counterpart")
    for key in [*connector.keys("transforms."), *connector.keys("predicates")]:
        if key in connector.unused():
            connector.use(key)
            connector.note(key, "is not used by an imported transform: not imported")
    return made


def _converted(
    step: SmtStep, predicates: dict[str, dict[str, Any] | None], deletes: bool
) -> Transforms:
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
            drops = (
                "; records that it dropped are now written"
                if step.type == f"{_KAFKA}Filter"
                else ""
            )
            raise NotImported(
                f"its predicate has no counterpart{drops}; write a filter or a function"
            )
        if negate:
            condition = {"none": [condition]}
    if step.type == f"{_KAFKA}Filter":
        if condition is None:
            raise NotImported("without a predicate it drops every record")
        return [{"type": "filter", "drop": condition}]
    short = step.type.removesuffix("$Value").removesuffix("$Key")
    make = _MAKERS.get(short)
    if short == f"{_KAFKA}SetSchemaMetadata":
        step.connector.use(*step.connector.keys(step.prefix))
        step.note("not needed: the name of a schema has no effect on rows")
        return []
    if make is None:
        raise NotImported
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
            connector.note(f"{prefix}type", f"{predicate} has no counterpart: not imported")
    return found


def _replace_field(step: SmtStep, _deletes: bool) -> Transforms:
    made: Transforms = []
    include = step.list("include", "whitelist")
    exclude = step.list("exclude", "blacklist")
    if include:
        made.append({"type": "include", **step.of, "fields": include})
    if exclude:
        made.append({"type": "exclude", **step.of, "fields": exclude})
    renames = _pairs(step, "renames")
    if renames:
        made.append({"type": "rename", **step.of, "fields": renames})
    step.note_dots(*include, *exclude, *renames)
    step.note_nulls()
    return made


def _pairs(step: SmtStep, name: str) -> dict[str, str]:
    pairs = [item.partition(":") for item in step.list(name)]
    if not all(colon and old.strip() and new.strip() for old, colon, new in pairs):
        raise UnsupportedConnectorConfig(f"{step.prefix}{name}: an entry is not name:name")
    return {old.strip(): new.strip() for old, _, new in pairs}


def _cast(step: SmtStep, _deletes: bool) -> Transforms:
    step.required("spec")
    if any(":" not in item for item in step.list("spec")):
        raise NotImported("it casts the whole value; set the format, or write a function")
    spec = _pairs(step, "spec")
    if not {*spec.values()} <= {*_CASTS}:
        raise UnsupportedConnectorConfig(
            f"{step.prefix}spec: has a type other than {', '.join(_CASTS)}"
        )
    step.note(
        "casts are exact or the record is rejected; those of Kafka cut fractions and wrap numbers"
    )
    step.note_dots(*spec)
    step.note_nulls()
    fields = {name: _CASTS[type_name] for name, type_name in spec.items()}
    return [{"type": "cast", **step.of, "fields": fields}]


def _insert(step: SmtStep, _deletes: bool) -> Transforms:
    fields = {}
    for origin in ("topic", "partition", "offset", "timestamp"):
        name = step.text(f"{origin}.field").rstrip("!?")
        if name:
            fields[name] = origin
    step.note_nulls()
    made: dict[str, Any] = {"type": "insert", **step.of}
    static = step.text("static.field").rstrip("!?")
    if static:
        made["literals"] = {static: step.required("static.value")}
        fields.pop(static, None)
    if fields:
        made["fields"] = fields
    return [{**made, "replace": True}] if fields or static else []


def _flatten(step: SmtStep, _deletes: bool) -> Transforms:
    delimiter = step.text("delimiter") if step.has("delimiter") else "."
    if not re.fullmatch(r"[A-Za-z0-9_]*", delimiter):
        step.note(
            "a column name cannot contain its delimiter, so the service rejected such rows: set "
            'separator = "_", rename the fields, or set column_names = "rewrite"'
        )
    return [{"type": "flatten", **step.of, "separator": delimiter}]


def _extract(step: SmtStep, _deletes: bool) -> Transforms:
    field = step.required("field")
    nested = step.text("field.syntax.version").upper() == "V2"
    if nested and "`" in field:
        raise NotImported("its field name has backticks; write a function")
    if not nested:
        step.note_dots(field)
    step.note_nulls()
    return [{"type": "extract", **step.of, "field": field, "missing": "null"}]


def _timestamp(step: SmtStep, _deletes: bool) -> Transforms:
    field = step.text("field")
    if not field:
        raise NotImported("it converts the whole value instead of a field; write a function")
    target = step.required("target.type").lower()
    if target not in _TARGETS:
        raise step.unsupported("target.type", "is not one of string, unix, Date, Time, Timestamp")
    precision = step.text("unix.precision").lower() or "milliseconds"
    if precision not in _PRECISIONS:
        raise step.unsupported("unix.precision", f"is not one of {', '.join(_PRECISIONS)}")
    made: dict[str, Any] = {"type": "timestamp", **step.of, "fields": [field]}
    made |= {"to": _TARGETS[target], "unit": _PRECISIONS[precision]}
    pattern = step.text("format")
    if pattern:
        codes = strptime_codes(pattern, writes=target == "string")
        if codes is None:
            raise NotImported("Python's strptime has no codes for its format; write a function")
        made["format"] = codes
    elif target == "string":
        raise step.unsupported("format", "is missing, and target.type=string needs it")
    step.note("times are exact or the record is rejected; those of Kafka are cut to milliseconds")
    step.note_dots(field)
    step.note_nulls()
    return [made]


def _mask(step: SmtStep, _deletes: bool) -> Transforms:
    step.required("fields")
    fields = step.list("fields")
    instead = ", and the replacement is not written" if step.text("replacement") else ""
    step.note(
        f"masking is not supported: the fields are left out{instead}. Insert literals if the table "
        "needs the columns"
    )
    step.note_dots(*fields)
    step.note_nulls()
    return [{"type": "exclude", **step.of, "fields": fields}]


def _header_from(step: SmtStep, _deletes: bool) -> Transforms:
    step.required("fields")
    fields = step.list("fields")
    operation = step.required("operation").lower()
    if operation not in ("move", "copy"):
        raise step.unsupported("operation", "is neither move nor copy")
    step.text("headers")
    if operation == "copy":
        step.note("not imported: headers are not written; the fields are kept")
        return []
    step.note("the fields are left out, because it moves them; the headers are not written")
    return [{"type": "exclude", **step.of, "fields": fields}]


_MAKERS: dict[str, Callable[[SmtStep, bool], Transforms]] = {
    f"{_KAFKA}ReplaceField": _replace_field,
    f"{_KAFKA}Cast": _cast,
    f"{_KAFKA}InsertField": _insert,
    f"{_KAFKA}Flatten": _flatten,
    f"{_KAFKA}ExtractField": _extract,
    f"{_KAFKA}TimestampConverter": _timestamp,
    f"{_KAFKA}MaskField": _mask,
    f"{_KAFKA}HeaderFrom": _header_from,
    "io.debezium.transforms.ExtractNewRecordState": extract_new_state,
    "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState": extract_new_state,
}
