"""Producing records into Kafka, each with a line in the manifest once Kafka has confirmed it."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from tests.support.ledger import Columns, Expected, Key, Manifest, Produced, Put

Expect = Callable[[int, int], Expected]
"""What must become of a record, once its partition and offset are known."""


def kafka_row(topic: str, columns: Columns, table: str | None = None) -> Expect:
    """The row of a record under primary_key_mode `kafka`."""

    def expect(partition: int, offset: int) -> Expected:
        key: Key = (("topic_partition", f"{topic}_{partition}"), ("offset", offset))
        return Put(table or topic, key, columns)

    return expect


def keyed_row(table: str, key: Key, columns: Columns) -> Expect:
    """The row of a record whose key is in the record."""
    return lambda _partition, _offset: Put(table, key, columns)


PAYLOAD = "canary-of-the-payload"
"""A text of every order's value that no output may ever hold."""


class LedgerProducer:
    """A producer that never loses track: every record is in the manifest, or noted as unknown."""

    def __init__(self, bootstrap: str, manifest: Manifest, **properties: str | int) -> None:
        self.manifest = manifest
        settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,  # a retry inside the producer makes no second record
            "linger.ms": 5,
            "log_level": 0,
            "message.max.bytes": 8_000_000,
            **properties,
        }
        self._producer = Producer(settings)

    def send(
        self,
        topic: str,
        value: bytes | None,
        expect: Expect,
        key: bytes | None = None,
        partition: int = 0,
        timestamp: int = 0,
    ) -> None:
        """Hand a record over; the manifest gets it when the broker has confirmed it."""

        def report(error: KafkaError | None, message: Message) -> None:
            at, offset = message.partition(), message.offset()
            if error is not None or at is None or offset is None:
                self.manifest.add_unknown(str(error))
                return
            self.manifest.add(Produced(topic, at, offset, key, value, expect(at, offset)))

        while True:
            try:
                self._producer.produce(
                    topic,
                    value,
                    key,
                    partition=partition,
                    timestamp=timestamp,
                    on_delivery=report,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A committed transaction around what is sent; needs the property transactional.id."""
        self._producer.init_transactions(30)
        self._producer.begin_transaction()
        yield
        self._producer.commit_transaction(30)

    def flush(self, within: float = 60.0) -> None:
        """Wait until every record is confirmed."""
        left = self._producer.flush(within)
        assert left == 0, f"{left} records not confirmed within {within:g} s"


class Stream(threading.Thread):
    """Keeps producing orders into all partitions of a topic until it is stopped.

    A context manager; after it every record is confirmed and in the manifest. `rate` is in records
    a second.
    """

    def __init__(
        self,
        bootstrap: str,
        manifest: Manifest,
        topic: str,
        partitions: int,
        rate: int,
        seed: int,
        send: Callable[[LedgerProducer, str, int, int], None] | None = None,
    ) -> None:
        """`send` produces one record: (producer, topic, number, partition); an order by default."""
        super().__init__(name=f"stream-{topic}", daemon=True)
        self._producer = LedgerProducer(bootstrap, manifest)
        self._topic = topic
        self._partitions = partitions
        self._rate = rate
        self._send = send or send_order
        self._random = random.Random(seed)
        self._ended = threading.Event()

    def run(self) -> None:
        """Produce in small bursts, so that windows close by age as well as by rows."""
        number = 0
        begin = time.monotonic()
        while not self._ended.wait(0.02):
            due = (time.monotonic() - begin) * self._rate
            while number < due:
                self._send(
                    self._producer, self._topic, number, self._random.randrange(self._partitions)
                )
                number += 1
        self._producer.flush()

    def __enter__(self) -> "Stream":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


def send_order(producer: LedgerProducer, topic: str, number: int, partition: int) -> None:
    """One order of a shop, whose row under primary_key_mode `kafka` is known beforehand."""
    columns: Columns = {
        "order_id": f"{PAYLOAD}-{number}",
        "number": number,
        "amount": number + 0.25,
        "paid": number % 2 == 0,
    }
    value = json.dumps({**columns, "note": None}).encode()
    producer.send(topic, value, kafka_row(topic, columns), partition=partition)
