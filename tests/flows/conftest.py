"""A case: a topic, a table store, a flow between them, and the ledger of what went in."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.brokers import Broker
from tests.support.flow_process import Flow, FlowProcess
from tests.support.ledger import Manifest, Place, Verdict, judge
from tests.support.producers import PAYLOAD, LedgerProducer, send_order
from tests.support.real_runs import ObservedRuns, produced_of
from tests.support.store import KEY_SECRET, LocalTablestore
from tests.support.wait import PATIENCE, until

PARTITIONS = 4


class MakeCase(Protocol):
    """Builds a case on a broker, with the module's table store or another one."""

    def __call__(self, broker: Broker, store: LocalTablestore = ...) -> "Case": ...


@dataclass
class Case:
    """Everything a whole-flow test works with."""

    broker: Broker
    store: LocalTablestore
    topic: str
    flow: Flow
    manifest: Manifest
    producer: LedgerProducer
    runs: ObservedRuns
    """What the runs have left behind, for those whose test says when they ended."""
    unbalanced: bool = False
    """Its counts are made not to balance."""

    def orders(self, count: int, first: int = 0) -> None:
        """Produce orders, round the partitions, whose rows have their Kafka place as the key."""
        for number in range(first, first + count):
            send_order(self.producer, self.topic, number, number % PARTITIONS)
        self.producer.flush()

    def close(self) -> None:
        """End what still runs. P7: no output of any run holds a secret or a payload.

        And at every snapshot of every run the counts have balanced.
        """
        self.flow.stop_all()
        text = self.flow.output()
        assert self.unbalanced or "do not balance" not in text, text
        assert KEY_SECRET not in text, "the secret is in the output"
        assert PAYLOAD not in text, "a payload is in the output"

    def state(self) -> dict[str, object]:
        """The manifest of the recovery folder, {} as long as there is none."""
        path = self.flow.state / "manifest.json"
        content: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return content

    def wait_started(self, process: FlowProcess) -> None:
        """Wait until the run knows where it starts in each partition of the topic."""

        def known() -> bool:
            assert process.alive, process.text()
            return len(dict(self.state().get("starts", {}))) >= PARTITIONS  # type: ignore[call-overload]

        until(known, lambda: f"the start offsets\n{process.text()}")

    def wait_written(
        self, number: int, process: FlowProcess | None = None, within: float = PATIENCE
    ) -> None:
        """Wait until the store has applied so many row changes, duplicates included."""
        processes = [process] if process is not None else []

        def enough() -> bool:
            for one in processes:
                assert one.alive, f"the flow has ended:\n{one.text()}"
            return self.store.written() >= number

        def describe() -> str:
            text = "\n".join(one.text() for one in processes)
            return f"{number} rows; {self.store.written()} are written\n{text}"

        until(enough, describe, within)

    def committed(self) -> dict[int, int]:
        """Offsets that the flow's group has committed, by partition."""
        return self.broker.committed(self.flow.group, self.topic, PARTITIONS)

    def wait_committed(self, process: FlowProcess, within: float = PATIENCE) -> None:
        """Wait until the group has committed all that was produced: everything is settled."""
        ends = {p: end for p, end in self.broker.ends(self.topic, PARTITIONS).items() if end}

        def all_committed() -> bool:
            assert process.alive, f"the flow has ended:\n{process.text()}"
            return {p: end for p, end in self.committed().items() if end} == ends

        until(
            all_committed, lambda: f"{ends}, {self.committed()} committed\n{process.text()}", within
        )

    def verdict(
        self,
        minimum: int = 1,
        reported: Collection[Place] | None = None,
        fired: Mapping[str, int] | None = None,
    ) -> Verdict:
        """Judge the whole store against the whole manifest; fails unless it is a PASS."""
        verdict = judge(
            self.manifest,
            self.store.tables(),
            self.store.effects(),
            reported=reported,
            minimum=minimum,
            fired=fired,
        )
        assert verdict.status == "PASS", str(verdict)
        if len(self.runs):
            produced = [produced_of(record) for record in self.manifest]
            found = self.runs.verdict(produced, minimum)
            assert found.status == "PASS", str(found)
        return verdict

    def verdict_of_rows(self, minimum: int = 1) -> Verdict:
        """As `verdict`, without the log of effects: for tests that restart the store."""
        verdict = judge(self.manifest, self.store.tables(), minimum=minimum)
        assert verdict.status == "PASS", str(verdict)
        return verdict


@pytest.fixture
def make_case(tmp_path: Path, tablestore: LocalTablestore) -> Iterator[MakeCase]:
    """Build cases on a broker; at the end their processes are ended and their output searched."""
    made: list[Case] = []

    def make(broker: Broker, store: LocalTablestore = tablestore) -> Case:
        topic = broker.topic("orders", PARTITIONS)
        manifest = Manifest(tmp_path / "manifest.jsonl")
        flow = Flow(tmp_path / "flow", broker, store, topic)
        case = Case(
            broker=broker,
            store=store,
            topic=topic,
            flow=flow,
            manifest=manifest,
            producer=LedgerProducer(broker.bootstrap, manifest),
            runs=ObservedRuns(store, broker, flow.group, topic, PARTITIONS, flow.state),
        )
        made.append(case)
        return case

    yield make
    for case in made:
        case.close()


@pytest.fixture
def case(kafka: Broker, make_case: MakeCase) -> Case:
    """A case on each of the two Kafkas."""
    return make_case(kafka)


@pytest.fixture
def embedded_case(embedded_broker: Broker, make_case: MakeCase) -> Case:
    """A case on the embedded Kafka, for what no broker has a part in."""
    return make_case(embedded_broker)


@pytest.fixture
def apache_case(apache_broker: Broker, make_case: MakeCase) -> Case:
    """A case on the real broker, for what the mock cannot do."""
    return make_case(apache_broker)
