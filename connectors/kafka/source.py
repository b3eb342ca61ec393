"""The Kafka source: one Bytewax partition per Kafka partition, one consumer per worker.

The state of a partition in the recovery store is the next offset to read, and it alone decides
where a run goes on. Once a snapshot is durable its offset is also committed to the consumer group,
for Kafka's own lag tools.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bytewax.inputs import FixedPartitionedSource
from confluent_kafka import TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import KafkaClients
from connectors.kafka.discovery import TopicWatcher, restart_recreated_topics
from connectors.kafka.ends_watcher import EndsWatcher
from connectors.kafka.group_commit import commit_at_end
from connectors.kafka.lost_offset import Loss
from connectors.kafka.metadata import Cluster, list_partitions, partition_key, topic_partition_of
from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.partition_reader import PartitionQueue, PartitionReader, SharedConsumer
from connectors.kafka.progress import Progress
from connectors.kafka.start_offsets import StartOffsets
from connectors.kafka.unreadable import BatchProbe
from connectors.records import Chunk
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")

Watch = Callable[[Run, dict[str, int], KafkaClients], object]


class KafkaSource(FixedPartitionedSource[Chunk, int]):
    """Reads the configured topics. Its state of each partition is the next offset to read."""

    def __init__(
        self,
        run: Run,
        clients: KafkaClients | None = None,
        *,
        watch: Watch = TopicWatcher,
        progress: Progress | None = None,
        topics_option: str = "kafka.topics",
        worker: Callable[[], int] = threading.get_ident,
    ) -> None:
        """`watch` begins to watch the topics that were found.

        `topics_option` is the setting that names the topics, for texts. `worker` names the worker
        that calls: it builds and asks its partitions in one thread.
        """
        self._run = run
        self._clients = clients or KafkaClients()
        self._progress = progress or Progress(run)
        self._starts = StartOffsets(run, self._clients)
        self._probe = BatchProbe(run, self._clients)
        self._loss = Loss(run.settings.kafka, self._clients)
        self._worker = worker
        self._consumers: dict[int, SharedConsumer] = {}
        self._topics_option = topics_option
        self._existing: set[str] = set()
        self._watch: Watch | None = watch
        run.on_clean_end(self._commit_at_end)
        self.list_parts = run.noting(self.list_parts)  # type: ignore[method-assign]
        self.build_part = run.noting(self.build_part)  # type: ignore[method-assign]

    def list_parts(self) -> list[str]:
        """The key of every partition that exists, or that the recovery folder has state of.

        Bytewax crashes on state whose partition is not listed [bytewax-recovery], so partitions
        that were removed stay listed. Raises StopRun for another cluster or a missing topic.
        """
        self._run.formed = True
        settings = self._run.settings.kafka
        cluster = list_partitions(settings, self._clients)
        cluster = cluster._replace(topics=self._run.readable_topics(cluster.topics))
        self._existing = {
            partition_key(topic, number)
            for topic, count in cluster.topics.items()
            for number in range(count)
        }
        self._progress.found(self._existing)
        self._starts.found(self._existing)
        known: list[str] = []
        if self._run.recovery is not None:
            known = self._run.recovery.known_partitions()
        self._check_cluster(cluster)
        self._check_topics(cluster.topics, known)
        for key in sorted(set(known) - self._existing):
            log.warning(
                "topic %s partition %d is gone, or no topic of this run any more: it is not read",
                *topic_partition_of(key),
            )
        restart_recreated_topics(self._run, cluster.topics, self._clients)
        if self._watch is not None:
            # Each worker of the process lists the partitions; one watches them.
            watch, self._watch = self._watch, None
            watch(self._run, cluster.topics, self._clients)
            if self._run.meters.observed:
                EndsWatcher(self._run, self._clients)
        return sorted(self._existing | set(known))

    def _check_cluster(self, cluster: Cluster) -> None:
        recovery = self._run.recovery
        if recovery is None:
            return
        stored = recovery.cluster_id(cluster.id)
        if stored != cluster.id:
            raise StopRun(
                f"recovery folder {recovery.path} holds offsets of another Kafka cluster (id "
                f"{stored}, and {self._run.settings.kafka.bootstrap_servers} is {cluster.id}).\n"
                "  remedy: correct kafka.bootstrap_servers, or give this cluster a recovery "
                "folder of its own with -r"
            )

    def _check_topics(self, found: dict[str, int], known: list[str]) -> None:
        settings = self._run.settings.kafka
        read_before = {topic_partition_of(key)[0] for key in known}
        missing = [
            topic for topic in settings.topics if topic not in found and topic not in read_before
        ]
        if missing:
            raise StopRun(
                f"kafka: no such topic on {settings.bootstrap_servers}: {', '.join(missing)}\n"
                f"  remedy: create it, correct {self._topics_option}, or grant Describe on it to "
                "this user"
            )
        if not found and not read_before:
            raise StopRun(
                f"kafka: no topic on {settings.bootstrap_servers} matches kafka.topics_pattern "
                f"{settings.topics_pattern!r}\n  remedy: correct it, or create a topic first"
            )

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,
        resume_state: int | None,
    ) -> PartitionReader:
        """The reader of one partition, at its state or at the start of a first run."""
        start = TopicPartition(*topic_partition_of(for_part))
        recovery = self._run.recovery
        if for_part not in self._existing:
            known = None if recovery is None else recovery.start_of(for_part)
            start.offset = (known or 0) if resume_state is None else resume_state
            return self._reader(start, None, resumed=False)
        new_start = None if recovery is None else recovery.new_start_of(for_part)
        if new_start is not None:
            start.offset = new_start
        elif resume_state is None:
            start.offset = self._starts.of(for_part)
        else:
            start.offset = resume_state
        # A changed offset becomes the group's too, though no record may come behind it.
        resumed = new_start is not None or resume_state is not None
        queue = self._consumer().add(start)
        errors = PartitionErrors(self._run, queue, self._progress, self._probe, self._loss)
        return self._reader(start, (queue, errors), resumed)

    def _consumer(self) -> SharedConsumer:
        """The consumer of this worker, made when it is first needed."""
        worker = self._worker()
        consumer = self._consumers.get(worker)
        if consumer is None:
            consumer = self._consumers[worker] = SharedConsumer(
                self._run, self._clients, len(self._existing)
            )
            self._run.meters.prefetched.append(lambda: consumer.waiting_bytes)
        return consumer

    def _reader(
        self,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors] | None,
        resumed: bool,
    ) -> PartitionReader:
        return PartitionReader(self._run, start, source, self._progress, resumed)

    def _commit_at_end(self) -> None:
        snapshots = self._progress.snapshots()
        commit_at_end(self._run.settings.kafka, self._clients, snapshots)
        if self._run.recovery is not None:
            for one in snapshots:  # where it goes on is in its state now
                self._run.recovery.forget_new_start(partition_key(one.topic, one.partition))
