"""How far the consumers read ahead."""

import pytest

from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, run_with


def test_the_prefetch_is_shared_by_all_workers(brokers: FakeBrokers) -> None:
    """One worker that reads all partitions has all of it; one that reads a quarter, a quarter."""
    brokers.topics = {"orders": 16}
    for share in (1, 4):
        source = brokers.started(run_with(prefetch_mib=32))
        readers = [Reader(source, brokers, f"orders:{number}", 0) for number in range(16 // share)]
        queue, of = readers[0].client.properties, readers[0].partition._source
        assert of is not None
        waiting = of[0].consumer._max_waiting
        assert queue["queued.max.messages.kbytes"] * 1024 + waiting == (32 << 20) // share


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queued.max.messages.kbytes", 100),
        ("queued.min.messages", 7),
        ("fetch.queue.backoff.ms", 500),
        ("fetch.message.max.bytes", 4000),
        ("max.partition.fetch.bytes", 4000),
        ("fetch.max.bytes", 5_000_000),
        ("client.id", "mine"),
    ],
)
def test_properties_of_the_user_hold(brokers: FakeBrokers, name: str, value: int | str) -> None:
    """`Any librdkafka property` may be set, so none is overridden without a word."""
    reader = Reader(brokers.started(run_with(properties={name: value})), brokers, "orders:0", 0)
    assert reader.client.properties[name] == value
    if name == "max.partition.fetch.bytes":
        assert "fetch.message.max.bytes" not in reader.client.properties, "the same by another name"
