"""The engine of connectors/testing/ makes the calls that Bytewax's own makes."""

from datetime import datetime, timedelta
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import TestingSink, TestingSource, run_main

from connectors.testing.clock import Clock
from connectors.testing.engine import Engine


class Collected(StatelessSinkPartition[Any]):
    """Keeps items in a list."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def write_batch(self, items: list[Any]) -> None:
        self._items += items


class ListSink(DynamicSink[Any]):
    """Keeps the items of all workers."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Collected:
        return Collected(self._items)


class Sums(StatefulBatchLogic[int, int, int]):
    """The sum of a key's numbers, emitted at each batch and at the end; discarded beyond 50."""

    def __init__(self, resumed: int | None) -> None:
        self._sum = resumed or 0

    def on_batch(self, values: list[int]) -> tuple[list[int], bool]:
        self._sum += sum(values)
        return [self._sum], self._sum > 50

    def on_eof(self) -> tuple[list[int], bool]:
        return [-self._sum], True

    def snapshot(self) -> int:
        return self._sum


def every_operator(flow_id: str, items: list[Any], sink: Any) -> Dataflow:
    """A flow with each of the core operators."""
    flow = Dataflow(flow_id)
    numbers = op.input("in", flow, TestingSource(items))
    parts = op.branch("even", numbers, lambda n: n % 2 == 0)
    tens = op.map("tens", parts.trues, lambda n: n * 10)
    merged = op.merge("merge", tens, op.flat_map("twice", parts.falses, lambda n: [n, n]))
    keyed = op.key_on("key", op.redistribute("any", merged), lambda n: str(n % 3))
    op.output("out", op.stateful_batch("sums", keyed, Sums), sink)
    return flow


def test_each_operator_does_what_it_does_in_bytewax() -> None:
    """The same items, key by key in the same order, those at the end included."""
    items = [*range(12)]
    expected: list[Any] = []
    run_main(every_operator("real", items, TestingSink(expected)))
    found: list[Any] = []
    engine = Engine(every_operator("ours", items, ListSink(found)), Clock())
    for item in items:
        engine.push([item])
    engine.end()
    for key in "012":
        assert [one for one in found if one[0] == key] == [one for one in expected if one[0] == key]
    assert len(found) == len(expected) > len(items)


class Due(StatefulBatchLogic[float, datetime, None]):
    """Emits the time at which it is called, some seconds after its item."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: datetime | None = None

    def on_batch(self, values: list[float]) -> tuple[list[datetime], bool]:
        self._due = self._clock.now() + timedelta(seconds=values[0])
        return [], False

    def on_notify(self) -> tuple[list[datetime], bool]:
        self._due = None
        return [self._clock.now()], True

    def notify_at(self) -> datetime | None:
        return self._due

    def snapshot(self) -> None:
        return None


def test_time_passes_only_where_it_is_moved() -> None:
    """What is due is called at its own time, in the order of time; nothing is called before."""
    clock, found = Clock(), list[Any]()
    flow = Dataflow("time")
    keyed = op.input("in", flow, TestingSource(list[tuple[str, float]]()))
    op.output("out", op.stateful_batch("due", keyed, lambda _: Due(clock)), ListSink(found))
    engine, start = Engine(flow, clock), clock.now()
    engine.push([("a", 3.0), ("b", 1.0), ("c", 9.0)])
    engine.advance(0.9)
    assert found == []
    engine.advance(4.1)
    assert found == [("b", start + timedelta(seconds=1)), ("a", start + timedelta(seconds=3))]
    assert clock.monotonic() == 5.0


def test_a_flow_with_other_inputs_is_an_error() -> None:
    """It would be read from nowhere."""
    flow = Dataflow("two")
    for name in ("a", "b"):
        op.output(f"out {name}", op.input(name, flow, TestingSource([1])), TestingSink([]))
    with pytest.raises(ValueError, match="2 inputs"):
        Engine(flow, Clock())
