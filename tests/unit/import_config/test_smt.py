"""transforms.*: Kafka Connect's transforms as [[transforms]], by what they do to a record."""

import json
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.import_config import UnsupportedConnectorConfig, convert
from connectors.records import PlainMessage, Record
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
    """A change event."""
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
        {"type": f"{_KAFKA}MaskField$Value", "fields": "a"},
        {"type": f"{_KAFKA}TimestampConverter$Value", "field": "a"},
        {"type": f"{_KAFKA}HoistField$Value", "field": "a"},
        {"type": f"{_KAFKA}SetSchemaMetadata$Value", "schema.name": "a"},
        {"type": f"{_KAFKA}Cast$Value", "spec": "int64"},
        {"type": f"{_KAFKA}Filter"},
        {"type": "com.example.Own$Value", "x": "1"},
        {"type": _DEBEZIUM, "delete.handling.mode": "rewrite"},
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
