"""Kafka and the local Tablestore of a round, and what is read back from them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from localkafka import ApacheKafka, EmbeddedKafka
from tests.support.brokers import Broker, read_records
from tests.support.ledger import Key
from tests.support.store import LocalTablestore, TablestoreProcess
from torture.judge import DeadLetter, Row
from torture.records import PARTITIONS, Columns, Produced, Sent

DEAD_LETTERS = "dead_letters"
"""Topic, or table."""
_FLUSH_SECONDS = 120.0


class Producing:
    """A producer that notes each record with its place once Kafka has confirmed it."""

    def __init__(self, bootstrap: str) -> None:
        self.records: list[Produced] = []
        self.doubts: list[str] = []
        """Why the fate of a record is not known."""
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,  # a retry of the producer makes no second record
                "linger.ms": 5,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )

    def send(self, sent: Sent) -> None:
        """Hand a record over; waits while the queue is full."""

        def report(error: KafkaError | None, message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            if error is not None or partition is None or offset is None:
                self.doubts.append(f"a record of {sent.topic} may or may not be in Kafka: {error}")
            else:
                self.records.append(Produced(sent, (sent.topic, partition, offset)))

        while True:
            try:
                self._producer.produce(
                    sent.topic, sent.value, sent.key, partition=sent.partition, on_delivery=report
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def flush(self) -> None:
        """Wait until every record is confirmed."""
        if self._producer.flush(_FLUSH_SECONDS):
            self.doubts.append("records are not confirmed")


class Store:
    """The local Tablestore of a round, whose counts and effects outlive its restarts."""

    def __init__(self, process: TablestoreProcess) -> None:
        self.instance: LocalTablestore = process.fresh()
        self.applied: Counter[Row] = Counter()
        self.fired: Counter[str] = Counter()
        self._process = process
        self._effects_seen = 0
        self._rows_before = 0

    def rows_applied(self) -> int:
        """Row changes applied since the round began."""
        return self._rows_before + int(self._process.get("/-/stats")["rows_written"])

    def hung(self) -> int:
        """Requests left without an answer since the store was started last."""
        return int(self._process.get("/-/stats")["faults"].get("hang", 0))

    def collect(self) -> None:
        """Take over the effects since the last time."""
        answer = self._process.get(f"/-/effects?since={self._effects_seen}")
        self._effects_seen = answer["last"]
        for effect in answer["effects"]:
            self.applied[effect["table"], tuple(effect["key"].values())] += 1

    def restart(self) -> None:
        """Kill it and start it again; the effects of its last milliseconds are not counted."""
        self.collect()
        self._close_counts()
        self._process.restart()
        self._effects_seen = 0

    def end(self) -> None:
        """Take over what it has counted."""
        self.collect()
        self._close_counts()

    def _close_counts(self) -> None:
        stats = self._process.get("/-/stats")
        self._rows_before += stats["rows_written"]
        self.fired.update(stats["faults"])

    def rows(self) -> dict[Row, Columns]:
        """Every row of every table but that of dead letters."""
        found: dict[Row, Columns] = {}
        for name in self.instance.client.list_table():
            if name != DEAD_LETTERS:
                for key, columns in self.instance.rows(name).items():
                    found[name, tuple(part for _, part in key)] = _plain(columns)
        return found

    def dead_letters(self) -> list[DeadLetter]:
        """Those of its table."""
        return [
            _from_row(key, columns) for key, columns in self.instance.rows(DEAD_LETTERS).items()
        ]


def _plain(columns: dict[str, Any]) -> Columns:
    return dict(columns)


def _from_row(key: Key, columns: dict[str, Any]) -> DeadLetter:
    values = dict(key)
    topic, _, partition = str(values["topic_partition"]).rpartition("_")
    place = topic, int(partition), int(str(values["offset"]))
    parts = (columns.get(name) for name in ("key", "value"))
    record_key, value = (None if part is None else bytes(part) for part in parts)
    return DeadLetter(place, record_key, value)


def dead_letters_in_topic(broker: Broker) -> list[DeadLetter]:
    """Those of the topic, repeats included."""
    client = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "judge", "log_level": 0})
    try:
        ends = broker.ends(DEAD_LETTERS, PARTITIONS)
        client.assign([TopicPartition(DEAD_LETTERS, number, 0) for number in ends])
        messages = read_records(client, sum(ends.values()))
    finally:
        client.close()
    return [_from_message(message) for message in messages]


def _from_message(message: Message) -> DeadLetter:
    headers: Any = dict(message.headers() or [])
    topic, partition, offset = (
        headers[f"__connect.errors.{name}"].decode() for name in ("topic", "partition", "offset")
    )
    return DeadLetter((topic, int(partition), int(offset)), message.key(), message.value())


def start_kafka(is_apache: bool) -> Broker:
    """A Kafka of its own for a round."""
    if not is_apache:
        return Broker("embedded", embedded=EmbeddedKafka())
    kafka = ApacheKafka()
    kafka.start()
    return Broker("apache", apache=kafka)


def stop_kafka(broker: Broker) -> None:
    """End it."""
    for kafka in (broker.embedded, broker.apache):
        if kafka is not None:
            kafka.close()


def start_store(folder: Path, *options: str) -> TablestoreProcess:
    """A local Tablestore with one instance, that keeps its data when it is killed."""
    return TablestoreProcess(folder, "--duplicates", "strict", *options, instances=1)
