"""`tablestore-sync run`: real processes, watched, ended and started again."""

import os
import signal
from typing import Any

import pytest

from connectors.control import commands
from connectors.control.protocol import CommandError
from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess
from tests.support.producers import send_order
from tests.support.wait import until

CONSEQUENCES = ("panicked", "Traceback", "lost its connection", "another process of this run")


@pytest.fixture
def case(embedded_case: Case) -> Case:
    """One Kafka is enough: what is tested is how processes begin and end."""
    embedded_case.store.create_table(embedded_case.topic)
    # Short, so that tests are quick, and long enough for a machine that is busy.
    supervisor = {"backoff_initial": 0.1, "progress_deadline": 15}
    embedded_case.flow.set({"supervisor": supervisor})
    return embedded_case


def status(case: Case) -> dict[str, Any]:
    """The status that the run reports."""
    return commands.status(case.flow.state)


def wait_running(case: Case, process: FlowProcess, number: int) -> list[int]:
    """Wait until so many processes have found each other and taken a snapshot; their pids."""

    def pids() -> list[int]:
        assert process.alive, process.text()
        try:
            found = status(case)["processes"]
        except CommandError:
            return []
        ready = [one["pid"] for one in found if one["state"] == "running" and one["snapshots"]]
        return ready if len(ready) == number else []

    return until(pids, lambda: f"{number} processes\n{process.text()}")


@pytest.mark.P1
@pytest.mark.timeout(240)
def test_killed_and_stopped_processes(case: Case) -> None:
    """P1: one of two is killed, one is stopped: all start again, the log names the cause alone."""
    case.orders(400)
    process = case.flow.supervise("--processes", "2")
    _, victim = wait_running(case, process, 2)
    case.wait_written(100, process)
    os.kill(victim, signal.SIGKILL)
    process.wait_for(f"process 1 (pid {victim}) was ended by SIGKILL")
    case.orders(400, first=400)
    victim, _ = wait_running(case, process, 2)
    os.kill(victim, signal.SIGSTOP)
    line = process.wait_for(f"process 0 (pid {victim}) gave no sign of life")
    assert f"stopped by a signal: pid {victim}" in line
    case.orders(200, first=800)
    case.wait_committed(process)
    process.drain()
    for word in CONSEQUENCES:
        assert word not in process.text()
    # Another number of processes goes on where these have stopped.
    case.orders(200, first=1000)
    process = case.flow.supervise("--processes", "1")
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=1200)


def test_an_ordered_stop_is_final(embedded_case: Case) -> None:
    """Both processes find that the table is missing: its text once, code 1, and no restart."""
    process = embedded_case.flow.supervise("--processes", "2")
    text = process.refused("stopped: ", "does not exist", "auto_create", "remedy: ")
    assert text.count("does not exist") == 1
    assert "restart" not in text
    for word in CONSEQUENCES:
        assert word not in text


def test_a_page_that_cannot_be_imported(case: Case) -> None:
    """What fails before anything is built fails each time: the run ends with its traceback."""
    process = case.flow.supervise("--flow", "flows.nowhere")
    assert "restart" not in process.refused("flows.nowhere", "ended with exit code 1")


def test_one_run_a_folder(case: Case) -> None:
    """A second run is stopped, supervised or not; so are commands for a stopped one."""
    process = case.flow.supervise()
    wait_running(case, process, 1)
    second = case.flow.supervise()
    plain = case.flow.start()
    for other in (second, plain):
        text = other.refused("in use by another run", str(process.pid), "remedy: ")
        assert "Traceback" not in text
    process.kill()  # the supervisor: its process drains, and the next run waits for that
    case.orders(100)
    process = case.flow.supervise()
    case.wait_written(100, process)
    process.drain()
    assert case.verdict(minimum=100).duplicates == 0


def test_sigterm_at_any_moment_of_the_start(case: Case) -> None:
    """A run that has read nothing yet ends with code 0 too, and the next one goes on."""
    case.orders(100)
    process = case.flow.supervise("--processes", "2")
    process.wait_for("started 2 processes")
    process.terminate()
    assert process.wait() == 0, process.text()
    process = case.flow.supervise("--processes", "2")
    case.wait_written(100, process)
    process.drain(signal.SIGINT)
    assert case.verdict(minimum=100).duplicates == 0


@pytest.mark.timeout(240)
def test_new_topics_are_read_by_a_cluster(case: Case) -> None:
    """The process that finds them first has the other one drain too; both start again."""
    case.flow.unset("kafka", "topics")
    case.flow.set({"kafka": {"topics_pattern": f"{case.topic}.*", "discovery_interval": 1}})
    case.flow.set({"table": {"auto_create": True}})
    case.orders(100)
    process = case.flow.supervise("--processes", "2")
    case.wait_written(100, process)
    pids = wait_running(case, process, 2)
    new = f"{case.topic}_new"
    case.broker.create_topic(new)
    for number in range(100):
        send_order(case.producer, new, number, number % PARTITIONS)
    case.producer.flush()
    case.wait_written(200, process)
    assert wait_running(case, process, 2) == pids, "they are the same processes"
    assert "starting all again" not in process.text()
    process.drain()
    assert case.verdict(minimum=200).duplicates == 0
