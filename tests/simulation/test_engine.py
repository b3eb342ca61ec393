"""The simulated engine's rules are Bytewax's: both make the same calls in the same order."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from connectors.batching import builder
from connectors.run.accounting import Counts
from simulation.bugs import BUGS
from simulation.engine import Cluster, Flow
from simulation.recovery import Snapshots
from simulation.timeline import Timeline
from tests.unit.factories import batch, row, settings

ROOT = Path(__file__).parents[2]
Calls = list[tuple[Any, ...]]


class Part(StatefulSourcePartition[str, int]):
    """Counts to four; fails at `fails_at`."""

    def __init__(self, calls: Calls, key: str, at: int, fails_at: int | None) -> None:
        self.calls, self.key, self.at, self.fails_at = calls, key, at, fails_at

    def next_batch(self) -> list[str]:
        self.calls.append(("next_batch", self.key, self.at))
        if self.at == self.fails_at:
            raise ValueError("killed here")
        if self.at >= 4:
            raise StopIteration
        self.at += 1
        return [f"{self.key}{self.at}"]

    def snapshot(self) -> int:
        self.calls.append(("snapshot", self.key, self.at))
        return self.at

    def close(self) -> None:
        if self.fails_at is None:  # after an error the order is that of the drop of objects
            self.calls.append(("close", self.key))


class Source(FixedPartitionedSource[str, int]):
    def __init__(self, calls: Calls, fails_at: int | None) -> None:
        self.calls, self.fails_at = calls, fails_at

    def list_parts(self) -> list[str]:
        self.calls.append(("list_parts", "source"))
        return ["a", "b"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Part:
        self.calls.append(("build", for_part, resume_state))
        return Part(self.calls, for_part, resume_state or 0, self.fails_at)


class Logic(StatefulBatchLogic[str, list[str], list[str]]):
    """Collects three."""

    def __init__(self, calls: Calls, state: list[str] | None) -> None:
        self.calls, self.kept = calls, [*(state or ())]
        calls.append(("logic", state))

    def on_batch(self, values: list[str]) -> tuple[list[list[str]], bool]:
        self.calls.append(("on_batch", *values))
        self.kept += values
        return (self.take() if len(self.kept) >= 3 else []), False

    def on_eof(self) -> tuple[list[list[str]], bool]:
        self.calls.append(("on_eof", *self.kept))
        return self.take(), False

    def take(self) -> list[list[str]]:
        kept, self.kept = self.kept, []
        return [kept] if kept else []

    def notify_at(self) -> None:
        self.calls.append(("notify_at", *self.kept))

    def snapshot(self) -> list[str]:
        self.calls.append(("snapshot_batcher", *self.kept))
        return [*self.kept]


class Writer(StatefulSinkPartition[list[str], None]):
    def __init__(self, calls: Calls, key: str) -> None:
        self.calls, self.key = calls, key

    def write_batch(self, values: list[list[str]]) -> None:
        self.calls.append(("write", self.key, *map(tuple, values)))

    def snapshot(self) -> None:
        self.calls.append(("snapshot_sink", self.key))


class Sink(FixedPartitionedSink[list[str], None]):
    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def list_parts(self) -> list[str]:
        self.calls.append(("list_parts", "sink"))
        return ["0", "1"]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> Writer:
        self.calls.append(("build_sink", for_part))
        return Writer(self.calls, for_part)


def keyed(item: str) -> list[tuple[str, str]]:
    return [("0" if item[0] == "a" else "1", item)]


class Process:
    alive = True

    def call(self, label: str, *details: object) -> None:
        """The parts note their calls themselves."""


def simulated() -> Callable[[Calls, int | None], None]:
    """Runs of the simulated engine, on one recovery store."""
    snapshots = Snapshots()

    def run(calls: Calls, fails_at: int | None) -> None:
        cluster = Cluster(Timeline(), snapshots, 0.0)
        logic = lambda state: Logic(calls, state)  # noqa: E731
        cluster.start([(Process(), Flow(Source(calls, fails_at), keyed, logic, Sink(calls)))])
        while not cluster.workers[0].done:
            assert cluster.one_turn()

    return run


def real(folder: Path) -> Callable[[Calls, int | None], None]:
    """Runs of Bytewax, on one recovery store."""
    init_db_dir(folder, 1)

    def run(calls: Calls, fails_at: int | None) -> None:
        flow = Dataflow("test")
        items = op.input("read", flow, Source(calls, fails_at))
        rows = op.flat_map("map", items, keyed)
        batches = op.stateful_batch("window", rows, lambda state: Logic(calls, state))
        op.output("write", batches, Sink(calls))
        config = RecoveryConfig(str(folder), timedelta(0))
        run_main(flow, epoch_interval=timedelta(0), recovery_config=config)

    return run


def calls_of(run: Callable[[Calls, int | None], None], *fails_at: int | None) -> list[Calls]:
    """The calls of runs that follow each other, each ended by an error where one is named."""
    found = []
    for end in fails_at:
        calls: Calls = []
        if end is None:
            run(calls, None)
        else:
            with pytest.raises(Exception):  # noqa: B017, PT011 - Bytewax wraps it
                run(calls, end)
        found.append(calls)
    return found


@pytest.mark.parametrize("ends", [(None,), (2, None), (1, 3, None), (3, 3, None)])
def test_calls_come_in_bytewax_order(ends: tuple[int | None, ...], tmp_path: Path) -> None:
    """Of sources, batchers and sinks, over epochs, errors, resumed state and the end."""
    assert calls_of(simulated(), *ends) == calls_of(real(tmp_path), *ends)


class Idle(FixedPartitionedSource[str, int]):
    """Has nothing."""

    def list_parts(self) -> list[str]:
        return ["a"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        part = Part([], for_part, 1, None)
        part.next_batch = list  # type: ignore[method-assign]
        return part


@pytest.mark.P1
@pytest.mark.parametrize("bug", [None, "batcher_is_called_late"])
def test_a_waiting_row_outlives_two_kills(bug: str | None) -> None:
    """The first kill leaves a later state of the batcher, of an epoch that was never complete."""
    waiting = [tuple(segment) for segment in batch([row("key")])[0]]
    snapshots, calls = Snapshots(), Calls()
    snapshots.begin_execution()
    snapshots.join(0, 1)
    snapshots.write(1, [("read", "a", 1), ("window", "0", waiting)])
    snapshots.advance(0, 2)
    snapshots.write(2, [("window", "0", [])])
    timeline = Timeline()
    cluster = Cluster(timeline, snapshots, 0.0)
    window = settings(window={"age": 60}).window
    with BUGS[bug]() if bug else nullcontext():
        build = builder(window, Counts().new_batcher, clock=timeline.wall_clock)
        cluster.start([(Process(), Flow(Idle(), keyed, build, Sink(calls)))])
        while snapshots.frontier() < 4:
            assert cluster.one_turn()
    kept = snapshots.states("window", snapshots.frontier()).get("0")
    is_written = "write" in [call[0] for call in calls]
    assert (is_written or kept == waiting) == (bug is None)


STALE = """
import os, sys
from datetime import datetime, timedelta, timezone
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig
from bytewax.testing import run_main

run, folder, called = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "called"

class Part(StatefulSourcePartition):
    def __init__(self, at):
        self.at, self.idle = at or 0, 0
    def next_batch(self):
        if run == 1:
            self.at += 1
            return [str(self.at)]
        self.idle += 1
        if self.idle > 4:
            os._exit(9)
        return []
    def snapshot(self):
        return self.at

class Source(FixedPartitionedSource):
    def list_parts(self):
        return ["a"]
    def build_part(self, step_id, for_part, resume_state):
        return Part(resume_state)

class Logic(StatefulBatchLogic):
    def __init__(self, state):
        self.kept = [*(state or ())]
        self.due = datetime.now(timezone.utc) if called and state is not None else None
        if state is not None:
            print("resumed", *self.kept, flush=True)
    def on_batch(self, values):
        self.kept += values
        if len(self.kept) < 2:
            return [], False
        kept, self.kept = self.kept, []
        return [kept], False
    def on_notify(self):
        self.due = None
        return [], False
    def notify_at(self):
        return self.due
    def snapshot(self):
        return [*self.kept]

class Writer(StatefulSinkPartition):
    def write_batch(self, values):
        pass
    def snapshot(self):
        os._exit(9)

class Sink(FixedPartitionedSink):
    def list_parts(self):
        return ["0"]
    def part_fn(self, item_key):
        return 0
    def build_part(self, step_id, for_part, resume_state):
        return Writer()

flow = Dataflow("test")
rows = op.map("map", op.input("read", flow, Source()), lambda item: ("0", item))
op.output("write", op.stateful_batch("window", rows, Logic), Sink())
run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(folder, timedelta(0)))
"""


@pytest.mark.parametrize(("resumed", "third"), [("called", "resumed 1"), ("left", "resumed")])
def test_a_state_of_an_epoch_that_was_never_complete(
    resumed: str, third: str, tmp_path: Path
) -> None:
    """Bytewax resumes with it, unless the run between has stored one of that epoch.

    A batcher that is called at once has one; left alone it loses the row that waits in it.
    """
    init_db_dir(tmp_path, 1)
    found = []
    for run in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", STALE, run, str(tmp_path), resumed],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == 9, done.stderr
        found.append(done.stdout.strip())
    assert found == ["", "resumed 1", third]
