"""The real broker keeps the promises that other tests build on."""

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from localkafka import ApacheKafka, GroupOffset
from tests.support.brokers import Broker, read_records

pytestmark = pytest.mark.kafka


@pytest.fixture
def kafka(apache_broker: Broker) -> ApacheKafka:
    """The real broker of this run."""
    assert apache_broker.apache is not None
    return apache_broker.apache


@pytest.fixture
def topic(apache_broker: Broker) -> str:
    return apache_broker.topic("orders", partitions=2)


def produce(kafka: ApacheKafka, topic: str, count: int, timestamp: int = 0) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for number in range(count):
        producer.produce(topic, b"%d" % number, partition=0, timestamp=timestamp)
    assert producer.flush(30) == 0


def client(kafka: ApacheKafka, **extra: str) -> Consumer:
    settings = {"bootstrap.servers": kafka.bootstrap, "group.id": "test", "log_level": 0, **extra}
    return Consumer({**settings, "auto.offset.reset": "error", "enable.auto.commit": False})


def test_old_timestamps_do_not_delete_records(kafka: ApacheKafka, topic: str) -> None:
    """Records that are years old stay, and offsets can be found by time."""
    produce(kafka, topic, 3, timestamp=1_500_000_000_000)
    produce(kafka, topic, 2, timestamp=1_600_000_000_000)
    consumer = client(kafka)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30) == (0, 5)
    [found] = consumer.offsets_for_times([TopicPartition(topic, 0, 1_550_000_000_000)], timeout=30)
    consumer.close()
    assert found.offset == 3


def test_partitions_grow_and_records_go(kafka: ApacheKafka, topic: str) -> None:
    """create_partitions raises the number, delete_records moves the beginning."""
    produce(kafka, topic, 10)
    kafka.create_partitions(topic, 5)
    kafka.delete_records(topic, 0, 4)
    consumer = client(kafka)
    assert len(consumer.list_topics(topic, timeout=30).topics[topic].partitions) == 5
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30) == (4, 10)
    consumer.close()


def test_a_topic_can_be_deleted_and_created_again(kafka: ApacheKafka, topic: str) -> None:
    """After delete_topic and create_topic the name stands for an empty topic."""
    produce(kafka, topic, 10)
    kafka.delete_topic(topic)
    kafka.create_topic(topic, 1, {"max.message.bytes": "1000"})
    consumer = client(kafka)
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30) == (0, 0)
    consumer.close()


def test_what_exists_cannot_be_made(kafka: ApacheKafka, topic: str) -> None:
    """A refusal of the broker is raised, not swallowed."""
    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        kafka.create_topic(topic, 2)


def test_the_group_tool_shows_lag(kafka: ApacheKafka, topic: str) -> None:
    """Kafka's own tool is the judge of lag: committed 4 of 10 is a lag of 6."""
    produce(kafka, topic, 10)
    consumer = client(kafka, **{"group.id": f"group-of-{topic}"})
    consumer.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    consumer.close()
    described = kafka.consumer_group_describe(f"group-of-{topic}")
    assert described[topic, 0] == GroupOffset(committed=4, end=10, lag=6)
    assert kafka.consumer_group_describe("nobody") == {}


def test_records_survive_a_restart(kafka: ApacheKafka, topic: str) -> None:
    """After a restart on the same port, records, offsets and clients go on."""
    produce(kafka, topic, 10)
    before = kafka.bootstrap
    kafka.restart()
    assert kafka.bootstrap == before
    produce(kafka, topic, 5)
    consumer = client(kafka)
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen = read_records(consumer, 15)
    consumer.close()
    assert [m.value() for m in seen] == [b"%d" % n for n in [*range(10), *range(5)]]
