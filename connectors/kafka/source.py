"""The Kafka source: one Bytewax partition a Kafka partition, one chunk a poll.

The offset to read next is the partition's state in the recovery store, which is the truth. Once a
snapshot is durable its offset is also committed to the consumer group, for Kafka's own lag tools.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from itertools import accumulate

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.discovery import TopicWatcher, forget_old_topics
from connectors.kafka.group_commit import commit_at_end
from connectors.kafka.group_offsets import after_loss, starts_of_group
from connectors.kafka.metadata import (
    ClientErrors,
    consumer,
    list_partitions,
    part_name,
    part_place,
    resolve_start,
)
from connectors.records import Chunk
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

# How long an idle partition sleeps before it is polled again; it bounds the latency of a record.
IDLE = timedelta(milliseconds=10)
# Messages fetched ahead by a process, all partitions together.
_FETCH_AHEAD = 80_000
# Bytes of the chunks of all partitions of a process together, as they come at a time: decoded, they
# can take thirty times as much. A part of it is at least so much, and at least one record.
_CHUNK_BYTES, _LEAST_CHUNK_BYTES = 8 << 20, 64 << 10
# Errors that only somebody else can mend.
_REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Read and Describe on the topic to this user",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Read on the group to this user",
    KafkaError.SASL_AUTHENTICATION_FAILED: "correct the SASL properties",
    KafkaError._AUTHENTICATION: "correct the security properties",
}
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
_LOST = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


class KafkaSource(FixedPartitionedSource[Chunk, int]):
    """Reads the configured topics. Its state a partition is the next offset to read."""

    _named_by = "kafka.topics"

    def __init__(self, run: Run) -> None:
        self._run = run
        self._live: set[str] = set()
        self._first_run: set[str] | None = None
        self._watch: TopicWatcher | None = None
        self._of_group: dict[str, int] | None = None
        run.at_clean_end.append(lambda: commit_at_end(run))

    def list_parts(self) -> list[str]:
        """Every partition that exists, or that the recovery folder has state of.

        Bytewax crashes on state whose partition is not listed, so the removed ones stay listed.
        """
        settings = self._run.settings.kafka
        found = list_partitions(settings)
        self._live = {
            part_name(topic, number)
            for topic, count in found.topics.items()
            for number in range(count)
        }
        self._run.unread = set(self._live)
        known: list[str] = []
        recovery = self._run.recovery
        if recovery is not None:
            known = recovery.known_parts()
            self._first_run = set(recovery.parts_of_first_run(list(self._live)))
            cluster = recovery.cluster_id(found.cluster)
            if cluster != found.cluster:
                raise StopRun(
                    f"recovery folder {recovery.path} holds offsets of another Kafka cluster "
                    f"(id {cluster}, and {settings.bootstrap_servers} is {found.cluster}).\n"
                    "  remedy: correct kafka.bootstrap_servers, or give this cluster a recovery "
                    "folder of its own with -r"
                )
        self._check_topics(found.topics, known)
        for part in sorted(set(known) - self._live):
            log.warning(
                "topic %s partition %d is gone, or no topic of this run any more: it is not read",
                *part_place(part),
            )
        forget_old_topics(self._run, found.topics)
        if self._watch is None:
            self._watch = TopicWatcher(self._run, found.topics)
        return sorted(self._live | set(known))

    def _check_topics(self, found: dict[str, int], known: list[str]) -> None:
        settings = self._run.settings.kafka
        once = {part_place(part)[0] for part in known}
        missing = [topic for topic in settings.topics if topic not in found and topic not in once]
        if missing:
            raise StopRun(
                f"kafka: no such topic on {settings.bootstrap_servers}: {', '.join(missing)}\n"
                f"  remedy: create it, correct {self._named_by}, or grant Describe on it to this "
                "user"
            )
        if not found and not once:
            raise StopRun(
                f"kafka: no topic on {settings.bootstrap_servers} matches kafka.topics_pattern "
                f"{settings.topics_pattern!r}\n  remedy: correct it, or create a topic first"
            )

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,
        resume_state: int | None,
    ) -> Partition:
        """A reader of one partition, at its state or where a first run starts."""
        topic, number = part_place(for_part)
        recovery = self._run.recovery
        place = TopicPartition(topic, number)
        if for_part not in self._live:
            known = None if recovery is None else recovery.start_of(for_part)
            place.offset = (known or 0) if resume_state is None else resume_state
            return Partition(self._run, place, None)
        client = consumer(self._run.settings.kafka, ClientErrors(), **self._tuning())
        anew = None if recovery is None else recovery.new_start_of(for_part)
        if anew is not None:
            place.offset = anew
        elif resume_state is None:
            place.offset = self._start(client, place)
        else:
            place.offset = resume_state
        client.assign([place])
        reader = self._reader(place, client)
        if anew is None and resume_state is not None:
            reader.resumed()
        return reader

    def _reader(self, place: TopicPartition, client: Consumer) -> Partition:
        return Partition(self._run, place, client, _CHUNK_BYTES // max(1, len(self._live)))

    def _tuning(self) -> dict[str, int | bool]:
        """How far to read ahead: bounded for the process, and each partition has a consumer."""
        settings = self._run.settings.kafka
        parts = max(1, len(self._live))
        kilobytes = max(64, int(settings.prefetch_mib * 1024 / parts))
        wanted = {
            "queued.max.messages.kbytes": kilobytes,
            # Enough to keep the flow busy; more only costs memory (docs/decisions/prefetch.md).
            "queued.min.messages": max(1000, _FETCH_AHEAD // parts),
            # The default stops fetching for a second each time the queue is full.
            "fetch.queue.backoff.ms": 10,
            **_fetch_limits(kilobytes, settings.properties),
        }
        given = {name: value for name, value in wanted.items() if name not in settings.properties}
        return {**given, "enable.partition.eof": True}

    def _start(self, client: Consumer, place: TopicPartition) -> int:
        settings = self._run.settings.kafka
        recovery = self._run.recovery
        part = part_name(place.topic, place.partition)
        if recovery is None:
            return self._first_start(settings, client, place)
        start = recovery.start_of(part)
        if start is None:
            if self._first_run is not None and part not in self._first_run:
                # It came while nobody looked, so all of it is new whatever kafka.start says.
                settings = settings.model_copy(update={"start": "earliest"})
            start = self._first_start(settings, client, place)
            recovery.remember_start(part, start)
        return start

    def _first_start(self, settings: KafkaSettings, client: Consumer, place: TopicPartition) -> int:
        if settings.start_group is None:
            return resolve_start(settings, client, place)
        if self._of_group is None:
            self._of_group = starts_of_group(settings, settings.start_group, self._without_start())
        return self._of_group[part_name(place.topic, place.partition)]

    def _without_start(self) -> list[TopicPartition]:
        """Those of the first run's partitions for which no start is noted yet."""
        recovery = self._run.recovery
        parts = self._live
        if recovery is not None:
            first = self._live if self._first_run is None else self._live & self._first_run
            parts = {part for part in first if recovery.start_of(part) is None}
        return [TopicPartition(*part_place(part)) for part in sorted(parts)]


def _fetch_limits(kilobytes: int, given: dict[str, str | int | float | bool]) -> dict[str, int]:
    """Fetch sizes that keep one response within the prefetch, unless the user set them."""
    wanted = {
        "fetch.message.max.bytes": min(1 << 20, kilobytes * 1024),
        "fetch.max.bytes": max(1 << 20, kilobytes * 1024),
    }
    aliases = {"fetch.message.max.bytes": "max.partition.fetch.bytes"}
    limits = {
        name: value
        for name, value in wanted.items()
        if name not in given and aliases.get(name) not in given
    }
    # librdkafka insists on fetch.max.bytes >= message.max.bytes (1,000,000 by default).
    return limits if "message.max.bytes" not in given else {}


class Partition(StatefulSourcePartition[Chunk, int]):
    """Reads one Kafka partition. Without a client it is a removed one and ends at once."""

    def __init__(
        self,
        run: Run,
        place: TopicPartition,
        client: Consumer | None,
        chunk_bytes: int = _CHUNK_BYTES,
    ) -> None:
        self._run = run
        self._chunk_bytes = max(_LEAST_CHUNK_BYTES, chunk_bytes)
        # Of a poll of large records: those whose turn comes later.
        self._held: list[Message] = []
        self._topic: str = place.topic
        self._number: int = place.partition
        self._next: int = place.offset
        self._client = client
        self._limit = run.settings.kafka.chunk_messages
        self._mirror = CommittableOffset(place.offset, run.settings.window.age)
        self._awake: datetime | None = None
        self._epochs = 0  # those that ended
        self._epoch: int | None = None  # the last of them, until it is closed everywhere

    def resumed(self) -> None:
        """The run before may have ended before it told the group where this one goes on."""
        self._mirror = CommittableOffset(-1, self._run.settings.window.age)

    def next_batch(self) -> list[Chunk]:
        """One chunk, or nothing. Bytewax calls this only when every earlier epoch is durable."""
        run = self._run
        if run.failure is not None or run.drain_reason is not None or self._client is None:
            run.check()
            raise StopIteration
        if self._epoch is not None:
            run.counts.check(self._epoch)
            self._epoch = None
        offset = self._mirror.due()
        if offset is not None:
            self._commit(self._client, offset)
            if run.recovery is not None:
                run.recovery.forget_new_start(part_name(self._topic, self._number))
        messages = self._polled(self._client)
        if not messages:
            self._awake = datetime.now(timezone.utc) + IDLE
            return []
        self._awake = None
        if [message for message in messages if message.error() is not None]:
            messages = self._sift(self._client, messages)
            if not messages:
                return []
        else:
            self._next = (messages[-1].offset() or 0) + 1
        messages = self._taken(messages)
        run.counts.add("read", len(messages))
        return [Chunk(self._topic, self._number, messages)]

    def next_awake(self) -> datetime | None:
        """At once after a chunk, a little later after none."""
        return self._awake

    def snapshot(self) -> int:
        """The next offset to read."""
        self._epochs += 1
        self._epoch = self._epochs
        self._mirror.snapshotted(self._next)
        self._run.snapshot_offsets[self._topic, self._number] = self._next
        return self._next

    def close(self) -> None:
        """Leave the brokers. Says nothing about offsets: it is called after failures too."""
        if self._client is not None:
            self._client.close()

    def _polled(self, client: Consumer) -> list[Message]:
        """What comes next, a few of them where they are large."""
        messages = self._held or client.consume(self._limit, 0)
        self._held = []
        if sum(map(len, messages)) > self._chunk_bytes:
            fit = sum(size <= self._chunk_bytes for size in accumulate(map(len, messages)))
            number = max(1, fit)
            messages, self._held = messages[:number], messages[number:]
        return messages

    def _taken(self, messages: list[Message]) -> list[Message]:
        """A reader that ends takes what is before its end; this one takes all."""
        return messages

    def _commit(self, client: Consumer, offset: int) -> None:
        place = TopicPartition(self._topic, self._number, offset)
        try:
            client.commit(offsets=[place], asynchronous=True)
        except KafkaException as error:
            # The group only mirrors the offsets; the recovery folder has them.
            log.warning("offset not committed to the group: %s", error.args[0].str())

    def _sift(self, client: Consumer, messages: list[Message]) -> list[Message]:
        """The messages that are records; what the others ask for is done. Moves the position."""
        good: list[Message] = []
        position = self._next
        for message in messages:
            error = message.error()
            offset = message.offset() or 0
            if error is None:
                good.append(message)
                position = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # Its offset is behind transaction markers, which take offsets and are no records.
                position = max(position, offset)
                self._run.read_to_end(part_name(self._topic, self._number))
            elif error.code() in _LOST:
                position = self._go_on_after_loss(client, error, position)
                self._held = []
                break  # what follows in this poll is from before
            elif error.code() in _REFUSED or error.fatal():
                remedy = _REFUSED.get(error.code(), "start again, or see the broker's log")
                raise StopRun(f"kafka: {self._where}: {error.str()}\n  remedy: {remedy}")
            elif error.code() in _GONE:
                log.warning("%s is gone: nothing to read there (%s)", self._where, error.str())
            else:
                log.warning("%s: %s", self._where, error.str())
        self._next = position
        return good

    @property
    def _where(self) -> str:
        return f"topic {self._topic} partition {self._number}"

    def _go_on_after_loss(self, client: Consumer, error: KafkaError, position: int) -> int:
        """The next offset is not on the brokers: records may be lost, which somebody must judge.

        Returns where reading goes on.
        """
        settings = self._run.settings.kafka
        place = TopicPartition(self._topic, self._number)
        try:
            low, high = client.get_watermark_offsets(place, timeout=settings.metadata_timeout)
        except (KafkaException, TypeError):
            raise StopRun(f"kafka: {self._where}: {error.str()}, and no watermarks") from None
        told = (
            f"kafka: {self._where}: offset {position} is not there any more; the broker has "
            f"{low} to {high}. Retention passed it, or the topic was made anew: records may be lost"
        )
        place.offset = after_loss(settings, told, low, high)
        log.warning("%s; going on at %d (kafka.lost_offset)", told, place.offset)
        client.assign([place])
        return int(place.offset)
