"""Fields that appear, vanish or change their type are noticed while records stream, once each."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import UniformChunk
from connectors.run.drift_notes import DriftNotes
from connectors.run.drift_watch import DriftWatch
from tests.unit.factories import CANARY, message_chunk, new_run, record_chunk, settings

pytestmark = pytest.mark.unit

LISTED = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "id", "type": "integer"}],
    "columns": [{"name": "a", "type": "double"}, {"name": "b", "type": "string"}],
}


class Watched:
    """A watch whose clock stands unless it is moved."""

    def __init__(self, **sections: Any) -> None:
        self.now = 100.0
        self.noticed: Counter[tuple[str, str]] = Counter()

        def count(topic: str, kind: str, *_: str) -> None:
            self.noticed[topic, kind] += 1

        self.watch = DriftWatch(settings(**sections), count, lambda: self.now)

    def see(self, values: Sequence[Any], topic: str = "orders") -> None:
        """Records in chunks of twenty, each when its topic is due."""
        for start in range(0, len(values), 20):
            self.now += 2
            self.watch.look(record_chunk(values[start : start + 20], topic=topic))


def test_listed_columns_are_known_from_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """A new field that is dropped, another type that may be rejected: logged once, no value."""
    watched = Watched(table=LISTED)
    with caplog.at_level(logging.WARNING, "sync.drift"):
        watched.see([{"id": 1, "a": 1, "b": None}, {"id": 2, "a": 0.5, "b": {"x": 1}}])
        assert watched.noticed == {}
        for _ in range(3):
            watched.see([{"id": 3, "a": CANARY, "b": "x", "c": CANARY}])
    assert watched.noticed == {("orders", "new"): 1, ("orders", "type"): 1}
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2
    assert any("field a has another type: string" in text for text in texts)
    assert any("field c (string) is new and not listed" in text for text in texts)
    assert CANARY not in str(texts)


def test_a_field_that_stays_away_is_gone() -> None:
    """Listed or seen before; one that comes now and then is not."""
    watched = Watched(table=LISTED)
    watched.see([{"id": n, "a": 1} for n in range(480)])
    assert watched.noticed == {}
    watched.see([{"id": n, "a": 1} for n in range(60)])
    assert watched.noticed == {("orders", "gone"): 1}
    watched = Watched()
    watched.see([{"a": 1, "b": 1} for _ in range(300)])
    watched.see([{"a": 1, **({"b": 1} if n % 300 == 0 else {})} for n in range(1200)])
    assert watched.noticed == {}
    watched.see([{"a": 1} for _ in range(600)])
    assert watched.noticed == {("orders", "gone"): 1}


def test_where_all_fields_are_written_they_are_learned_first() -> None:
    """From the first 200 records of a topic; each topic has its own."""
    watched = Watched(kafka={"topics": ["orders", "bills"]})
    watched.see([{"a": 1 if n % 2 else "x", f"only{n % 7}": n} for n in range(200)])
    assert watched.noticed == {}
    watched.see([{"a": 1, "b": 1}] * 5)
    watched.see([{"a": 1.5}])
    watched.see([{"b": 1}], topic="bills")
    assert watched.noticed == {("orders", "new"): 1, ("orders", "type"): 1}


def test_only_some_records_are_looked_at() -> None:
    """A topic once a second, twenty records of a chunk: what costs time is bounded."""
    watched = Watched(table=LISTED)
    watched.see([{"id": 1, "a": 1}])
    watched.watch.look(record_chunk([{"x": 1}]))
    assert watched.noticed == {}
    watched.now += 1
    watched.watch.look(record_chunk([*[{"id": 1}] * 20, {"x": 1}]))
    assert watched.noticed == {}
    watched.now += 1
    watched.watch.look(record_chunk([{"x": 1}]))
    assert watched.noticed == {("orders", "new"): 1}


def test_names_without_end_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Fields whose names are data are counted up to a limit, and logged up to another."""
    watched = Watched(table=LISTED)
    with caplog.at_level(logging.WARNING, "sync.drift"):
        watched.see([{f"name {n}\n": n} for n in range(5000)])
    assert 1900 < watched.noticed["orders", "new"] <= 2000
    assert len(caplog.records) == 50
    assert "\n" not in caplog.records[0].getMessage()


def test_structs_of_the_fast_path_stay_structs() -> None:
    """Looking at them makes no records of them, which would end the fast path."""
    mine = settings(table=LISTED)
    decoder = ChunkDecoder(mine)
    values = [b'{"id": 1, "a": 1.5, "new": %d}' % n for n in range(9)]
    chunk = decoder.decode_chunk(message_chunk(values))
    assert isinstance(chunk, UniformChunk)
    watched = Watched(table=LISTED)
    watched.watch.look(chunk)
    assert watched.noticed == {("orders", "new"): 1}
    assert chunk._records is None


def test_what_is_no_object_has_no_fields() -> None:
    """Text, null, lists, deletes."""
    watched = Watched(table=LISTED)
    watched.see(["text", None, [1], 5, {1: 2, None: 3, ("a",): 4}, {"\ud800": 1}])
    watched.noticed.pop(("orders", "new"))
    assert watched.noticed == {}


def test_the_metric_is_of_the_latest_run() -> None:
    """By topic and kind."""
    run = new_run()
    for field in ("a", "b", "a"):  # another worker notices the same
        run.meters.drift.note("orders", "new", field, "is new")
    labels = {"topic": "orders", "kind": "new"}
    assert REGISTRY.get_sample_value("sync_drift_fields_total", labels) == 2
    new_run()
    assert REGISTRY.get_sample_value("sync_drift_fields_total", labels) is None


def test_notes_are_bounded_and_can_be_shown() -> None:
    """Names may be data: all are counted, 200 kept, each printable and short."""
    notes = DriftNotes()
    for number in range(500):
        notes.note("orders", "new", f"\n{number}" + "x" * 500, "is new")
    notes.note("orders", "type", "a", "has another type")
    assert notes.numbers() == {("orders", "new"): 500, ("orders", "type"): 1}
    assert len(notes.all()) == 200
    assert all(one.field.isprintable() and len(one.field) <= 100 for one in notes.all())
    notes = DriftNotes()
    notes.note("orders", "gone", "a", "is in none")
    assert [*notes.all()[0]] == ["orders", "a", "gone", "is in none"]
