"""What an earlier release left behind: its recovery folder and dead letters, and runs on them.

tests/fixtures/make_release.py makes such a folder; tests/flows/test_releases.py opens it.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Producer
from tablestore import Condition, Row, RowExistenceExpectation

from localkafka import EmbeddedKafka
from tests.support.brokers import Broker
from tests.support.flow_process import Flow, FlowProcess
from tests.support.ledger import Columns, Key
from tests.support.series import points
from tests.support.store import LocalTablestore
from tests.support.wait import until

FIXTURES = Path(__file__).parents[1] / "fixtures"
TOPICS = {"orders": 4, "events": 2, "customers": 2, "readings": 2}
DEAD = "dead"
"""The topic or table of the dead letters."""
TIME_SERIES = "readings"
KEYS = {
    "orders": (("id", "STRING"),),
    "customers": (("id", "STRING"),),
    "events": (("topic_partition", "STRING"), ("offset", "INTEGER")),
}
"""Wide-column tables and their primary keys."""
FAULTS = [
    {
        "kind": "row_error",
        "api": "BatchWriteRow",
        "table": "orders",
        "key": {"column": "id", "value": f"rejected-{begin}"},
        "code": "OTSParameterInvalid",
    }
    for begin in (0, 100)
]
"""What makes the local Tablestore refuse a row, for dead letters of the stage `write`."""
Rows = dict[str, dict[Key, Columns]]
"""Rows by table and primary key."""


class Message(NamedTuple):
    """A Kafka record to produce, or one that was read."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Release:
    """The runs of one configuration on an embedded Kafka and a local Tablestore."""

    def __init__(self, folder: Path, fixture: Path, kafka: EmbeddedKafka, store: LocalTablestore):
        self.fixture = fixture
        self.broker = Broker("embedded", embedded=kafka)
        self.store = store
        folder.mkdir(parents=True)
        shutil.copy(fixture / "config.toml", folder)
        self.flow = Flow(folder, self.broker, store, None)
        # What config.toml says counts, but for the addresses.
        for section, names in {"kafka": ("group", "topics"), "window": ("shards",)}.items():
            for name in names:
                self.flow.unset(section, name)
        self.flow.group = "release"

    def create_tables(self) -> None:
        """The wide-column tables; the flow makes that of the time series itself."""
        for name, key in KEYS.items():
            self.store.create_table(name, key)

    def produce(self, messages: Iterable[Message]) -> None:
        """Produce messages, each into its partition, in order."""
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        for topic, partition, key, value, timestamp, headers in messages:
            producer.produce(
                topic, value, key, partition, timestamp=timestamp, headers=list(headers)
            )
        assert producer.flush(30) == 0

    def committed(self) -> dict[str, int]:
        """The offsets that the flow's group has committed, by `topic/partition`."""
        return {
            f"{topic}/{partition}": offset
            for topic, count in TOPICS.items()
            for partition, offset in self.broker.committed("release", topic, count).items()
        }

    def wait_committed(self, process: FlowProcess) -> None:
        """Wait until a snapshot of everything produced is durable."""
        ends = {
            f"{topic}/{partition}": end
            for topic, count in TOPICS.items()
            for partition, end in self.broker.ends(topic, count).items()
            if end
        }

        def all_committed() -> bool:
            assert process.alive, process.text()
            return {name: offset for name, offset in self.committed().items() if offset} == ends

        until(all_committed, lambda: f"{ends}, {self.committed()} committed\n{process.text()}")

    def wide_rows(self) -> Rows:
        """All rows of the wide-column tables, by table; dead letters apart."""
        return {name: self.store.rows(name) for name in KEYS}

    def rows(self) -> Rows:
        """All rows and points, by table; dead letters apart."""
        return {**self.wide_rows(), TIME_SERIES: points(self.store, TIME_SERIES)}

    def put_rows(self, table: str, rows: Mapping[Key, Columns]) -> None:
        """Put rows into a wide-column table by the official SDK."""
        condition = Condition(RowExistenceExpectation.IGNORE)
        for key, columns in rows.items():
            values = [
                (name, bytearray(value) if isinstance(value, bytes) else value)
                for name, value in columns.items()
            ]
            self.store.client.put_row(table, Row(list(key), values), condition)

    def replay(self, source: str, folder: str) -> FlowProcess:
        """Replay the dead letters of the topic or the table to their end, columns mended."""
        rules = {"primary_key_mode": "kafka", "columns": "all"}
        self.flow.env["SYNC__TABLES__EVENTS"] = json.dumps(rules)
        self.flow.settings["replay"] = {"source": source}
        before, self.flow.state = self.flow.state, self.flow.folder / folder
        process = self.flow.start(module="flows.replay")
        self.flow.state = before
        assert process.wait() == 0, process.text()
        return process


def to_plain(value: Any) -> Any:
    """A value as JSON: bytes as {"base64": text}."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: to_plain(each) for name, each in value.items()}
    return value


def from_plain(value: Any) -> Any:
    """The value of JSON that `to_plain` gave; lists become tuples."""
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"])
        return {name: from_plain(each) for name, each in value.items()}
    return tuple(map(from_plain, value)) if isinstance(value, list) else value


def save_messages(path: Path, messages: Iterable[Message]) -> None:
    """Write messages as JSON, one a line."""
    lines = [json.dumps(to_plain(message._asdict())) for message in messages]
    path.write_text("".join(f"{line}\n" for line in lines))


def load_messages(path: Path) -> list[Message]:
    """The messages that `save_messages` wrote."""
    return [Message(**from_plain(json.loads(line))) for line in path.read_text().splitlines()]


def save_rows(path: Path, tables: Rows) -> None:
    """Write rows as JSON, one a line."""
    lines = [
        json.dumps(to_plain({"table": table, "key": key, "columns": columns}))
        for table, rows in sorted(tables.items())
        for key, columns in sorted(rows.items(), key=repr)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))


def load_rows(path: Path) -> Rows:
    """The rows that `save_rows` wrote."""
    found: Rows = {}
    for line in path.read_text().splitlines():
        row = from_plain(json.loads(line))
        found.setdefault(row["table"], {})[row["key"]] = row["columns"]
    return found
