"""Batches that the client cannot read, as librdkafka itself meets them."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from confluent_kafka import Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka import unreadable
from connectors.kafka.clients import KafkaClients
from connectors.kafka.source import KafkaSource
from connectors.kafka.unreadable import BatchProbe, _first_readable
from connectors.records import SkippedBatch
from connectors.run.context import Run
from localkafka import EmbeddedKafka
from tests.support.raw_batches import RawRecord, batch, flip, produce
from tests.support.wait import until
from tests.unit.kafka.fake_kafka import messages, run_with

GOOD = [RawRecord(b"k", b"{}")] * 7
JUNK = b"junk" * 8
# Codec and body of each.
BROKEN: dict[str, dict[str, Any]] = {
    "gzip": {"codec": 1, "body": JUNK},
    "snappy": {"codec": 2, "body": JUNK},
    "lz4": {"codec": 3, "body": JUNK},
    "zstd": {"codec": 4, "body": JUNK},
    "a codec of the future": {"codec": 7, "body": JUNK},
    "records": {"body": b"\x80" * 40},
}


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brokers are near."""
    monkeypatch.setattr(unreadable, "_PATIENCE", 0.8)


_names = iter(range(1000))


def topic_with(kafka: EmbeddedKafka, *made: bytes) -> str:
    """A topic of one partition with seven good records around what is given."""
    topic = f"orders{next(_names)}"
    kafka.create_topic(topic, 1)
    for one in (batch(GOOD), *made, batch(GOOD)):
        produce(kafka.bootstrap, topic, 0, one)
    return topic


def run_of(kafka: EmbeddedKafka, topic: str, **settings: Any) -> Run:
    """A run that soon checks a stalled partition."""
    return run_with(bootstrap_servers=kafka.bootstrap, topics=[topic], stalled_after=1, **settings)


def read_all(run: Run, topic: str, end: int) -> list[int | str]:
    """Offsets up to the end, and the reasons of skipped batches."""
    source = KafkaSource(run, watch=lambda *_: None)
    source.list_parts()
    reader = source.build_part("read", f"{topic}:0", None)
    found: list[int | str] = []

    def done() -> bool:
        for chunk in reader.next_batch():
            for message in chunk.messages:
                skipped = isinstance(message, SkippedBatch)
                found.append(message.reason if skipped else message.offset())  # type: ignore[attr-defined]
        return reader.snapshot() == end

    try:
        until(done, lambda: f"{found}, at {reader.snapshot()}", within=90)
    finally:
        reader.close()
    return found


def broken(name: str) -> bytes:
    """A batch of seven records that cannot be read."""
    if name == "checksum":
        return flip(batch(GOOD))
    return batch(GOOD, **BROKEN[name])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["checksum", *BROKEN])
def test_a_batch_is_skipped_where_that_is_chosen(kafka: EmbeddedKafka, name: str) -> None:
    """What is before and behind it is read once, and the offsets between are named."""
    topic = topic_with(kafka, broken(name))
    run = run_of(kafka, topic, unreadable_batch="skip")
    found = read_all(run, topic, 21)
    (reason,) = [one for one in found if isinstance(one, str)]
    assert "offsets 7 to 13" in reason
    assert [one for one in found if one != reason] == [*range(7), *range(14, 21)]
    assert found[7] == reason, "in its place"
    assert run.counts.snapshot()["read"] == 15


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["checksum", "zstd", "records"])
def test_a_batch_stops_the_run(kafka: EmbeddedKafka, name: str) -> None:
    """With topic, partition, offsets, the cause and the commands that help."""
    topic = topic_with(kafka, broken(name))
    with pytest.raises(StopRun) as caught:
        read_all(run_of(kafka, topic), topic, 21)
    for words in (
        f"topic {topic} partition 0",
        "offset 7",
        "ends with offset 13",
        "receive.message.max.bytes",
        f"tablestore-sync skip --topic {topic} --partition 0 --offset 13",
        'kafka.unreadable_batch = "skip"',
    ):
        assert words in str(caught.value)


def gzipped(size: int) -> bytes:
    """`size` zero bytes, packed by gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(bytes(size)) + packer.flush()


def zstd_of(size: int) -> bytes:
    """So many zero bytes as one frame of zstd: each block says only how often its byte comes."""
    frame = b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little")
    while size:
        length = min(size, 1 << 17)
        size -= length
        frame += (length << 3 | 1 << 1 | (size == 0)).to_bytes(3, "little") + b"\0"
    return frame


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("codec", "pack"), [(1, gzipped), (4, zstd_of)], ids=["gzip", "zstd"])
def test_a_batch_that_unpacks_to_too_much(
    kafka: EmbeddedKafka, codec: int, pack: Callable[[int], bytes]
) -> None:
    """It is good, and librdkafka passes it over without a word: the limit is the remedy."""
    topic = topic_with(kafka, batch(GOOD, codec=codec, body=pack(8_000_000)))
    limits = {"receive.message.max.bytes": 2_000_000, "fetch.max.bytes": 1_000_000}
    with pytest.raises(StopRun, match="offset 7 cannot be read"):
        read_all(run_of(kafka, topic, properties=limits), topic, 21)


@pytest.mark.timeout(120)
def test_two_in_a_row(kafka: EmbeddedKafka) -> None:
    """Skipped together or one after the other; nothing behind them is lost."""
    topic = topic_with(kafka, broken("zstd"), broken("checksum"))
    found = read_all(run_of(kafka, topic, unreadable_batch="skip"), topic, 28)
    assert [one for one in found if isinstance(one, int)] == [*range(7), *range(21, 28)]


def test_an_unreadable_end(kafka: EmbeddedKafka) -> None:
    """The last batch of a partition ends where the partition does."""
    topic = topic_with(kafka)
    produce(kafka.bootstrap, topic, 0, broken("zstd"))
    found = read_all(run_of(kafka, topic, unreadable_batch="skip"), topic, 21)
    assert [one for one in found if isinstance(one, int)] == [*range(14)]


def test_a_readable_offset_is_said_so(kafka: EmbeddedKafka) -> None:
    """A checksum that failed on the way only: nothing is skipped."""
    topic = topic_with(kafka)
    run = run_of(kafka, topic)
    probe = BatchProbe(run, KafkaSource(run)._clients)
    assert probe.readable_again(topic, 0, 3, 14) == 3
    assert probe.readable_again(topic, 0, 14, 14) == 14


@pytest.mark.parametrize(("first", "end", "high"), [(0, 1, 2), (5, 900, 901), (7, 8, 90_000)])
def test_the_end_is_found_in_few_steps(first: int, end: int, high: int) -> None:
    """The end of an unreadable range is found in few steps, as each may cost seconds."""
    asked = []

    def reads(offset: int) -> int | None:
        asked.append(offset)
        return None if first <= offset < end else offset

    assert _first_readable(reads, first, high) == end
    assert len(asked) <= 2 * (end - first).bit_length() + 2
    assert _first_readable(lambda _: None, first, high) is None


class SlowBrokers:
    """A client of brokers that are silent for some tries, and have one silent batch."""

    def __init__(self, silent: int, bad: range) -> None:
        self.silent = silent
        self.bad = bad
        self.at = -1

    def consumer(self, *_: object, **__: object) -> Any:
        """Itself, as a client."""
        return self

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Begins a try."""
        self.silent -= 1
        self.at = partitions[0].offset

    def consume(self, _count: int, _timeout: float) -> list[Message]:
        """The record at the offset, or nothing."""
        answers = self.silent < 0 and self.at not in self.bad
        return messages(self.at) if answers else []

    def close(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("silent", [0, 1, 3])
def test_slow_brokers_skip_no_readable_record(
    kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    """Their silence says nothing about an offset: what is skipped is the bad batch alone."""
    monkeypatch.setattr(unreadable, "_PATIENCE", 0.001)
    run = run_of(kafka, "orders")
    good = BatchProbe(run, cast(KafkaClients, SlowBrokers(silent, range(0))))
    assert good.readable_again("orders", 0, 7, 21) == 7
    bad = BatchProbe(run, cast(KafkaClients, SlowBrokers(silent, range(7, 14))))
    assert bad.readable_again("orders", 0, 7, 21) == 14


def test_brokers_that_never_answer_skip_nothing(
    kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brokers that never answer cause no skip, since nothing is known about the records."""
    monkeypatch.setattr(unreadable, "_PATIENCE", 0.001)
    probe = BatchProbe(run_of(kafka, "orders"), cast(KafkaClients, SlowBrokers(9999, range(0))))
    assert probe.readable_again("orders", 0, 7, 21) is None
