"""Runs a dataflow in the calling thread, call by call, by the time of a test's clock.

It makes the calls that Bytewax's own engine makes of one worker [bytewax-operators], but nothing
happens by itself: records are pushed, and time is moved. So every run of a test is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, FixedPartitionedSink

from connectors.testing.clock import Clock

Operator = Any  # bytewax.dataflow.Operator has no types for the fields of its kinds
Logic = StatefulBatchLogic[Any, Any, Any]


class Engine:
    """One execution of a dataflow that has one source and begins without state."""

    def __init__(
        self,
        flow: Dataflow,
        clock: Clock,
        replace: Callable[[Any], Any] = lambda sink: sink,
    ) -> None:
        """`replace` returns the sink to use in place of one of the flow.

        Raises ValueError for a flow without exactly one input.
        """
        self._clock = clock
        self._steps = [*_core_steps(flow.substeps)]
        self._readers: dict[str, list[Operator]] = defaultdict(list)
        self._logics: dict[str, dict[str, Logic]] = {}
        self._sinks: dict[str, _Output] = {}
        for step in self._steps:
            for stream in _streams_into(step):
                self._readers[stream].append(step)
            if _type(step) == "stateful_batch":
                self._logics[step.step_id] = {}
            elif _type(step) == "output":
                self._sinks[step.step_id] = _Output(step.step_id, replace(step.sink))
        inputs = [step for step in self._steps if _type(step) == "input"]
        if len(inputs) != 1:
            raise ValueError(
                f"the flow has {len(inputs)} inputs; a test can run a flow whose only one is "
                "steps.read"
            )
        self._source = inputs[0].down.stream_id

    def push(self, items: Sequence[Any]) -> None:
        """Let the source emit items, and wait until everything that follows is done."""
        self._emit(self._source, [*items])
        self._snapshot()

    def advance(self, seconds: float) -> None:
        """Let time pass, and call what is due in it, in the order of time."""
        end = self._clock.now() + timedelta(seconds=seconds)
        called: set[tuple[str, str, datetime]] = set()
        while True:
            due = min(
                (
                    (at, step, key)
                    for step, logics in self._logics.items()
                    for key, logic in logics.items()
                    if (at := logic.notify_at()) is not None and (step, key, at) not in called
                ),
                default=None,
            )
            if due is None or due[0] > end:
                break
            at, step_id, key = due
            self._clock.advance_to(at)
            called.add((step_id, key, at))
            self._called(step_id, key, self._logics[step_id][key].on_notify())
        self._clock.advance_to(end)
        self._snapshot()

    def end(self) -> None:
        """The source has no more: what waits goes on, and the sinks are closed."""
        for step in self._steps:
            for key, logic in [*self._logics.get(step.step_id, {}).items()]:
                self._called(step.step_id, key, logic.on_eof())
        self._snapshot()
        self.close()

    def close(self) -> None:
        """Close the sinks. A second call does nothing."""
        for sink in self._sinks.values():
            sink.close()

    def _snapshot(self) -> None:
        for logics in self._logics.values():
            for logic in logics.values():
                logic.snapshot()
        for sink in self._sinks.values():
            sink.snapshot()

    def _emit(self, stream: str, items: list[Any]) -> None:
        if items:
            for step in self._readers[stream]:
                self._take(step, items)

    def _take(self, step: Operator, items: list[Any]) -> None:
        kind = _type(step)
        if kind == "flat_map_batch":
            self._emit(step.down.stream_id, [*step.mapper(items)])
        elif kind == "branch":
            truths = [bool(step.predicate(item)) for item in items]
            for stream, wanted in ((step.trues, True), (step.falses, False)):
                chosen = [i for i, truth in zip(items, truths, strict=True) if truth is wanted]
                self._emit(stream.stream_id, chosen)
        elif kind == "stateful_batch":
            for key, values in _by_key(items).items():
                logics = self._logics[step.step_id]
                if key not in logics:
                    logics[key] = step.builder(None)
                self._called(step.step_id, key, logics[key].on_batch(values))
        elif kind == "output":
            self._sinks[step.step_id].write(items)
        else:  # merge, redistribute, inspect_debug: the same items go on
            if kind == "inspect_debug":
                for item in items:
                    step.inspector(step.step_id, item, 0, 0)
            self._emit(step.down.stream_id, items)

    def _called(self, step_id: str, key: str, returned: tuple[Iterable[Any], bool]) -> None:
        emitted, is_done = returned
        if is_done:
            del self._logics[step_id][key]
        step = next(one for one in self._steps if one.step_id == step_id)
        self._emit(step.down.stream_id, [(key, item) for item in emitted])


class _Output:
    """A sink and its partitions; all are made at the start, as by the only worker of a run."""

    def __init__(self, step_id: str, sink: Any) -> None:
        self._sink = sink
        self._parts: list[Any] = []
        if isinstance(sink, FixedPartitionedSink):
            names = sink.list_parts()
            self._parts = [sink.build_part(step_id, name, None) for name in names]
        elif isinstance(sink, DynamicSink):
            self._parts = [sink.build(step_id, 0, 1)]

    def write(self, items: list[Any]) -> None:
        if isinstance(self._sink, DynamicSink):
            self._parts[0].write_batch(items)
            return
        for key, values in _by_key(items).items():
            part = self._parts[self._sink.part_fn(key) % len(self._parts)]
            part.write_batch(values)

    def snapshot(self) -> None:
        if isinstance(self._sink, FixedPartitionedSink):
            for part in self._parts:
                part.snapshot()

    def close(self) -> None:
        while self._parts:
            self._parts.pop().close()


def _core_steps(steps: Sequence[Operator]) -> Iterator[Operator]:
    """The steps that Bytewax's engine runs, which all others are made of, in their order."""
    for step in steps:
        if getattr(step, "core", False):
            yield step
        else:
            yield from _core_steps(step.substeps)


def _type(step: Operator) -> str:
    return type(step).__name__


def _streams_into(step: Operator) -> list[str]:
    if hasattr(step, "ups"):
        return [*step.ups.stream_ids.values()]
    return [step.up.stream_id] if hasattr(step, "up") else []


def _by_key(items: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for key, value in items:
        found[key].append(value)
    return found
