"""Records outside the manifest, and the partition that a row comes from."""

from confluent_kafka import Producer

from tests.flows.conftest import Case


def unledgered(case: Case, partition: int, count: int) -> int:
    """Produce records that are not in the manifest; returns how many."""
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    for _ in range(count):
        producer.produce(case.topic, b'{"x":1}', partition=partition)
    assert producer.flush(30) == 0
    return count


def in_partition(key: tuple[tuple[str, object], ...], partition: int) -> bool:
    """Whether a row's key names the partition."""
    return str(dict(key)["topic_partition"]).endswith(f"_{partition}")
