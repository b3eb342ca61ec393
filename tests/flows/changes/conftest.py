"""Topics of one partition each, from which changes of rows come, and the rows of a table."""

import json
import time
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import Case
from tests.support.store import LocalTablestore

KEY = [{"name": "id", "type": "string"}]


class Topics:
    """Topics of one partition each, and a producer."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._producer = Producer({"bootstrap.servers": case.broker.bootstrap, "linger.ms": 0})
        self._made: list[str] = []

    def make(self) -> str:
        topic = self._case.broker.topic("changes", 1)
        self._made.append(topic)
        return topic

    def send(self, topic: str, key: Any, value: Any, timestamp: int = 0) -> None:
        self._producer.produce(
            topic,
            None if value is None else json.dumps(value).encode(),
            None if key is None else json.dumps(key).encode(),
            partition=0,
            timestamp=timestamp,
        )

    def flush(self) -> None:
        """Wait until the broker has all that was sent."""
        assert self._producer.flush(30) == 0

    def run(self, tables: dict[str, dict[str, Any]], topics: dict[str, str]) -> dict[str, int]:
        """Run the flow over all that was sent; `topics` leads to tables. The counts at the end."""
        self.flush()
        flow = self._case.flow
        flow.set(
            {
                "kafka": {"topics": list(topics)},
                "mapping": {"topics": topics},
                "tables": tables,
                "errors": {"tolerance": "all"},
            }
        )
        process = flow.start()
        ends = {topic: self._case.broker.ends(topic, 1)[0] for topic in topics}
        deadline = time.monotonic() + 60
        while any(
            self._case.broker.committed(flow.group, topic, 1).get(0, 0) < end
            for topic, end in ends.items()
        ):
            assert process.alive, process.text()
            assert time.monotonic() < deadline, process.text()
            time.sleep(0.2)
        return process.drain()


@pytest.fixture
def topics(embedded_case: Case) -> Topics:
    return Topics(embedded_case)


def rows(store: LocalTablestore, table: str) -> dict[Any, Any]:
    """The columns of each row by the value of its last key column."""
    return {key[-1][1]: columns for key, columns in store.rows(table).items()}
