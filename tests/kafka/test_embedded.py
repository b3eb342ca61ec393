"""The embedded Kafka keeps the promises that other tests build on.

librdkafka gives no stability promise for its mock cluster, so each call used is watched here.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from localkafka import EmbeddedKafka, MockKafkaError
from tests.support.brokers import read_records
from tests.support.wait import until


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """A cluster of its own a test: some of them break it."""
    with EmbeddedKafka({"orders": 3}) as cluster:
        yield cluster


def produce(bootstrap: str, count: int, topic: str = "orders", partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    errors: list[KafkaError] = []

    def report(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            errors.append(error)

    for number in range(count):
        producer.produce(
            topic, value=b"%d" % number, key=b"key", partition=partition, on_delivery=report
        )
    assert producer.flush(30) == 0
    assert errors == []


def consumer(bootstrap: str, place: TopicPartition) -> Consumer:
    client = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    client.assign([place])
    return client


def first_error(client: Consumer) -> KafkaError:
    def poll() -> KafkaError | None:
        message = client.poll(0.2)
        return None if message is None else message.error()

    return until(poll, "an error from the consumer")


def test_topics_have_the_partitions_asked_for(kafka: EmbeddedKafka) -> None:
    """A topic has as many partitions as given, at the start and later; a second one is refused."""
    kafka.create_topic("later", 5)
    found = Producer({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=30).topics
    assert {name: len(topic.partitions) for name, topic in found.items()} == {
        "orders": 3,
        "later": 5,
    }
    with pytest.raises(MockKafkaError, match="orders"):
        kafka.create_topic("orders", 3)


def test_records_come_back_as_they_went_in(kafka: EmbeddedKafka) -> None:
    """Key, value, order and offsets of a partition survive."""
    produce(kafka.bootstrap, 50, partition=1)
    client = consumer(kafka.bootstrap, TopicPartition("orders", 1, 0))
    seen = read_records(client, 50)
    client.close()
    assert [(m.offset(), m.key(), m.value()) for m in seen] == [
        (number, b"key", b"%d" % number) for number in range(50)
    ]


def test_offsets_are_committed_without_membership(kafka: EmbeddedKafka) -> None:
    """A consumer that assigns by itself can commit for a group, and others read it."""
    client = consumer(kafka.bootstrap, TopicPartition("orders", 0, 0))
    client.commit(offsets=[TopicPartition("orders", 0, 7)], asynchronous=False)
    [found] = client.committed([TopicPartition("orders", 0)], timeout=30)
    client.close()
    assert found.offset == 7


def test_deleted_records_are_an_error_to_who_wants_them(kafka: EmbeddedKafka) -> None:
    """After delete_records the partition begins later, and an old offset is out of range."""
    produce(kafka.bootstrap, 10)
    kafka.delete_records("orders", 0, 6)
    client = consumer(kafka.bootstrap, TopicPartition("orders", 0, 2))
    assert client.get_watermark_offsets(TopicPartition("orders", 0), timeout=30) == (6, 10)
    assert first_error(client).code() == KafkaError._AUTO_OFFSET_RESET
    client.close()


def test_a_deleted_topic_is_gone(kafka: EmbeddedKafka) -> None:
    """delete_topic takes a topic out of the metadata."""
    kafka.delete_topic("orders")
    assert (
        "orders"
        not in Producer({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=30).topics
    )


def test_topics_have_ids(kafka: EmbeddedKafka) -> None:
    """describe_topics gives a topic's id, which is another one after it was created again."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})

    def topic_id() -> str:
        answers = admin.describe_topics(TopicCollection(["orders"]), request_timeout=30)
        return str(answers["orders"].result().topic_id)

    first = topic_id()
    assert topic_id() == first
    kafka.delete_topic("orders")
    kafka.create_topic("orders", 3)
    assert topic_id() != first


def test_pushed_errors_reach_the_client(kafka: EmbeddedKafka) -> None:
    """An error pushed on Produce is what the producer gets; once used up, all is well."""
    errors: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    kafka.push_errors("Produce", KafkaError.MSG_SIZE_TOO_LARGE)
    producer.produce("orders", b"x", partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    producer.produce("orders", b"x", partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    assert errors[0] is not None
    assert errors[0].code() == KafkaError.MSG_SIZE_TOO_LARGE
    assert errors[1] is None


def test_errors_of_single_brokers_are_counted(kafka: EmbeddedKafka) -> None:
    """What is pushed on a broker is answered, and one can see how much of it is left."""
    kafka.push_broker_errors("Produce", KafkaError.REQUEST_TIMED_OUT, times=2)
    assert kafka.broker_errors_left("Produce") == 2
    produce(kafka.bootstrap, 1)  # the producer tries again by itself
    assert kafka.broker_errors_left("Produce") == 0


def test_a_topic_error_reaches_the_consumer(kafka: EmbeddedKafka) -> None:
    """An error set on a topic is given to its consumers until it is taken back."""
    kafka.push_errors("Fetch", KafkaError.TOPIC_AUTHORIZATION_FAILED, times=20)
    client = consumer(kafka.bootstrap, TopicPartition("orders", 0, 0))
    assert first_error(client).code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    kafka.clear_errors("Fetch")
    client.close()


def test_a_broker_that_goes_down_comes_back(kafka: EmbeddedKafka) -> None:
    """Down: no metadata. Up again: records flow, the old ones included."""
    produce(kafka.bootstrap, 3)
    kafka.broker_down()
    lost = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    with pytest.raises(Exception, match="_TRANSPORT"):
        lost.list_topics(timeout=1)
    kafka.broker_up()
    produce(kafka.bootstrap, 3)
    client = consumer(kafka.bootstrap, TopicPartition("orders", 0, 0))
    assert client.get_watermark_offsets(TopicPartition("orders", 0), timeout=30) == (0, 6)
    client.close()


def test_the_wrong_calls_are_refused_in_words(kafka: EmbeddedKafka) -> None:
    """An unknown topic or broker, and a closed cluster, are errors that name them."""
    with pytest.raises(MockKafkaError, match="nowhere"):
        kafka.delete_records("nowhere", 0, 1)
    with pytest.raises(MockKafkaError, match="broker 9"):
        kafka.set_rtt(10, broker=9)
    kafka.set_rtt(1)
    kafka.close()
    kafka.close()
    with pytest.raises(MockKafkaError, match="closed"):
        kafka.create_topic("more")


def test_a_leader_can_move() -> None:
    """With two brokers a partition's leader moves, and what was written is still read."""
    with EmbeddedKafka({"orders": 1}, brokers=2) as kafka:
        produce(kafka.bootstrap, 5)
        kafka.set_leader("orders", 0, 2)
        kafka.set_leader("orders", 0, 1)
        produce(kafka.bootstrap, 5)
        client = consumer(kafka.bootstrap, TopicPartition("orders", 0, 0))
        assert client.get_watermark_offsets(TopicPartition("orders", 0), timeout=30) == (0, 10)
        client.close()
