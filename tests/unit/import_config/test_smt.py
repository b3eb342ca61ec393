"""transforms.*: Kafka Connect's transforms as [[transforms]], by what they do to a record."""

import json
from datetime import date, datetime, time, timezone
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.import_config import UnsupportedConnectorConfig, convert
from connectors.import_config.date_patterns import strptime_codes
from connectors.records import PlainMessage, Record
from connectors.settings.transforms import Debezium
from connectors.transforms.pipeline import pipeline
from tests.unit.import_config.factories import PLAIN, imported, wide

_KAFKA = "org.apache.kafka.connect.transforms."
_DEBEZIUM = "io.debezium.transforms.ExtractNewRecordState"


def steps(*given: dict[str, str], **more: str) -> dict[str, str]:
    """The connector's keys of transforms a, b, c..., and other keys."""
    names = "abcdef"[: len(given)]
    keys = {"transforms": ",".join(names)}
    for name, step in zip(names, given, strict=True):
        keys |= {f"transforms.{name}.{key}": value for key, value in step.items()}
    return {**keys, **more}


def transformed(keys: dict[str, str], value: Any, key: Any = None, topic: str = "orders") -> Any:
    """The values (or keys) of what becomes of a record."""
    settings, _ = imported(keys)
    step = pipeline(settings)
    assert step is not None
    message = PlainMessage(topic, 3, 7, timestamp=5)
    return [made.value for made in step(Record(message, value, key))]


def test_the_common_ones() -> None:
    """In the connector's order, each under its old and its new name."""
    keys = steps(
        {"type": f"{_KAFKA}ReplaceField$Value", "blacklist": "x", "renames": "a:b, c:d"},
        {"type": f"{_KAFKA}Cast$Value", "spec": "b:int64,d:string"},
        {"type": f"{_KAFKA}InsertField$Value", "topic.field": "t", "offset.field": "o!",
         "partition.field": "p?", "static.field": "s", "static.value": "v"},
        {"type": f"{_KAFKA}Flatten$Value", "delimiter": "_"},
        {"type": f"{_KAFKA}ReplaceField$Value", "include": "b,d,t,o,p,s,n_m"},
    )  # fmt: skip
    found = {"b": 1, "d": "2", "t": "orders", "o": 7, "p": 3, "s": "v", "n_m": 1}
    assert transformed(keys, {"a": "1", "c": 2, "x": 3, "y": 4, "n": {"m": 1}}) == [found]


def test_extract_and_its_absent_field() -> None:
    """ExtractField gives null where there is no such field."""
    keys = steps({"type": f"{_KAFKA}ExtractField$Value", "field": "after"})
    assert transformed(keys, {"after": {"a": 1}}) == [{"a": 1}]
    assert transformed(keys, {"b": 1}) == [None]


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize(
    ("kind", "more", "value", "topic", "holds"),
    [
        ("RecordIsTombstone", {}, None, "orders", True),
        ("RecordIsTombstone", {}, {}, "orders", False),
        ("TopicNameMatches", {"pattern": "ord.*"}, {}, "orders", True),
        ("TopicNameMatches", {"pattern": "ord"}, {}, "orders", False),
        ("HasHeaderKey", {"name": "h"}, {}, "orders", False),
    ],
)
def test_predicates(
    negate: bool, kind: str, more: dict[str, str], value: Any, topic: str, holds: bool
) -> None:
    """Filter drops what its predicate holds for; negate turns it round."""
    predicate = {
        "predicates": "p",
        "predicates.p.type": f"{_KAFKA}predicates.{kind}",
        **{f"predicates.p.{key}": word for key, word in more.items()},
    }
    step = {"type": f"{_KAFKA}Filter", "predicate": "p", "negate": str(negate).lower()}
    kept = transformed({**steps(step), **predicate}, value, topic=topic)
    assert kept == ([] if holds != negate else [value])


def test_a_predicate_of_another_transform() -> None:
    """It works only on the records of which the predicate holds."""
    keys = {
        **steps({"type": f"{_KAFKA}ReplaceField$Value", "exclude": "a", "predicate": "p"}),
        "predicates": "p",
        "predicates.p.type": f"{_KAFKA}predicates.TopicNameMatches",
        "predicates.p.pattern": "others",
    }
    assert transformed(keys, {"a": 1}) == [{"a": 1}]
    assert transformed(keys, {"a": 1}, topic="others") == [{}]


def envelope(op: str) -> dict[str, Any]:
    """A Debezium change event of the operation `op`."""
    row = {"id": "1", "n": 2}
    return {
        "op": op,
        "before": row if op == "d" else None,
        "after": None if op == "d" else row,
        "source": {"table": "t", "lsn": 9},
    }


@pytest.mark.parametrize("deletes", [False, True])
def test_debezium(deletes: bool) -> None:
    """The row after the change, with added fields; deletes as delete.mode says."""
    step = {"type": _DEBEZIUM, "add.fields": "op,table,source.lsn:pos"}
    keys = {**steps(step), **wide("record_key")}
    if deletes:
        keys["delete.mode"] = "row"
    added = {"__op": "c", "__table": "t", "__pos": 9}
    assert transformed(keys, envelope("c"), {"id": "1"}) == [{"id": "1", "n": 2, **added}]
    assert len(transformed(keys, envelope("d"), {"id": "1"})) == deletes
    assert transformed(keys, None, {"id": "1"}) == []


@pytest.mark.parametrize(
    "step",
    [
        {"type": f"{_KAFKA}RegexRouter", "regex": "a", "replacement": "b"},
        {"type": f"{_KAFKA}ValueToKey", "fields": "a"},
        {"type": f"{_KAFKA}TimestampConverter$Value", "target.type": "unix"},
        {
            "type": f"{_KAFKA}TimestampConverter$Value",
            "field": "a",
            "target.type": "Date",
            "format": "GGGG",
        },
        {"type": f"{_KAFKA}ExtractField$Value", "field": "`a.b`", "field.syntax.version": "V2"},
        {"type": f"{_KAFKA}HeaderFrom$Value", "fields": "a", "headers": "h", "operation": "copy"},
        {"type": f"{_KAFKA}HoistField$Value", "field": "a"},
        {"type": f"{_KAFKA}SetSchemaMetadata$Value", "schema.name": "a"},
        {"type": f"{_KAFKA}Cast$Value", "spec": "int64"},
        {"type": f"{_KAFKA}Filter"},
        {"type": "com.example.Own$Value", "x": "1"},
        {"type": "io.debezium.transforms.Filter", "condition": "value.op == 'c'"},
    ],
    ids=lambda step: json.dumps(step)[:60],
)
def test_what_is_not_moved_is_noted(step: dict[str, str]) -> None:
    """Under its type, with what to do; the others stay."""
    other = {"type": f"{_KAFKA}ReplaceField$Value", "exclude": "z"}
    settings, notes = imported(steps(step, other))
    assert [item.type for item in settings.transforms] == ["exclude"]
    assert "not " in notes["transforms.a.type"]
    assert "function" in notes["transforms.a.type"] or ":" in notes["transforms.a.type"]


def test_wrong_ones_are_not_supported() -> None:
    """With the key."""
    cast = {"type": f"{_KAFKA}Cast$Value", "spec": "a:int65"}
    rename = {"type": f"{_KAFKA}ReplaceField$Value", "renames": "a"}
    nobody = {"type": f"{_KAFKA}Filter", "predicate": "nobody"}
    for step, word in ((cast, "spec"), (rename, "renames"), (nobody, "predicate")):
        with pytest.raises(UnsupportedConnectorConfig, match=rf"transforms\.a\.{word}"):
            convert({**PLAIN, **steps(step)})


def test_an_inexact_cast_is_a_rejection() -> None:
    """Kafka's would cut; it is noted."""
    keys = steps({"type": f"{_KAFKA}Cast$Value", "spec": "a:int32"})
    with pytest.raises(Rejection):
        transformed(keys, {"a": 1.5})
    assert "exact" in imported(keys)[1]["transforms.a.type"]


@pytest.mark.parametrize(
    ("field", "more", "value", "becomes"),
    [
        ("a", {"target.type": "unix"}, "1970-01-01T00:00:05Z", 5000),
        ("a", {"target.type": "unix", "unix.precision": "seconds", "format": "yyyy-MM-dd HH:mm"},
         "1970-01-01 00:01", 60),
        ("a", {"target.type": "string", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}, 5,
         "1970-01-01T00:00:00.005Z"),
        ("a", {"target.type": "string", "format": "dd MMM yy ''100%'' Z"}, 5,
         "01 Jan 70 '100%' +0000"),
        ("a", {"target.type": "Timestamp", "format": "d.M.yyyy H:m"}, "3.4.2024 5:06",
         datetime(2024, 4, 3, 5, 6, tzinfo=timezone.utc)),
        ("a", {"target.type": "Date", "unix.precision": "microseconds"}, 86_400_000_000,
         date(1970, 1, 2)),
        ("a", {"target.type": "Time"}, 60_000, time(0, 1)),
    ],
)  # fmt: skip
def test_timestamps(field: str, more: dict[str, str], value: Any, becomes: Any) -> None:
    """TimestampConverter both ways, by Java's patterns."""
    keys = steps({"type": f"{_KAFKA}TimestampConverter$Value", "field": field, **more})
    assert transformed(keys, {"a": value, "b": 1}) == [{"a": becomes, "b": 1}]


@pytest.mark.parametrize(
    ("pattern", "reads", "writes"),
    [
        ("yyyy-MM-dd", "%Y-%m-%d", "%Y-%m-%d"),
        ("yyyy-M-d", "%Y-%m-%d", None),
        ("hh:mm a, EEE DDD", "%I:%M %p, %a %j", "%I:%M %p, %a %j"),
        ("HH'h'''mm", "%Hh'%M", "%Hh'%M"),
        ("SSSSSS", None, None), ("yyyyy", None, None), ("G", None, None), ("'T", None, None),
        ("XXX", "%z", "%z"), ("Z", "%z", "+0000"),
    ],
)  # fmt: skip
def test_patterns(pattern: str, reads: str | None, writes: str | None) -> None:
    """What Python's codes cannot say is not guessed."""
    assert strptime_codes(pattern, writes=False) == reads
    assert strptime_codes(pattern, writes=True) == writes


def test_masked_and_moved_fields_are_left_out() -> None:
    """Never written as they are; that there is no mask is noted."""
    keys = steps(
        {"type": f"{_KAFKA}MaskField$Value", "fields": "a", "replacement": "x"},
        {"type": f"{_KAFKA}HeaderFrom$Value", "fields": "b", "headers": "h", "operation": "move"},
    )
    assert transformed(keys, {"a": 1, "b": 2, "c": 3}) == [{"c": 3}]
    assert "left out" in imported(keys)[1]["transforms.a.type"]


_REWRITE = {"delete.handling.mode": "rewrite"}


@pytest.mark.parametrize("delete_mode", ["none", "row"])
@pytest.mark.parametrize(
    ("more", "deletes", "tombstones"),
    [
        (_REWRITE, "mark", "drop"),
        ({**_REWRITE, "drop.tombstones": "false"}, "mark", "pass"),
        ({"delete.handling.mode": "none"}, "delete", "drop"),
        ({"delete.handling.mode": "drop"}, "drop", "drop"),
        ({"drop.tombstones": "false"}, "drop", "pass"),
        ({"delete.tombstone.handling.mode": "drop"}, "drop", "drop"),
        ({"delete.tombstone.handling.mode": "tombstone"}, "drop", "pass"),
        ({"delete.tombstone.handling.mode": "rewrite"}, "mark", "drop"),
        ({"delete.tombstone.handling.mode": "rewrite-with-tombstone"}, "mark", "pass"),
        ({"delete.tombstone.handling.mode": "delete-to-tombstone"}, "delete", "drop"),
    ],
    ids=lambda item: str(item)[-40:],
)
def test_debeziums_handling_of_deletes(
    more: dict[str, str], deletes: str, tombstones: str, delete_mode: str
) -> None:
    """As each mode says, so that no soft delete becomes a hard one; what changes is noted."""
    keys = {**steps({"type": _DEBEZIUM, **more}), **wide("record_key"), "delete.mode": delete_mode}
    found, notes = imported(keys)
    (step,) = found.transforms
    assert isinstance(step, Debezium)
    if delete_mode == "none":
        deletes, tombstones = ("drop" if deletes == "delete" else deletes), "drop"
    assert (step.deletes, step.tombstones) == (deletes, tombstones)
    changes = delete_mode == "row" or "none" in more.values() or "pass" in (deletes, tombstones)
    assert ("transforms.a.type" in notes) or not changes


@pytest.mark.parametrize("delete_mode", ["none", "row"])
def test_a_soft_delete_stays_one(delete_mode: str) -> None:
    """The sample: delete.handling.mode=rewrite keeps the row, and its field __deleted."""
    keys = {**steps({"type": _DEBEZIUM, **_REWRITE}), **wide("record_key")}
    keys |= {"delete.mode": delete_mode, "insert.mode": "update"}
    settings, notes = imported(keys)
    step = pipeline(settings)
    assert step is not None
    event = {"op": "d", "before": {"id": "1", "n": 2}, "after": None, "source": {}}
    (marked,) = step(Record(PlainMessage("orders"), event, {"id": "1"}))
    assert (marked.change, marked.value) == ("upsert", {"id": "1", "__deleted": "true"})
    (kept,) = step(Record(PlainMessage("orders"), envelope("c"), {"id": "1"}))
    assert kept.value == {"id": "1", "n": 2, "__deleted": "false"}
    assert "before_images" not in notes.get("transforms.a.type", "")
    assert "before_images" in imported({**keys, "insert.mode": "put"})[1]["transforms.a.type"]


# Every option of every transform that is moved, with a value, beside what the transform needs.
_OPTIONS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    f"{_KAFKA}ReplaceField$Value": ({"exclude": "z"}, {
        "include": "a", "exclude": "b", "whitelist": "a", "renames": "a:c",
        "replace.null.with.default": "true"}),
    f"{_KAFKA}ReplaceField$Key": ({"include": "z"}, {"blacklist": "b"}),
    f"{_KAFKA}Cast$Value": ({"spec": "a:string"}, {
        "spec": "a:int8", "replace.null.with.default": "true"}),
    f"{_KAFKA}InsertField$Value": ({"topic.field": "t"}, {
        "topic.field": "u", "partition.field": "p", "offset.field": "o!", "timestamp.field": "ts?",
        "static.field": "s", "static.value": "v", "replace.null.with.default": "true"}),
    f"{_KAFKA}Flatten$Value": ({}, {"delimiter": "_"}),
    f"{_KAFKA}ExtractField$Value": ({"field": "a"}, {
        "field": "b", "replace.null.with.default": "true"}),
    f"{_KAFKA}TimestampConverter$Value": ({"field": "a", "target.type": "Date"}, {
        "field": "b", "target.type": "Time", "format": "yyyy", "unix.precision": "seconds",
        "replace.null.with.default": "true"}),
    f"{_KAFKA}MaskField$Value": ({"fields": "a"}, {
        "fields": "b", "replacement": "x", "replace.null.with.default": "true"}),
    f"{_KAFKA}HeaderFrom$Value": ({"fields": "a", "headers": "h", "operation": "move"}, {
        "fields": "b", "operation": "copy", "replace.null.with.default": "true"}),
    f"{_KAFKA}SetSchemaMetadata$Value": ({}, {"schema.name": "n", "schema.version": "1"}),
    _DEBEZIUM: ({}, {
        "drop.tombstones": "false", "delete.handling.mode": "rewrite",
        "delete.tombstone.handling.mode": "rewrite", "route.by.field": "a",
        "add.fields": "op", "add.headers": "op", "add.headers.prefix": "x",
        "drop.fields.header.name": "h", "drop.fields.from.key": "true",
        "drop.fields.keep.schema.compatible": "false", "replace.null.with.default": "true",
        "array.encoding": "document", "flatten.struct": "true", "operation.header": "true",
        "add.source.fields": "lsn"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("smt", "option"),
    [(smt, option) for smt, (_, options) in _OPTIONS.items() for option in [*options, "own"]],
)
@pytest.mark.parametrize("delete_mode", ["none", "row"])
def test_every_option_is_honoured_refused_or_noted(smt: str, option: str, delete_mode: str) -> None:
    """None is passed over without a word; nor is one that the transform does not have."""
    needs, options = _OPTIONS[smt]
    more = {**wide("record_key"), "delete.mode": delete_mode}
    plain, noted = imported({**steps({"type": smt, **needs}), **more})
    step = {"type": smt, **needs, option: options.get(option, "x")}
    if option == "static.field":
        step["static.value"] = "v"
    if (smt, option) == (_DEBEZIUM, "array.encoding"):
        with pytest.raises(UnsupportedConnectorConfig, match=rf"transforms\.a\.{option}"):
            imported({**steps(step), **more})
        return
    made, notes = imported({**steps(step), **more})
    new = {key for key in notes if notes[key] != noted.get(key)}
    reported = new & {f"transforms.a.{option}", "transforms.a.type"}
    has_no_effect = smt.endswith("SetSchemaMetadata$Value")
    assert made.transforms != plain.transforms or reported or has_no_effect
