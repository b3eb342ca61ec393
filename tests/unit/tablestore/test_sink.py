"""The sink: one partition a shard; a snapshot waits, a close promises nothing."""

from typing import cast

import pytest

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.steps import dead_letters_of, topics_tables
from connectors.tablestore.client import Client
from connectors.tablestore.requests import Requests
from connectors.tablestore.schema import Schema
from connectors.tablestore.sink import TablestoreSink
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import BUSY, DENIED, KAFKA_SHAPE, FakeClient, changes

SHARDS = ["0", "1", "2"]


def sink(run: Run) -> tuple[TablestoreSink, FakeClient]:
    """A sink on a fake client that has the table orders."""
    made = TablestoreSink(run, SHARDS, topics_tables(run), dead_letters_of(run))
    fake = FakeClient()
    fake.shapes = {"orders": KAFKA_SHAPE}
    made._writer.client = cast(Client, fake)
    made._writer.requests = Requests(made._writer.client, run)
    made._writer.schema = Schema(made._writer.client, run)
    return made, fake


def test_making_a_sink_asks_nobody() -> None:
    """Building the graph, for a picture of it or a test, opens no connection."""
    _, fake = sink(new_run())
    assert (fake.described, fake.requests) == ([], [])


def test_known_tables_are_looked_at_before_anything_is_read() -> None:
    """list_parts, which Bytewax calls at the start, checks the tables of the named topics."""
    made, fake = sink(new_run())
    assert made.list_parts() == SHARDS
    assert fake.described == ["orders"]
    fake.shapes.clear()
    other, fake = sink(new_run())
    fake.shapes.clear()
    with pytest.raises(StopRun, match="orders"):
        other.list_parts()


def test_topics_found_by_a_pattern_are_looked_at_later() -> None:
    """Their tables are not known at the start."""
    made, fake = sink(new_run(kafka={"topics_pattern": ".*"}))
    assert made.list_parts() == SHARDS
    assert fake.described == []


def test_each_shard_has_its_partition() -> None:
    """The key is the shard's number, padded or not."""
    made, _ = sink(new_run())
    assert [made.part_fn(key) for key in ("0", "00", "07", "63")] == [0, 0, 7, 63]


@pytest.mark.P1
def test_a_snapshot_waits_for_every_row() -> None:
    """P1: it returns after all that was handed over is written."""
    made, fake = sink(new_run(tablestore={"retry_initial": 0.001, "retry_max": 0.001}))
    left = [5]

    def reply(found: list[object]) -> list[object] | None:
        left[0] -= 1
        return [BUSY] * len(found) if left[0] > 0 else None

    fake.reply = reply  # type: ignore[assignment]
    partition = made.build_part("write", "0", None)
    partition.write_batch([changes(("a", 1)), changes(("b", 2))])
    partition.snapshot()
    assert fake.rows == {("orders", "a"): "1", ("orders", "b"): "2"}
    partition.close()


@pytest.mark.P1
def test_a_snapshot_of_a_failed_run_raises() -> None:
    """P1: what cannot be written keeps the epoch from closing, so no offset moves."""
    made, fake = sink(new_run())
    fake.reply = lambda found: [DENIED] * len(found)
    partition, other = made.build_part("write", "0", None), made.build_part("write", "1", None)
    partition.write_batch([changes(("a", 1))])
    for _ in range(2):
        with pytest.raises(StopRun):
            partition.snapshot()
    with pytest.raises(StopRun):
        other.snapshot()
    with pytest.raises(StopRun):
        other.write_batch([changes(("b", 1))])
    partition.close()
    other.close()
    other.close()
