"""Records on their way back to their topics: each confirmed, or the run stops."""

import pytest
from bytewax.outputs import StatefulSinkPartition
from confluent_kafka import KafkaError

from connectors.errors import StopRun
from connectors.kafka.topic_sink import SINGLE_KEY, KafkaTopicSink
from connectors.records import Chunk, PlainMessage
from connectors.run.context import Run
from tests.unit.factories import new_run, settings
from tests.unit.kafka.fake_producer import FakeProducerBrokers


def chunk(*offsets: int, topic: str = "orders", partition: int = 1) -> Chunk:
    """Messages of one partition."""
    return Chunk(
        topic,
        partition,
        [
            PlainMessage(
                topic, partition, offset, timestamp=5, key=b"k", value=b"v", headers=[("h", b"1")]
            )
            for offset in offsets
        ],
    )


@pytest.fixture
def brokers() -> FakeProducerBrokers:
    """Topic orders with two partitions."""
    return FakeProducerBrokers()


def part_of(run: Run, brokers: FakeProducerBrokers) -> StatefulSinkPartition[Chunk, None]:
    """The one partition of the sink."""
    sink = KafkaTopicSink(run, brokers.clients)
    assert sink.list_parts() == [SINGLE_KEY]
    return sink.build_part("write", SINGLE_KEY, None)


def test_a_record_is_sent_as_it_was(brokers: FakeProducerBrokers) -> None:
    """With its key, value, headers and timestamp; it counts as written when confirmed."""
    run = new_run()
    part = part_of(run, brokers)
    brokers.full = 2  # the client's queue is full for a moment
    part.write_batch([chunk(7, 9)])
    part.snapshot()
    assert brokers.delivered == [("orders", 1, b"k", b"v", 5, [("h", b"1")])] * 2
    assert run.counts.snapshot()["written"] == 2


def test_a_snapshot_waits_for_failed_deliveries(brokers: FakeProducerBrokers) -> None:
    """It raises with topic, reason and remedy: the epoch is not closed."""
    part = part_of(new_run(), brokers)
    brokers.errors = [None, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")]
    part.write_batch([chunk(7, 9)])
    with pytest.raises(StopRun, match=r"(?s)topic orders: too large.*remedy: raise max\.message"):
        part.snapshot()


@pytest.mark.parametrize(
    ("topic", "partition", "remedy"),
    [("gone", 0, "create the topic"), ("orders", 2, "fewer partitions")],
)
def test_a_missing_topic_or_partition_stops(
    brokers: FakeProducerBrokers, topic: str, partition: int, remedy: str
) -> None:
    """Before a record is sent: a broker might create the topic."""
    part = part_of(new_run(), brokers)
    with pytest.raises(StopRun, match=rf"(?s)topic {topic}.*remedy:.*{remedy}"):
        part.write_batch([chunk(7, topic=topic, partition=partition)])
    assert brokers.delivered == []


def test_a_topic_that_was_created_meanwhile_is_found(brokers: FakeProducerBrokers) -> None:
    """The brokers are asked again before the run stops."""
    part = part_of(new_run(), brokers)
    brokers.topics["late"] = 1
    part.write_batch([chunk(7, topic="late", partition=0)])
    part.snapshot()
    assert [sent.topic for sent in brokers.delivered] == ["late"]


def test_the_brokers_are_those_of_the_topics(brokers: FakeProducerBrokers) -> None:
    """Not those of the dead letters, which the settings of a replay have."""
    topics = settings(kafka={"bootstrap_servers": "topics:1"}).kafka
    run = Run("replay", settings(kafka={"bootstrap_servers": "dead:1"}), None, topics_kafka=topics)
    part = part_of(run, brokers)
    (producer,) = brokers.producers
    assert producer.properties["bootstrap.servers"] == "topics:1"
    part.close()
    assert producer.purged
