"""A backfill: a bounded range into the tables, beside a running flow, and resumable."""

import json
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from connectors import cli
from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess

pytestmark = pytest.mark.P1

FIRST = 1_767_600_000_000  # ms since 1970: 2026-01-05T08:00:00Z


def start(case: Case, folder: str = "backfill-state", **backfill: object) -> FlowProcess:
    """Start one with a recovery folder of its own; the settings of the flow stay."""
    before, case.flow.state = case.flow.state, case.flow.folder / folder
    settings = case.flow.settings
    case.flow.settings = {**settings, "backfill": {**settings.get("backfill", {}), **backfill}}
    try:
        return case.flow.start(module="flows.backfill")
    finally:
        case.flow.state, case.flow.settings = before, settings


def run(case: Case, folder: str = "backfill-state", **backfill: object) -> FlowProcess:
    """Run one backfill to its end."""
    process = start(case, folder, **backfill)
    assert process.wait() == 0, process.text()
    return process


def produce(case: Case, numbers: Sequence[int]) -> None:
    """Records a second apart, round the partitions, whose key is their number."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": case.broker.bootstrap, "log_level": 0})
    for number in numbers:
        producer.produce(
            case.topic,
            json.dumps({"id": number, "text": "new"}).encode(),
            partition=number % PARTITIONS,
            timestamp=FIRST + number * 1000,
        )
    assert producer.flush(30) == 0


def with_own_key(case: Case) -> None:
    """A table whose key is a field of the value."""
    case.store.create_table(case.topic, [("id", "INTEGER")])
    key = [{"name": "id", "type": "integer"}]
    case.flow.set({"table": {"primary_key_mode": "record_value", "primary_key": key}})


def ids(case: Case) -> list[Any]:
    """The primary keys of the rows in the table."""
    return sorted(key[0][1] for key in case.store.rows(case.topic))


def test_a_range_of_times_is_written_and_the_run_ends(apache_case: Case) -> None:
    """From the first record of a time on to the last before another."""
    case = apache_case
    with_own_key(case)
    produce(case, range(40))
    times = {"since": "2026-01-05T08:00:10Z", "until": "2026-01-05T08:00:20Z"}
    assert run(case, **times).counts()["written"] == 10
    assert ids(case) == list(range(10, 20))


def test_a_range_of_offsets_is_of_one_partition(embedded_case: Case) -> None:
    """A range of offsets selects records of one partition, both ends included."""
    case = embedded_case
    with_own_key(case)
    produce(case, range(40))
    found = run(case, partition=1, first_offset=2, last_offset=4)
    assert found.counts()["written"] == 3
    assert ids(case) == [9, 13, 17]


def test_it_ends_where_it_ended_when_it_began_and_goes_on_after_a_stop(
    embedded_case: Case,
) -> None:
    """Stopped in the middle, it is continued to the same end, whatever has come since."""
    case = embedded_case
    with_own_key(case)
    produce(case, range(100))
    process = start(case, rate=20.0)
    case.wait_written(5, process)
    first = process.drain(signal.SIGTERM)
    assert 0 < first["written"] < 100
    produce(case, range(100, 140))
    second = run(case)
    assert ids(case) == list(range(100))
    assert first["written"] + second.counts()["written"] == 100


def test_beside_a_running_flow_it_leaves_its_offsets_alone(embedded_case: Case) -> None:
    """The flow goes on; its group, its recovery folder and its rows are its own."""
    case = embedded_case
    with_own_key(case)
    produce(case, range(20))
    flow = case.flow.start()
    case.wait_committed(flow)
    committed = case.committed()
    backfill = run(case)
    assert backfill.counts()["written"] == 20
    assert "a row of the backfill replaces the present row" in backfill.text()
    assert case.committed() == committed
    produce(case, range(20, 30))
    case.wait_committed(flow)
    flow.drain()
    assert ids(case) == list(range(30))


def test_only_what_is_missing_is_written(embedded_case: Case) -> None:
    """A row that is there stays as it is."""
    case = embedded_case
    with_own_key(case)
    from tablestore import Condition, Row, RowExistenceExpectation

    row = Row([("id", 3)], [("text", "mine")])
    condition = Condition(RowExistenceExpectation.IGNORE)
    case.store.client.put_row(case.topic, row, condition)
    produce(case, range(10))
    case.flow.set({"replay": {"only_missing": True}})
    process = run(case)
    assert "replaces the present row" not in process.text()
    rows = case.store.rows(case.topic)
    assert rows[("id", 3),] == {"text": "mine"}
    assert len(rows) == 10


def test_the_command_names_the_range(
    embedded_case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong ranges are reported before anything starts, with exit code 1."""
    monkeypatch.setenv("SYNC__KAFKA__TOPICS", '["orders", "bills"]')
    for arguments, words in (
        (["--since", "yesterday"], "backfill.since"),
        (["--from-offset", "3"], "need partition"),
        (["--topic", "a", "--topic", "b", "--partition", "1"], "needs one topic"),
        (["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "not after since"),
        (["--partition", "1", "--from-offset", "3", "--to-offset", "2"], "before first_offset"),
        (["--rate", "0"], "backfill.rate"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(os, "environ", {**os.environ})
            assert cli.main(["backfill", *arguments]) == 1
        assert words in capsys.readouterr().err
