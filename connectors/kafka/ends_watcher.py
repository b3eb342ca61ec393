"""Asks the brokers, from time to time, where the partitions of this process end: for the lag.

What a consumer knows by itself is as old as its last fetch, and while a table is throttled it
fetches nothing: just when an operator looks at the lag.
"""

from __future__ import annotations

import logging
import threading

from confluent_kafka import TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import partition_key
from connectors.kafka.offset_lookup import LATEST, offsets_at
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")

_INTERVAL = 5.0  # seconds


class EndsWatcher:
    """Asks in a thread of its own until the run drains.

    While the brokers do not answer, the run counts as waiting for them.
    """

    def __init__(self, run: Run, clients: KafkaClients, interval: float = _INTERVAL) -> None:
        """Prepare to look at the ends of the partitions every `interval` seconds."""
        self._run = run
        self._clients = clients
        self._interval = interval
        threading.Thread(target=self._loop, name="kafka-ends", daemon=True).start()

    def _loop(self) -> None:
        pause = threading.Event()
        run = self._run
        try:
            client = self._clients.consumer(run.settings.kafka, ClientErrors())
        except StopRun:
            return  # the source says it too
        waits = False
        while run.drain_reason is None and run.failure is None:
            # Those of new partitions are assigned one after the other.
            wanted = [*run.meters.partitions]
            partitions = [TopicPartition(one.topic, one.partition) for one in wanted]
            try:
                ends = offsets_at(run.settings.kafka, client, partitions, LATEST)
            except StopRun:
                if not waits:
                    waits = True
                    run.waits.enter("kafka")
                run.waits.because("kafka", "", _no_answer(run))
            else:
                now = run.clock()
                for one in wanted:
                    one.set_end(ends[partition_key(one.topic, one.partition)], now)
                if waits:
                    waits = False
                    run.waits.leave("kafka")
            pause.wait(self._interval if partitions else min(self._interval, 0.2))
        client.close()


def _no_answer(run: Run) -> str:
    kafka = run.settings.kafka
    return (
        f"{kafka.bootstrap_servers} (kafka.bootstrap_servers) gives no answer for all partitions "
        f"within {kafka.metadata_timeout:g} s: look at the brokers, and at the log of this run"
    )
