"""Kafka to time series tables, through the whole flow, read back with the official SDK.

The promises are those of wide-column tables; the tests here are about what is written otherwise.
"""

import json
import os
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import assert_all_there, dead_letters_of, to_table, to_topic
from tests.flows.replays import replay
from tests.support.flow_process import FlowProcess
from tests.support.lanes import note
from tests.support.ledger import Expected, Rejected, Verdict, judge
from tests.support.producers import PAYLOAD, Stream
from tests.support.series import BEGIN, RULES, points, send_reading
from tests.support.wait import until

SEED = int(os.environ.get("SYNC_TEST_SEED", "20261123"))
ROUNDS = int(os.environ.get("SYNC_TEST_ROUNDS", "10"))


class Series:
    """A case whose flow reads orders into a wide-column table and readings into time series."""

    def __init__(self, case: Case, **options: Any) -> None:
        self.case = case
        self.topic = case.broker.topic("readings", PARTITIONS)
        case.flow.set(
            {
                "kafka": {"topics": [case.topic, self.topic]},
                "tables": {
                    self.topic: {
                        "mode": "timeseries",
                        "auto_create": True,
                        "timeseries": {**RULES, **options},
                    }
                },
            }
        )
        case.store.create_table(case.topic)

    def readings(self, count: int) -> None:
        """Produce readings round the partitions."""
        for number in range(count):
            send_reading(self.case.producer, self.topic, number, number % PARTITIONS)
        self.case.producer.flush()

    def reading(self, value: Any, expected: Expected, partition: int = 0) -> None:
        """Produce one value and note the point that is expected of it."""
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.case.producer.send(self.topic, content, lambda *_: expected, partition=partition)
        self.case.producer.flush()

    def stream(self, rate: int) -> Stream:
        """A stream that produces readings at `rate`."""
        case = self.case
        return Stream(
            case.broker.bootstrap, case.manifest, self.topic, PARTITIONS, rate, SEED, send_reading
        )

    def wait_committed(self, process: FlowProcess) -> None:
        """Wait until everything of both topics is settled."""
        broker = self.case.broker

        def settled() -> bool:
            assert process.alive, process.text()
            return all(
                _filled(broker.committed(self.case.flow.group, topic, PARTITIONS))
                == _filled(broker.ends(topic, PARTITIONS))
                for topic in (self.case.topic, self.topic)
            )

        def describe() -> str:
            both = (self.case.topic, self.topic)
            group = self.case.flow.group
            found = [
                (broker.committed(group, t, PARTITIONS), broker.ends(t, PARTITIONS)) for t in both
            ]
            return f"{found}\n{process.text()}"

        until(settled, describe)

    def verdict_without(self, *tables: str, **more: Any) -> None:
        """Judge the rows of all but these tables."""
        found = {**self.case.store.tables(), self.topic: points(self.case.store, self.topic)}
        kept = {name: rows for name, rows in found.items() if name not in tables}
        verdict = judge(self.case.manifest, kept, **more)
        assert verdict.status == "PASS", str(verdict)

    def verdict(self, fired: Mapping[str, int] | None = None, **more: Any) -> Verdict:
        """Judge both tables against all that was produced."""
        store = self.case.store
        tables = {**store.tables(), self.topic: points(store, self.topic)}
        verdict = judge(self.case.manifest, tables, store.effects(), fired=fired, **more)
        assert verdict.status == "PASS", str(verdict)
        return verdict


def _filled(offsets: dict[int, int]) -> dict[int, int]:
    return {partition: offset for partition, offset in offsets.items() if offset}


def run_to_the_end(series: Series) -> str:
    """One run until everything is settled; what it said."""
    process = series.case.flow.start()
    series.wait_committed(process)
    process.drain()
    return process.text()


@pytest.mark.P1
@pytest.mark.P2
@pytest.mark.P3
@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_sigkill_loses_nothing(case: Case, pytestconfig: pytest.Config) -> None:
    """P1, P2, P3: killed at random moments while both kinds of table fill, all is right at last."""
    chance = random.Random(SEED)
    series = Series(case)
    landed = 0
    orders = Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 200, SEED)
    with orders, series.stream(500):
        for _ in range(ROUNDS):
            process = case.flow.start()
            rows = chance.choice([0, *range(1, 1500, 50)])
            if rows:
                case.wait_written(case.store.written() + rows, process)
            time.sleep(chance.random() * 1.2)
            landed += process.alive
            process.kill()
    process = case.flow.start()
    series.wait_committed(process)
    process.drain()
    verdict = series.verdict({"SIGKILL while it ran": landed}, minimum=100 * ROUNDS)
    note(
        pytestconfig,
        f"time series, SIGKILL x{landed} ({case.broker.kind} Kafka, seed {SEED}): "
        f"{verdict.records} records of both kinds, 0 lost, 0 wrong, {verdict.duplicates} row "
        "changes repeated",
    )


@pytest.mark.parametrize("encoding", ["auto", "protobuf", "flatbuffers"])
def test_both_kinds_of_table_in_one_run(embedded_case: Case, encoding: str) -> None:
    """Topics go to either by configuration, in either form; a drain repeats nothing."""
    series = Series(embedded_case)
    embedded_case.flow.set({"tablestore": {"timeseries_encoding": encoding}})
    embedded_case.orders(300)
    series.readings(1000)
    text = run_to_the_end(series)
    assert series.verdict(minimum=1300).duplicates == 0
    assert ("points of time series are sent as protobuf" in text) == (encoding == "auto")


@pytest.mark.P3
@pytest.mark.P6
def test_faults_of_every_kind(embedded_case: Case) -> None:
    """P3, P6: busy, cut, late and untrusted answers and failed rows are tried again, in order."""
    series = Series(embedded_case)
    embedded_case.flow.set({"tablestore": {"retry_max": 0.1}})
    api = "PutTimeseriesData"
    kinds = [
        "server_busy",
        "http_500",
        "http_502_html",
        "http_503_empty",
        "not_enough_capacity",
        "conflict",
        "timeout_before_effect",
        "timeout_after_effect",
        "reset_request",
        "reset_response",
        "garbled_body",
        "truncated_body",
        "wrong_response_signature",
    ]
    faults = [{"kind": kind, "api": api, "skip": 5 + n, "count": 2} for n, kind in enumerate(kinds)]
    busy = {"kind": "row_error", "api": api, "rows": [0, 3], "count": 10, "code": "OTSServerBusy"}
    embedded_case.store.set_faults(*faults, busy)
    series.readings(6000)
    run_to_the_end(series)
    fired = embedded_case.store.fired()
    series.verdict({kind: fired.get(kind, 0) for kind in [*kinds, "row_error"]}, minimum=6000)


@pytest.mark.P4
@pytest.mark.P7
def test_a_dead_letter_a_row(embedded_case: Case) -> None:
    """P4, P7: each bad record is a rejection with its code and without its values; the rest go."""
    case = embedded_case
    series = Series(case)
    case.flow.set({"errors": {"tolerance": "all"}})
    good = {"kind": "climate", "site": "plant", "device": "d", "room": "r", "at": BEGIN, "v": 1}
    bad: dict[str, dict[str, Any]] = {
        "tag_empty": {"device": ""},
        "tag_value": {"device": f'{PAYLOAD}="x"'},
        "tag_nested": {"device": {"a": PAYLOAD}},
        "measurement_invalid": {"kind": f"{PAYLOAD} #1"},
        "measurement_missing": {"kind": None},
        "data_source_length": {"site": PAYLOAD * 20},
        "tags_length": {"device": PAYLOAD * 30},
        "time_missing": {"at": None},
        "time_invalid": {"at": PAYLOAD},
        "time_range": {"at": -1},
        "field_name": {f"{PAYLOAD} x": 1},
        "field_collision": {"V": PAYLOAD},
        "fields_missing": {"v": None},
        "integer_range": {"v": 2**63},
        "value_length": {"v": PAYLOAD * 100_000},
    }
    series.readings(200)
    for value in bad.values():
        series.reading({**good, **value}, Rejected())
    series.reading(b"null", Rejected())
    series.reading([PAYLOAD], Rejected())
    series.readings(200)
    text = run_to_the_end(series)
    series.verdict(minimum=400)
    for code in [*bad, "delete_timeseries", "value_no_object"]:
        assert f" {code}" in text or f"{code}:" in text, (code, text)


@pytest.mark.P1
@pytest.mark.P4
@pytest.mark.parametrize("where", ["kafka", "tablestore"])
def test_dead_letters_have_the_records_own_bytes(embedded_case: Case, where: str) -> None:
    """P1, P4: whether the mapping or the service rejects a point, its record is there as it was."""
    case = embedded_case
    series = Series(case)
    place = to_topic(case) if where == "kafka" else to_table(case)
    refused = {"column": "_tags", "value": '["device=bad","room=r"]'}
    rule = {"kind": "row_error", "key": refused, "code": "OTSParameterInvalid"}
    case.store.set_faults({**rule, "api": "PutTimeseriesData"})
    series.readings(100)
    at = {"kind": "climate", "site": "plant", "room": "r", "at": BEGIN, "v": 1}
    series.reading({**at, "device": ""}, Rejected())
    series.reading({**at, "device": "bad"}, Rejected())
    series.readings(100)
    run_to_the_end(series)
    dead_letters = dead_letters_of(case, where, place)
    assert {dead_letter.code for dead_letter in dead_letters} == {
        "tag_empty",
        "OTSParameterInvalid",
    }
    assert_all_there(case, dead_letters)
    series.verdict_without(place, minimum=200)


@pytest.mark.P2
def test_a_mended_mapping_takes_dead_letters(embedded_case: Case) -> None:
    """P2: replayed under options that take them, they become points; twice, and still the same."""
    case = embedded_case
    series = Series(case, fields=[{"name": "count", "type": "boolean"}])
    to_topic(case)
    series.readings(60)
    run_to_the_end(series)
    assert points(case.store, series.topic) == {}
    tables: Any = case.flow.settings["tables"]
    del tables[series.topic]["timeseries"]["fields"]
    for folder in ("one", "two"):
        assert replay(case, folder).counts()["written"] == 60
        series.verdict_without(minimum=60)


@pytest.mark.P4
def test_one_rejected_point_takes_no_other_along(embedded_case: Case) -> None:
    """P4: a row that the service refuses is a dead letter, and alone in that."""
    case = embedded_case
    series = Series(case)
    case.flow.set({"errors": {"tolerance": "all"}})
    refused = {"column": "_tags", "value": '["device=bad","room=r"]'}
    rule = {"kind": "row_error", "key": refused, "code": "OTSParameterInvalid"}
    case.store.set_faults({**rule, "api": "PutTimeseriesData"})
    series.readings(600)
    place = {"kind": "climate", "site": "plant", "device": "bad", "room": "r"}
    series.reading({**place, "at": BEGIN, "v": 1}, Rejected())
    series.readings(600)
    text = run_to_the_end(series)
    series.verdict({"row_error": case.store.fired().get("row_error", 0)}, minimum=1200)
    assert "rejected=1 " in text


@pytest.mark.P5
def test_a_stop_verdict_stops(embedded_case: Case) -> None:
    """P5: no permission to write points ends the run with the remedy, and nothing is dropped."""
    case = embedded_case
    series = Series(case)
    series.readings(50)
    run_to_the_end(series)
    case.store.set_faults({"kind": "no_permission", "api": "PutTimeseriesData"})
    series.readings(50)
    case.flow.start().refused("OTSNoPermissionAccess", "remedy")
    case.store.set_faults()
    run_to_the_end(series)
    series.verdict(minimum=100)


@pytest.mark.P5
def test_a_table_of_the_other_mode_stops(embedded_case: Case) -> None:
    """P5: a wide-column table does not become a time series table by configuration."""
    case = embedded_case
    series = Series(case)
    case.store.create_table(series.topic)
    case.flow.start().refused("wide-column table", "remedy")
