"""What a process says of the run: each number where it belongs, and nothing else."""

import asyncio

from connectors.http_api.provider import ProcessProvider, state_of
from connectors.run.context import Run
from tests.unit.factories import CANARY, new_run
from tests.unit.http_api.conftest import busy_run


def test_the_status_has_the_numbers_of_the_run(run: Run) -> None:
    """Counts, snapshots, requests, partitions in order, tables by outcome, rejections."""
    status = ProcessProvider(run).present()
    assert status.counts == run.counts.account()
    assert (status.state, status.healthy, status.ready) == ("running", True, True)
    assert (status.snapshots.number, status.requests.batches, status.requests.fill_sum) == (
        1,
        2,
        1.0,
    )
    assert [(one.topic, one.lag_records) for one in status.partitions] == [
        ("clicks", 50),
        ("orders", 50),
    ]
    (table,) = status.tables
    assert (table.rows, table.bytes) == ({"written": 140, "retried": 10}, 25_000)
    assert table.requests == {"OK": 1, "PARTIAL": 1}
    (rejection,) = status.rejections
    assert (rejection.stage, rejection.code, rejection.number) == ("decode", "json_invalid", 3)
    assert len(status.last_rejected) == 3
    (drift,) = status.drift
    assert (drift.topic, drift.field, drift.kind) == ("orders", "colour", "new")
    assert status.processes[0].memory is not None


def test_the_state_follows_the_run() -> None:
    """From the start to a failure."""
    run = new_run()
    assert state_of(run) == "starting"
    run = busy_run()
    assert state_of(run) == "running"
    run.paused = True
    assert state_of(run) == "paused"
    run.drain("SIGTERM")
    assert state_of(run) == "draining"
    run.fail(ValueError(CANARY))
    assert state_of(run) == "failing"
    status = ProcessProvider(run).present()
    assert (status.healthy, status.drain_reason) == (False, "SIGTERM")
    assert CANARY not in status.model_dump_json()


def test_a_wait_is_in_status_and_ready(run: Run) -> None:
    """With its code, and its number of shards."""
    run.waits.enter("tablestore", "orders")
    run.waits.because("tablestore", "orders", "OTSServerBusy: busy", "OTSServerBusy")
    provider = ProcessProvider(run)
    status = provider.present()
    assert [(wait.subject, wait.code) for wait in status.waits] == [("orders", "OTSServerBusy")]
    assert status.requests.waiting_shards == 1
    ready = asyncio.run(provider.ready())
    assert ready.ok
    assert [problem.rule for problem in ready.problems] == ["waiting"]
