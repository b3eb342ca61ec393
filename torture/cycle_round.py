"""A round: some cycles on the same topics, tables and recovery folder, and then the verdict."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError

from tests.support.flow_process import Flow, FlowProcess
from tests.support.store import KEY_SECRET
from tests.support.wait import until
from torture import plan, records, services
from torture.judge import DeadLetter, Verdict, judge
from torture.plan import Cycle

_ROWS_WITHIN, _STILL = 6.0, 0.3
"""Seconds that a cycle waits for rows; and without another row before it goes on."""
_END_SECONDS, _DRAINED_SECONDS = 120.0, 300.0
_FAST = {
    "tablestore": {"retry_initial": 0.02, "retry_max": 0.3, "timeout": 10.0},
    "shutdown": {"deadline": 60.0},
}
_BROKER_ERRORS = (
    ("Fetch", KafkaError.NOT_LEADER_FOR_PARTITION),
    ("Fetch", KafkaError.REQUEST_TIMED_OUT),
    ("OffsetCommit", KafkaError.NOT_COORDINATOR),
    ("OffsetCommit", KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
)


@dataclass
class Result:
    """What a round did and what was found."""

    number: int
    seed: int
    cycles: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    happened: Counter[str] = field(default_factory=Counter)
    """How often a process ended in each way, and each thing went wrong."""
    fired: Counter[str] = field(default_factory=Counter)
    """How often each fault of the table store struck."""

    def as_json(self) -> dict[str, Any]:
        """What is kept of it in the file of results."""
        # Not asdict, which turns the items of a Counter into its keys.
        return {**vars(self), "verdict": vars(self.verdict)}


class Round:
    """Everything that a round works with; `play` runs it."""

    def __init__(self, folder: Path, number: int, seed: int, is_apache: bool) -> None:
        self.result = Result(number, seed)
        self._folder = folder
        self._apache = is_apache
        self._random = random.Random(seed)
        self._feed = records.Feed(seed)
        self._outputs: list[str] = []
        """What is wrong in the output of the runs."""

    def play(self, cycles: int, records_each: int) -> Result:
        """Run the cycles, let the flow finish, and judge."""
        self._folder.mkdir(parents=True)
        rules = self._folder / "faults.json"
        rules.write_text(json.dumps([records.refusal()]), encoding="utf-8")
        with services.start_store(self._folder / "store", "--faults", str(rules)) as process:
            self._store = services.Store(process)
            self._broker = services.start_kafka(self._apache)
            self._producing = services.Producing(self._broker.bootstrap)
            self._flow = Flow(self._folder / "flow", self._broker, self._store.instance, None)
            try:
                self._prepare()
                self._play(cycles, records_each)
            except AssertionError as error:
                self.result.verdict.status = "FAIL"
                self.result.verdict.found("stuck", str(error))
            finally:
                self._flow.stop_all()
                services.stop_kafka(self._broker)
        return self.result

    def _prepare(self) -> None:
        for topic in (*records.TOPICS, services.DEAD_LETTERS):
            self._broker.create_topic(topic, records.PARTITIONS)
        self._flow.env["SYNC__TRANSFORMS"] = json.dumps(records.TRANSFORMS)
        where = self._random.choice(("kafka", "tablestore"))
        errors = {"tolerance": "all", "dead_letters": where, "auto_create": True}
        self._flow.set({"kafka": {"topics": list(records.TOPICS)}, "errors": errors, **_FAST})
        self._flow.set({"dead_letters": {"topic": services.DEAD_LETTERS}})
        self._flow.set(records.settings())
        self._in_topic = where == "kafka"
        self.result.happened[f"dead letters in {where}"] += 1

    def _play(self, cycles: int, records_each: int) -> None:
        for cycle in plan.cycles(self.result.seed, cycles):
            self._run(cycle, records_each)
            self.result.cycles += 1
        self._finish()

    def _run(self, cycle: Cycle, count: int) -> None:
        self._produce(count // 2)
        self._set_faults(*cycle.faults)
        processes = self._start(cycle)
        self.result.happened[cycle.shape] += 1
        if cycle.end == "SIGKILL at the start":
            time.sleep(cycle.delay * 1.5)
            self._produce(count - count // 2)
        else:
            self._produce(count - count // 2)
            rows = int(cycle.share * count / 2)
            self._wait_for_rows(processes, rows)
            self._happen(cycle)
            self._wait_for_rows(processes, rows)
            time.sleep(cycle.delay * 0.3)
        self._end(cycle, processes)
        self._store.collect()
        self._check_output(processes)

    def _produce(self, count: int) -> None:
        for _ in range(count):
            self._producing.send(self._feed.next())
        self._producing.flush()

    def _set_faults(self, *rules: dict[str, object]) -> None:
        self._store.instance.set_faults(records.refusal(), *rules)

    def _start(self, cycle: Cycle) -> list[FlowProcess]:
        if cycle.shape == "two processes":
            return self._flow.start_cluster(2)
        options = ("-w", "2") if cycle.shape == "two workers" else ()
        return [self._flow.start(*options, snapshot=cycle.snapshot)]

    def _wait_for_rows(self, processes: list[FlowProcess], rows: int) -> None:
        """Until that number is applied, or no more come, or time is up."""
        before = seen = self._store.rows_applied()
        began = moved = time.monotonic()
        while seen < before + rows:
            _check_alive(processes)
            now = time.monotonic()
            if now - began > _ROWS_WITHIN or (seen > before and now - moved > _STILL):
                return
            applied = self._store.rows_applied()
            if applied > seen:
                seen, moved = applied, now
            time.sleep(0.1)

    def _happen(self, cycle: Cycle) -> None:
        broker = self._broker.embedded
        if cycle.event == "nothing" or (cycle.event == "errors of the broker" and broker is None):
            return
        self.result.happened[cycle.event] += 1
        if cycle.event == "table store killed":
            self._store.restart()
            self._set_faults(*cycle.faults)
        elif cycle.event == "broker away":
            self._take_broker_away(cycle.delay)
        elif broker is not None:
            api, code = self._random.choice(_BROKER_ERRORS)
            broker.push_errors(api, code, self._random.randrange(1, 6))

    def _take_broker_away(self, seconds: float) -> None:
        if self._broker.apache is not None:
            self._broker.apache.kill()
            self._broker.apache.restart()
        elif self._broker.embedded is not None:
            self._broker.embedded.broker_down()
            time.sleep(seconds * 0.5)
            self._broker.embedded.broker_up()

    def _end(self, cycle: Cycle, processes: list[FlowProcess]) -> None:
        ends: dict[str, Callable[[], None]] = {
            "SIGTERM": lambda: _drain(processes, signal.SIGTERM),
            "SIGINT": lambda: _drain(processes, signal.SIGINT),
            "permission taken away": lambda: self._deny(processes),
        }
        if cycle.end in ends:
            ends[cycle.end]()
        else:
            if cycle.end == "SIGKILL while requests hang":
                self._hang(cycle, processes)
            _check_alive(processes)
            self._random.shuffle(processes)
            for process in processes:
                process.kill()
        self.result.happened[cycle.end] += 1

    def _hang(self, cycle: Cycle, processes: list[FlowProcess]) -> None:
        """Until a snapshot is due, which must wait for the requests."""
        fired = self._store.hung()
        effect = self._random.choice(("before", "after"))
        self._set_faults({**plan.HANG, "effect": effect})
        self._produce(100)
        until(lambda: self._store.hung() > fired, processes[0].text, within=_END_SECONDS)
        time.sleep(cycle.snapshot + 2 * cycle.delay)

    def _deny(self, processes: list[FlowProcess]) -> None:
        self._set_faults(plan.DENIAL)
        self._produce(100)
        for process in processes:
            code = process.wait(_END_SECONDS)
            assert code == 1, f"exit code {code} without permission:\n{process.text()}"
        assert any("remedy: " in process.text() for process in processes)

    def _finish(self) -> None:
        """All is well again: one more run reads all there is."""
        self._set_faults()
        process = self._flow.start()
        for topic in records.TOPICS:
            ends = self._broker.ends(topic, records.PARTITIONS)
            until(
                lambda topic=topic, ends=ends: self._is_committed(process, topic, ends),  # type: ignore[misc]
                lambda topic=topic: f"the end of {topic}\n{process.text()}",  # type: ignore[misc]
                within=_DRAINED_SECONDS,
                every=0.3,
            )
        _drain([process], signal.SIGTERM)
        self._check_output([process])
        self._store.end()
        self.result.fired = self._store.fired
        verdict = judge(
            self._producing.records,
            self._store.rows(),
            self._dead_letters(),
            self._store.applied,
            self._doubts(),
        )
        for text in self._outputs:
            verdict.status = "FAIL"
            verdict.found("output", text)
        self.result.verdict = verdict

    def _check_output(self, processes: list[FlowProcess]) -> None:
        """Note what no run may say; the rows are judged all the same."""
        for process in processes:
            for word in (KEY_SECRET, "do not balance"):
                if word in process.text():
                    self._outputs.append(f"{word!r} is in the output of {process.name}")

    def _dead_letters(self) -> list[DeadLetter]:
        if self._in_topic:
            return services.dead_letters_in_topic(self._broker)
        return self._store.dead_letters()

    def _is_committed(self, process: FlowProcess, topic: str, ends: dict[int, int]) -> bool:
        _check_alive([process])
        found = self._broker.committed(self._flow.group, topic, records.PARTITIONS)
        return all(found.get(partition, 0) >= end for partition, end in ends.items())

    def _doubts(self) -> list[str]:
        """Why a round without findings would prove nothing."""
        doubts = list(self._producing.doubts)
        if not self._store.fired["row_error"]:
            doubts.append("the service has refused no row")
        if not any(self.result.happened[end] for end in plan.ENDS if end.startswith("SIGKILL")):
            doubts.append("no process was killed")
        return doubts


def _drain(processes: list[FlowProcess], number: signal.Signals) -> None:
    for process in processes:
        # Python itself handles SIGINT from the start, and SIGTERM only once the flow does.
        until(lambda p=process: p.handles(signal.SIGTERM), process.text)  # type: ignore[misc]
    for process in processes:
        process.process.send_signal(number)
    for process in processes:
        code = process.wait(_END_SECONDS)
        assert code == 0, f"exit code {code} after {number.name}:\n{process.text()}"


def _check_alive(processes: list[FlowProcess]) -> None:
    for process in processes:
        assert process.alive, f"it has ended by itself:\n{process.text()}"
