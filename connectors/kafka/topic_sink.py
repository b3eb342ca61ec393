"""Sends records back to the topics that they came from, each confirmed by its delivery report."""

from __future__ import annotations

import logging

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, KafkaException, Message

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.records import Chunk, readable_headers, timestamp_of
from connectors.run.context import Run
from connectors.settings.errors import DeadLetterSettings

log = logging.getLogger("sync.replay")

# The key of all chunks: one partition of the sink, so that their order is kept.
SINGLE_KEY = "0"
_CHECK_INTERVAL = 0.2  # seconds between two checks of the run while the client is waited for
_REMEDIES = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Write and Describe on the topic to this user",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant IdempotentWrite on the cluster to this user",
    KafkaError.MSG_SIZE_TOO_LARGE: "raise max.message.bytes of the topic, and message.max.bytes "
    "in kafka.properties",
    KafkaError._UNKNOWN_TOPIC: "create the topic, or leave its dead letters out (replay.topics)",
    KafkaError._UNKNOWN_PARTITION: "the topic has fewer partitions than it had: replay into tables",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "create the topic, or leave its dead letters out "
    "(replay.topics)",
}


class KafkaTopicSink(FixedPartitionedSink[Chunk, None]):
    """Sends each message to its topic and partition, with its bytes, headers and timestamp."""

    def __init__(self, run: Run, clients: KafkaClients | None = None) -> None:
        self._run = run
        self._clients = clients or KafkaClients()

    def list_parts(self) -> list[str]:
        """One partition, so that the order of the records is kept."""
        return [SINGLE_KEY]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Partition:  # noqa: ARG002
        """The partition, with a producer of its own."""
        return _Partition(self._run, self._clients)


class _Partition(StatefulSinkPartition[Chunk, None]):
    def __init__(self, run: Run, clients: KafkaClients) -> None:
        self._run = run
        self._errors = ClientErrors()
        self._producer = clients.producer(
            DeadLetterSettings().client_properties(run.topics_kafka),
            self._errors,
            log,
            purpose="replay",
            remedy="correct kafka.properties",
        )
        self._failed: tuple[KafkaError, str] | None = None
        self._partitions = self._list_topics()
        self._counts = run.counts.new_shard()

    def write_batch(self, values: list[Chunk]) -> None:
        """Hand messages to the client; blocks while its queue is full.

        Raises StopRun for a topic or partition that does not exist, or a failed delivery.
        """
        for chunk in values:
            self._counts.received(len(chunk.messages))
            if chunk.partition >= self._partitions.get(chunk.topic, 0):
                self._look_again(chunk.topic, chunk.partition)
            for message in chunk.messages:
                while True:
                    self._check()
                    try:
                        self._producer.produce(
                            chunk.topic,
                            message.value(),
                            message.key(),
                            chunk.partition,
                            on_delivery=self._on_delivery,
                            # 0: the client sets the present time.
                            timestamp=timestamp_of(message) or 0,
                            headers=[*readable_headers(message)],
                        )
                        break
                    except BufferError:
                        self._producer.poll(_CHECK_INTERVAL)
                    except KafkaException as error:
                        self._failed = error.args[0], chunk.topic
        self._producer.poll(0)

    def snapshot(self) -> None:
        """Wait until the brokers have confirmed every message. Raises StopRun when one fails."""
        while self._producer.flush(_CHECK_INTERVAL) > 0:
            self._check()
            if self._run.overdue:
                raise StopRun(
                    f"the drain ({self._run.drain_reason}) is not done within shutdown.deadline: "
                    "the brokers do not confirm what is replayed.\n  remedy: nothing is lost; the "
                    "next start goes on from the last snapshot"
                )
        self._check()
        self._counts.snapshot()

    def close(self) -> None:
        """Drop what is not confirmed: the next run replays it again."""
        self._producer.purge(blocking=False)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._run.counts.add("written", 1, self._counts)
        elif self._failed is None:
            self._failed = error, message.topic() or ""

    def _list_topics(self) -> dict[str, int]:
        """The existing topics, with their numbers of partitions. Raises StopRun without an answer.

        Needed before a record is sent: a broker may create a topic that a record is sent to.
        """
        timeout = self._run.settings.kafka.metadata_timeout
        try:
            found = self._producer.list_topics(timeout=timeout).topics
        except KafkaException as error:
            self._producer.poll(0)
            raise StopRun(
                f"replay: no metadata from {self._run.topics_kafka.bootstrap_servers} within "
                f"{timeout:g} s: {error.args[0].str()}{self._errors}\n  remedy: check that the "
                "brokers run, and that the security properties are theirs"
            ) from None
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _look_again(self, topic: str, partition: int) -> None:
        """Raise StopRun if the topic or the partition still does not exist, after asking again."""
        self._partitions = self._list_topics()
        if topic not in self._partitions:
            self._failed = KafkaError(KafkaError._UNKNOWN_TOPIC), topic
        elif partition >= self._partitions[topic]:
            self._failed = KafkaError(KafkaError._UNKNOWN_PARTITION), topic
        self._check()

    def _check(self) -> None:
        self._run.check()
        if self._failed is not None:
            error, topic = self._failed
            remedy = _REMEDIES.get(error.code(), "see the broker's log, and start again")
            raise StopRun(f"replay to topic {topic}: {error.str()}\n  remedy: {remedy}")
