"""The simulated engine's rules are Bytewax's with several workers too, and after rescaling.

Threads have no fixed order, so what is compared is no list of calls but what must hold of them.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main

from connectors.batching import builder
from connectors.run.accounting import Counts
from connectors.run.committable_offset import CommittableOffset
from simulation.engine import Cluster, Flow
from simulation.recovery import Snapshots
from simulation.timeline import Timeline
from tests.unit.factories import batch, row, settings

Call = tuple[Any, ...]
Run = Callable[[list[Call], int, int | None], None]
"""Makes the calls of a run with a number of workers, ended by an error after some items."""
LENGTHS = {"a": 14, "b": 5, "c": 9}
KEYS = 5
WORKERS = 3


def key_of(item: str) -> str:
    return str(int(item[1:]) % KEYS)


class Part(StatefulSourcePartition[str, int]):
    """Counts up to its length; fails at `fails_at`."""

    def __init__(self, calls: list[Call], key: str, at: int, fails_at: int | None) -> None:
        self.calls, self.key, self.at, self.fails_at = calls, key, at, fails_at
        calls.append(("build", key, at))

    def next_batch(self) -> list[str]:
        self.calls.append(("next_batch", self.key))
        if self.at == self.fails_at:
            raise ValueError("killed here")
        if self.at >= LENGTHS[self.key]:
            raise StopIteration
        self.at += 1
        self.calls.append(("emit", self.key, self.at))
        return [f"{self.key}{self.at}"]

    def snapshot(self) -> int:
        self.calls.append(("snapshot", self.key, self.at))
        return self.at


class Source(FixedPartitionedSource[str, int]):
    def __init__(self, calls: list[Call], fails_at: int | None) -> None:
        self.calls, self.fails_at = calls, fails_at

    def list_parts(self) -> list[str]:
        return [*LENGTHS]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Part:
        return Part(self.calls, for_part, resume_state or 0, self.fails_at)


class Logic(StatefulBatchLogic[str, list[str], list[str]]):
    """Collects three items of a key."""

    def __init__(self, calls: list[Call], state: list[str] | None) -> None:
        self.calls, self.kept = calls, [*(state or ())]
        if state:
            calls.append(("resumed", *state))

    def on_batch(self, values: list[str]) -> tuple[list[list[str]], bool]:
        self.calls.append(("on_batch", *values))
        self.kept += values
        return (self.take() if len(self.kept) >= 3 else []), False

    def on_eof(self) -> tuple[list[list[str]], bool]:
        return self.take(), False

    def take(self) -> list[list[str]]:
        kept, self.kept = self.kept, []
        return [kept] if kept else []

    def snapshot(self) -> list[str]:
        self.calls.append(("kept", *self.kept))
        return [*self.kept]


class Writer(StatefulSinkPartition[list[str], None]):
    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls
        self.new: list[str] = []

    def write_batch(self, values: list[list[str]]) -> None:
        self.new += [item for items in values for item in items]
        self.calls.append(("write", *self.new))

    def snapshot(self) -> None:
        self.calls.append(("durable", *self.new))
        self.new = []


class Sink(FixedPartitionedSink[list[str], None]):
    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls

    def list_parts(self) -> list[str]:
        return [str(number) for number in range(KEYS)]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> Writer:
        return Writer(self.calls)


class Process:
    alive = True

    def call(self, label: str, *details: object) -> None:
        """The parts note their calls themselves."""


def simulated(seed: int) -> Run:
    """Runs of the simulated engine, in the order of a seed, on one recovery store."""
    snapshots, chance = Snapshots(), random.Random(seed)

    def run(calls: list[Call], workers: int, fails_at: int | None) -> None:
        cluster = Cluster(Timeline(), snapshots, 0.0, chance)
        sink, logic = Sink(calls), lambda state: Logic(calls, state)
        flow = Flow(Source(calls, fails_at), lambda item: [(key_of(item), item)], logic, sink)
        cluster.start([(Process(), flow)] * workers)
        while not all(worker.done for worker in cluster.workers):
            assert cluster.one_turn()

    return run


def real(folder: Path) -> Run:
    """Runs of Bytewax, each worker in a thread of its own, on one recovery store."""
    init_db_dir(folder, WORKERS)

    def run(calls: list[Call], workers: int, fails_at: int | None) -> None:
        flow = Dataflow("test")
        items = op.input("read", flow, Source(calls, fails_at))
        rows = op.map("key", items, lambda item: (key_of(item), item))
        batches = op.stateful_batch("window", rows, lambda state: Logic(calls, state))
        op.output("write", batches, Sink(calls))
        execute(flow, folder, workers, timedelta(0))

    return run


def execute(flow: Dataflow, folder: Path, workers: int, interval: timedelta) -> None:
    config = RecoveryConfig(str(folder), timedelta(0))
    cluster_main(
        flow,
        [],
        0,
        epoch_interval=interval,
        recovery_config=config,
        worker_count_per_proc=workers,
    )


class Story:
    """What is known of each item, call by call; says what was wrong."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        self.wrong: list[str] = []

    def follow(self, calls: list[Call]) -> None:
        """Go through the calls of one run."""
        resumed = {item for name, *items in calls if name == "resumed" for item in items}
        self.durable: set[str] = set()
        self.kept: dict[str, set[str]] = {}
        for item in resumed:
            self.kept.setdefault(key_of(item), set()).add(item)
        self.started: dict[str, int] = {}
        self.at: dict[str, int] = {}  # of each partition, its last snapshot
        self.arrived: dict[tuple[str, str], int] = {}
        for name, *rest in calls:
            if name == "build":
                self.build(rest[0], rest[1], resumed)
            elif name == "snapshot":
                self.at[rest[0]] = rest[1]
            elif name == "next_batch":
                self.reads_on(*rest)
            elif name == "on_batch":
                self.arrive(rest)
            elif name == "kept" and rest:
                self.kept[key_of(rest[0])] = {*rest}
            elif name == "write":
                self.written.update(rest)
            elif name == "durable":
                self.durable.update(rest)

    def build(self, key: str, start: int, resumed: set[str]) -> None:
        self.started[key] = self.at[key] = start
        before = {f"{key}{number}" for number in range(1, start + 1)}
        if lost := before - self.written - resumed:
            self.wrong.append(f"resumed at {start}, and nobody has {sorted(lost)}")

    def reads_on(self, key: str) -> None:
        before = {f"{key}{number}" for number in range(self.started[key] + 1, self.at[key] + 1)}
        if early := before - self.durable.union(*self.kept.values()):
            self.wrong.append(f"{key} reads on before {sorted(early)} are durable")

    def arrive(self, items: list[str]) -> None:
        for item in items:
            path = item[0], key_of(item)
            if int(item[1:]) <= self.arrived.get(path, 0):
                self.wrong.append(f"{item} came late")
            self.arrived[path] = int(item[1:])


ENDS = [[(2, None)], [(3, 4), (2, None)], [(2, 3), (3, 6), (1, None)], [(1, 2), (3, 2), (2, None)]]


@pytest.mark.parametrize("runs", ENDS)
@pytest.mark.parametrize("engine", ["simulated", "real"])
def test_what_holds_of_several_workers(
    engine: str, runs: list[tuple[int, int | None]], tmp_path: Path
) -> None:
    """A source reads on only when all before is durable everywhere; a key's items stay in order.

    A run with another number of workers has every item that was not written, and all end written.
    """
    for seed in range(20 if engine == "simulated" else 1):
        run = simulated(seed) if engine == "simulated" else real(tmp_path)
        story = Story()
        calls: list[Call] = []
        for workers, fails_at in runs:
            calls = []
            if fails_at is None:
                run(calls, workers, None)
            else:
                with pytest.raises(Exception):  # noqa: B017, PT011 - Bytewax wraps it
                    run(calls, workers, fails_at)
            story.follow([*calls])
        assert story.wrong == [], (seed, calls)
        every = {f"{key}{n + 1}" for key, length in LENGTHS.items() for n in range(length)}
        assert story.written == every


AGE = 1.0


class BusyWorker:
    """A run in which the workers without the source are blocked while rows are on their way."""

    def __init__(self) -> None:
        self.blocked, self.snapshotted = threading.Event(), threading.Event()
        self.written = 0
        self.sent = 0
        self.source_thread = 0
        self.found: list[tuple[int, int]] = []
        """Each offset that may be committed, and the rows that were written by then."""
        self.lock = threading.Lock()

    def block(self) -> None:
        """Block, once, until the rows that follow are in a snapshot, and longer than their age."""
        if threading.get_ident() != self.source_thread and not self.blocked.is_set():
            self.blocked.set()
            assert self.snapshotted.wait(60)
            time.sleep(AGE * 1.5)


class BusySource(FixedPartitionedSource[Any, int], StatefulSourcePartition[Any, int]):
    """Its own partition: sends what fills every batcher, and then a row for each of them."""

    def __init__(self, busy: BusyWorker) -> None:
        self.busy = busy
        self.offsets = CommittableOffset(0, AGE, now=lambda: datetime.now(timezone.utc))

    def list_parts(self) -> list[str]:
        return ["a"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        self.busy.source_thread = threading.get_ident()
        return self

    def next_batch(self) -> list[Any]:
        busy = self.busy
        offset = self.offsets.due()
        if offset is not None:
            busy.found.append((offset, busy.written))
            if offset == busy.sent:
                raise StopIteration
        if busy.sent == 0:
            busy.sent = 2 * KEYS
            return [(str(key), batch([row("a"), row("b")])) for key in range(KEYS)]
        if busy.sent == 2 * KEYS:
            assert busy.blocked.wait(60)
            busy.sent = 3 * KEYS
            return [(str(key), batch([row("c")])) for key in range(KEYS)]
        return []

    def snapshot(self) -> int:
        self.busy.snapshotted.set()
        self.offsets.snapshotted(self.busy.sent)
        return self.busy.sent


class BusySink(FixedPartitionedSink[Any, None], StatefulSinkPartition[Any, None]):
    def __init__(self, busy: BusyWorker) -> None:
        self.busy = busy

    def list_parts(self) -> list[str]:
        return [str(number) for number in range(KEYS)]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> Any:
        return self

    def write_batch(self, values: list[Any]) -> None:
        self.busy.block()
        with self.busy.lock:
            for segments, _ in values:
                self.busy.written += sum(len(segment.sizes) for segment in segments)

    def snapshot(self) -> None:
        """Nothing is kept."""


@pytest.mark.P1
def test_an_offset_waits_for_rows_on_their_way_to_a_busy_worker(tmp_path: Path) -> None:
    """With real batchers on Bytewax: what may be committed is written, however late it came in."""
    init_db_dir(tmp_path, 2)
    busy = BusyWorker()
    window = settings(window={"age": AGE, "rows": 2}).window
    flow = Dataflow("test")
    items = op.input("read", flow, BusySource(busy))
    build = builder(window, Counts().new_batcher)
    op.output("write", op.stateful_batch("window", items, build), BusySink(busy))
    execute(flow, tmp_path, 2, timedelta(seconds=0.1))
    assert busy.blocked.is_set()
    assert busy.found, "no offset may be committed"
    assert all(written >= offset for offset, written in busy.found), busy.found
