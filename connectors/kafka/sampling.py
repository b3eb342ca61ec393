"""Reads some records of topics, within limits, for tools: it commits nothing and joins no group."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import list_partitions
from connectors.records import Message
from connectors.settings.kafka import KafkaSettings

Place = tuple[str, int]
# (records read so far, records to read at most)
Progress = Callable[[int, int], None]

_POLL = 0.2  # seconds
_CHUNK = 1000
# The records at the end of a partition may be the marks of transactions, or compacted away.
_MAX_GROWTH = 64


class Limits(NamedTuple):
    """The limits at which sampling ends, whichever is reached first."""

    records: int = 100_000
    bytes: int = 64 << 20
    seconds: float = 10.0


class Sample(NamedTuple):
    """Records, oldest first, and how far reading came."""

    messages: list[Message]
    read: int
    """How many records were looked at."""
    ends: dict[Place, tuple[int, int]]
    """The first offset and the end of each partition, when reading began."""
    is_complete: bool
    """False where a limit ended it before all that was asked for was read."""


class Selection(NamedTuple):
    """Which records: the last ones, those from an offset on, or the last ones of a key."""

    topic: str | None = None
    partition: int | None = None
    last: int = 20
    offset: int | None = None
    key: bytes | None = None


def read_sample(
    settings: KafkaSettings,
    selection: Selection,
    limits: Limits = Limits(),  # noqa: B008 - a value
    on_progress: Progress = lambda _read, _of: None,
    clients: KafkaClients | None = None,
) -> Sample:
    """The selected records. Raises StopRun where brokers, a topic or a partition are missing."""
    clients = clients or KafkaClients()
    if selection.topic is not None:
        update = {"topics": (selection.topic,), "topics_pattern": None}
        settings = settings.model_copy(update=update)
    places = _places(settings, selection, clients)
    reader = _Reader(settings, clients, limits, on_progress)
    try:
        ends = {place: reader.ends(place) for place in places}
        if selection.offset is not None:
            (place,) = places
            low, high = ends[place]
            start = max(selection.offset, low)
            messages = reader.read({place: (start, high)}, selection.last)
        elif selection.key is not None:
            key = selection.key
            messages = reader.newest(ends, limits.records, lambda one: one.key() == key)
            messages = messages[-selection.last :]
        else:
            each = selection.last
            if each * len(places) > limits.records:
                each = -(-selection.last // len(places))
            messages = reader.newest(ends, each)[-selection.last :]
        return Sample(messages, reader.count, ends, reader.is_complete)
    except KafkaException as error:
        raise StopRun(
            f"kafka: no records from {settings.bootstrap_servers}: {error.args[0].str()}"
            f"{reader.errors}\n  remedy: check that the brokers run and answer; `tablestore-sync "
            "check` says more"
        ) from None
    finally:
        reader.close()


def _places(settings: KafkaSettings, selection: Selection, clients: KafkaClients) -> list[Place]:
    found = list_partitions(settings, clients).topics
    missing = [topic for topic in settings.topics if topic not in found]
    if missing or not found:
        what = f"no such topic: {', '.join(missing)}" if missing else "no topic matches"
        raise StopRun(
            f"kafka: {what}\n  remedy: correct --topic or [kafka], or grant Describe on it"
        )
    places = [(topic, number) for topic, count in found.items() for number in range(count)]
    if selection.partition is not None:
        places = [place for place in places if place[1] == selection.partition]
        if not places:
            counts = ", ".join(f"{topic} has {count}" for topic, count in found.items())
            raise StopRun(
                f"kafka: there is no partition {selection.partition} ({counts} partitions)\n"
                "  remedy: correct --partition"
            )
    if selection.offset is not None and len(places) > 1:
        raise StopRun(
            f"an offset is one of a partition, and {len(places)} partitions are meant\n"
            "  remedy: name --topic and --partition too"
        )
    return places


class _Reader:
    """A consumer that reads ranges of offsets."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: KafkaClients,
        limits: Limits,
        on_progress: Progress,
    ) -> None:
        self.errors = ClientErrors()
        self.count = 0
        self.is_complete = True
        self._bytes = 0
        self._limits = limits
        self._timeout = settings.metadata_timeout
        self._deadline = time.monotonic() + limits.seconds
        self._on_progress = on_progress
        self._client: Consumer = clients.consumer(
            settings, self.errors, **{"enable.partition.eof": True}
        )

    def close(self) -> None:
        self._client.close()

    def ends(self, place: Place) -> tuple[int, int]:
        low, high = self._client.get_watermark_offsets(
            TopicPartition(*place), timeout=self._timeout
        )
        return low, high

    def newest(
        self,
        ends: Mapping[Place, tuple[int, int]],
        each: int,
        keep: Callable[[Message], bool] = lambda _: True,
    ) -> list[Message]:
        """The last `each` records of each partition, of which those are kept, by their time."""
        found: list[Message] = []
        behind = {place: high for place, (_, high) in ends.items()}
        step, kept = each, dict.fromkeys(ends, 0)
        for _ in range(_MAX_GROWTH):
            ranges = {
                place: (max(ends[place][0], end - step), end)
                for place, end in behind.items()
                if end > ends[place][0] and kept[place] < each
            }
            if not ranges or not self.is_complete:
                break
            for message in self.read(ranges, None):
                kept[message.topic(), message.partition()] += 1
                if keep(message):
                    found.append(message)
            behind |= {place: start for place, (start, _) in ranges.items()}
            step *= 2
        found.sort(key=lambda one: (one.timestamp()[1], one.topic(), one.partition(), one.offset()))
        return found

    def read(self, ranges: Mapping[Place, tuple[int, int]], at_most: int | None) -> list[Message]:
        """The records of ranges of offsets (first, behind the last); at most so many."""
        left = {place: end for place, (start, end) in ranges.items() if end > start}
        self._client.assign([TopicPartition(*place, ranges[place][0]) for place in left])
        of = sum(end - start for start, end in ranges.values())
        found: list[Message] = []
        while left and (at_most is None or len(found) < at_most):
            if self._is_over():
                self.is_complete = False
                break
            for message in self._client.consume(_CHUNK, _POLL):
                place = (str(message.topic()), message.partition() or 0)
                end = left.get(place)
                error = message.error()
                if error is not None:
                    self._judge(error)
                    if error.code() == KafkaError._PARTITION_EOF:
                        left.pop(place, None)
                    continue
                if end is None or (message.offset() or 0) >= end:
                    left.pop(place, None)
                    continue
                found.append(message)
                self.count += 1
                self._bytes += len(message)
                if message.offset() == end - 1:
                    del left[place]
            self._on_progress(len(found), of)
        return found if at_most is None else found[:at_most]

    def _is_over(self) -> bool:
        limits = self._limits
        return (
            self.count >= limits.records
            or self._bytes >= limits.bytes
            or time.monotonic() > self._deadline
        )

    def _judge(self, error: KafkaError) -> None:
        """Raise KafkaException for an error that does not pass by itself."""
        final = (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError._UNKNOWN_PARTITION,
            KafkaError._AUTHENTICATION,
            KafkaError._BAD_MSG,
        )
        if error.code() in final:
            raise KafkaException(error)


def times_of(messages: Sequence[Message]) -> tuple[int, int] | None:
    """The first and the last timestamp of messages in ms since 1970; None without."""
    times = [
        one.timestamp()[1] for one in messages if one.timestamp()[0] and one.timestamp()[1] > 0
    ]
    return (min(times), max(times)) if times else None
