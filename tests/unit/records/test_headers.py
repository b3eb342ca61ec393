"""Headers as the client library has them: nothing gets through that is not headers."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from connectors.errors import Rejection
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import Chunk, Record, headers_of, original, readable_headers
from localkafka import EmbeddedKafka
from tests.support.raw_batches import RawRecord, batch, produce
from tests.unit.factories import settings

LATIN = "größe".encode("latin-1")
GOOD = [("ok", b"1"), ("none", None), ("", b""), ("ok", b"2")]
RAW = [(name.encode(), value) for name, value in GOOD]
MIXED = [RAW[0], (LATIN, b"bad"), *RAW[1:], (b"\xff", None)]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with EmbeddedKafka() as kafka:
        kafka.create_topic("orders", 1)
        yield kafka.bootstrap


@pytest.fixture
def message(bootstrap: str) -> Iterator[Any]:
    """A message of librdkafka with readable and unreadable headers, not asked for yet."""
    offset = produce(bootstrap, "orders", 0, batch([RawRecord(b"k", b"v", MIXED)]))
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "g"})
    client.assign([TopicPartition("orders", 0, offset)])
    (found,) = client.consume(1, 30)
    yield found
    client.close()


def test_unreadable_headers_are_a_rejection_however_often_they_are_asked_for(message: Any) -> None:
    """Each time, with one reason; the library's second answer would end the process."""
    record = Record(message, {})
    for _ in range(3):
        with pytest.raises(Rejection, match="not UTF-8") as caught:
            record.headers  # noqa: B018 - it raises
        assert caught.value.code == "headers_unreadable"
    assert readable_headers(message) == GOOD


def test_a_dead_letter_has_the_headers_that_can_be_read(message: Any) -> None:
    """Its key and value too; and a later call still raises the rejection."""
    assert original(message) == (1_700_000_000_000, b"k", b"v", tuple(GOOD))
    with pytest.raises(Rejection):
        headers_of(message)


def test_many_records_in_a_row(bootstrap: str) -> None:
    """The interpreter specializes calls that come often, and then misses the library's error."""
    records = [RawRecord(None, b"v", [(LATIN, b"x")] if n % 2 else RAW) for n in range(200)]
    offset = produce(bootstrap, "orders", 0, batch(records))
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "g"})
    client.assign([TopicPartition("orders", 0, offset)])
    found: list[Any] = []
    while len(found) < len(records):
        found += client.consume(200, 30)
    client.close()
    assert [len(readable_headers(message)) for message in found] == [4, 0] * 100


def test_what_somebody_has_asked_before_is_checked_too(message: Any) -> None:
    """A step of a user's that swallowed the library's exception leaves the null pointer behind."""
    with pytest.raises(SystemError):
        message.headers()
    assert readable_headers(message) == GOOD
    with pytest.raises(Rejection):
        headers_of(message)


def test_headers_that_are_all_unreadable(bootstrap: str) -> None:
    """They are not taken for a record without headers."""
    offset = produce(bootstrap, "orders", 0, batch([RawRecord(None, None, [(LATIN, b"")])]))
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "g"})
    client.assign([TopicPartition("orders", 0, offset)])
    (found,) = client.consume(1, 30)
    for _ in range(2):
        assert readable_headers(found) == []
        with pytest.raises(Rejection):
            headers_of(found)
    client.close()


@pytest.mark.parametrize("headers", [[], RAW])
def test_readable_headers_come_as_they_are(bootstrap: str, headers: list[Any]) -> None:
    """In order, with names that repeat, null and empty ones."""
    made = batch([RawRecord(None, None, headers, timestamp=-1_700_000_000_001)])
    offset = produce(bootstrap, "orders", 0, made)
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "g"})
    client.assign([TopicPartition("orders", 0, offset)])
    (found,) = client.consume(1, 30)
    expected = GOOD if headers else []
    assert headers_of(found) == readable_headers(found) == expected
    assert original(found) == (None, None, None, tuple(expected)), "-1 is no time"
    assert Record(found, None).timestamp is None
    client.close()


def test_a_schema_id_that_cannot_be_read_rejects_the_record(message: Any) -> None:
    """The decoder asks for headers in the same place, where the ids of schemas are headers."""
    made = settings(
        format={
            "value": "avro",
            "registry": {"url": "http://127.0.0.1:1", "schema_id": "header"},
        }
    )
    (dead_letter,) = ChunkDecoder(made).decode_chunk(Chunk("orders", 0, [message])).dead_letters
    assert dead_letter.code == "value_headers_unreadable"
