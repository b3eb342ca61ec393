"""The watch over topics while a run reads them: new partitions, and topics that were made anew."""

from __future__ import annotations

import logging
import threading

from confluent_kafka import TopicPartition

from connectors.errors import StopRun
from connectors.kafka.metadata import (
    ClientErrors,
    consumer,
    list_partitions,
    part_name,
    resolve_start,
    topic_ids,
)
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")


class TopicWatcher:
    """Looks from time to time, in a thread of its own.

    New partitions drain the run for a restart, since Bytewax lists partitions only at the start. A
    topic that was deleted and made again stops it: its stored offsets mean nothing any more, and
    with enough records in the new one no broker would complain.
    """

    def __init__(self, run: Run, seen: dict[str, int]) -> None:
        self._run = run
        self._seen = seen
        threading.Thread(target=self._loop, name="kafka-watch", daemon=True).start()

    def _loop(self) -> None:
        wait = threading.Event()
        interval = self._run.settings.kafka.discovery_interval
        while self._run.drain_reason is None:
            try:
                self._check_ids()
                if wait.wait(interval):
                    return
                self._look_for_new()
            except Exception:  # the boundary of this thread: it must not end in silence
                log.exception("looking for new partitions failed; looking again later")
                wait.wait(interval)

    def _look_for_new(self) -> None:
        try:
            now = list_partitions(self._run.settings.kafka).topics
        except StopRun as error:
            log.warning("looking for new partitions: %s", error)
            return
        new = sorted(
            f"{topic} has {count} partitions, was {self._seen.get(topic, 0)}"
            for topic, count in now.items()
            if count > self._seen.get(topic, 0)
        )
        if new:
            self._run.drain("new partitions: " + "; ".join(new), restart=True)
        # A topic that went away counts as new when it comes back.
        self._seen = {topic: count for topic, count in self._seen.items() if topic in now}

    def _check_ids(self) -> None:
        recovery = self._run.recovery
        if recovery is None or not self._seen:
            return
        ids = topic_ids(self._run.settings.kafka, self._seen)
        anew = [topic for topic, found in ids.items() if recovery.topic_id(topic, found) != found]
        if anew:
            self._run.fail(
                StopRun(
                    f"kafka: topic {', '.join(sorted(anew))} was deleted and made again since the "
                    "last run: the stored offsets are those of the old one.\n  remedy: choose "
                    'where to go on, for one start: kafka.lost_offset = "earliest" (the oldest '
                    'record of the new topic) or "latest" (only what comes from now on)'
                )
            )


def forget_old_topics(run: Run, topics: dict[str, int]) -> None:
    """Where kafka.lost_offset says where to go on in topics that were made anew, note it.

    Ids and places are noted together, and the places hold until a snapshot of the new topic is
    durable: other processes and later starts go on there too, whatever state they still have.
    """
    recovery = run.recovery
    settings = run.settings.kafka
    if recovery is None or settings.lost_offset == "stop":
        return
    ids = topic_ids(settings, topics)
    for topic, found in sorted(ids.items()):
        if recovery.topic_id(topic, found) == found:
            continue
        log.warning(
            "topic %s was deleted and made again: going on at its %s record (kafka.lost_offset)",
            topic,
            settings.lost_offset,
        )
        choice = settings.model_copy(update={"start": settings.lost_offset})
        client = consumer(settings, ClientErrors())
        try:
            starts = {
                part_name(topic, number): resolve_start(
                    choice, client, TopicPartition(topic, number)
                )
                for number in range(topics[topic])
            }
        finally:
            client.close()
        recovery.start_topic_anew(topic, found, starts)
