"""Bytewax's rules, one call at a time.

What is modelled is what a flow can notice [bytewax-recovery]: a source partition reads in an epoch
only when all before it is durable everywhere; at the end of an interval it takes a snapshot; a
batcher and a sink take theirs when no more input of the epoch can come, and only of what was called
in it; an epoch is durable when every worker has stored it; a resumed run begins at the first epoch
that one of the workers had not stored. tests/simulation/test_engine.py compares the calls with
those of the real engine.

Workers take turns, chosen by the seed. One that blocks in a call lets others have their turns
meanwhile, within its own; so their calls nest.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from simulation.recovery import Snapshots
from simulation.timeline import Crash, Timeline
from simulation.worker import END, Flow, Process, Worker

__all__ = ["Cluster", "Flow", "Process", "Worker"]


class Cluster:
    """All workers of one execution."""

    def __init__(
        self,
        timeline: Timeline,
        snapshots: Snapshots,
        interval: float,
        chance: random.Random | None = None,
        on_error: Callable[[Process, Exception], None] | None = None,
    ) -> None:
        """`interval` is the length of an epoch in seconds; without `chance` workers go in turn.

        `on_error` gets what a worker raises, by which its process ends.
        """
        self.timeline = timeline
        self.snapshots = snapshots
        self.interval = timedelta(seconds=interval)
        self.chance = chance
        self._on_error = on_error
        self.workers: list[Worker] = []
        self.resume_epoch = snapshots.begin_execution()
        # (sender, receiver): (epoch, key, value), in the order of sending.
        self.rows: defaultdict[tuple[int, int], deque[tuple[int, str, Any]]] = defaultdict(deque)
        self.batches: defaultdict[tuple[int, int], deque[tuple[int, str, Any]]] = defaultdict(deque)
        self.turn = 0

    def start(self, flows: Sequence[tuple[Process, Flow]]) -> None:
        """Make every worker's partitions and state, as a process does before it reads."""
        count = len(flows)
        for index, (process, flow) in enumerate(flows):
            self.snapshots.join(index, self.resume_epoch)
            self.workers.append(Worker(self, index, count, process, flow))
        parts = [(worker, *worker.list_parts()) for worker in self.workers]
        for worker, sources, sinks in parts:
            worker.build(sources, sinks)
        for worker in self.workers:
            worker.busy = False

    def changed(self) -> None:
        """Something has happened that workers may have waited for."""
        for worker in self.workers:
            worker.wakes_at = self.timeline.now

    def one_turn(self, until: float = END) -> bool:
        """Make the next call of the timeline or of a worker, or pass the time up to `until`.

        False when nothing is left to do.
        """
        timeline = self.timeline
        due = timeline.next_time()
        ready = [
            worker
            for worker in self.workers
            if worker.process.alive
            and not worker.busy
            and not worker.done
            and worker.wakes_at <= timeline.now
        ]
        if due <= timeline.now and (not ready or self.chance is None or self.chance.random() < 0.7):
            timeline.run_one()
            return True
        if ready:
            self.turn += 1
            if self.chance is None:
                worker = ready[self.turn % len(ready)]
            else:
                worker = self.chance.choice(ready)
            self._take_turn(worker)
            return True
        wakes = [
            worker.wakes_at
            for worker in self.workers
            if worker.process.alive and not worker.busy and not worker.done
        ]
        at = min([due, until, *wakes])
        if at == END:
            return False
        timeline.now = max(timeline.now, at)
        return True

    def _take_turn(self, worker: Worker) -> None:
        try:
            worker.take_turn()
        except Crash:
            self.changed()
        except Exception as error:  # what ends its process
            if self._on_error is None:
                raise
            self._on_error(worker.process, error)

    def source_frontier(self) -> float:
        """The first epoch in which a source may still emit."""
        return min([worker.source_epoch() for worker in self.workers], default=END)

    def batcher_frontier(self) -> float:
        """The first epoch in which a batcher may still emit."""
        return min([worker.batcher.epoch for worker in self.workers], default=END)

    def sink_frontier(self) -> float:
        """The first epoch that is not closed at every sink."""
        return min([worker.output.epoch for worker in self.workers], default=END)
