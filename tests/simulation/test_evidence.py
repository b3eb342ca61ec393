"""The checker for real runs: what they leave behind is read right, and each mistake is found."""

import pickle
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main

from simulation.checker import Kind, Place, Produced
from simulation.evidence import DeadLetter, RealRuns, columns_of, key_text, stored_state
from tests.unit.factories import batch, row

SNAPSHOT = "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)"
TOPIC, TABLE = "orders", "orders"
PARTITION = (TOPIC, 0)


def place(offset: int) -> Place:
    return (*PARTITION, offset)


def record(offset: int, key: str, kind: Kind = "put") -> Produced:
    columns = columns_of({"n": offset}) if kind in ("put", "refuse") else ()
    return Produced(place(offset), TABLE, key_text({"id": key}), kind, columns, b"%d" % offset)


def effect(key: str, number: int | None) -> dict[str, Any]:
    """A change as the local Tablestore's log has it; None is a delete."""
    columns = {} if number is None else {"n": number}
    kind = "delete" if number is None else "put"
    return {"table": TABLE, "kind": kind, "key": {"id": key}, "columns": columns}


RECORDS = [
    record(0, "a"),
    record(1, "b"),
    record(2, "a", "delete"),
    record(3, "", "reject"),
    record(4, "b"),
    record(5, "c", "filter"),
    record(6, "d", "refuse"),
]
ROWS = {(TABLE, key_text({"id": "b"})): columns_of({"n": 4})}
DEAD = [DeadLetter(place(3), b"3"), DeadLetter(place(6), b"6")]
EFFECTS = [effect("a", 0), effect("b", 1), effect("a", None), effect("b", 4)]


def runs_of(**changed: Any) -> RealRuns:
    """Two runs: one killed when two records were written, and one that reads all again."""
    first: dict[str, Any] = {
        "effects": EFFECTS[:2],
        "dead_letters": [],
        "offsets": {PARTITION: 1},
        "waiting": [],
        "committed": {PARTITION: 1},
        **changed.get("first", {}),
    }
    second: dict[str, Any] = {
        "effects": EFFECTS[1:],
        "dead_letters": DEAD,
        "offsets": {PARTITION: 7},
        "waiting": [],
        "committed": {PARTITION: 7},
        **changed.get("second", {}),
    }
    runs = RealRuns()
    runs.ended(**first)
    runs.ended(**second)
    return runs


def test_two_runs_pass() -> None:
    """The second repeats what was not stored; the repetition is counted."""
    verdict = runs_of().judge(RECORDS, ROWS, minimum=7, once_a_run=True)
    assert verdict.status == "PASS", verdict
    assert (verdict.records, verdict.applied) == (7, 5)


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"first": {"offsets": {PARTITION: 3}}}, "stored_too_early"),
        ({"first": {"offsets": {PARTITION: 4}, "waiting": [place(2)]}}, "stored_too_early"),
        ({"first": {"committed": {PARTITION: 3}}}, "committed_too_early"),
        ({"second": {"effects": [EFFECTS[0], EFFECTS[3], EFFECTS[1], EFFECTS[2]]}}, "out_of_order"),
        ({"second": {"effects": EFFECTS[1:3]}}, "lost"),
        ({"second": {"effects": [EFFECTS[1], EFFECTS[3]]}}, "lost"),
        ({"second": {"dead_letters": DEAD[1:]}}, "lost"),
        ({"second": {"dead_letters": [*DEAD, DEAD[0]]}}, "dead_letter_repeated"),
        (
            {"second": {"dead_letters": [DEAD[1], DEAD[0]._replace(value=b"")]}},
            "dead_letter_differs",
        ),
        ({"second": {"dead_letters": [*DEAD, DeadLetter(place(5), b"5")]}}, "wrongly_rejected"),
        ({"second": {"dead_letters": [*DEAD, DeadLetter(place(9), b"9")]}}, "wrongly_rejected"),
        ({"second": {"effects": [*EFFECTS[1:], effect("z", 9)]}}, "unknown_effect"),
        ({"second": {"effects": [*EFFECTS[1:], effect("d", 6)]}}, "wrongly_written"),
    ],
)
def test_a_mistake_fails(changed: Mapping[str, Any], finding: str) -> None:
    """Of the stored state at a kill, of the order, of dead letters, and of the end."""
    verdict = runs_of(**changed).judge(RECORDS, ROWS, once_a_run=True)
    assert verdict.status == "FAIL"
    assert finding in verdict.kinds, verdict


def test_a_delete_may_be_the_last_change_of_a_killed_run() -> None:
    """No stored offset and no other row of its partition says that it was read."""
    first = {"effects": [effect("a", None)], "offsets": {}, "committed": {}}
    verdict = runs_of(first=first, second={"effects": EFFECTS}).judge(RECORDS, ROWS)
    assert verdict.status == "PASS", verdict


def test_what_proves_nothing_is_unknown() -> None:
    """Too few records, a doubt, or no run at all."""
    assert runs_of().judge(RECORDS, ROWS, minimum=8).status == "UNKNOWN"
    assert runs_of().judge(RECORDS, ROWS, doubts=["no kill landed"]).status == "UNKNOWN"
    assert RealRuns().judge([], {}, minimum=0).status == "UNKNOWN"
    assert runs_of().so_far(RECORDS).status == "UNKNOWN"
    assert runs_of(first={"offsets": {PARTITION: 3}}).so_far(RECORDS).status == "FAIL"


def test_rows_that_waited_may_be_dead_lettered_again() -> None:
    """A state of a killed run may have a row that is read again: both are rejected in one run."""
    stored = {"waiting": [place(6)]}
    runs = runs_of(first=stored, second={"dead_letters": [*DEAD, DEAD[1]]})
    assert runs.judge(RECORDS, ROWS, once_a_run=True).status == "PASS"


def test_one_is_not_true() -> None:
    """Values are compared with their types; binaries as the log shows them."""
    assert len({columns_of({"a": value}) for value in (1, 1.0, True, "1")}) == 4
    assert key_text({"k": b"\x01"}) == key_text({"k": "01"})


def test_the_stored_state_is_that_of_the_last_durable_epoch(tmp_path: Path) -> None:
    """As Bytewax would resume: what a killed run stored of an epoch after it does not count."""
    assert stored_state(tmp_path) == ({}, [])
    init_db_dir(tmp_path, 2)
    assert stored_state(tmp_path) == ({}, [])
    flow = Dataflow("test")
    op.output("out", op.input("read", flow, TestingSource([1, 2, 3])), TestingSink([]))
    run_main(
        flow,
        epoch_interval=timedelta(0),
        recovery_config=RecoveryConfig(str(tmp_path), timedelta(0)),
    )
    waiting = [tuple(segment) for segment in batch([row("key"), row("other")])[0]]
    with sqlite3.connect(tmp_path / "part-0.sqlite3") as database:
        durable = 1 << 30
        database.execute("DELETE FROM snaps")
        database.execute("UPDATE fronts SET worker_frontier = ?", (durable,))
        snapshots: list[tuple[str, str, int, object]] = [
            ("sync.read", "or:ders:1", 3, 5),
            ("sync.read", "or:ders:1", 4, 7),
            ("sync.read", "or:ders:1", durable, 99),
            ("sync.window", "0", 4, waiting),
            ("sync.window", "1", 4, []),
            ("sync.write", "0", 4, None),
        ]
        for step, key, epoch, state in snapshots:
            database.execute(SNAPSHOT, (step, key, epoch, pickle.dumps(state)))
    database.close()
    with sqlite3.connect(tmp_path / "part-1.sqlite3") as other:
        other.execute("DELETE FROM snaps")
        other.execute("UPDATE fronts SET worker_frontier = ?", (durable,))
    other.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    offsets, places = stored_state(tmp_path)
    assert offsets == {("or:ders", 1): 7}
    segments = batch([row("key"), row("other")])[0]
    assert places == [(one.topic, one.partition, n) for one in segments for n in one.offsets]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_class_in_a_state_is_not_made(tmp_path: Path) -> None:
    """Nothing of a recovery folder is called."""
    init_db_dir(tmp_path, 1)
    with sqlite3.connect(tmp_path / "part-0.sqlite3") as database:
        database.execute("INSERT INTO exs (ex_num, worker_count, resume_epoch) VALUES (0, 1, 5)")
        database.execute(
            SNAPSHOT,
            ("sync.read", "orders:0", 1, pickle.dumps(Path("x"))),
        )
    database.close()
    with pytest.raises(pickle.UnpicklingError, match="Path"):
        stored_state(tmp_path)
