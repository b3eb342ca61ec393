"""Where a partition starts that has no state in the recovery store."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import StopRun
from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, end, run_with


@pytest.mark.parametrize(
    ("start", "offset"),
    [("earliest", 20), ("latest", 900), ("1970-01-01T00:00:00.345Z", 345)],
)
def test_a_first_run_starts_at_kafka_start(brokers: FakeBrokers, start: str, offset: int) -> None:
    """kafka.start resolves to the watermarks, or to the offset of a time."""
    brokers.watermarks["orders", 1] = (20, 900)
    reader = Reader(brokers.started(run_with(start=start)), brokers, "orders:1", None)
    assert reader.client.assigned == [("orders", 1, offset)]
    assert reader.partition.snapshot() == offset


def test_a_time_after_the_last_record_is_the_end(brokers: FakeBrokers) -> None:
    """No record is that young yet, so the run begins with the next one."""
    brokers.offset_for_time = -1
    reader = Reader(
        brokers.started(run_with(start="2100-01-01T00:00:00Z")), brokers, "orders:0", None
    )
    assert reader.client.assigned == [("orders", 0, 1000)]


def test_a_run_that_died_before_its_first_snapshot_starts_there_again(
    brokers: FakeBrokers, tmp_path: Path
) -> None:
    """`latest` is resolved once: records that arrive in between are not skipped."""
    brokers.watermarks["orders", 0] = (0, 500)
    run = run_with(tmp_path, start="latest")
    assert Reader(brokers.started(run), brokers, "orders:0", None).client.assigned == [
        ("orders", 0, 500)
    ]
    end(run)
    brokers.watermarks["orders", 0] = (0, 800)
    run = run_with(tmp_path, start="latest")
    assert Reader(brokers.started(run), brokers, "orders:0", None).client.assigned == [
        ("orders", 0, 500)
    ]


def test_a_partition_that_came_later_is_read_from_its_beginning(
    brokers: FakeBrokers, tmp_path: Path
) -> None:
    """New partitions hold only new records, so `latest` would skip some of them."""
    run = run_with(tmp_path, start="latest")
    brokers.started(run)
    end(run)
    brokers.topics = {"orders": 3}
    brokers.watermarks["orders", 2] = (4, 60)
    source = brokers.started(run_with(tmp_path, start="latest"))
    assert Reader(source, brokers, "orders:2", None).client.assigned[-1] == ("orders", 2, 4)
    assert Reader(source, brokers, "orders:1", None).client.assigned[-1] == ("orders", 1, 1000)


@pytest.mark.parametrize(
    "trouble", [KafkaException(KafkaError(KafkaError._TRANSPORT)), TypeError("no answer")]
)
def test_no_watermarks_stops(brokers: FakeBrokers, trouble: Exception) -> None:
    """Without an answer about the start nothing is guessed."""
    brokers.watermark_error = trouble
    with pytest.raises(StopRun, match=r"topic orders partition 0.*10 s"):
        Reader(brokers.started(run_with()), brokers, "orders:0", None)
    brokers.watermark_error = None
    brokers.watermarks["orders", 0] = None
    with pytest.raises(StopRun, match="topic orders partition 0"):
        Reader(brokers.started(run_with()), brokers, "orders:0", None)


def test_an_error_about_a_time_stops(brokers: FakeBrokers) -> None:
    """The broker's error for this partition is in the text, with kafka.start."""
    brokers.offset_for_time = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(StopRun, match=r"kafka\.start 2026"):
        Reader(brokers.started(run_with(start="2026-01-01T00:00:00Z")), brokers, "orders:0", None)


@pytest.mark.parametrize("start", ["earliest", "latest", "2026-01-01T00:00:00Z"])
def test_many_partitions_are_looked_up_at_once(
    brokers: FakeBrokers, tmp_path: Path, start: str
) -> None:
    """A start with a thousand partitions asks once, and notes them once."""
    brokers.topics = {"orders": 1000}
    brokers.offset_for_time = 7
    run = run_with(tmp_path, start=start)
    source = brokers.started(run)
    readers = [Reader(source, brokers, f"orders:{number}", None) for number in range(1000)]
    assert brokers.lookups[0] == 1000
    assert len([size for size in brokers.lookups if size]) == 1
    assert len({id(reader.client) for reader in readers}) == 1
    assert len(brokers.consumers) == 3, "one for metadata, one for the starts, one that reads"
    assert run.recovery is not None
    assert len(run.recovery.starts()) == 1000


def test_a_start_that_another_process_noted_stays(brokers: FakeBrokers, tmp_path: Path) -> None:
    """Of two that resolve `latest` at the same time, the first one counts for both."""
    first = run_with(tmp_path, process=0, start="latest")
    second = run_with(tmp_path, process=1, start="latest")
    sources = [brokers.started(first), brokers.started(second)]
    assert Reader(sources[0], brokers, "orders:0", None).partition.snapshot() == 1000
    brokers.watermarks["orders", 0] = brokers.watermarks["orders", 1] = (0, 1005)
    assert Reader(sources[1], brokers, "orders:1", None).partition.snapshot() == 1000
