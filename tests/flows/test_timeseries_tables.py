"""Time series tables of all sorts: no option set, keys of their own, other options."""

import json
from pathlib import Path
from typing import Any

import pytest
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    TimeseriesMetaOptions,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)

from tests.flows.conftest import PARTITIONS, Case, MakeCase
from tests.flows.test_timeseries import Series, run_to_the_end
from tests.support.brokers import Broker
from tests.support.ledger import Columns, Put
from tests.support.series import BEGIN, point_key
from tests.support.store import TablestoreProcess


def make(case: Case, name: str, **options: Any) -> None:
    """A time series table with these options of the SDK."""
    meta = TimeseriesTableMeta(name, **options)
    case.store.client.create_timeseries_table(CreateTimeseriesTableRequest(meta))


def test_the_defaults_work(embedded_case: Case) -> None:
    """Mode timeseries and nothing else: the topic is the measurement, the record's time the time.

    Integers stay integers, no key is needed, names are lower-cased.
    """
    case = embedded_case
    series = Series(case)
    topic = series.topic
    case.flow.set({"tables": {topic: {"mode": "timeseries", "auto_create": True}}})
    for number in range(200):
        columns: Columns = {"count": 2**53 + number, "ratio": number / 4, "text": "x", "ok": True}
        value = {"Count": columns["count"], "RATIO": columns["ratio"], "text": "x", "ok": True}
        time = BEGIN + number
        put = Put(topic, point_key(topic, "", {}, time * 1000), columns)
        content = json.dumps({**value, "none": None}).encode()
        case.producer.send(
            topic,
            content,
            lambda *_, put=put: put,
            partition=number % PARTITIONS,
            timestamp=time,
        )
    case.producer.flush()
    run_to_the_end(series)
    series.verdict(minimum=200)


@pytest.mark.parametrize("answer", ["OTSTableNotReady", "OTSObjectNotExist"])
@pytest.mark.parametrize("encoding", ["auto", "protobuf"])
def test_a_new_table_that_is_not_ready_is_waited_for(
    tmp_path: Path, embedded_broker: Broker, make_case: MakeCase, answer: str, encoding: str
) -> None:
    """Whether the first question or the first points find it not ready: no reason to stop."""
    options = ["--ready-delay", "2", "--not-ready-as", answer]
    with TablestoreProcess(tmp_path / "slow", *options) as process:
        case = make_case(embedded_broker, process.fresh())
        series = Series(case)
        case.flow.set({"tablestore": {"retry_max": 0.3, "timeseries_encoding": encoding}})
        series.readings(80)
        run_to_the_end(series)
        series.verdict(minimum=80)
        assert case.store.errors().get(answer, 0) > 0, "the table was ready at once"


def test_a_table_with_keys_of_its_own(embedded_case: Case) -> None:
    """Key columns that are tags here are filled by them, and read back as tags."""
    case = embedded_case
    series = Series(case)
    keys = ["device", "_m_name", "_data_source", "_tags"]
    make(case, series.topic, timeseries_keys=keys)
    series.readings(400)
    run_to_the_end(series)
    series.verdict_without(minimum=400)


@pytest.mark.P5
def test_keys_that_nothing_fills_stop_the_run(embedded_case: Case) -> None:
    """P5: a key column that is no tag here, or fields in the key: no record is read."""
    case = embedded_case
    series = Series(case)
    make(case, series.topic, timeseries_keys=["city", "_m_name", "_data_source", "_tags"])
    case.flow.start().refused("city", "remedy")
    case.store.client.delete_timeseries_table(series.topic)
    make(case, series.topic, field_primary_keys=[("seq", "INTEGER")])
    case.flow.start().refused("seq", "remedy")


def test_options_are_given_and_compared(embedded_case: Case) -> None:
    """A table made here has its options; one that keeps data shorter stops the run."""
    case = embedded_case
    series = Series(case, metadata_time_to_live=400_000_000, metadata_updates=False)
    tables: Any = case.flow.settings["tables"]
    tables[series.topic]["time_to_live"] = 300_000_000
    series.readings(50)
    run_to_the_end(series)
    series.verdict(minimum=50)
    meta = case.store.client.describe_timeseries_table(series.topic).table_meta
    assert meta.timeseries_table_options.time_to_live == 300_000_000
    assert meta.timeseries_meta_options.meta_time_to_live == 400_000_000
    assert meta.timeseries_meta_options.allow_update_attributes is False
    case.store.client.delete_timeseries_table(series.topic)
    make(
        case,
        series.topic,
        timeseries_table_options=TimeseriesTableOptions(100_000),
        timeseries_meta_options=TimeseriesMetaOptions(-1, True),
    )
    case.flow.start().refused("time_to_live", "100000 s", "300000000 s", "remedy")
