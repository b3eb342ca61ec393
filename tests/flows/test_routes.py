"""Several tables of one flow: routed by field, header and function, and the columns that arrive."""

import base64
import json
from typing import Any

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_order_and_faults import reported
from tests.support.ledger import Expected, Rejected, judge
from tests.support.producers import Expect, kafka_row, keyed_row
from tests.support.series import BEGIN, point_key, points

TABLES = {
    "paid": {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]},
    "open": {
        "primary_key_mode": "record_key",
        "primary_key": [{"name": "number", "type": "integer"}],
        "columns": [{"name": "amount", "type": "double"}],
    },
    "readings": {"mode": "timeseries", "timeseries": {"tags": ["id"], "time_field": "at"}},
}


def rejected(_partition: int, _offset: int) -> Expected:
    """What a record becomes that names a table which is not on the list."""
    return Rejected()


def test_routes_by_field(embedded_case: Case) -> None:
    """Each record is in the table that it names, under that table's rules, and in no other."""
    case = embedded_case
    case.flow.set(
        {
            "table": {"auto_create": True},
            "mapping": {"route_field": "meta.kind", "route_tables": list(TABLES)},
            "tables": TABLES,
            "errors": {"tolerance": "all", "dead_letters": "log"},
        }
    )
    for number in range(400):
        kind = ("paid", "open", None, "other", "readings")[number % 5]
        at = BEGIN + number
        value: dict[str, Any] = {"id": f"i{number}", "amount": number, "at": at}
        value["meta"] = {"kind": kind}
        meta = json.dumps({"kind": kind}, separators=(",", ":"))
        columns: Any = {"amount": number, "at": at, "meta": meta}
        expected: Expect = rejected
        if kind == "paid":
            expected = keyed_row("paid", (("id", value["id"]),), columns)
        elif kind == "open":
            expected = keyed_row("open", (("number", number),), {"amount": float(number)})
        elif kind is None:
            expected = kafka_row(case.topic, {"id": value["id"], **columns})
        elif kind == "readings":
            key = point_key(case.topic, "", {"id": value["id"]}, at * 1000)
            expected = keyed_row("readings", key, {"amount": number, "meta": meta})
        case.producer.send(
            case.topic,
            json.dumps(value).encode(),
            expected,
            key=json.dumps({"number": number}).encode(),
            partition=number % PARTITIONS,
        )
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    tables = {**case.store.tables(), "readings": points(case.store, "readings")}
    verdict = judge(
        case.manifest, tables, case.store.effects(), reported=reported(process.text()), minimum=400
    )
    assert verdict.status == "PASS", str(verdict)
    assert (counts["read"], counts["written"], counts["rejected"]) == (400, 320, 80)
    assert set(case.store.client.list_table()) == {case.topic, "paid", "open"}


def choose(record):  # type: ignore[no-untyped-def]
    """A user's function: it sets the table."""
    record.table = record.value["into"]
    return record


def test_a_function_names_the_table(embedded_case: Case) -> None:
    """A table on the list is made at the start and takes the record; another is a rejection."""
    case = embedded_case
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps(
        [{"type": "function", "function": "tests.flows.test_routes:choose"}]
    )
    case.flow.set(
        {
            "table": {"auto_create": True},
            "mapping": {"route_tables": ["chosen"]},
            "errors": {"tolerance": "all", "dead_letters": "log"},
        }
    )
    for number in range(40):
        into = ("chosen", "unknown", None)[number % 3]
        expected: Expect = rejected
        if into != "unknown":
            columns: Any = {"number": number, **({"into": into} if into else {})}
            expected = kafka_row(case.topic, columns, table=into)
        case.producer.send(
            case.topic,
            json.dumps({"number": number, "into": into}).encode(),
            expected,
            partition=number % PARTITIONS,
        )
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=40, reported=reported(process.text()))
    assert "table_unknown" in process.text()


def test_a_routed_table_that_does_not_fit_stops_the_start(embedded_case: Case) -> None:
    """Before a record is read, as for a topic's own table."""
    case = embedded_case
    case.store.create_table("other", (("id", "STRING"), ("seq", "INTEGER")))
    case.flow.set(
        {
            "table": {"auto_create": True},
            "mapping": {"route_header": "table", "route_tables": ["other"]},
        }
    )
    case.orders(10)
    text = case.flow.start().refused("other", "(id string, seq integer)", "remedy")
    assert "read=0" in text


FIELDS = [
    {"field": "price", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal"}
    | {"parameters": {"scale": "2"}},
    {"field": "day", "type": "int32", "name": "org.apache.kafka.connect.data.Date"},
    {"field": "at", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"},
    {
        "field": "who",
        "type": "struct",
        "fields": [
            {"field": "first-name", "type": "string"},
            {"field": "raw", "type": "bytes"},
        ],
    },
]


def test_columns_of_values_that_json_does_not_have(embedded_case: Case) -> None:
    """Decimal, Date, Timestamp, bytes, nested ones and an illegal name, as the rules say."""
    case = embedded_case
    case.flow.set(
        {
            "format": {"value": "connect_json"},
            "table": {
                "auto_create": True,
                "decimals": "integer",
                "decimal_scale": 2,
                "times": "iso8601",
                "nested": "flatten",
                "separator": ".",
                "column_names": "rewrite",
                "key_fields": "fill",
            },
        }
    )
    for number in range(40):
        price = base64.b64encode((number * 101).to_bytes(4, "big", signed=True)).decode()
        raw = base64.b64encode(bytes([number])).decode()
        payload = {"price": price, "day": number, "at": number * 86_400_000 + 5}
        value = {
            "schema": {"type": "struct", "fields": FIELDS},
            "payload": {**payload, "who": {"first-name": "Ada", "raw": raw}},
        }
        day = f"1970-01-{number + 1:02d}" if number < 31 else f"1970-02-{number - 30:02d}"
        columns: Any = {
            "price": number * 101,
            "day": day,
            "at": f"{day}T00:00:00.005Z",
            "who_first_name": "Ada",
            "who_raw": bytes([number]),
            "tenant": "t",
        }
        case.producer.send(
            case.topic,
            json.dumps(value).encode(),
            kafka_row(case.topic, columns),
            key=b'{"tenant":"t","day":"not this"}',
            partition=number % PARTITIONS,
        )
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(40, process)
    process.drain()
    case.verdict(minimum=40)
