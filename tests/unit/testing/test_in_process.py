"""Flows on lists of messages: what users' tests of their flows stand on."""

from typing import Any

import pytest
from bytewax.dataflow import Dataflow

from connectors import Record, Rejection, StopRun, start, steps
from connectors.testing import Clock, FlowDriver, message, record, run_flow
from flows.sync import get_flow

CONFIG: dict[str, Any] = {
    "kafka": {"topics": ["orders"]},
    "table": {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]},
    "errors": {"tolerance": "all"},
    "window": {"age": 0.5, "rows": 3, "shards": 2},
}


@pytest.fixture(autouse=True)
def no_access_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of a flow needs none."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", raising=False)


def test_rows_rejections_and_counts() -> None:
    """Every message is accounted for, and the rows are in the order of the messages."""
    messages = [message({"id": str(n), "n": n / 2}) for n in range(20)]
    result = run_flow(get_flow, [*messages, message(b"{"), message({"n": 1})], CONFIG)
    assert [row.key["id"] for row in result.rows] == [str(n) for n in range(20)]
    assert result.rows[3].columns == {"n": 1.5}
    assert (result.rows[3].table, result.rows[3].operation) == ("orders", "put")
    assert [(one.offset, one.stage) for one in result.rejected] == [(20, "decode"), (21, "map")]
    assert (result.counts["read"], result.counts["written"]) == (22, 20)
    assert result.counts["unbalanced"] == 0


def test_batches_close_on_rows_and_on_age() -> None:
    """The batcher is the real one; only its clock is the test's."""
    config = {**CONFIG, "window": {"age": 0.5, "rows": 3, "shards": 1}}
    with FlowDriver(get_flow, config) as flow:
        flow.send(*[message({"id": str(n), "n": n}) for n in range(4)])
        assert [len(batch) for batch in flow.batches] == [3]
        flow.advance(0.4)
        assert len(flow.batches) == 1
        flow.advance(0.1)
        assert [len(batch) for batch in flow.batches] == [3, 1]


def test_what_waits_is_written_at_the_end() -> None:
    """As by a drain."""
    with FlowDriver(get_flow, CONFIG) as flow:
        flow.send(message({"id": "1", "n": 1}))
        assert flow.rows == []
        assert len(flow.end().rows) == 1


def test_tolerance_none_stops_as_a_run_does() -> None:
    """With the reason, and no value of the record."""
    config = {**CONFIG, "errors": {"tolerance": "none"}}
    with pytest.raises(StopRun, match="value_json_invalid") as stop:
        run_flow(get_flow, [message(b"{ secret")], config)
    assert "secret" not in str(stop.value)


def late_flow(config: Any = None) -> Dataflow:
    """A page whose step goes by the time of its run, and rejects what is late."""
    run = start("late", config, steps.STEPS_WITH_STATE)

    def check(one: Record) -> Record:
        if one.timestamp is not None and run.now().timestamp() * 1000 - one.timestamp > 60_000:
            raise Rejection("late", "the record is older than a minute")
        return one

    flow = Dataflow("late")
    records = steps.decode("decode", steps.read(flow, run), run)
    records = steps.map_records("check", records, run, check)
    steps.write(steps.batch(steps.map_rows("map_rows", records, run), run), run)
    return flow


def test_the_clock_is_that_of_the_flow() -> None:
    """A step sees the test's time, and messages without a time get it."""
    clock = Clock()
    with FlowDriver(late_flow, CONFIG, clock=clock) as flow:
        sent = clock.milliseconds()
        flow.send(message({"id": "1", "n": 1}))
        flow.advance(61)
        flow.send(message({"id": "2", "n": 1}), message({"id": "3", "n": 1}, timestamp=sent))
        result = flow.end()
    assert [row.key["id"] for row in result.rows] == ["1", "2"]
    assert [(one.code, one.offset) for one in result.rejected] == [("late", 2)]


def test_coordinates_of_messages() -> None:
    """Offsets go on in each partition from the last one that was given."""
    config = {
        "kafka": {"topics": ["orders"]},
        "table": {"primary_key_mode": "kafka"},
    }
    messages = [
        message({"n": 0}, partition=1, offset=7),
        message({"n": 1}, partition=1),
        message({"n": 2}),
    ]
    rows = run_flow(get_flow, messages, config).rows
    assert [(row.key["topic_partition"], row.key["offset"]) for row in rows] == [
        ("orders_0", 0),
        ("orders_1", 7),
        ("orders_1", 8),
    ]


def test_messages_and_records() -> None:
    """Objects become JSON, texts UTF-8; bytes and None stay."""
    made = message({"a": 1}, "k", headers={"h": b"1"})
    assert (made.value(), made.key(), made.headers()) == (b'{"a": 1}', b"k", [("h", b"1")])
    assert (message(b"x").value(), message(None).value()) == (b"x", None)
    one = record({"a": 1}, topic="t", partition=2, offset=3, timestamp=4, headers={"h": None})
    assert (one.topic, one.partition, one.offset, one.timestamp) == ("t", 2, 3, 4)
    assert (one.value, one.headers) == ({"a": 1}, [("h", None)])


def test_a_page_that_begins_no_run_is_an_error() -> None:
    """Its clock and counts are unknown."""
    with pytest.raises(ValueError, match="0 times"):
        FlowDriver(lambda _: Dataflow("empty"), CONFIG)
