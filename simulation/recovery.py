"""What outlives a process: Bytewax's recovery store, and the manifest of the recovery folder."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from connectors.run.recovery import RecoveryFolder

DISCARDED = object()
"""In place of a state: the logic of the key was discarded."""


class Snapshots:
    """The states of all steps by epoch, and how far each worker of the last execution has come.

    A state is stored as soon as a step has given it, before its epoch is complete. If the epoch
    never is, the state stays, and a later execution that has passed the epoch without one of its
    own finds it.
    """

    def __init__(self) -> None:
        # (step, key): pickled state by epoch; None for a discarded one.
        self._states: defaultdict[tuple[str, str], dict[int, bytes | None]] = defaultdict(dict)
        self._frontiers: dict[int, int] = {0: 1}
        self.on_durable: Callable[[], None] = lambda: None
        """Called when an epoch has become durable."""

    def begin_execution(self) -> int:
        """The epoch at which a new execution begins."""
        resume = self.frontier()
        self._frontiers = {}
        return resume

    def join(self, worker: int, epoch: int) -> None:
        """Note a worker of the execution."""
        self._frontiers[worker] = epoch

    def frontier(self) -> int:
        """The first epoch that is not durable everywhere."""
        return min(self._frontiers.values())

    def write(self, epoch: int, states: Iterable[tuple[str, str, Any]]) -> None:
        """Store snapshots of an epoch."""
        for step, key, state in states:
            found = None if state is DISCARDED else pickle.dumps(state)
            self._states[step, key][epoch] = found

    def advance(self, worker: int, epoch: int) -> None:
        """Note that a worker has stored everything before an epoch, and forget what is older."""
        before = self.frontier()
        self._frontiers[worker] = epoch
        if self.frontier() > before:
            for history in self._states.values():
                durable = [number for number in history if number < self.frontier()]
                for number in sorted(durable)[:-1]:
                    del history[number]
            self.on_durable()

    def states(self, step: str, before: int) -> dict[str, Any]:
        """The last state of each key of a step before an epoch."""
        found = {}
        for (name, key), history in self._states.items():
            if name == step:
                state = history.get(max((epoch for epoch in history if epoch < before), default=-1))
                if state is not None:
                    found[key] = pickle.loads(state)  # noqa: S301 - written above
        return found

    def durable_state(self) -> tuple[dict[tuple[str, int], int], list[tuple[str, int, int]]]:
        """The stored offsets, and the coordinates of the rows that wait."""
        frontier = self.frontier()
        offsets = {}
        for key, offset in self.states("read", frontier).items():
            topic, _, partition = key.rpartition(":")
            offsets[topic, int(partition)] = offset
        waiting = [
            (segment[1], segment[2], offset)
            for state in self.states("window", frontier).values()
            for segment in state
            for offset in segment[5]
        ]
        return offsets, waiting


class MemoryFolder(RecoveryFolder):
    """A recovery folder whose manifest is kept in memory; each write of it is a call."""

    def __init__(self, content: dict[str, str], call: Callable[[str], None]) -> None:
        """`content` outlives the process; `call` notes a call, and may crash."""
        super().__init__(Path("simulated"), cast(IO[str], None))
        self._content = content
        self._call = call

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        yield

    def _unchanged(self) -> dict[str, Any]:
        return self._read()

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._content.get("manifest", "{}"))
        return found

    def _write(self, content: dict[str, Any]) -> None:
        self._call("manifest")
        self._content["manifest"] = json.dumps(content)
