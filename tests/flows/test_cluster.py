"""Several workers and several processes write the same rows, and one can take over from many."""

import pytest

from tests.flows.conftest import Case
from tests.support.flow_process import FlowProcess
from tests.support.wait import until


def drain_all(processes: list[FlowProcess]) -> None:
    """SIGTERM to every process of a cluster: each ends with code 0."""
    for process in processes:
        until(lambda process=process: process.handles(15), process.text)  # type: ignore[misc]
    for process in processes:
        process.terminate()
    for process in processes:
        assert process.wait() == 0, "".join(one.text() for one in processes)


def test_two_workers(case: Case) -> None:
    """`-w 2` writes every row once, with a warning; one worker goes on where the two were."""
    case.store.create_table(case.topic)
    case.orders(1000)
    process = case.flow.start("-w", "2")
    case.wait_written(1000, process)
    process.drain()
    assert "tablestore-sync run --processes 2" in process.text()
    case.orders(500, first=1000)
    process = case.flow.start()
    case.wait_written(1500, process)
    process.drain()
    assert case.verdict(minimum=1500).duplicates == 0


@pytest.mark.P1
@pytest.mark.fault("process", "another number of workers")
@pytest.mark.timeout(180)
def test_two_processes(case: Case) -> None:
    """`-i` and `-a`: two processes share the work; then one, then three go on where they were."""
    case.store.create_table(case.topic)
    total = 0
    for processes in (2, 1, 3):
        case.orders(600, first=total)
        total += 600
        started = case.flow.start_cluster(processes) if processes > 1 else [case.flow.start()]
        case.wait_written(total, started[0])
        drain_all(started)
    assert case.verdict(minimum=1800).duplicates == 0


@pytest.mark.timeout(180)
def test_a_process_of_a_cluster_is_killed(case: Case) -> None:
    """The others end by themselves; a new start of all of them completes the table."""
    case.store.create_table(case.topic)
    case.orders(1000)
    processes = case.flow.start_cluster(2)
    case.wait_written(100, processes[0])
    processes[1].kill()
    assert processes[0].wait() != 0
    case.orders(500, first=1000)
    processes = case.flow.start_cluster(2)
    case.wait_committed(processes[0])
    drain_all(processes)
    case.verdict(minimum=1500)


@pytest.mark.P3
def test_keys_stay_in_order_between_workers(embedded_case: Case) -> None:
    """P3 with two workers: each key's row is that of its last record."""
    case = embedded_case
    from tests.flows.test_order_and_faults import keyed_changes

    keyed_changes(case, changes=2000, keys=50)
    process = case.flow.start("-w", "2")
    case.wait_committed(process)
    process.drain()
    assert case.verdict(minimum=2000).rows == 50
