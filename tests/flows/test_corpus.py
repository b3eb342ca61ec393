"""The corpus, record by record through whole runs; tests/corpus/README.md says what it is."""

from __future__ import annotations

import itertools
import json
import resource
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.flows.dead_letters import messages_of, own_block
from tests.support.brokers import Broker
from tests.support.corpus import Case, CorpusFlow, exact, flows
from tests.support.flow_process import Flow
from tests.support.ledger import Key, Place
from tests.support.registry import SchemaRegistry
from tests.support.store import LocalTablestore
from tests.support.wait import until

FLOWS = flows()
CASES = [case for flow in FLOWS for case in flow.cases]
# Private memory of the flow's process; it takes about 150 MiB without a record.
MEMORY = 1 << 30
LARGE = {"message.max.bytes": 8_000_000, "compression.type": "zstd", "log_level": 0}


def test_there_is_enough_of_it() -> None:
    """The corpus does not shrink unnoticed: it has a minimum size."""
    assert len([case for case in CASES if case.rejected]) >= 25
    assert len([case for case in CASES if not case.rejected]) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    for flow in FLOWS:
        for case in flow.cases:
            assert case.table in flow.tables, case.name
        valid = {case.table for case in flow.cases if case.valid and not case.alone}
        assert valid >= {case.table for case in flow.cases if case.rejected}, flow.name


class Sent:
    """What was produced: each record's place, its case, and whether it came before the case."""

    def __init__(self, bootstrap: str, topics: dict[str, str], ids: dict[str, int]) -> None:
        self.places: list[tuple[Place, Case, bytes | None]] = []
        self.before = 0
        self._topics = topics
        self._ids = ids
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **LARGE})

    def send(self, case: Case) -> None:
        """One case, with what comes before it."""
        for value in case.before:
            self._produce(case, self._framed(case.schema, value))
            self.before += 1
        value = self._framed(case.schema, case.value)
        place = self._produce(case, value)
        self.places.append((place, case, value))

    def _framed(self, schema: str | None, value: bytes | None) -> bytes | None:
        if schema is None or value is None:
            return value
        return b"\0" + self._ids[schema].to_bytes(4, "big") + value

    def _produce(self, case: Case, value: bytes | None) -> Place:
        found: list[Place] = []

        def delivered(error: object, message: object) -> None:
            assert error is None, (case.name, error)
            found.append((message.topic(), message.partition(), message.offset()))  # type: ignore[attr-defined]

        headers: list[tuple[str, str | bytes | None]] = [*case.headers.items()]
        self._producer.produce(
            self._topics[case.table],
            value,
            self._framed(case.key_schema, case.key),
            partition=0,
            timestamp=case.timestamp,
            headers=headers,
            on_delivery=delivered,
        )
        assert self._producer.flush(30) == 0
        return found[0]


def in_turn(cases: list[Case]) -> Iterator[Case]:
    """All cases, each but valid ones between two valid ones of their table."""
    by_table: dict[str, list[Case]] = {}
    for case in cases:
        by_table.setdefault(case.table, []).append(case)
    for mine in by_table.values():
        plain = [case for case in mine if case.valid and not case.alone]
        between = itertools.cycle(plain)
        yield from plain[:1]
        for case in mine:
            yield case
            if plain and not case.valid:
                yield next(between)


@pytest.mark.parametrize("corpus", FLOWS, ids=[flow.name for flow in FLOWS])
def test_the_corpus(
    corpus: CorpusFlow, embedded_broker: Broker, tablestore: LocalTablestore, tmp_path: Path
) -> None:
    """Each record is its row or its dead letter, and nothing else is there."""
    broker = embedded_broker
    topics = {table: broker.topic(f"{corpus.name}_{table}", 1) for table in corpus.tables}
    dead = broker.topic("dead", 1)
    flow = Flow(tmp_path, broker, tablestore, None, corpus.settings)
    flow.set(
        {
            "kafka": {"topics": list(topics.values())},
            "mapping": {"topics": {topic: table for table, topic in topics.items()}},
            "table": {"auto_create": True},
            "errors": {"tolerance": "all", "dead_letters": "kafka"},
            "dead_letters": {"topic": dead, "properties": LARGE},
        }
    )
    if corpus.transforms:
        flow.env["SYNC__TRANSFORMS"] = json.dumps(corpus.transforms)
    with ExitStack() as stack:
        ids: dict[str, int] = {}
        if corpus.schemas:
            registry = stack.enter_context(SchemaRegistry())
            ids = corpus.register(registry)
            flow.set({"format": {"registry": {"url": registry.url}}})
        stack.callback(flow.stop_all)
        sent = Sent(broker.bootstrap, topics, ids)
        for case in in_turn(corpus.cases):
            sent.send(case)
        process = flow.start()
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))

        def settled() -> bool:
            assert process.alive, process.text()
            return all(
                broker.committed(flow.group, topic, 1) == broker.ends(topic, 1)
                for topic in topics.values()
                if broker.ends(topic, 1).get(0, 0)
            )

        until(settled, lambda: f"all of it settled\n{process.text()}")
        counts = process.drain()
    by_topic = {topic: table for table, topic in topics.items()}
    _compare_rejected(sent, broker, dead)
    _compare_rows(sent, tablestore, by_topic)
    assert counts["read"] == len(sent.places) + sent.before
    assert counts["rejected"] == len([1 for _, case, _ in sent.places if case.rejected])


def _compare_rejected(sent: Sent, broker: Broker, topic: str) -> None:
    dead_letters = {}
    for message in messages_of(broker, topic):
        block = own_block(message)
        place = (
            block["__connect.errors.topic"],
            int(block["__connect.errors.partition"]),
            int(block["__connect.errors.offset"]),
        )
        reason = f"{block['__tablestore_sync.stage']} {block['__tablestore_sync.code']}"
        dead_letters[place] = reason, message.key(), message.value()
    wanted = {
        place: (case.rejected, case.key, value)
        for place, case, value in sent.places
        if case.rejected
    }
    names = {place: case.name for place, case, _ in sent.places}
    wrong = {
        names.get(place, place): (
            dead_letters.get(place, (None,))[0],
            wanted.get(place, (None,))[0],
        )
        for place in dead_letters.keys() | wanted.keys()
        if dead_letters.get(place) != wanted.get(place)
    }
    assert not wrong, f"found and expected, or other bytes than the record's own: {wrong}"


def _compare_rows(sent: Sent, store: LocalTablestore, tables: dict[str, str]) -> None:
    wanted: dict[str, dict[Key, tuple[str, object]]] = {table: {} for table in tables.values()}
    gone: set[tuple[str, Key]] = set()
    for (topic, partition, offset), case, _ in sent.places:
        key: Key = (("topic_partition", f"{topic}_{partition}"), ("offset", offset))
        if case.row_key is not None:
            key = tuple(case.row_key.items())
        if case.row is not None:
            wanted[tables[topic]][key] = case.name, exact(case.row)
        elif case.gone:
            gone.add((tables[topic], key))
    for table, rows in wanted.items():
        names = {key: name for key, (name, _) in rows.items()}
        found = {
            key: (names.get(key, "nobody's"), exact(columns))
            for key, columns in store.rows(table).items()
        }
        wrong = {
            key: (found.get(key), rows.get(key))
            for key in found.keys() | rows.keys()
            if found.get(key) != rows.get(key)
        }
        assert not wrong, f"found and expected: {wrong}"
        assert not [key for name, key in gone if name == table and key in found]
