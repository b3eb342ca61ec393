"""Records become rows: every record of every test is compared with the table."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.support.ledger import Columns, Key
from tests.support.producers import kafka_row, keyed_row


def text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def test_coordinates_in_kafka_are_the_key(case: Case) -> None:
    """primary_key_mode kafka: a row a record, under topic_partition and offset."""
    case.store.create_table(case.topic)
    process = case.flow.start()
    case.orders(2000)
    case.wait_written(2000, process)
    counts = process.drain()
    assert case.verdict(minimum=2000).duplicates == 0
    assert (counts["read"], counts["written"], counts["rejected"]) == (2000, 2000, 0)


VALUES: dict[str, tuple[Any, Columns]] = {
    "numbers stay numbers": (
        {"i": 7, "d": 7.0, "e": 1.5e-9, "b": False},
        {"i": 7, "d": 7.0, "e": 1.5e-9, "b": False},
    ),
    "64 bits": ({"low": -(2**63), "high": 2**63 - 1}, {"low": -(2**63), "high": 2**63 - 1}),
    "text": (
        {"s": "", "u": "h\u00e9 \U0001f600 \u0000"},
        {"s": "", "u": "h\u00e9 \U0001f600 \u0000"},
    ),
    "nested values as JSON text": (
        {"o": {"a": [1, 2.5, None], "b": {"c": True}}, "l": [], "e": {}},
        {"o": '{"a":[1,2.5,null],"b":{"c":true}}', "l": "[]", "e": "{}"},
    ),
    "nulls are left out": ({"x": None, "y": 1}, {"y": 1}),
    "a row of its key alone": ({"x": None}, {}),
    "names as they are": ({"_a": 1, "A": 2, "a": 3}, {"_a": 1, "A": 2, "a": 3}),
}


def test_values_keep_their_kind(case: Case) -> None:
    """Every kind of JSON value, one record each, ends as the column the mapping promises."""
    case.store.create_table(case.topic)
    for number, (value, columns) in enumerate(VALUES.values()):
        for _ in range(3):  # the third of a shape takes the compiled path
            case.producer.send(
                case.topic,
                text(value),
                kafka_row(case.topic, columns),
                partition=number % PARTITIONS,
            )
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(3 * len(VALUES), process)
    process.drain()
    case.verdict()


def key_settings(mode: str, columns: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    return {"table": {"primary_key_mode": mode, "primary_key": columns}}


def test_key_from_the_record_key(case: Case) -> None:
    """primary_key_mode record_key: the key's fields name the row; its last record stays."""
    keys = [{"name": "customer", "type": "string"}, {"name": "line", "type": "integer"}]
    case.store.create_table(case.topic, (("customer", "STRING"), ("line", "INTEGER")))
    case.flow.set(key_settings("record_key", keys))
    for number in range(600):
        customer, line = f"c{number % 20}", number % 3
        columns: Columns = {"total": number, "customer_name": f"name {number}"}
        key: Key = (("customer", customer), ("line", line))
        case.producer.send(
            case.topic,
            text(columns),
            keyed_row(case.topic, key, columns),
            key=text({"line": line, "customer": customer}),
            partition=number % 20 % PARTITIONS,
        )
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert case.verdict(minimum=600).rows == 60


@pytest.mark.parametrize(
    ("kind", "sdk", "key_of"),
    [
        ("string", "STRING", lambda number: (f"k{number}", f"k{number}")),
        ("integer", "INTEGER", lambda number: (number, number)),
        ("binary", "BINARY", lambda number: ("AP8=", b"\x00\xff")),
    ],
)
def test_a_bare_record_key(
    embedded_case: Case, kind: str, sdk: str, key_of: Callable[[int], tuple[Any, Any]]
) -> None:
    """A key that is one JSON value, not an object, is the one key column, in each of its types."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", sdk),))
    case.flow.set(key_settings("record_key", [{"name": "id", "type": kind}]))
    for number in range(5):
        sent, stored = key_of(number)
        expected = keyed_row(case.topic, (("id", stored),), {"n": number})
        case.producer.send(case.topic, text({"n": number}), expected, key=text(sent))
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=5)


def test_key_from_the_record_value(embedded_case: Case) -> None:
    """primary_key_mode record_value: fields of the value are the key, and no columns besides."""
    case = embedded_case
    keys = [{"name": "order_id", "type": "string"}, {"name": "seq", "type": "integer"}]
    case.store.create_table(case.topic, (("order_id", "STRING"), ("seq", "INTEGER")))
    case.flow.set(key_settings("record_value", keys))
    for number in range(400):
        order, seq = f"order-{number % 50}", number % 2
        value = {"amount": number + 0.5, "order_id": order, "seq": seq}
        key: Key = (("order_id", order), ("seq", seq))
        case.producer.send(
            case.topic,
            text(value),
            keyed_row(case.topic, key, {"amount": number + 0.5}),
            partition=number % 50 % PARTITIONS,
        )
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=400)


def test_only_the_listed_columns(embedded_case: Case) -> None:
    """A whitelist takes its columns in its types, exactly, and nothing else of the record."""
    case = embedded_case
    case.store.create_table(case.topic)
    listed = [
        {"name": "id", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "count", "type": "integer"},
        {"name": "paid", "type": "boolean"},
        {"name": "blob", "type": "binary"},
    ]
    case.flow.set({"table": {"columns": listed}})
    sent: list[tuple[dict[str, Any], Columns]] = [
        (
            {"id": "a", "amount": 1.5, "count": 3, "paid": True, "blob": "AAE=", "more": 1},
            {"id": "a", "amount": 1.5, "count": 3, "paid": True, "blob": b"\x00\x01"},
        ),
        (
            {"id": 17, "amount": 2, "count": "42", "paid": "false", "secret": {"x": 1}},
            {"id": "17", "amount": 2.0, "count": 42, "paid": False},
        ),
        ({"amount": None, "other": 1}, {}),
    ]
    for value, columns in sent * 3:
        case.producer.send(case.topic, text(value), kafka_row(case.topic, columns))
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(9, process)
    process.drain()
    case.verdict()


def test_topics_go_to_their_own_tables(embedded_case: Case) -> None:
    """Two topics, two tables with rules of their own, and a third topic into the first's table."""
    case = embedded_case
    second, third = case.broker.topic("users", 1), case.broker.topic("more", 1)
    case.store.create_table("people", (("user", "STRING"),))
    case.store.create_table(f"t_{case.topic}")
    case.flow.set(
        {
            "kafka": {"topics": [case.topic, second, third]},
            "mapping": {
                "table_name": "t_<topic>",
                "topics": {second: "people", third: f"t_{case.topic}"},
            },
            "tables": {
                "people": {
                    "primary_key_mode": "record_value",
                    "primary_key": [{"name": "user", "type": "string"}],
                    "columns": [{"name": "age", "type": "integer"}],
                }
            },
        }
    )
    for number in range(100):
        value: Columns = {"user": f"u{number}", "age": number}
        table = f"t_{case.topic}"
        case.producer.send(case.topic, text(value), kafka_row(case.topic, value, table))
        case.producer.send(third, text(value), kafka_row(third, value, table))
        key: Key = (("user", f"u{number}"),)
        case.producer.send(second, text(value), keyed_row("people", key, {"age": number}))
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(300, process)
    process.drain()
    verdict = case.verdict(minimum=300)
    assert verdict.rows == 300
