"""Kafka's sentinels for "no time", wherever a record's own time goes."""

from typing import Any

import pytest

from connectors.dead_letters.headers import block_of
from connectors.errors import Rejection
from connectors.mapping.row_mapper import RowMapper
from connectors.records import DeadLetter, PlainMessage, Record, RecordChunk, original
from connectors.records.timestamps import own_moment
from connectors.settings.replay import ReplaySettings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import dead_in, settings

NO_TIMES = [(0, -1), (0, 5), (1, -1), (2, -1), (1, 0), (1, -86_400_000)]


class Timed(PlainMessage):
    """A message with the timestamp that a client hands out."""

    def __init__(self, found: tuple[int, int]) -> None:
        super().__init__("orders", 0, 3, value=b"{}")
        self._found = found

    def timestamp(self) -> tuple[int, int]:
        """The given timestamp."""
        return self._found


@pytest.mark.parametrize("found", NO_TIMES)
@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"primary_key_mode": "search", "search_timestamp": "kafka"}, "timestamp_missing"),
        ({"version": "record_timestamp"}, "version_missing"),
    ],
)
def test_a_row_that_needs_the_time(
    found: tuple[int, int], table: dict[str, Any], code: str
) -> None:
    """Is rejected with a reason that says so; nothing is written as of 1969."""
    mapper = RowMapper(settings(table=table), RowEncoder())
    out = mapper.map_chunk(RecordChunk("orders", 0, [Record(Timed(found), {"a": 1})], []))
    (dead,) = dead_in([batch for _, batch in out])
    assert (dead.code, "1970" in dead.reason) == (code, True)


@pytest.mark.parametrize("found", NO_TIMES)
def test_what_says_null_or_nothing(found: tuple[int, int]) -> None:
    """An inserted field is null; dead letters have none; a point is rejected."""
    record = Record(Timed(found), {"a": 1})
    step = pipeline(settings(transforms=[{"type": "insert", "fields": {"at": "timestamp"}}]))
    assert step is not None
    assert [made.value for made in step(record)] == [{"a": 1, "at": None}]
    kept = original(record.message)
    assert kept[0] is None
    dead = DeadLetter("orders", 0, 3, "map", "code", "reason", kept)
    values = [value for name, value in block_of(dead, "", kept[0], 0) if "timestamp" in name]
    assert values == [b""]
    with pytest.raises(Rejection) as caught:
        own_moment(record)
    assert (caught.value.code, "1970" in caught.value.reason) == ("time_missing", True)


def test_a_selection_of_a_replay_by_time() -> None:
    """A dead letter of an earlier release may still have a sentinel: it has no time."""
    selected = ReplaySettings(until="2026-01-31T08:00:00Z")
    assert not any(selected.takes("orders", "code", time) for time in (None, -1, 0))
    assert selected.takes("orders", "code", 1_700_000_000_000)
