"""Why nothing is read of a partition, and what the log and the metrics say of it."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from connectors.kafka.unreadable import BatchProbe
from connectors.run.context import Run
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, failing, messages, run_with


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the probe finds, and how often it was asked."""
    found: dict[str, Any] = {"answer": None, "asked": []}

    def readable_again(self: BatchProbe, topic: str, partition: int, at: int, end: int) -> Any:
        found["asked"].append((topic, partition, at, end))
        return found["answer"]

    monkeypatch.setattr(BatchProbe, "readable_again", readable_again)
    return found


def stalled(brokers: FakeBrokers, end: int, **kafka: Any) -> tuple[Run, Reader, FakeClock]:
    """A partition at offset 5 of which nothing was read for longer than kafka.stalled_after."""
    clock = FakeClock()
    run = run_with(clock=clock, stalled_after=60, **kafka)
    brokers.watermarks["orders", 0] = (0, end)
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    for _ in range(2):
        assert reader.partition.next_batch() == []
        clock.now += 61
    return run, reader, clock


def test_a_stalled_partition_is_reported(
    brokers: FakeBrokers, probed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """In log and metric; when it is read again, the metric says so."""
    run, reader, _ = stalled(brokers, 90)
    assert probed["asked"] == [("orders", 0, 5, 90)]
    assert run.counts.stalled() == 1
    for words in ("topic orders partition 0", "offset 5", "up to 90"):
        assert words in caplog.text
    reader.client.polls = [messages(5)]
    reader.partition.next_batch()
    assert reader.partition.snapshot() == 6
    assert run.counts.stalled() == 0


def test_a_partition_that_was_read_to_its_end_does_not_stand(
    brokers: FakeBrokers, probed: dict[str, Any]
) -> None:
    """The brokers are not asked about it."""
    run, _, _ = stalled(brokers, 5)
    assert (probed["asked"], run.counts.stalled()) == ([], 0)


def test_behind_an_open_transaction_it_is_in_order(
    brokers: FakeBrokers, probed: dict[str, Any]
) -> None:
    """The probe reads on from there, to the transaction; it is asked less and less often."""
    probed["answer"] = 5
    run, reader, clock = stalled(brokers, 90)
    assert run.counts.stalled() == 0
    assert reader.client.unassigned == []
    reader.partition.next_batch()
    assert len(probed["asked"]) == 1
    clock.now += 61
    reader.partition.next_batch()
    assert len(probed["asked"]) == 2


def test_a_batch_without_an_error_is_skipped_too(
    brokers: FakeBrokers, probed: dict[str, Any]
) -> None:
    """If that is chosen, one chunk replaces it, and reading goes on after it."""
    probed["answer"] = 12
    clock = FakeClock()
    run = run_with(clock=clock, stalled_after=60, unreadable_batch="skip")
    brokers.watermarks["orders", 0] = (0, 90)
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    assert reader.partition.next_batch() == []
    clock.now += 61
    ((_, _, (skipped,), _),) = reader.partition.next_batch()
    assert "offsets 5 to 11" in skipped.reason  # type: ignore[attr-defined]
    assert reader.client.assigned[-1] == ("orders", 0, 12)
    assert reader.partition.snapshot() == 12
    assert run.counts.snapshot()["read"] == 1


def test_what_can_be_read_after_all_is_read(
    brokers: FakeBrokers, probed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A bit that flipped on the way: nothing is skipped, and nothing stops."""
    probed["answer"] = 6
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 5)
    reader.client.polls = [[*messages(5), *failing(KafkaError._BAD_MSG, "CRC"), *messages(900)]]
    ((_, _, found, _),) = reader.partition.next_batch()
    assert [message.offset() for message in found] == [5]
    assert reader.client.assigned[-1] == ("orders", 0, 6)
    assert reader.partition.snapshot() == 6
    assert "can be read after all" in caplog.text
