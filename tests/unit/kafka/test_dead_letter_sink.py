"""Dead letters on their way to a topic: all confirmed, sent again, or the run stops."""

import asyncio
import logging

import pytest
from confluent_kafka import KafkaError

from connectors.dead_letters.headers import headers_of
from connectors.errors import StopRun
from connectors.kafka.dead_letter_sink import KafkaDeadLetterSink
from connectors.records import DeadLetter, PlainMessage
from connectors.run.context import Run
from tests.unit.factories import new_run
from tests.unit.kafka.fake_producer import FakeProducerBrokers


def dead_letter(offset: int) -> DeadLetter:
    """A dead letter that holds the bytes of its record."""
    message = PlainMessage("orders", 3, offset, timestamp=1234, key=b"k", value=b"v")
    return DeadLetter.of(message, "map", "key_missing", "no key", keep_original=True)


@pytest.fixture
def run() -> Run:
    """Dead letters go to the topic `dead`."""
    return new_run(errors={"dead_letters": "kafka"}, dead_letters={"topic": "dead"})


@pytest.fixture
def brokers() -> FakeProducerBrokers:
    """Fake brokers on which the dead-letter topic exists."""
    found = FakeProducerBrokers()
    found.topics["dead"] = 1
    return found


def send(run: Run, brokers: FakeProducerBrokers, *offsets: int) -> None:
    """Send dead letters, and close."""
    sink = KafkaDeadLetterSink(run, clients=brokers.clients)
    sink.prepare()
    sink.prepare()  # by another worker
    try:
        asyncio.run(sink.send([dead_letter(offset) for offset in offsets]))
    finally:
        sink.close()


def test_a_dead_letter_has_the_record_and_its_headers(
    run: Run, brokers: FakeProducerBrokers
) -> None:
    """Key, value and timestamp of the record; the headers say why it is here."""
    brokers.full = 1
    send(run, brokers, 7, 8)
    assert sorted(brokers.delivered, key=lambda sent: str(sent.headers)) == [
        ("dead", -1, b"k", b"v", 1234, headers_of(dead_letter(offset), run.settings.kafka.group))
        for offset in (7, 8)
    ]
    assert len(brokers.producers) == 1


def test_the_rows_of_one_record_are_one_dead_letter(run: Run, brokers: FakeProducerBrokers) -> None:
    """It holds the whole record: thousands of its elements would be as many copies."""
    send(run, brokers, 7, 7, 8, 7)
    assert len(brokers.delivered) == 2


def test_a_failed_delivery_is_sent_again(run: Run, brokers: FakeProducerBrokers) -> None:
    """Only the dead letter whose delivery failed is sent again."""
    brokers.errors = [None, KafkaError(KafkaError._TRANSPORT, "away")]
    send(run, brokers, 7, 8)
    assert len(brokers.delivered) == 2


def test_an_error_that_waiting_cannot_resolve_stops(run: Run, brokers: FakeProducerBrokers) -> None:
    """The text has topic, record and remedy."""
    brokers.errors = [KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")]
    with pytest.raises(StopRun, match=r"(?s)topic dead: too large.*offset 7.*remedy: raise"):
        send(run, brokers, 7)


def test_a_missing_topic_stops_unless_it_may_be_created(brokers: FakeProducerBrokers) -> None:
    """By errors.auto_create, with the partitions of dead_letters.partitions."""
    del brokers.topics["dead"]
    where = {"topic": "dead", "partitions": 4}
    with pytest.raises(StopRun, match=r"(?s)no such topic.*auto_create"):
        send(new_run(errors={"dead_letters": "kafka"}, dead_letters=where), brokers)
    errors = {"dead_letters": "kafka", "auto_create": True}
    send(new_run(errors=errors, dead_letters=where), brokers)
    assert brokers.topics["dead"] == 4


def test_a_login_that_is_denied_later_is_waited_for(
    run: Run, brokers: FakeProducerBrokers, caplog: pytest.LogCaptureFixture
) -> None:
    """It has worked before: the issuer of tokens, or a directory of users, may be away."""
    sink = KafkaDeadLetterSink(run, clients=brokers.clients)
    sink.prepare()
    (producer,) = brokers.producers
    with caplog.at_level(logging.WARNING):
        producer.properties["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "wrong password"))
    asyncio.run(sink.send([dead_letter(7)]))
    sink.close()
    run.check()
    assert "wrong password\n  remedy: correct the security properties" in caplog.text
    assert len(brokers.delivered) == 1
