"""Watches topics while a run reads them: for new partitions, and for topics that were recreated."""

from __future__ import annotations

import logging
import threading

from confluent_kafka import TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import KafkaClients
from connectors.kafka.metadata import list_partitions, topic_ids
from connectors.kafka.start_offsets import resolve_starts
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")


class TopicWatcher:
    """Checks the topics every kafka.discovery_interval seconds, in a thread of its own.

    New partitions drain the run for a restart, since Bytewax lists partitions only at the start
    [bytewax-io]. A topic that was deleted and created again fails the run: its stored offsets are
    those of the old topic, and once the new one has enough records no broker would complain.
    """

    def __init__(self, run: Run, seen: dict[str, int], clients: KafkaClients) -> None:
        """`seen` has the topics at the start, each with its number of partitions."""
        self._run = run
        self._seen = seen
        self._clients = clients
        threading.Thread(target=self._loop, name="kafka-watch", daemon=True).start()

    def _loop(self) -> None:
        pause = threading.Event()
        interval = self._run.settings.kafka.discovery_interval
        while self._run.drain_reason is None:
            try:
                self._check_ids()
                if pause.wait(interval):
                    return
                self._look_for_new()
            except Exception:  # the boundary of this thread, which must not end unnoticed
                log.exception("looking for new partitions failed; looking again later")
                pause.wait(interval)

    def _look_for_new(self) -> None:
        try:
            found = list_partitions(self._run.settings.kafka, self._clients).topics
            topics = self._run.readable_topics(found)
        except StopRun as error:
            log.warning("looking for new partitions: %s", error)
            return
        new = sorted(
            f"{topic} has {count} partitions, was {self._seen.get(topic, 0)}"
            for topic, count in topics.items()
            if count > self._seen.get(topic, 0)
        )
        if new:
            self._run.drain("new partitions: " + "; ".join(new), restart=True)
        # A deleted topic counts as new when it exists again.
        self._seen = {topic: count for topic, count in self._seen.items() if topic in topics}

    def _check_ids(self) -> None:
        recovery = self._run.recovery
        if recovery is None or not self._seen:
            return
        ids = topic_ids(self._run.settings.kafka, self._seen, self._clients)
        recreated = [
            topic for topic, found in ids.items() if recovery.topic_id(topic, found) != found
        ]
        if recreated:
            self._run.fail(
                StopRun(
                    f"kafka: topic {', '.join(sorted(recreated))} was deleted and created again "
                    "since the last run: the stored offsets are those of the old one.\n  remedy: "
                    'choose where to go on, for one start: kafka.lost_offset = "earliest" (the '
                    'oldest record of the new topic) or "latest" (only what comes from now on)'
                )
            )


def restart_recreated_topics(run: Run, topics: dict[str, int], clients: KafkaClients) -> None:
    """Note new start offsets for recreated topics, if kafka.lost_offset allows it.

    Topic ids and offsets are noted together, and the offsets overrule stored state until a snapshot
    of the new topic is durable: so other processes and later starts read from there too.
    """
    recovery = run.recovery
    settings = run.settings.kafka
    if recovery is None or settings.lost_offset == "stop":
        return
    ids = topic_ids(settings, topics, clients)
    for topic, found in sorted(ids.items()):
        if recovery.topic_id(topic, found) == found:
            continue
        log.warning(
            "topic %s was deleted and created again: going on at its %s record (kafka.lost_offset)",
            topic,
            settings.lost_offset,
        )
        choice = settings.model_copy(update={"start": settings.lost_offset})
        partitions = [TopicPartition(topic, number) for number in range(topics[topic])]
        starts = resolve_starts(choice, clients, partitions)
        recovery.replace_topic(topic, found, starts)
