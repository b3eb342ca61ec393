"""SIGKILL at named moments, each with the proof that the process was there when it was killed."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import (
    assert_all_there,
    dead_letters_in_table,
    judged_without,
    to_table,
)
from tests.flows.test_order_and_faults import KEYED, send_change
from tests.support.flow_process import FlowProcess
from tests.support.ledger import Rejected
from tests.support.wait import PATIENCE, until

pytestmark = pytest.mark.P1


def hang(case: Case, effect: str, **narrowed: str) -> None:
    """From now on the table store answers no write; it applies them, or it does not."""
    case.store.set_faults({"kind": "hang", "effect": effect, "api": "BatchWriteRow", **narrowed})


def kill_while_it_waits(case: Case, process: FlowProcess) -> None:
    """SIGKILL while a request is at the table store, which does not answer it.

    Only after the next snapshot was due: it must have waited.
    """
    until(lambda: case.store.fired().get("hang", 0) > 0, process.text)
    time.sleep(2.5)
    assert process.alive, process.text()
    process.kill()
    case.store.set_faults()


def run_to_the_end(case: Case, *options: str) -> None:
    """One more run, until all is committed."""
    process = case.flow.start(*options)
    case.wait_committed(process)
    process.drain()


@pytest.fixture
def case(embedded_case: Case) -> Case:
    """Run these tests on the embedded Kafka only: no broker takes part in what they test."""
    embedded_case.store.create_table(embedded_case.topic)
    embedded_case.orders(100)
    return embedded_case


@pytest.mark.fault("process", "SIGKILL before a write")
def test_before_a_write(case: Case) -> None:
    """The request is on its way and has no effect: the next run writes each row once."""
    hang(case, "before")
    kill_while_it_waits(case, case.flow.start())
    assert case.store.written() == 0
    run_to_the_end(case)
    assert case.verdict(minimum=100).duplicates == 0


@pytest.mark.P2
@pytest.mark.fault("process", "SIGKILL after a write, before its answer")
def test_after_a_write_before_its_answer(case: Case) -> None:
    """The rows are in the table and the run does not know it: they are written once more."""
    hang(case, "after")
    process = case.flow.start()
    until(lambda: case.store.written() > 0, process.text)
    kill_while_it_waits(case, process)
    written = case.store.written()
    assert case.committed() == {}
    run_to_the_end(case)
    assert case.verdict(minimum=100).duplicates >= written


@pytest.mark.P2
@pytest.mark.fault("process", "SIGKILL after an answer, before the snapshot")
def test_after_an_answer_before_the_snapshot(case: Case) -> None:
    """All is written and answered, and no offset is stored: all of it is read and written again."""
    process = case.flow.start(snapshot=3600)
    case.wait_written(100, process)
    until(lambda: unanswered(case) == set(), process.text)
    process.kill()
    assert case.committed() == {}
    run_to_the_end(case)
    assert case.verdict(minimum=100).duplicates == 100


def unanswered(case: Case) -> set[str]:
    """Ids of the requests with an effect that have no answer yet."""
    effects: list[dict[str, Any]] = case.store.process.get("/-/effects?since=0")["effects"]
    answers: list[dict[str, Any]] = case.store.process.get("/-/answers?since=0")["answers"]
    answered = {one["request_id"] for one in answers if one["status"] == 200}
    mine = [one for one in effects if one["instance"] == case.store.instance]
    return {one["request_id"] for one in mine} - answered


@pytest.mark.timeout(240)
@pytest.mark.fault("process", "SIGKILL during a snapshot")
def test_during_a_snapshot(case: Case) -> None:
    """While the files of the recovery folder are written, five times: nothing is lost."""
    total = 100
    for _ in range(5):
        process = case.flow.start()
        case.wait_written(total, process)
        kill_when_a_file_changes(case.flow.state, process)
        case.orders(50, first=total)
        total += 50
    run_to_the_end(case)
    case.verdict(minimum=total)


def kill_when_a_file_changes(folder: Path, process: FlowProcess) -> None:
    """SIGKILL at the first write into the recovery store: a snapshot writes many files."""
    databases = sorted(folder.glob("part-*.sqlite3"))
    assert databases
    before = [log_of(database) for database in databases]
    deadline = time.monotonic() + PATIENCE
    while not any(log_of(database) > old for database, old in zip(databases, before, strict=True)):
        assert process.alive, process.text()
        assert time.monotonic() < deadline, "no snapshot"
    process.process.kill()  # at once: nothing may come in between
    process.wait()


def log_of(database: Path) -> tuple[int, int]:
    """When the write-ahead log of a database was written last, and its size; zeros without one."""
    try:
        status = database.with_name(f"{database.name}-wal").stat()
    except FileNotFoundError:
        return 0, 0
    return (status.st_mtime_ns, status.st_size) if status.st_size else (0, 0)


@pytest.mark.P4
@pytest.mark.parametrize("effect", ["before", "after"])
@pytest.mark.fault("process", "SIGKILL during the delivery of a dead letter")
def test_during_the_delivery_of_a_dead_letter(case: Case, effect: str) -> None:
    """Its table has it or not, and has not answered: each dead letter is there in the end."""
    table = to_table(case)
    case.store.create_table(table)
    for number in range(8):
        case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=number % PARTITIONS)
    case.producer.flush()
    hang(case, effect, table=table)
    kill_while_it_waits(case, case.flow.start())
    assert sum(case.committed().values()) < 108
    run_to_the_end(case)
    assert_all_there(case, dead_letters_in_table(case, table))
    judged_without(case, table)


@pytest.mark.P3
@pytest.mark.timeout(240)
@pytest.mark.fault("process", "another number of workers")
def test_another_number_of_workers_after_a_kill(embedded_case: Case) -> None:
    """Killed at any moment and started with more or fewer: each key ends at its last change."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"),))
    case.flow.set(KEYED)
    for turn, workers in enumerate((1, 3, 2, "processes", 1)):
        for number in range(500 * turn, 500 * (turn + 1)):
            name = number % 97 % 40
            send_change(case, f"k{name}", number, partition=name % PARTITIONS)
        case.producer.flush()
        if workers == "processes":
            processes = case.flow.start_cluster(2)
        else:
            processes = [case.flow.start("-w", str(workers))]
        case.wait_written(case.store.written() + 40, processes[0])
        for process in processes:
            process.kill()
    run_to_the_end(case, "-w", "2")
    assert case.verdict(minimum=2500).rows == 40
