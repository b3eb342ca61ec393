"""Shards of points: by series, the same in each process and run, beside rows of other tables."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.mapping.row_mapper import RowMapper
from connectors.records import PlainMessage, Record, RecordChunk
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.timeseries.protobuf import PointEncoder
from tests.unit.factories import settings

POINTS = {"tables": {"points": {"mode": "timeseries", "timeseries": {"tags": ["host"]}}}}


def configured() -> Settings:
    """Topic orders goes to rows, topic points to points."""
    return settings(kafka={"topics": ["orders", "points"]}, **POINTS)


def shards_of(topic: str, values: list[Any], partition: int = 0) -> dict[str, list[int]]:
    """Offsets by shard."""
    mapper = RowMapper(configured(), RowEncoder(), False, PointEncoder())
    records = [
        Record(PlainMessage(topic, partition, offset, timestamp=1000 + offset), value)
        for offset, value in enumerate(values)
    ]
    found: dict[str, list[int]] = {}
    for shard, (segments, dead) in mapper.map_chunk(RecordChunk(topic, partition, records, [])):
        assert not dead
        for segment in segments:
            assert segment.table == topic
            found.setdefault(shard, []).extend(row.offset for row in segment.rows())
    return found


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.integers(0, 5))
def test_a_series_has_one_shard(hosts: list[str], partition: int) -> None:
    """Whatever their times and partition, points of a series share a shard, in offset order."""
    shards = shards_of("points", [{"host": host, "v": 1} for host in hosts], partition)
    alone = {host: next(iter(shards_of("points", [{"host": host, "v": 1}]))) for host in hosts}
    for shard, offsets in shards.items():
        assert offsets == sorted(offsets)
        assert {alone[hosts[offset]] for offset in offsets} == {shard}


def test_series_are_spread() -> None:
    """Many series use most shards."""
    shards = shards_of("points", [{"host": f"h{n}", "v": 1} for n in range(1000)])
    assert len(shards) > 60


def test_other_topics_go_to_rows_as_before() -> None:
    """A mapper that knows points maps rows like one that does not."""
    values = [{"v": n} for n in range(500)]
    chunk = RecordChunk(
        "orders",
        1,
        [Record(PlainMessage("orders", 1, n), value) for n, value in enumerate(values)],
        [],
    )
    with_points = RowMapper(configured(), RowEncoder(), False, PointEncoder())
    assert with_points.map_chunk(chunk) == RowMapper(settings(), RowEncoder()).map_chunk(chunk)


def test_another_process_agrees() -> None:
    """Python's own hash is another one in each process; a shard is not."""
    program = (
        "from tests.unit.mapping.timeseries.test_shards import shards_of\n"
        "print(shards_of('points', [{'host': f'h{n}', 'v': 1} for n in range(50)]))"
    )
    message = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    mine = shards_of("points", [{"host": f"h{n}", "v": 1} for n in range(50)])
    assert message == {f"{mine}\n"}
