"""The meters: histograms, requests by code, and the lag from the durable offset."""

import pytest

from connectors.run import meters as module
from connectors.run.meters import Meters
from connectors.run.partition_meter import PartitionMeter
from connectors.run.table_meter import OTHER, Histogram, TableMeter
from tests.unit.fake_clock import FakeClock


def test_a_value_is_in_the_bucket_of_the_bound_it_does_not_pass() -> None:
    """As Prometheus has it: a bound belongs to its bucket."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        histogram.observe(value)
    assert (histogram.counts, histogram.sum) == ([2, 2, 1], 14.0)
    assert [histogram.quantile(share) for share in (0.4, 0.5, 1.0)] == [1.0, 2.0, 2.0]
    assert Histogram((1.0,)).quantile(0.5) is None


def test_codes_without_end_count_as_other() -> None:
    """A proxy may make up a code for each answer; the metric stays small."""
    table = TableMeter()
    for number in range(1000):
        table.request(f"CODE{number}", 0.1, 10)
        table.rows("rejected", f"CODE{number}", 1)
    assert len(table.requests_by_code()) == 201
    assert table.requests_by_code()[OTHER] == 800
    assert sum(table.rows_by_outcome().values()) == 1000


def test_units_are_those_of_4_kb_begun() -> None:
    """Of each row by itself, however many are in a request."""
    table = TableMeter()
    table.written(8200, [[4, 4096], [4097, 3]])
    table.written(0, [[], []])
    assert (table.written_bytes, table.units) == (8200, 5)


def test_tables_without_end_count_as_other() -> None:
    """A record may name its table."""
    meters = Meters(FakeClock())
    for number in range(1000):
        meters.table(f"table{number}").request("OK", 0.1, 1)
    assert len(meters.tables()) == 201
    assert sum(table.bytes for table in meters.tables().values()) == 1000


def test_lag_counts_from_the_durable_offset() -> None:
    """What is read and not yet durable still lags; its age is that of its oldest record."""
    one = PartitionMeter("orders", 0, 100, 0.0)
    assert (one.lag_records, one.lag_seconds(0, 0)) == (None, None)
    one.set_end(100, 1.0)
    assert (one.lag_records, one.lag_seconds(1, 1)) == (0, 0.0)
    one.set_end(130, 2.0)
    one.first(100, 50_000)
    one.position = 130
    assert (one.lag_records, one.lag_seconds(3, 60)) == (30, 10.0)
    one.wants_first = True  # a snapshot at 130, and more after it
    one.set_end(140, 4.0)
    one.first(130, 55_000)
    one.position = 140
    one.made_durable(130, 5.0)
    assert (one.lag_records, one.lag_seconds(5, 60)) == (10, 5.0)
    one.made_durable(140, 6.0)
    assert (one.lag_records, one.lag_seconds(6, 60)) == (0, 0.0)


def test_a_partition_of_which_nothing_is_read_lags_since_that_was_noticed() -> None:
    """There is no record yet whose age could be known."""
    one = PartitionMeter("orders", 0, 0, 0.0)
    one.set_end(10, 1.0)
    assert one.lag_seconds(100, 0) == 0
    assert one.lag_seconds(130, 0) == 30
    one.made_durable(10, 131.0)
    assert one.lag_seconds(140, 0) == 0
    one.set_end(20, 141.0)
    assert one.lag_seconds(150, 0) == 0, "another time of lag"


def test_progress_is_a_moved_offset_or_nothing_to_do() -> None:
    """An idle partition does not count as standing when a record comes at last."""
    one = PartitionMeter("orders", 0, 5, 0.0)
    one.made_durable(5, 10.0)
    assert one.progress_at == 0
    one.set_end(5, 20.0)
    one.set_end(6, 30.0)
    assert one.progress_at == 20
    one.made_durable(6, 40.0)
    assert one.progress_at == 40


def test_a_record_without_a_time_has_that_of_its_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better than the year 1970."""
    monkeypatch.setattr("connectors.run.partition_meter.time.time", lambda: 77.0)
    one = PartitionMeter("orders", 0, 0, 0.0)
    one.first(0, None)
    one.position = 1
    assert one.lag_seconds(0, 80.0) == 3.0


def test_the_operator_sees_the_newest_end_that_is_known() -> None:
    """The brokers are asked only while a program looks; the client's last answer is there."""
    one = PartitionMeter("orders", 0, 5, 0.0)
    assert (one.as_json()["end"], one.as_json()["lag"]) == (None, None)
    one.seen_end = lambda: 9
    assert (one.as_json()["end"], one.as_json()["lag"]) == (9, 4)
    one.set_end(12, 1.0)
    assert (one.as_json()["end"], one.as_json()["lag"]) == (12, 7)


def test_the_age_of_the_last_snapshot() -> None:
    """Unknown before the first; each partition reports the same epoch, and the first counts."""
    clock = FakeClock()
    meters = Meters(clock)
    assert meters.snapshot_age() is None
    meters.epoch_closed(is_new=True)
    clock.now += 5
    meters.epoch_closed(is_new=False)
    assert (meters.snapshots, meters.snapshot_age()) == (1, 5)


def test_a_process_has_ended_when_each_of_its_partitions_has() -> None:
    """One that reads none has, too."""
    meters = Meters(FakeClock())
    assert meters.has_ended()
    first, second = (meters.partition("orders", number, 0, True) for number in (0, 1))
    meters.partition("gone", 0, 0, is_read=False)
    first.ended = True
    assert not meters.has_ended()
    second.ended = True
    assert meters.has_ended()


@pytest.mark.parametrize(("text", "number"), [("", 0), ("3", 3), ("-1", 0), ("x", 0), ("²", 0)])
def test_restarts_are_passed_on(text: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment, from process to process."""
    monkeypatch.setenv(module.RESTARTS_VARIABLE, text)
    assert Meters(FakeClock()).restarts == number
    module.count_restart()
    assert Meters(FakeClock()).restarts == number + 1
