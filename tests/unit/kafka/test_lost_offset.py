"""Offsets that are not there any more, and topics that were recreated."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import StopRun
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import (
    FakeBrokers,
    Reader,
    end,
    failing,
    messages,
    run_with,
)

LOST = [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE]


@pytest.mark.parametrize("code", LOST)
def test_a_lost_offset_stops(brokers: FakeBrokers, code: int) -> None:
    """By default the user decides: the text has the offset, the log's range and both choices."""
    brokers.watermarks["orders", 1] = (300, 450)
    reader = Reader(brokers.started(run_with()), brokers, "orders:1", 120)
    reader.client.polls = [failing(code)]
    with pytest.raises(StopRun) as caught:
        reader.partition.next_batch()
    for word in (
        "topic orders partition 1",
        "offset 120",
        "300 to 450",
        "may be lost",
        'kafka.lost_offset = "earliest" (at 300',
        '"latest" (at 450',
    ):
        assert word in str(caught.value)
    assert reader.partition.snapshot() == 120, "the state stays"


@pytest.mark.parametrize("code", LOST)
@pytest.mark.parametrize(("choice", "offset"), [("earliest", 300), ("latest", 450)])
def test_a_lost_offset_goes_on_where_it_was_chosen(
    brokers: FakeBrokers, code: int, choice: str, offset: int, caplog: pytest.LogCaptureFixture
) -> None:
    """kafka.lost_offset says where; it is logged, and the state is there at once."""
    brokers.watermarks["orders", 1] = (300, 450)
    reader = Reader(brokers.started(run_with(lost_offset=choice)), brokers, "orders:1", 120)
    reader.client.polls = [failing(code), messages(offset, partition=1)]
    assert reader.partition.next_batch() == []
    assert reader.client.assigned[-1] == ("orders", 1, offset)
    assert reader.partition.snapshot() == offset
    assert f"going on at {offset}" in caplog.text
    assert len(reader.partition.next_batch()) == 1
    assert reader.partition.snapshot() == offset + 1


def test_after_a_loss_the_state_is_where_reading_goes_on(brokers: FakeBrokers) -> None:
    """Also when good messages came with the error, and the new offset is a lower one.

    Otherwise a crash after the next snapshots would go on after records that were not read.
    """
    brokers.watermarks["orders", 0] = (0, 50)
    reader = Reader(brokers.started(run_with(lost_offset="earliest")), brokers, "orders:0", 498)
    reader.client.polls = [
        [*messages(498, 499), *failing(KafkaError._AUTO_OFFSET_RESET)],
        messages(*range(20)),
    ]
    ((_, _, found, _),) = reader.partition.next_batch()
    assert [message.offset() for message in found] == [498, 499]
    assert reader.partition.snapshot() == 0
    reader.partition.next_batch()
    assert reader.partition.snapshot() == 20


def test_a_lost_offset_without_watermarks_stops(brokers: FakeBrokers) -> None:
    """When the brokers do not say what there is, nothing can be chosen."""
    reader = Reader(brokers.started(run_with(lost_offset="earliest")), brokers, "orders:0", 120)
    reader.client.polls = [failing(KafkaError._AUTO_OFFSET_RESET)]
    brokers.watermark_error = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    with pytest.raises(StopRun, match="topic orders partition 0"):
        reader.partition.next_batch()


@pytest.mark.parametrize(("choice", "offset"), [("earliest", 3), ("latest", 90)])
def test_a_topic_recreated_begins_where_it_was_chosen(
    brokers: FakeBrokers, tmp_path: Path, choice: str, offset: int
) -> None:
    """Its old offsets mean nothing: with kafka.lost_offset it begins there, though it has state."""
    clock = FakeClock()
    run = run_with(tmp_path)
    Reader(brokers.started(run), brokers, "orders:0", None)
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-1")
    end(run)
    brokers.ids["orders"] = "id-2"
    brokers.watermarks["orders", 0] = (3, 90)
    run = run_with(tmp_path, clock=clock, lost_offset=choice)
    reader = Reader(brokers.started(run), brokers, "orders:0", 50)
    assert reader.client.assigned == [("orders", 0, offset)]
    assert reader.partition.snapshot() == offset
    reader.client.polls = [messages(offset)]
    for _ in range(6):
        clock.now += 1.0
        reader.partition.next_batch()
        assert reader.partition.snapshot() == offset + 1
    end(run)
    run = run_with(tmp_path, lost_offset=choice)
    reader = Reader(brokers.started(run), brokers, "orders:0", offset + 1)
    assert reader.client.assigned == [("orders", 0, offset + 1)], "the next run goes on"


def test_a_topic_recreated_survives_a_crash(brokers: FakeBrokers, tmp_path: Path) -> None:
    """The process dies before its first snapshot: the next one does not go on at the old offset."""
    run = run_with(tmp_path)
    Reader(brokers.started(run), brokers, "orders:0", None)
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-1")
    end(run)
    brokers.ids["orders"] = "id-2"
    brokers.watermarks["orders", 0] = (0, 900)
    for _ in range(2):
        run = run_with(tmp_path, lost_offset="earliest")
        reader = Reader(brokers.started(run), brokers, "orders:0", 50)
        assert reader.client.assigned == [("orders", 0, 0)]
        end(run)


def test_a_topic_recreated_is_seen_by_every_process(brokers: FakeBrokers, tmp_path: Path) -> None:
    """In a cluster each process lists the partitions and reads some: all begin at the new start."""
    run = run_with(tmp_path)
    Reader(brokers.started(run), brokers, "orders:0", None)
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-1")
    end(run)
    brokers.ids["orders"] = "id-2"
    brokers.watermarks["orders", 1] = (0, 900)
    first = run_with(tmp_path, process=0, lost_offset="earliest")
    second = run_with(tmp_path, process=1, lost_offset="earliest")
    brokers.started(first)
    reader = Reader(brokers.started(second), brokers, "orders:1", 50)
    assert reader.client.assigned == [("orders", 1, 0)]


def test_an_error_about_another_offset_is_no_loss(brokers: FakeBrokers) -> None:
    """Librdkafka may have jumped into broken bytes before it was told to read elsewhere."""
    brokers.watermarks["orders", 0] = (0, 50)
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 14)
    lost = failing(KafkaError._AUTO_OFFSET_RESET, offset=8536140394893047415)
    reader.client.polls = [lost, messages(14)]
    assert reader.partition.next_batch() == []
    assert reader.client.assigned[-1] == ("orders", 0, 14)
    reader.partition.next_batch()
    assert reader.partition.snapshot() == 15
    reader.client.polls = [failing(KafkaError._AUTO_OFFSET_RESET, offset=15)]
    with pytest.raises(StopRun, match="offset 15"):
        reader.partition.next_batch()
