"""Formats in a running flow: by a Schema Registry, which is away at first."""

import json
import threading
import time
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
    """Avro records, every tenth with an unknown schema."""
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


def send_all(case: Case, registry_id: int, count: int, garbage: bytes | None = None) -> None:
    """Good Avro records, and with `garbage` one of it in front in each partition."""
    for partition in range(PARTITIONS if garbage is not None else 0):
        case.producer.send(case.topic, garbage, lambda *_: Rejected(), partition=partition)
    for number in range(count):
        case.producer.send(
            case.topic,
            avro(registry_id, number, None),
            kafka_row(case.topic, {"number": number}),
            partition=number % PARTITIONS,
        )
    case.producer.flush()


def test_a_registry_replica_that_lags_behind(embedded_case: Case) -> None:
    """It does not know the id for some seconds: nothing is rejected."""
    case = embedded_case
    case.store.create_table(case.topic)
    with SchemaRegistry() as registry:
        number = registry.register(json.dumps(SCHEMA))
        first: list[float] = []

        def behind(path: str) -> tuple[int, bytes] | None:
            if not path.endswith(str(number)):
                return None
            first.append(time.monotonic())
            if first[-1] - first[0] > 3:
                return None
            return 404, b'{"error_code": 40403, "message": "Schema not found"}'

        registry.fault = behind
        case.flow.set(
            {
                "format": {"value": "avro", "registry": {"url": registry.url}},
                "errors": {"tolerance": "all", "dead_letters": "log"},
            }
        )
        send_all(case, number, 20)
        process = case.flow.start()
        case.wait_written(20, process)
        counts = process.drain()
    assert (counts["written"], counts["rejected"]) == (20, 0)
    case.verdict(minimum=20)


def test_a_garbage_id_ends_nothing(embedded_case: Case) -> None:
    """An id beyond 2^31, to which registries answer 404 with the code 404: rejected alone."""
    case = embedded_case
    case.store.create_table(case.topic)
    with SchemaRegistry() as registry:
        number = registry.register(json.dumps(SCHEMA))
        registry.fault = lambda path: (
            (404, b'{"error_code": 404, "message": "HTTP 404 Not Found"}')
            if int(path.rpartition("/")[2]) >= 2**31 or path.endswith("/77")
            else None
        )
        given = {"url": registry.url, "unknown_wait": 0.5}
        case.flow.set(
            {
                "format": {"value": "avro", "registry": given},
                "errors": {"tolerance": "all", "dead_letters": "log"},
            }
        )
        send_all(case, number, 20, b"\x00\x80\x00\x00\x01x")
        send_all(case, number, 20, b"\x00\x00\x00\x00\x4dx")
        process = case.flow.start()
        case.wait_committed(process)
        counts = process.drain()
    assert (counts["written"], counts["rejected"]) == (40, 8)
    case.verdict(minimum=40, reported=reported(process.text()))


@pytest.mark.P5
def test_tls_to_a_plain_registry_stops_before_a_record(embedded_case: Case) -> None:
    """The topic is empty; a wrong URL is found all the same, and one of several may be right."""
    case = embedded_case
    case.store.create_table(case.topic)
    with SchemaRegistry() as registry:
        wrong = registry.url.replace("http:", "https:")
        case.flow.set({"format": {"value": "avro", "registry": {"url": wrong}}})
        case.flow.start().refused("does not speak TLS", "remedy: begin format.registry.url with")
        urls = ",".join([wrong, "http://127.0.0.1:9", registry.url])
        case.flow.set({"format": {"value": "avro", "registry": {"url": urls}}})
        send_all(case, registry.register(json.dumps(SCHEMA)), 40)
        process = case.flow.start()
        case.wait_written(40, process)
        process.drain()
    assert "nothing listens" in process.text()
    case.verdict(minimum=40)
