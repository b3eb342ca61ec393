"""Records back to the topics that they came from, each confirmed by the broker's own report."""

from __future__ import annotations

import logging

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.errors import StopRun
from connectors.kafka.metadata import ClientErrors
from connectors.records import Chunk
from connectors.run.context import Run
from connectors.settings.errors import DeadLetterSettings

log = logging.getLogger("sync.replay")

ONE = "0"
_LOOK = 0.2  # seconds between two looks at the state of the run
_REMEDY = {
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
    """Sends each message to its own topic and partition, with its own bytes, headers and time."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def list_parts(self) -> list[str]:
        """One, so that the order of what is replayed is kept."""
        return [ONE]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Partition:  # noqa: ARG002
        """A producer."""
        return _Partition(self._run)


class _Partition(StatefulSinkPartition[Chunk, None]):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._errors = ClientErrors()
        properties = {
            "log_level": 2,
            **DeadLetterSettings().client_properties(run.origin),
            "acks": "all",
            "enable.idempotence": True,
            "message.timeout.ms": 0,  # it tries again without end
            "linger.ms": 5,
            "error_cb": self._errors,
        }
        try:
            self._producer = Producer(properties, logger=log)
        except KafkaException as error:
            raise StopRun(
                f"replay: the client refuses its configuration: {error.args[0].str()}\n"
                "  remedy: correct kafka.properties"
            ) from None
        self._failed: tuple[KafkaError, str] | None = None
        self._partitions = self._known()
        self._count = run.counts.open_lane()

    def write_batch(self, values: list[Chunk]) -> None:
        """Hand over; blocks while the client's queue is full."""
        for chunk in values:
            self._count.took(len(chunk.messages))
            if chunk.partition >= self._partitions.get(chunk.topic, 0):
                self._refuse(chunk.topic, chunk.partition)
            for message in chunk.messages:
                kind, timestamp = message.timestamp()
                while True:
                    self._check()
                    try:
                        self._producer.produce(
                            chunk.topic,
                            message.value(),
                            message.key(),
                            chunk.partition,
                            on_delivery=self._reported,
                            # 0 lets the client set the present time, for a record that had none.
                            timestamp=max(0, timestamp) if kind else 0,
                            headers=message.headers(),
                        )
                        break
                    except BufferError:
                        self._producer.poll(_LOOK)
                    except KafkaException as error:
                        self._failed = error.args[0], chunk.topic
        self._producer.poll(0)

    def snapshot(self) -> None:
        """Wait until the brokers have confirmed everything; raise when that fails."""
        while self._producer.flush(_LOOK) > 0:
            self._check()
            if self._run.overdue:
                raise StopRun(
                    f"the drain ({self._run.drain_reason}) is not done within shutdown.deadline: "
                    "the brokers do not confirm what is replayed.\n  remedy: none is lost; the "
                    "next start goes on from the last snapshot"
                )
        self._check()
        self._count.snapshot()

    def close(self) -> None:
        """Drop what is not confirmed: it is replayed again."""
        self._producer.purge(blocking=False)

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._run.counts.add("written", 1, self._count)
        elif self._failed is None:
            self._failed = error, message.topic() or ""

    def _known(self) -> dict[str, int]:
        """The topics that there are, with their number of partitions.

        Asked for before a record is sent: brokers may make a topic that they are sent one of.
        """
        timeout = self._run.settings.kafka.metadata_timeout
        try:
            found = self._producer.list_topics(timeout=timeout).topics
        except KafkaException as error:
            self._producer.poll(0)
            raise StopRun(
                f"replay: no metadata from {self._run.origin.bootstrap_servers} within "
                f"{timeout:g} s: {error.args[0].str()}{self._errors}\n  remedy: check that the "
                "brokers run, and that the security properties are theirs"
            ) from None
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _refuse(self, topic: str, partition: int) -> None:
        """Raise for a topic or a partition that is not there any more."""
        self._partitions = self._known()  # it may have come meanwhile
        if topic not in self._partitions:
            self._failed = KafkaError(KafkaError._UNKNOWN_TOPIC), topic
        elif partition >= self._partitions[topic]:
            self._failed = KafkaError(KafkaError._UNKNOWN_PARTITION), topic
        self._check()

    def _check(self) -> None:
        self._run.check()
        if self._failed is not None:
            error, topic = self._failed
            remedy = _REMEDY.get(error.code(), "see the broker's log, and start again")
            raise StopRun(f"replay to topic {topic}: {error.str()}\n  remedy: {remedy}")
