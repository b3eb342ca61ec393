"""Time series tables before their first point: compared, made when missing, waited for."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.settings.tables import TableSettings
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.tables_api import TablesApi, TimeseriesShape
from connectors.tablestore.verdicts import RequestFailed, Stop
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import BUSY, GONE, KAFKA_SHAPE, FakeClient

MISSING = RequestFailed(GONE, "OTSObjectNotExist")
PLAIN = TimeseriesShape(-1, -1, True, (), ())
WEEK = 604_800


class SeriesClient(FakeClient):
    """Time series tables beside the others."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, TimeseriesShape] = {}
        self.troubles: list[Exception] = []
        self.made: list[tuple[str, TableSettings]] = []

    def describe_timeseries(self, table: str) -> TimeseriesShape:
        """Take the place of the client's method of this name."""
        if self.troubles:
            raise self.troubles.pop(0)
        if table not in self.series:
            raise MISSING
        return self.series[table]

    def create_timeseries(self, table: str, rules: TableSettings) -> None:
        """Take the place of the client's method of this name."""
        self.made.append((table, rules))
        self.series[table] = PLAIN


def made(
    shape: TimeseriesShape | None = None, **table: Any
) -> tuple[TableChecks, SeriesClient, Run]:
    """A checks with the time series table `orders`, of this shape if any."""
    quick = {"retry_initial": 0.001, "retry_max": 0.002}
    run = new_run(tablestore=quick, table={"mode": "timeseries", **table})
    fake = SeriesClient()
    if shape is not None:
        fake.series["orders"] = shape
    asked: list[str] = []
    checks = TableChecks(cast(TablesApi, fake), run, asked.append)
    return checks, fake, run


def stopped(shape: TimeseriesShape, **table: Any) -> str:
    """What is said when the table does not fit."""
    checks, _, _ = made(shape, **table)
    with pytest.raises(StopRun, match="remedy") as caught:
        checks.ensure("orders")
    assert "orders" not in checks.checked
    return str(caught.value)


def test_a_table_that_fits() -> None:
    """One look, and then it is sure; nothing is made."""
    checks, fake, _ = made(PLAIN)
    checks.ensure("orders")
    assert "orders" in checks.checked
    assert fake.made == []
    assert not checks.is_being_created("orders")


def test_a_missing_table_stops_with_both_ways_out() -> None:
    """Without auto_create: the table, the instance and the option."""
    checks, _, _ = made()
    with pytest.raises(StopRun) as caught:
        checks.ensure("orders")
    for word in ("orders", "demo", "auto_create", "[tables.orders]"):
        assert word in str(caught.value)


def test_a_missing_table_is_made_with_its_options() -> None:
    """With auto_create it is made, and is still coming for a while."""
    points = {"metadata_time_to_live": WEEK, "metadata_updates": False}
    checks, fake, _ = made(auto_create=True, time_to_live=86_400, timeseries=points)
    checks.ensure("orders")
    ((table, rules),) = fake.made
    assert (table, rules.time_to_live) == ("orders", 86_400)
    assert rules.timeseries.metadata_time_to_live == WEEK
    assert checks.is_being_created("orders")


def test_another_process_was_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that appears between looking and making is as good."""
    checks, fake, _ = made(auto_create=True)
    exists = RequestFailed(Stop("exists", "OTSObjectAlreadyExist"), "OTSObjectAlreadyExist")

    def create(*_: object) -> None:
        raise exists

    monkeypatch.setattr(fake, "create_timeseries", create)
    checks.ensure("orders")
    assert "orders" in checks.checked


def test_a_wide_column_table_is_not_written_as_series() -> None:
    """The table exists, but is one of rows."""
    checks, fake, _ = made(auto_create=True)
    fake.shapes["orders"] = KAFKA_SHAPE
    with pytest.raises(StopRun, match="wide-column"):
        checks.ensure("orders")
    assert fake.made == []


def test_trouble_is_waited_out() -> None:
    """A busy service is asked again until it answers."""
    checks, fake, _ = made(PLAIN)
    fake.troubles = [RequestFailed(BUSY)] * 5
    checks.ensure("orders")
    assert "orders" in checks.checked


def test_a_new_table_that_does_not_show_yet_is_asked_again() -> None:
    """While it is being created, the question in which form points go has no answer."""
    checks, _, _ = made(auto_create=True)
    answers = [MISSING, MISSING]

    def choose(_: str) -> None:
        if answers:
            raise answers.pop()

    checks._choose_encoding = choose
    checks.ensure("orders")
    assert "orders" in checks.checked


def test_a_table_that_vanished_stops() -> None:
    """A table that this run did not make and that is not there is no matter of waiting."""
    checks, _, _ = made(PLAIN)

    def choose(_: str) -> None:
        raise MISSING

    checks._choose_encoding = choose
    with pytest.raises(StopRun):
        checks.ensure("orders")


@pytest.mark.parametrize("wanted", [-1, 200_000])
def test_data_that_would_vanish_early_stops(wanted: int) -> None:
    """The table keeps its points for a shorter time than the configuration says."""
    text = stopped(PLAIN._replace(time_to_live=100_000), time_to_live=wanted)
    assert "100000 s" in text
    assert "time_to_live" in text
    points = {"metadata_time_to_live": 2 * WEEK, "metadata_updates": False}
    shape = PLAIN._replace(metadata_time_to_live=WEEK)
    assert "metadata" in stopped(shape, time_to_live=86_400, timeseries=points)


def test_a_longer_time_to_live_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost by it, so the run goes on."""
    checks, _, _ = made(PLAIN, time_to_live=100_000, timeseries={"metadata_updates": False})
    with caplog.at_level(logging.WARNING):
        checks.ensure("orders")
    assert "for ever" in caplog.text
    assert "metadata_updates" in caplog.text


def test_what_is_not_set_is_no_wish(caplog: pytest.LogCaptureFixture) -> None:
    """Defaults are for tables that are made here; a table that exists keeps what it has."""
    checks, _, _ = made(TimeseriesShape(100_000, WEEK, False, (), ()))
    with caplog.at_level(logging.WARNING):
        checks.ensure("orders")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("shape", "points", "word"),
    [
        ({"field_keys": ("seq",)}, {}, "seq"),
        ({"keys": ("city", "_data_source", "_tags")}, {"tags": ["city"]}, "_m_name"),
        ({"keys": ("_m_name", "_tags")}, {"data_source": "x"}, "_data_source"),
        ({"keys": ("_m_name", "_data_source", "city", "_tags")}, {"tags": ["host"]}, "city"),
        ({"keys": ("_m_name", "city")}, {"tags": ["city", "host"]}, "_tags"),
        ({"keys": ("_m_name", "city")}, {"tags": ["city"], "tags_field": "more"}, "_tags"),
    ],
)
def test_keys_of_its_own_that_do_not_fit(
    shape: dict[str, Any], points: dict[str, Any], word: str
) -> None:
    """A table whose series this configuration cannot distinguish, or fill, stops the run."""
    assert word in stopped(PLAIN._replace(**shape), timeseries=points)


@pytest.mark.parametrize(
    ("keys", "points"),
    [
        (("city", "_m_name", "_data_source", "_tags"), {"tags": ["city", "host"]}),
        (("_m_name", "city"), {"tags": ["city"]}),
        (("_m_name", "city", "_tags"), {"tags_field": "more"}),
    ],
)
def test_keys_of_its_own_that_fit(keys: tuple[str, ...], points: dict[str, Any]) -> None:
    """Custom keys that are tags here are filled by them."""
    checks, _, _ = made(PLAIN._replace(keys=keys), timeseries=points)
    checks.ensure("orders")
    assert "orders" in checks.checked
