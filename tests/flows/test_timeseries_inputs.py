"""Whatever the records are, points come of them: other formats, transforms, several topics."""

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest

from tests.flows.conftest import Case
from tests.flows.test_timeseries import Series, run_to_the_end
from tests.support.ledger import Columns, Put, Rejected, judge
from tests.support.registry import SchemaRegistry
from tests.support.series import BEGIN, point_key, points

SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        },
        {"name": "device", "type": "string"},
        {"name": "count", "type": "long"},
        {"name": "raw", "type": "bytes"},
    ],
}


def send(
    case: Case, topic: str, value: Any, point: Put | Rejected, partition: int = 0, time: int = 0
) -> None:
    """Produce one value, and what must become of it."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    case.producer.send(topic, content, lambda *_: point, partition=partition, timestamp=time)


def use(case: Case, series: Series, **points: Any) -> None:
    """Set the options of the points."""
    table = {"mode": "timeseries", "auto_create": True, "timeseries": points}
    case.flow.set({"tables": {series.topic: table}})


def test_avro_with_its_own_times_and_decimals(embedded_case: Case) -> None:
    """A timestamp is the point's time whatever time_unit says; others are fields, exactly."""
    case = embedded_case
    series = Series(case)
    use(case, series, tags=["device"], time_field="at", time_unit="s")
    tables: Any = case.flow.settings["tables"]
    tables[series.topic] |= {"decimals": "integer", "decimal_scale": 2}
    case.flow.settings["kafka"]["topics"] = [series.topic]
    begin = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
    schema = fastavro.parse_schema(dict(SCHEMA))
    with SchemaRegistry() as registry:
        number = registry.register(json.dumps(SCHEMA))
        case.flow.set({"format": {"value": "avro", "registry": {"url": registry.url}}})
        for each in range(40):
            device = f"d{each % 2}"
            at = begin + timedelta(microseconds=each)
            value = {"at": at, "seen": begin, "price": Decimal("12.34"), "device": device}
            out = BytesIO()
            fastavro.schemaless_writer(out, schema, {**value, "count": each, "raw": b"\0\1"})
            columns: Columns = {"seen": 1_769_846_400_000, "price": 1234, "count": each}
            key = point_key(series.topic, "", {"device": device}, 1_769_846_400_000_000 + each)
            framed = b"\0" + number.to_bytes(4, "big") + out.getvalue()
            send(case, series.topic, framed, Put(series.topic, key, {**columns, "raw": b"\0\1"}))
        case.producer.flush()
        run_to_the_end(series)
    series.verdict(minimum=40)


def test_change_events_and_nested_values(embedded_case: Case) -> None:
    """Transforms before the mapping: an image after is a point; deletes and gaps are rejected."""
    case = embedded_case
    series = Series(case)
    use(case, series, measurement_field="m_kind", tags=["m_dev"], time_field="ts", time_unit="s")
    case.flow.set({"errors": {"tolerance": "all"}})
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps(
        [
            {"type": "debezium", "topics": series.topic},
            {"type": "flatten", "separator": "_", "topics": series.topic},
        ]
    )

    def event(op: str, **row: Any) -> dict[str, Any]:
        image = {"m": {"kind": "k", "dev": "d1"}, "ts": 1.5, "v": 1, **row}
        before, after = (image, None) if op == "d" else (None, image)
        source = {"connector": "postgresql", "db": "d"}
        return {"op": op, "before": before, "after": after, "source": source, "ts_ms": 5}

    missing = "__debezium_unavailable_value"
    key = point_key("k", "", {"m_dev": "d1"}, 1_500_000)
    send(case, series.topic, event("c"), Put(series.topic, key, {"v": 1}))
    for bad in (event("d"), event("u", v=missing), event("u", ts=missing)):
        send(case, series.topic, bad, Rejected())
    case.producer.flush()
    text = run_to_the_end(series)
    series.verdict(minimum=4)
    for code in ("delete_timeseries", "value_unavailable", "time_missing"):
        assert f" {code}:" in text, text


def test_two_topics_in_one_table_by_rules_for_all(embedded_case: Case) -> None:
    """[table] may be of time series, and single tables not; a topic's name need be no table's."""
    case = embedded_case
    topics = [case.broker.topic(name, 2) for name in ("plant.a-b", "plant_c")]
    points_table = case.broker.fresh_name("points")
    case.store.create_table(case.topic)
    options = {"data_source": "plant", "time_field": "t", "time_unit": "iso8601"}
    case.flow.set(
        {
            "kafka": {"topics": [case.topic, *topics]},
            "mapping": {"topics": dict.fromkeys(topics, points_table)},
            "table": {"mode": "timeseries", "auto_create": True, "timeseries": options},
            "tables": {case.topic: {"mode": "wide_column"}},
        }
    )
    case.orders(40)
    for number in range(50):
        for topic in topics:
            value = {"t": f"2026-01-31T08:00:{number:02d}.123456789+08:00", "X": number}
            time = 1_769_817_600_123_456 + number * 1_000_000
            key = point_key(topic, "plant", {}, time)
            send(case, topic, value, Put(points_table, key, {"x": number}), number % 2)
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(140, process)
    process.drain()
    found = {**case.store.tables(), points_table: points(case.store, points_table)}
    verdict = judge(case.manifest, found, minimum=140)
    assert verdict.status == "PASS", str(verdict)


@pytest.mark.P3
def test_the_last_of_ten_wins_across_windows(embedded_case: Case) -> None:
    """P3: of one series and time, whose first requests are answered late or with conflicts."""
    case = embedded_case
    series = Series(case)
    case.flow.set({"window": {"rows": 3, "age": 0.1, "shards": 8}})
    api = "PutTimeseriesData"
    conflict = {"kind": "row_error", "rows": [0], "count": 3, "code": "OTSRowOperationConflict"}
    late = {"kind": "timeout_after_effect", "skip": 4, "count": 1}
    case.store.set_faults({**conflict, "api": api}, {**late, "api": api})
    for number in range(10):
        value: Columns = {"v": number, f"only_{number}": 1}
        key = point_key("k", "", {}, BEGIN * 1000)
        place = {"kind": "k", "at": BEGIN}
        send(case, series.topic, {**place, **value}, Put(series.topic, key, value))
    case.producer.flush()
    run_to_the_end(series)
    series.verdict({"row_error": 3, "timeout_after_effect": 1}, minimum=10)
    assert [*points(case.store, series.topic).values()] == [{"v": 9, "only_9": 1}]
