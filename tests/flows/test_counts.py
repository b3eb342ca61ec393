"""The account at every snapshot: read + added = written + rejected + filtered + in flight.

Every flow test asserts it by its harness; here are the flows that make it hard, and one that is
wrong on purpose.
"""

import re
import signal

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import wait_logged
from tests.support.ledger import Rejected
from tests.support.producers import PAYLOAD, send_order
from tests.support.wait import until

pytestmark = pytest.mark.P1

FLOW = """
from bytewax.dataflow import Dataflow
from connectors import Rejection, start, steps

def some(record):
    number = record.value["number"]
    if number % 11 == 5:
        raise Rejection("eleventh", "every eleventh is none")
    return [record] * (number % 4)

run = start("many", None, steps.STEPS_WITH_STATE)
flow = Dataflow("many")
records = steps.decode("decode", steps.read(flow, run), run)
records = steps.flat_map_records("some", records, run, some)
steps.write(steps.batch(steps.map_rows("map_rows", records, run), run), run)
"""
LOSING = """
from connectors.mapping import row_mapper

whole = row_mapper.RowMapper.map_chunk

def lose(self, chunk):
    return [] if LOST else whole(self, chunk)

row_mapper.RowMapper.map_chunk = lose
from flows.sync import get_flow

flow = get_flow()
"""
_LAST = re.compile(r"^sync: ended: .*", re.MULTILINE)


def assert_balanced(counts: dict[str, int]) -> None:
    """Assert that the counts of the last line add up: no record is unaccounted for."""
    settled = counts["written"] + counts["rejected"] + counts["filtered"]
    known = counts["read"] + counts["added"] + counts["resumed"]
    assert known == settled + counts["in_flight"]
    assert counts["unbalanced"] == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_many_none_and_rejected(embedded_case: Case, workers: int) -> None:
    """A step makes none to three of each record and rejects some; killed and stopped in between.

    Rows wait in windows over snapshots, are resumed, and are refused by the service.
    """
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"window": {"age": 1.5}, "errors": {"tolerance": "all"}})
    case.flow.folder.mkdir(exist_ok=True)
    (case.flow.folder / "many.py").write_text(FLOW)
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow", "probability": 0.3})
    for turn in range(4):
        process = case.flow.start("-w", str(workers), module="many")
        for number in range(400):
            place = number % PARTITIONS
            send_order(case.producer, case.topic, 400 * turn + number, place)
            if number % 50 == 0:
                case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=place)
        case.producer.flush()
        case.wait_written(case.store.written() + 100, process)
        if turn % 2:
            assert_balanced(process.drain(signal.SIGINT))
        else:
            process.kill()
    assert case.store.fired().get("server_busy", 0) > 0
    case.store.set_faults()
    process = case.flow.start("-w", str(workers), module="many")
    case.wait_committed(process)
    assert_balanced(process.drain())


def test_a_cluster_balances_together(embedded_case: Case) -> None:
    """Each process holds its own account, and what went between them is in flight in neither."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"errors": {"tolerance": "all"}})
    processes = case.flow.start_cluster(2)
    case.orders(800)
    for number in range(20):
        case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=number % PARTITIONS)
    case.producer.flush()
    case.wait_committed(processes[0])
    for process in processes:
        until(lambda process=process: process.handles(signal.SIGTERM), "a handler")  # type: ignore[misc]
    for process in processes:
        process.process.send_signal(signal.SIGTERM)
    assert [process.wait() for process in processes] == [0, 0]
    counts = [process.counts() for process in processes]
    for one in counts:
        assert_balanced(one)
    assert any(one["in_flight"] for one in counts), "else nothing went between them"
    assert sum(one["in_flight"] for one in counts) == 0
    assert sum(one["read"] for one in counts) == 820


@pytest.mark.parametrize(
    ("lost", "workers"), [("True", 1), ("chunk.partition == 0", 1), ("chunk.partition == 0", 2)]
)
def test_a_row_that_gets_lost_is_counted(embedded_case: Case, lost: str, workers: int) -> None:
    """A fault of the software itself is reported at the next snapshot, while the flow runs."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.unbalanced = True
    case.flow.folder.mkdir(exist_ok=True)
    (case.flow.folder / "losing.py").write_text(LOSING.replace("LOST", lost))
    process = case.flow.start("-w", str(workers), module="losing")
    case.orders(400)
    wait_logged(process, "the counts do not balance: ")
    assert process.alive
    process.process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    (last,) = _LAST.findall(process.text())
    assert int(re.findall(r"unbalanced=(\d+)", last)[0]) > 0
    assert int(re.findall(r"in_flight=(\d+)", last)[0]) > 0


def test_a_running_flow_reports_when_asked(embedded_case: Case) -> None:
    """SIGUSR1: the counts of this moment and the last ten rejections, without a payload."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"errors": {"tolerance": "all", "dead_letters": "ignore"}})
    process = case.flow.start()
    case.orders(40)
    for _ in range(25):
        value = f"{PAYLOAD} no JSON".encode()
        case.producer.send(case.topic, value, lambda *_: Rejected(), partition=2)
    case.producer.flush()
    case.wait_committed(process)
    process.process.send_signal(signal.SIGUSR1)
    wait_logged(process, "sync: now: read=65 written=40 rejected=25 ")
    assert process.text().count("sync: rejected: ") == 10
    assert f"sync: rejected: topic {case.topic} partition 2 offset 34: decode, " in process.text()
    assert_balanced(process.drain())
