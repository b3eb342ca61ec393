"""Large records come a few at a time, in order, and none is lost or told too early."""

from typing import cast

import pytest
from confluent_kafka import KafkaError, Message

from tests.unit.kafka.fake_kafka import FakeMessage, Reader, World, failing, run_with, started

LARGE = 3 << 20


def large(*offsets: int) -> list[Message]:
    """Messages of three megabytes."""
    value = bytes(LARGE)
    return cast(list[Message], [FakeMessage("orders", 0, one, value=value) for one in offsets])


def offsets(reader: Reader) -> list[int]:
    """Those of the next chunk."""
    return [message.offset() for one in reader.partition.next_batch() for message in one.messages]


def test_a_poll_of_large_records_comes_in_parts(world: World) -> None:
    """At least one at a time; the position follows what was given, so nothing held is skipped."""
    reader = Reader(started(run_with()), world, "orders:0", None)
    reader.client.polls = [[*large(5, 6, 7, 8), *failing(KafkaError._PARTITION_EOF, offset=9)]]
    found, positions = [], []
    for _ in range(5):
        part = offsets(reader)
        assert len(part) <= 2
        found += part
        positions.append(reader.partition.snapshot())
    assert found == [5, 6, 7, 8]
    assert positions[-1] == 9
    assert positions == sorted(positions)
    assert all(position <= 9 for position in positions)
    assert positions[0] == found[0] + len(found[: positions[0] - 5])


def test_the_end_is_told_after_what_is_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the end of the partition must not miss the records before it."""
    run = run_with()
    reader = Reader(started(run), world, "orders:0", None)
    told: list[int] = []
    given: list[int] = []
    monkeypatch.setattr(run, "read_to_end", lambda _: told.append(len(given)))
    reader.client.polls = [[*large(0, 1, 2, 3, 4), *failing(KafkaError._PARTITION_EOF, offset=5)]]
    while not told:
        given += offsets(reader)
    assert [*given, *offsets(reader)][-1] == 4
    assert told[0] >= 4


def test_a_loss_forgets_what_is_held(world: World) -> None:
    """What came in the same poll is from before: it must not come after the new position."""
    reader = Reader(started(run_with(lost_offset="earliest")), world, "orders:0", None)
    world.watermarks["orders", 0] = (50, 1000)
    lost = failing(KafkaError._AUTO_OFFSET_RESET)
    reader.client.polls = [[*large(0, 1), *lost, *large(2, 3, 4)], large(50)]
    found = []
    for _ in range(8):
        found += offsets(reader)
    assert found == [0, 1, 50]
    assert reader.partition.snapshot() == 51


def test_small_records_come_together(world: World) -> None:
    """One chunk of one poll, as it came."""
    reader = Reader(started(run_with()), world, "orders:0", None)
    small = [FakeMessage("orders", 0, one, value=b"{}") for one in range(2000)]
    reader.client.polls = [cast(list[Message], small)]
    assert offsets(reader) == [*range(2000)]
