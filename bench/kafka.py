"""The broker of a benchmark: Apache Kafka if it can run here, else the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import localkafka
from bench.orders import fill

PARTITIONS = 4
TOPIC = "orders"
# The embedded broker keeps 5 MiB of each partition: compressed orders of this number fit.
EMBEDDED_ROWS = 200_000


class Topic(NamedTuple):
    """A topic full of orders."""

    bootstrap: str
    name: str
    partitions: int
    rows: int
    mean_bytes: float
    broker: str  # description of the broker


@contextmanager
def filled_topic(kind: str, rows: int) -> Iterator[Topic]:
    """Start a broker (`apache`, `embedded` or `auto`) and fill a topic.

    Raises localkafka.KafkaUnavailableError when `apache` is asked for and cannot run.
    """
    apache = kind == "apache" or (kind == "auto" and localkafka.available() is None)
    if apache:
        with localkafka.ApacheKafka({TOPIC: PARTITIONS}) as broker:
            size = fill(broker.bootstrap, TOPIC, PARTITIONS, rows, "none")
            yield Topic(broker.bootstrap, TOPIC, PARTITIONS, rows, size, "Apache Kafka")
        return
    rows = min(rows, EMBEDDED_ROWS)
    why = "" if kind == "embedded" else f" ({localkafka.available()})"
    with localkafka.EmbeddedKafka({TOPIC: PARTITIONS}) as embedded:
        size = fill(embedded.bootstrap, TOPIC, PARTITIONS, rows, "zstd")
        label = f"librdkafka's mock broker{why}, {rows} compressed rows"
        yield Topic(embedded.bootstrap, TOPIC, PARTITIONS, rows, size, label)
