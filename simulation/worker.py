"""One worker of the simulated engine: its partitions, its state, and what it does in a turn."""

from __future__ import annotations

import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from simulation.recovery import DISCARDED

if TYPE_CHECKING:
    from simulation.engine import Cluster

END = float("inf")
"""The epoch of what has ended."""
_COOLDOWN = timedelta(milliseconds=1)


class Flow(NamedTuple):
    """The steps of a process: a source, functions of an item, a stateful step and a sink."""

    source: Any
    map: Callable[[Any], Sequence[tuple[str, Any]]]
    logic: Callable[[Any], Any]
    sink: Any


class Process(Protocol):
    """A simulated process, as the engine sees it."""

    alive: bool

    def call(self, label: str, *details: object) -> None:
        """Note a call that is made now. Raises Crash."""
        ...


class _Part:
    def __init__(self, part: Any, epoch: int, now: datetime) -> None:
        self.part = part
        self.epoch = epoch
        self.started = now
        self.next_awake: datetime | None = part.next_awake()


def worker_of_key(key: str, workers: int) -> int:
    """The worker that has the state of a key."""
    return zlib.crc32(key.encode()) % workers


class _Stage:
    """A stateful step at one worker: where it is, and what came in."""

    def __init__(self, epoch: int) -> None:
        self.epoch: float = epoch
        self.inbox: defaultdict[int, list[tuple[str, Any]]] = defaultdict(list)
        self.awoken: set[str] = set()

    def take(self, channels: list[deque[tuple[int, str, Any]]], frontier: float) -> float:
        """Take what has arrived; returns the first epoch of which more may come."""
        for channel in channels:
            while channel:
                epoch, key, value = channel.popleft()
                self.inbox[epoch].append((key, value))
        return frontier

    def has_work(self, frontier: float) -> bool:
        """Whether an epoch is to be closed, or something came in for one that can be processed."""
        return self.epoch != frontier or any(epoch <= frontier for epoch in self.inbox)

    def epochs(self, frontier: float) -> list[float]:
        """The epochs to process now, in their order: the closed ones, and the one at hand."""
        found = {self.epoch, *self.inbox}
        closed = {epoch for epoch in found if epoch < frontier}
        if frontier < END:
            closed.add(frontier)
        return sorted(closed)


class Worker:
    """One worker."""

    def __init__(
        self, cluster: Cluster, index: int, count: int, process: Process, flow: Flow
    ) -> None:
        self.cluster = cluster
        self.index = index
        self._count = count
        self.process = process
        self.flow = flow
        self.busy = True  # until it is built
        self.done = False
        self.wakes_at = 0.0
        self._idle = 0  # turns without anything to do
        self._sources: dict[str, _Part] = {}
        self._logics: dict[str, Any] = {}
        self._scheduled: dict[str, datetime] = {}
        self._sinks: dict[str, Any] = {}
        self._sink_names: list[str] = []
        self.batcher = _Stage(cluster.resume_epoch)
        self.output = _Stage(cluster.resume_epoch)
        self._unstored: defaultdict[float, list[tuple[str, str, Any]]] = defaultdict(list)
        self._stored: float = cluster.resume_epoch
        self._last_epoch: float = cluster.resume_epoch

    # The start

    def list_parts(self) -> tuple[list[str], list[str]]:
        """Ask source and sink for their partitions."""
        self.process.call("list_parts")
        return self.flow.source.list_parts(), self.flow.sink.list_parts()

    def build(self, sources: list[str], sinks: list[str]) -> None:
        """Build the partitions of this worker, and the state that it takes over."""
        resume = self.cluster.resume_epoch
        now = self.cluster.timeline.wall_clock()
        states = {
            step: self.cluster.snapshots.states(step, resume)
            for step in ("read", "window", "write")
        }
        unknown = sorted({*states["read"]} - {*sources}) + sorted({*states["write"]} - {*sinks})
        if unknown:
            raise RuntimeError(f"state of partitions that are not listed: {unknown}")
        for number, key in enumerate(sorted(sources)):
            if number % self._count == self.index:
                self.process.call("build_source", key)
                part = self.flow.source.build_part("read", key, states["read"].get(key))
                self._sources[key] = _Part(part, resume, now)
        self._sink_names = sorted(sinks)
        for key, state in sorted(states["window"].items()):
            if worker_of_key(key, self._count) == self.index:
                self._logics[key] = self._new_logic(key, state)
                self._schedule(key)
        for key, state in sorted(states["write"].items()):
            if self._sink_worker(key) == self.index:
                self._sinks[key] = self.flow.sink.build_part("write", key, state)

    def _new_logic(self, key: str, state: Any) -> Any:
        self.process.call("logic", key)
        return self.flow.logic(state)

    def _sink_worker(self, part: str) -> int:
        return self._sink_names.index(part) % self._count

    # A turn

    def source_epoch(self) -> float:
        """The first epoch in which its sources may still emit."""
        return min([part.epoch for part in self._sources.values()], default=END)

    def take_turn(self) -> None:
        """Let every step do what it can."""
        self.busy = True
        chance = self.cluster.chance
        stages = [self._read, self._batch, self._write, self._store]
        if chance is not None and chance.random() < 0.3:
            chance.shuffle(stages)
        try:
            happened = False
            for stage in stages:
                happened = stage() or happened
        finally:
            self.busy = False
        if happened:
            self._idle = 0
            self.cluster.changed()
        else:
            self._idle += 1
            self.wakes_at = self._next_wake()
        ended = not self._sources and self.output.epoch == END and not self._unstored
        self.done = ended and self._stored == END

    def _next_wake(self) -> float:
        cluster = self.cluster
        moments = [*self._scheduled.values()]
        durable = cluster.snapshots.frontier()
        for part in self._sources.values():
            if part.epoch <= durable:
                moments.append(part.started + cluster.interval)
                if part.next_awake is not None:
                    moments.append(part.next_awake)
        if not moments:
            return END
        # A worker that had nothing to do for long is scheduled late.
        late = 0.0
        if cluster.chance is not None:
            late = cluster.chance.random() * min(0.3, 0.005 * 2 ** min(self._idle, 10))
        now = cluster.timeline.now
        # The engine looks again now and then, so that it notices a clock that was set.
        return min(max(now, cluster.timeline.seconds_of(min(moments))) + late, now + 1.0)

    def _read(self) -> bool:
        cluster = self.cluster
        now = cluster.timeline.wall_clock()
        durable = cluster.snapshots.frontier()
        happened = False
        ended = []
        for key, part in sorted(self._sources.items()):
            if part.epoch > durable:
                continue
            eof = False
            if part.next_awake is None or now >= part.next_awake:
                self.process.call("next_batch", key)
                try:
                    items = part.part.next_batch()
                except StopIteration:
                    eof = True
                else:
                    part.next_awake = part.part.next_awake()
                    if part.next_awake is None and not items:
                        part.next_awake = now + _COOLDOWN
                    for item in items:
                        happened = True
                        self._emit(part.epoch, item)
            if eof or now - part.started >= cluster.interval:
                self.process.call("snapshot_source", key)
                self._unstored[part.epoch].append(("read", key, part.part.snapshot()))
                part.epoch += 1
                part.started = now
                happened = True
            if eof:
                ended.append(key)
        for key in ended:
            self.process.call("close_source", key)
            self._sources.pop(key).part.close()
        return happened

    def _emit(self, epoch: int, item: Any) -> None:
        for key, value in self.flow.map(item):
            to = worker_of_key(key, self._count)
            self.cluster.rows[self.index, to].append((epoch, key, value))

    def _channels(
        self, channels: defaultdict[tuple[int, int], deque[tuple[int, str, Any]]]
    ) -> list[deque[tuple[int, str, Any]]]:
        return [channels[sender, self.index] for sender in range(self._count)]

    def _batch(self) -> bool:
        stage = self.batcher
        if stage.epoch == END:
            return False
        frontier = stage.take(self._channels(self.cluster.rows), self.cluster.source_frontier())
        eof = frontier == END
        now = self.cluster.timeline.wall_clock()
        due = any(moment <= now for moment in self._scheduled.values())
        if not due and not stage.has_work(frontier):
            return False
        chance = self.cluster.chance
        if stage.inbox and (chance is None or chance.random() < 0.5):
            # What came in is processed before it is known that no more can come.
            frontier = min(frontier, max(stage.epoch, *stage.inbox))
            eof = False
        for epoch in stage.epochs(frontier):
            stage.epoch = self._last_epoch = epoch
            self._batch_epoch(int(epoch), now, eof)
            if epoch < frontier:
                for key in sorted(stage.awoken):
                    self.process.call("snapshot_batcher", key)
                    state = self._logics[key].snapshot() if key in self._logics else DISCARDED
                    self._unstored[epoch].append(("window", key, state))
                stage.awoken.clear()
        stage.epoch = frontier
        return True

    def _batch_epoch(self, epoch: int, now: datetime, eof: bool) -> None:
        stage = self.batcher
        awoken: set[str] = set()
        by_key: defaultdict[str, list[Any]] = defaultdict(list)
        for key, value in stage.inbox.pop(epoch, ()):
            by_key[key].append(value)
        for key, values in sorted(by_key.items()):
            logic = self._logics.get(key)
            if logic is None:
                logic = self._logics[key] = self._new_logic(key, None)
            self.process.call("on_batch", key)
            self._out(epoch, key, logic.on_batch(values))
            awoken.add(key)
        for key in [key for key, moment in sorted(self._scheduled.items()) if moment <= now]:
            del self._scheduled[key]
            self.process.call("on_notify", key)
            self._out(epoch, key, self._logics[key].on_notify())
            awoken.add(key)
        if eof:
            for key in sorted(self._logics):
                self.process.call("on_eof", key)
                self._out(epoch, key, self._logics[key].on_eof())
                awoken.add(key)
        for key in sorted(awoken):
            self._schedule(key)
        stage.awoken |= awoken

    def _schedule(self, key: str) -> None:
        if key in self._logics:
            moment = self._logics[key].notify_at()
            if moment is not None:
                self._scheduled[key] = moment

    def _out(self, epoch: int, key: str, output: tuple[list[Any], bool]) -> None:
        values, discard = output
        for value in values:
            part = self._sink_names[self.flow.sink.part_fn(key) % len(self._sink_names)]
            self.cluster.batches[self.index, self._sink_worker(part)].append((epoch, part, value))
        if discard:
            self._logics.pop(key, None)
            self._scheduled.pop(key, None)

    def _write(self) -> bool:
        stage = self.output
        if stage.epoch == END:
            return False
        frontier = stage.take(self._channels(self.cluster.batches), self.cluster.batcher_frontier())
        if not stage.has_work(frontier):
            return False
        for epoch in stage.epochs(frontier):
            stage.epoch = epoch
            by_part: defaultdict[str, list[Any]] = defaultdict(list)
            for part, value in stage.inbox.pop(int(epoch), ()):
                by_part[part].append(value)
            for name, values in sorted(by_part.items()):
                if name not in self._sinks:
                    self._sinks[name] = self.flow.sink.build_part("write", name, None)
                self.process.call("write_batch", name)
                self._sinks[name].write_batch(values)
                stage.awoken.add(name)
            if epoch < frontier:
                for name in sorted(stage.awoken):
                    self.process.call("snapshot_sink", name)
                    self._unstored[epoch].append(("write", name, self._sinks[name].snapshot()))
                stage.awoken.clear()
        stage.epoch = frontier
        return True

    def _store(self) -> bool:
        """Store snapshots, and how far everything is closed once all before is stored."""
        happened = bool(self._unstored)
        for epoch in sorted(self._unstored):
            self.process.call("store", epoch)
            self.cluster.snapshots.write(int(epoch), self._unstored.pop(epoch))
        closed = min(
            self.cluster.source_frontier(),
            self.cluster.batcher_frontier(),
            self.cluster.sink_frontier(),
        )
        # Another worker may have closed an epoch and not stored its snapshots yet.
        if closed <= self._stored or any(worker.owes(closed) for worker in self.cluster.workers):
            return happened
        self.process.call("store_frontier")
        self._stored = closed
        durable = self._last_epoch + 1 if closed == END else closed
        self.cluster.snapshots.advance(self.index, int(durable))
        return True

    def owes(self, before: float) -> bool:
        """Whether there are snapshots of epochs before this one that are not stored."""
        return any(epoch < before for epoch in self._unstored)

    def close(self) -> None:
        """Close what is open, as Bytewax does after an error and at the end."""
        for part in self._sources.values():
            part.part.close()
        for sink in self._sinks.values():
            sink.close()
