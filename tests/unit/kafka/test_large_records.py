"""Large records come a few at a time, in order, and none is lost or counted too early."""

from typing import cast

from confluent_kafka import KafkaError, Message

from connectors.kafka.progress import Progress
from connectors.kafka.source import KafkaSource
from tests.unit.kafka.fake_kafka import FakeBrokers, FakeMessage, Reader, failing, run_with

LARGE = 3 << 20


def large(*offsets: int) -> list[Message]:
    """Messages of three megabytes."""
    value = bytes(LARGE)
    return cast(list[Message], [FakeMessage("orders", 0, one, value=value) for one in offsets])


def offsets(reader: Reader) -> list[int]:
    """The offsets of the next chunk."""
    return [message.offset() for one in reader.partition.next_batch() for message in one.messages]


def test_a_poll_of_large_records_comes_in_parts(brokers: FakeBrokers) -> None:
    """At least one at a time; the position follows what was given, so nothing held is skipped."""
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", None)
    reader.client.polls = [[*large(5, 6, 7, 8), *failing(KafkaError._PARTITION_EOF, offset=9)]]
    found, positions = [], []
    for _ in range(5):
        chunk = offsets(reader)
        assert len(chunk) <= 2
        found += chunk
        positions.append(reader.partition.snapshot())
    assert found == [5, 6, 7, 8]
    assert positions[-1] == 9
    assert positions == sorted(positions)
    assert all(position <= 9 for position in positions)
    assert positions[0] == found[0] + len(found[: positions[0] - 5])


def test_the_end_is_reported_after_what_remains(brokers: FakeBrokers) -> None:
    """A run that ends with the partition must not miss the records before its end."""
    run = run_with()
    progress = Progress(run, ends_when_read=True)
    source = KafkaSource(run, brokers.clients, watch=lambda *_: None, progress=progress)
    source.list_parts()
    progress.read_to_end("orders:1")
    reader = Reader(source, brokers, "orders:0", None)
    reader.client.polls = [[*large(0, 1, 2, 3, 4), *failing(KafkaError._PARTITION_EOF, offset=5)]]
    found: list[int] = []
    while run.drain_reason is None:
        assert len(found) < 5, "the end is not reported"
        found += offsets(reader)
    assert found[-1] >= 3
    assert found == [0, 1, 2, 3, 4][: len(found)]
    assert reader.partition.snapshot() == 5


def test_a_loss_forgets_what_is_held(brokers: FakeBrokers) -> None:
    """The rest of the same poll is from before: it must not follow the new position."""
    reader = Reader(brokers.started(run_with(lost_offset="earliest")), brokers, "orders:0", None)
    brokers.watermarks["orders", 0] = (50, 1000)
    lost = failing(KafkaError._AUTO_OFFSET_RESET)
    reader.client.polls = [[*large(0, 1), *lost, *large(2, 3, 4)], large(50)]
    found = []
    for _ in range(8):
        found += offsets(reader)
    assert found == [0, 1, 50]
    assert reader.partition.snapshot() == 51


def test_small_records_come_together(brokers: FakeBrokers) -> None:
    """One chunk of one poll, as it came."""
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", None)
    small = [FakeMessage("orders", 0, one, value=b"{}") for one in range(2000)]
    reader.client.polls = [cast(list[Message], small)]
    assert offsets(reader) == [*range(2000)]
