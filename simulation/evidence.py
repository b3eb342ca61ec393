"""The checker for real runs: fed with what each run leaves behind, it says PASS, FAIL or UNKNOWN.

    runs = RealRuns()
    ...                               # a run, killed or drained
    runs.ended(effects, dead_letters, *stored_state(folder), committed)
    ...
    verdict = runs.judge(produced, rows)

`effects` is the local Tablestore's log (`/-/effects?columns`), `dead_letters` what came into the
dead-letter topic, and `committed` the group's offsets, each as it is when the process is dead. The
judgement comes at the end, when everything that was produced is known.
"""

from __future__ import annotations

import io
import json
import pickle
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulation.checker import Checker, Columns, Place, Produced, Verdict

Partition = tuple[str, int]
Offsets = Mapping[Partition, int]
_PREFIX = "__connect.errors."


class DeadLetter(NamedTuple):
    """A message of the dead-letter topic: which record it is of, and that record's value in it."""

    place: Place
    value: bytes | None

    @classmethod
    def of(cls, headers: Iterable[tuple[str, Any]], value: bytes | None) -> DeadLetter:
        """From the message's headers and value. Raises KeyError without the record's place."""
        found = dict(headers)
        topic, partition, offset = (
            bytes(found[_PREFIX + name]).decode() for name in ("topic", "partition", "offset")
        )
        return cls((topic, int(partition), int(offset)), value)


class _Run(NamedTuple):
    effects: Sequence[Mapping[str, Any]]
    dead_letters: Sequence[DeadLetter]
    offsets: Offsets
    waiting: Sequence[Place]
    committed: Offsets


def key_text(key: Mapping[str, object]) -> str:
    """A row's primary key as the checker has it. Binaries are compared as hexadecimal."""
    return json.dumps({name: _plain(value) for name, value in key.items()}, sort_keys=True)


def columns_of(columns: Mapping[str, object]) -> Columns:
    """A row's columns as the checker has them: 1, 1.0 and True are three values."""
    return tuple(sorted((name, repr(_plain(value))) for name, value in columns.items()))


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, (bytes, bytearray)) else value


class RealRuns:
    """What one run after the other on the same data left behind."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return len(self._runs)

    def ended(
        self,
        effects: Iterable[Mapping[str, Any]],
        dead_letters: Iterable[DeadLetter],
        offsets: Offsets,
        waiting: Iterable[Place],
        committed: Offsets,
    ) -> None:
        """Note a run that has ended: what came of it since the one before, and what is stored."""
        self._runs.append(_Run([*effects], [*dead_letters], {**offsets}, [*waiting], {**committed}))

    def judge(
        self,
        produced: Iterable[Produced],
        rows: Mapping[tuple[str, str], Columns],
        minimum: int = 1,
        doubts: Iterable[str] = (),
        once_a_run: bool = False,
    ) -> Verdict:
        """The verdict; `rows` are the tables at the end, by table and `key_text`.

        `doubts` are reasons why nothing is proven, such as a fault that never struck.
        """
        checker = self._replayed(produced)
        checker.doubts += doubts
        if not self._runs:
            checker.doubts.append("no run has ended")
        return checker.judge(rows, minimum, once_a_run)

    def so_far(self, produced: Iterable[Produced]) -> Verdict:
        """FAIL for what is wrong already, whatever is still to come; else UNKNOWN."""
        checker = self._replayed(produced)
        verdict = checker.verdict
        verdict.status = "FAIL" if checker.has_failed else "UNKNOWN"
        return verdict

    def _replayed(self, produced: Iterable[Produced]) -> Checker:
        checker = Checker()
        for record in sorted(produced, key=lambda each: each.place):
            checker.produced(record)
        for number, run in enumerate(self._runs):
            self._replay(checker, number, run)
        return checker

    def _replay(self, checker: Checker, number: int, run: _Run) -> None:
        found = [_exact_place(checker, effect) for effect in run.effects]
        ends = {partition: offset - 1 for partition, offset in run.offsets.items()}
        for place, _ in filter(None, found):
            ends[place[:2]] = max(ends.get(place[:2], -1), place[2])
        # From the end: a delete has no content, so that it is known by what follows on its row.
        before: dict[tuple[str, str], int] = {}
        for index in reversed(range(len(found))):
            row = _row(run.effects[index])
            exact = found[index]
            if exact is not None:
                before[row] = exact[0][2]
            elif run.effects[index]["kind"] == "delete":
                # A delete may be the last that a killed run has done in its partition.
                deleted = checker.last_delete(*row, before.get(row), ends)
                deleted = deleted or checker.last_delete(*row, before.get(row))
                found[index] = None if deleted is None else (deleted, False)
        for effect, one in zip(run.effects, found, strict=True):
            if one is None:
                checker.found("unknown_effect", f"{' '.join(_row(effect))}: {effect['kind']}")
            else:
                checker.applied(number, *one)
        for dead_letter in run.dead_letters:
            checker.dead_lettered(number, *dead_letter)
        checker.stored(run.offsets, run.waiting)
        for partition, offset in run.committed.items():
            checker.committed(partition, offset)
        checker.resumed(run.offsets, run.waiting)


def _row(effect: Mapping[str, Any]) -> tuple[str, str]:
    return str(effect["table"]), key_text(effect["key"])


def _exact_place(checker: Checker, effect: Mapping[str, Any]) -> tuple[Place, bool] | None:
    if effect["kind"] == "delete":
        return None
    return checker.place_of_change(_row(effect), columns_of(effect["columns"]))


class _Plain(pickle.Unpickler):
    """States are numbers, texts, bytes, lists, tuples and ranges: nothing else is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "range"):
            return range
        raise pickle.UnpicklingError(f"{module}.{name} in a state")


def stored_state(folder: Path) -> tuple[dict[Partition, int], list[Place]]:
    """What the next run begins with: the stored offsets, and the places of the rows that wait.

    `folder` is the recovery folder of a run that has ended [bytewax-recovery]. It is copied, so
    that looking at it leaves it as it is. Raises sqlite3.Error, pickle.UnpicklingError.
    """
    with tempfile.TemporaryDirectory() as copy:
        for path in folder.glob("part-*.sqlite3*"):
            shutil.copy(path, copy)
        return _state([*Path(copy).glob("part-*.sqlite3")])


def _state(parts: Sequence[Path]) -> tuple[dict[Partition, int], list[Place]]:
    executions: dict[int, tuple[int, int]] = {}
    frontiers: defaultdict[int, dict[int, int]] = defaultdict(dict)
    states: defaultdict[tuple[str, str], list[tuple[int, bytes | None]]] = defaultdict(list)
    for part in parts:
        database = sqlite3.connect(part)
        try:
            for number, workers, resumed in database.execute(
                "SELECT ex_num, worker_count, resume_epoch FROM exs"
            ):
                executions[number] = workers, resumed
            for number, worker, frontier in database.execute(
                "SELECT ex_num, worker_index, worker_frontier FROM fronts"
            ):
                frontiers[number][worker] = frontier
            for step, key, epoch, state in database.execute(
                "SELECT step_id, state_key, snap_epoch, ser_change FROM snaps"
            ):
                states[step.rpartition(".")[2], key].append((epoch, state))
        finally:
            database.close()
    if not executions:
        return {}, []
    last = max(executions)
    workers, resumed = executions[last]
    durable = min(frontiers[last].get(worker, resumed) for worker in range(workers))
    offsets: dict[Partition, int] = {}
    waiting: list[Place] = []
    for (step, key), history in states.items():
        before = [one for one in history if one[0] < durable]
        state = max(before)[1] if before else None
        if state is None:
            continue
        found = _Plain(io.BytesIO(state)).load()
        if step == "read":
            topic, _, partition = key.rpartition(":")
            offsets[topic, int(partition)] = int(found)
        elif step == "window":
            waiting += [(rows[1], rows[2], offset) for rows in found for offset in rows[5]]
    return offsets, waiting
