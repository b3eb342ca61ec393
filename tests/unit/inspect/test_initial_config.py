"""A first configuration: the format, key, columns and series that a sample shows, each tried."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.inspect.initial_config import InitialConfig, initial_config
from connectors.inspect.preview import Preview
from connectors.inspect.propose import table_of
from connectors.inspect.toml_text import config_text
from connectors.records import PlainMessage
from connectors.settings import NAME, Settings
from connectors.settings.loading import check_values
from tests.support.corpus import flows
from tests.support.registry import SchemaRegistry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.unit

Pair = tuple[Any, Any]


def messages(pairs: Sequence[Pair], topic: str = "orders") -> list[PlainMessage]:
    """Records of (key, value): objects as JSON, text and bytes as they are."""
    return [
        PlainMessage(topic, 0, offset, timestamp=1, key=data(key), value=data(value))
        for offset, (key, value) in enumerate(pairs)
    ]


def data(value: Any) -> bytes | None:
    """Bytes of a key or value."""
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def made(
    samples: dict[str, list[PlainMessage]], mode: str = "auto", **sections: Any
) -> tuple[InitialConfig, Settings]:
    """The configuration for samples, and the settings that its text has."""
    values = {"kafka": {"topics": [*samples]}, **sections}
    config = initial_config(values, samples, mode=mode)
    read = tomllib.loads(config_text(config))
    assert read == json.loads(json.dumps(config.values))
    return config, check_values(read)


def of(
    pairs: Sequence[Pair], mode: str = "auto", **sections: Any
) -> tuple[InitialConfig, Settings]:
    """As `made`, of one topic, whose records must all become rows, deletes or nothing."""
    sample = messages(pairs)
    config, settings = made({"orders": sample}, mode, **sections)
    preview = Preview(settings)
    assert [one.rejections for one in map(preview.of, sample) if one.rejections] == []
    return config, settings


def evidence(config: InitialConfig, about: str, topic: str = "orders") -> str:
    """What speaks for a guess."""
    (found,) = [guess.evidence for guess in config.guesses[topic] if guess.about == about]
    return found


def order(number: int, **more: Any) -> dict[str, Any]:
    """An order."""
    return {"order_id": f"o{number}", "amount": number + 0.5, "count": number % 3, **more}


def test_a_field_that_is_an_id_is_the_key() -> None:
    """With the number of records in which it is, and that all are different."""
    config, settings = of([(None, order(number)) for number in range(1000)])
    assert settings.table.primary_key_mode == "record_value"
    assert settings.table.key_columns == (("order_id", "string"),)
    shown = "order_id: 1,000 of 1,000 present, all different; 1,000 string"
    assert evidence(config, "primary key") == shown
    assert settings.format.value == "json"
    assert evidence(config, "value format") == "1,000 of 1,000 are JSON objects"
    assert settings.table.columns != "all"
    assert [(one.name, one.type) for one in settings.table.columns] == [
        ("amount", "double"),
        ("count", "integer"),
    ]
    assert "1,000 of 1,000 records become rows" in evidence(config, "tried")


def test_a_record_s_own_key_is_the_key_where_it_says_the_same() -> None:
    """It is named like the field of its content; the format of keys is text."""
    _, settings = of([(f"o{number}", order(number)) for number in range(30)])
    assert settings.format.key == "string"
    assert settings.table.primary_key_mode == "record_key"
    assert settings.table.key_columns == (("order_id", "string"),)


def test_a_key_that_repeats_takes_no_record_along() -> None:
    """An id of the value wins; without one, each record is a row of its own, and why is said."""
    _, settings = of([(f"c{number % 4}", order(number)) for number in range(30)])
    assert settings.table.key_columns == (("order_id", "string"),)
    config, settings = of([(f"c{number % 4}", {"a": number % 5}) for number in range(30)])
    assert settings.table.primary_key_mode == "search"
    assert "30 of 30 present, 4 different" in evidence(config, "primary key")
    assert 'primary_key_mode = "record_key"' in evidence(config, "primary key")


def test_tombstones_make_the_record_s_key_the_key() -> None:
    """They delete its row."""
    pairs: list[Pair] = [(f"c{number % 4}", {"a": number}) for number in range(30)]
    config, settings = of([*pairs, ("c1", None), ("c2", None)])
    assert settings.table.primary_key_mode == "record_key"
    assert settings.table.delete_mode == "row"
    assert "2 records have a key and no value" in evidence(config, "primary key")


def test_types_that_differ_between_records_meet_in_one_column() -> None:
    """Whole numbers and fractions as double, all else as text; nested values as text too."""
    values = [
        {"id": 1, "n": 1, "x": "a", "deep": {"a": [1]}, "none": None, "yes": True},
        {"id": 2, "n": 1.5, "x": 7, "deep": {}, "none": None, "yes": False},
        {"id": 3, "n": 3, "x": None, "late": [1]},
    ]
    config, settings = of([(None, value) for value in values])
    assert settings.table.columns != "all"
    assert {one.name: one.type for one in settings.table.columns} == {
        "n": "double",
        "x": "string",
        "deep": "string",
        "none": "string",
        "yes": "boolean",
        "late": "string",
    }
    assert evidence(config, "column x") == (
        "3 of 3 present, 1 null, all different; 1 string, 1 integer, 1 null"
    )


def test_names_that_no_column_can_have_are_rewritten() -> None:
    """And a topic whose name is no table's gets a table."""
    values = [{"id": number, "user-name": "x", "1st": 2} for number in range(5)]
    sample = {"shop.orders-v2": messages([(None, value) for value in values], "shop.orders-v2")}
    config, settings = made(sample)
    assert settings.table.column_names == "rewrite"
    assert settings.table_of("shop.orders-v2") == "shop_orders_v2"
    assert "5 of 5 records become rows" in evidence(config, "tried", "shop.orders-v2")


@pytest.mark.parametrize("topic", ["a", "1", "a.b-c", "." * 249, "-", "1" * 249])
def test_any_topic_has_a_table_name(topic: str) -> None:
    """Of the characters that the service takes."""
    assert NAME.fullmatch(table_of(topic))


def reading(number: int) -> dict[str, Any]:
    """A measurement."""
    return {
        "device": f"d{number % 3}",
        "room": "kitchen" if number % 2 else "attic",
        "at": 1_767_600_000_000 + number * 1000,
        "Temperature": 20 + number / 8,
        "count": number,
    }


def test_measurements_of_a_few_devices_are_a_time_series() -> None:
    """A time in each, numbers, and text of few values, and nothing that is an id."""
    config, settings = of([(None, reading(number)) for number in range(100)])
    rules = settings.table
    assert rules.mode == "timeseries"
    assert rules.timeseries.time_field == "at"
    assert rules.timeseries.time_unit == "ms"
    assert rules.timeseries.tags == ("device", "room")
    assert "all look like times in ms" in evidence(config, "time")
    assert evidence(config, "tag device").startswith("100 of 100 present, 3 different")
    _, settings = of([(None, reading(number)) for number in range(100)], mode="wide_column")
    assert settings.table.mode == "wide_column"
    _, settings = of([(None, {**order(n), "at": n, "shop": "a"}) for n in range(100)])
    assert settings.table.mode == "wide_column"
    _, settings = of([(None, {"a": number}) for number in range(5)], mode="timeseries")
    assert settings.table.mode == "timeseries"


def test_connect_json_and_debezium_are_recognised() -> None:
    """Envelopes by their two fields, change events by theirs: keys from the record, deletes too."""
    fields = [{"field": "id", "type": "int32"}, {"field": "name", "type": "string"}]
    schema = {"type": "struct", "fields": fields}
    envelopes = [
        (None, {"schema": schema, "payload": {"id": number, "name": "x"}}) for number in range(9)
    ]
    config, settings = of(envelopes)
    assert settings.format.value == "connect_json"
    assert "9 of 9 are JSON objects of schema and payload" in evidence(config, "value format")
    assert settings.table.key_columns == (("id", "integer"),)

    def event(number: int, op: str) -> dict[str, Any]:
        row = {"id": number, "name": "x"}
        source = {"connector": "mysql", "db": "shop", "table": "orders"}
        before = row if op in "ud" else None
        return {"before": before, "after": None if op == "d" else row, "op": op, "source": source}

    pairs: list[Pair] = [({"id": number}, event(number, "c")) for number in range(5)]
    pairs += [({"id": 1}, event(1, "u")), ({"id": 1}, event(1, "d")), ({"id": 1}, None)]
    config, settings = of(pairs)
    assert [one.type for one in settings.transforms] == ["debezium"]
    assert "7 of 7 have before, after and op" in evidence(config, "records")
    assert settings.table.primary_key_mode == "record_key"
    assert settings.table.key_columns == (("id", "integer"),)
    assert settings.table.delete_mode == "row"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"plain text", "string"),
        (b"[1, 2]", "string"),
        (b"\xff\xfe\xfd", "bytes"),
        (b"\xff\xff\xff\xfe", "integer"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xfe", "long"),
    ],
)
def test_plain_values(value: bytes, word: str) -> None:
    """As Kafka's own serializers write them: each record is a row of its own, with one column."""
    config, settings = of([(None, value)] * 7)
    assert settings.format.value == word
    assert settings.table.primary_key_mode == "search"
    assert "7" in evidence(config, "value format")


@pytest.mark.parametrize("name", ["avro", "protobuf", "json_schema"])
def test_framed_records_have_their_registry_s_type(name: str) -> None:
    """Without a registry to ask it is a guess, which is said, with what is to be done."""
    (corpus,) = [flow for flow in flows() if flow.name == name]
    case = next(one for one in corpus.cases if one.valid and one.schema and not one.alone)
    assert case.value is not None
    assert case.schema is not None
    with SchemaRegistry() as registry:
        ids = corpus.register(registry)
        frame = b"\0" + ids[case.schema].to_bytes(4, "big")
        sample = {"orders": messages([(None, frame + case.value)] * 3)}
        formats = {"registry": {"url": registry.url}}
        config, settings = made(sample, format=formats)
    assert settings.format.value == name
    assert "3 of 3 begin with a zero byte and a schema's id" in evidence(config, "value format")
    assert f"the registry says {name}" in evidence(config, "value format")
    assert config.notes == []
    assert "3 of 3 records" in evidence(config, "tried")


def test_framed_records_without_a_registry_end_with_the_remedy() -> None:
    """Their values cannot be decoded, so there is nothing to propose a table from."""
    sample = {"orders": messages([(None, b"\0\0\0\0\1\2abc")] * 3)}
    with pytest.raises(StopRun, match="--registry"):
        made(sample)


def test_topics_have_tables_of_their_own_and_one_format() -> None:
    """Where the formats differ, each needs a configuration of its own."""
    orders = messages([(None, order(number)) for number in range(9)])
    readings = messages([(None, reading(number)) for number in range(50)], "readings")
    _, settings = made({"orders": orders, "readings": readings})
    assert settings.rules_of("orders").key_columns == (("order_id", "string"),)
    assert settings.rules_of("readings").mode == "timeseries"
    texts = messages([(None, "text")] * 3, "texts")
    with pytest.raises(StopRun, match=r"orders json, texts string"):
        made({"orders": orders, "texts": texts})


def test_bad_records_do_not_hide_the_format() -> None:
    """A few of a topic may be broken: they are counted, with their codes."""
    pairs: list[Pair] = [(None, order(number)) for number in range(30)]
    config, settings = made({"orders": messages([*pairs, (None, b"{broken"), (None, b"\xff")])})
    assert settings.format.value == "json"
    tried = evidence(config, "tried")
    assert "30 of 32 records" in tried
    assert "value_json_invalid" in tried


def test_any_name_of_a_field_is_legal_in_the_file() -> None:
    """Quotes, line breaks, DEL and more in names and topics stay one line of comment."""
    name = 'a"\n\x7f\\ é 😀'
    config, _ = of([(None, {"id": number, name: 1}) for number in range(3)])
    text = config_text(config)
    assert tomllib.loads(text)["table"]["columns"] == "all"
