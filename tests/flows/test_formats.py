"""Formats in a running flow: by a Schema Registry, which is away at first."""

import json
import threading
from io import BytesIO

import fastavro
import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_order_and_faults import reported
from tests.support.ledger import Columns, Rejected
from tests.support.producers import kafka_row
from tests.support.registry import SchemaRegistry

SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "number", "type": "long"}, {"name": "note", "type": ["null", "string"]}],
}


def avro(registry_id: int, number: int, note: str | None) -> bytes:
    """A record as Confluent's serializer writes it."""
    out = BytesIO()
    value = {"number": number, "note": note}
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(SCHEMA)), value)
    return b"\0" + registry_id.to_bytes(4, "big") + out.getvalue()


def send(case: Case, registry_id: int, count: int) -> None:
    """Avro records, every tenth of a schema that nobody knows."""
    for number in range(count):
        note = f"note {number}" if number % 2 else None
        columns: Columns = {"number": number} if note is None else {"number": number, "note": note}
        bad = number % 10 == 9
        case.producer.send(
            case.topic,
            avro(1 if bad else registry_id, number, note),
            (lambda *_: Rejected()) if bad else kafka_row(case.topic, columns),
            partition=number % PARTITIONS,
        )
    case.producer.flush()


def test_avro_by_a_registry_that_is_away_at_first(embedded_case: Case) -> None:
    """Nothing is rejected for the registry's trouble; what is bad is, alone."""
    case = embedded_case
    case.store.create_table(case.topic)
    with SchemaRegistry() as registry:
        number = registry.register(json.dumps(SCHEMA))
        tried = threading.Event()

        def away(_: str) -> tuple[int, bytes]:
            if len(registry.requests) >= 4:
                tried.set()
            return 503, b""

        registry.fault = away
        case.flow.set(
            {
                "format": {"value": "avro", "registry": {"url": registry.url}},
                "errors": {"tolerance": "all", "dead_letters": "log"},
            }
        )
        send(case, number, 200)
        process = case.flow.start()
        assert tried.wait(30), process.text()
        assert case.store.written() == 0
        registry.fault = lambda _: None
        case.wait_committed(process)
        counts = process.drain()
    case.verdict(minimum=200, reported=reported(process.text()))
    assert (counts["read"], counts["written"], counts["rejected"]) == (200, 180, 20)


@pytest.mark.P5
def test_a_registry_that_refuses_us_stops_the_run(embedded_case: Case) -> None:
    """P5: with the remedy; the offsets stay before what was read, and the next run has it all."""
    case = embedded_case
    case.store.create_table(case.topic)
    with SchemaRegistry() as registry:
        number = registry.register(json.dumps(SCHEMA))
        registry.fault = lambda _: (401, b"")
        case.flow.set({"format": {"value": "avro", "registry": {"url": registry.url}}})
        for each in range(40):
            case.producer.send(
                case.topic,
                avro(number, each, None),
                kafka_row(case.topic, {"number": each}),
                partition=each % PARTITIONS,
            )
        case.producer.flush()
        case.flow.start().refused("schema registry: HTTP 401", "format.registry.username")
        registry.fault = lambda _: None
        process = case.flow.start()
        case.wait_written(40, process)
        process.drain()
    case.verdict(minimum=40)
