"""Calls about tables: what the SDK is given, how its answers read, what its exceptions mean."""

from typing import Any, cast

import pytest
from tablestore.client import OTSClient
from tablestore.error import OTSClientError, OTSServiceError
from tablestore.metadata import (
    PK_AUTO_INCR,
    DescribeTableResponse,
    DescribeTimeseriesTableResponse,
    TableMeta,
    TimeseriesMetaOptions,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError

from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.tables_api import TablesApi, TimeseriesShape
from connectors.tablestore.verdicts import RequestFailed, Retry, Stop, Verdict
from tests.unit.factories import settings


def tables_api() -> tuple[TablesApi, OTSClient]:
    """The calls, and the SDK's client that makes them."""
    client = Client(TablestoreSettings())
    return TablesApi(client), client.sdk


def test_the_shape_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key columns in order and defined columns, named as in config.toml; auto-increment shows."""
    meta = TableMeta(
        "orders",
        [("a", "STRING"), ("b", "INTEGER", PK_AUTO_INCR), ("c", "BINARY")],
        [("x", "DOUBLE"), ("y", "BOOLEAN"), ("z", "INTEGER"), ("s", "STRING"), ("r", "BINARY")],
    )
    api, sdk = tables_api()
    answer = DescribeTableResponse(meta, None, None)
    monkeypatch.setattr(sdk, "describe_table", lambda table: answer)
    assert api.describe("orders")[:2] == (
        (("a", "string"), ("b", "auto_increment"), ("c", "binary")),
        (
            ("x", "double"),
            ("y", "boolean"),
            ("z", "integer"),
            ("s", "string"),
            ("r", "binary"),
        ),
    )


def test_what_a_new_table_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, key, the first listed columns, time to live and versions; no reserved capacity."""
    rules = settings(
        table={
            "primary_key_mode": "record_value",
            "primary_key": [{"name": "a"}, {"name": "b", "type": "binary"}],
            "columns": [
                {"name": "x", "type": "double"},
                {"name": "y", "type": "boolean"},
                {"name": "z", "type": "string"},
            ],
            "time_to_live": 86400,
            "max_versions": 3,
        }
    ).table
    api, sdk = tables_api()
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(sdk, "create_table", lambda *given: calls.append(given))
    api.create("orders", rules, 2)
    ((meta, options, reserved),) = calls
    assert meta.table_name == "orders"
    assert meta.schema_of_primary_key == [("a", "STRING"), ("b", "BINARY")]
    assert meta.defined_columns == [("x", "DOUBLE"), ("y", "BOOLEAN")]
    assert (options.time_to_live, options.max_version) == (86400, 3)
    assert (reserved.capacity_unit.read, reserved.capacity_unit.write) == (0, 0)


@pytest.mark.parametrize(
    ("raised", "verdict", "code"),
    [
        (OTSServiceError(404, "OTSObjectNotExist", "no"), Stop, "OTSObjectNotExist"),
        (OTSServiceError(409, "OTSObjectAlreadyExist", "is"), Stop, "OTSObjectAlreadyExist"),
        (OTSServiceError(403, "OTSAuthFailed", "no"), Stop, "OTSAuthFailed"),
        (OTSServiceError(503, "OTSServerBusy", "busy"), Retry, "OTSServerBusy"),
        (OTSServiceError(403, "OTSQuotaExhausted", "Too frequent table operations."), Retry, None),
        (OTSServiceError(503, "", ""), Retry, ""),
        (OTSServiceError(503, None, None), Retry, ""),
        (OTSClientError("bad signature", 200), Retry, ""),
        (OTSClientError("no answer"), Retry, ""),
        (OTSClientError("<html>", 502), Retry, ""),
        (OTSClientError("<html>", 403), Stop, ""),
        (MaxRetryError(cast(Any, None), "/", None), Retry, ""),
        (ProtocolError("reset"), Retry, ""),
        (ReadTimeoutError(cast(Any, None), "/", "slow"), Retry, ""),
    ],
)
def test_what_the_sdk_raises_about_tables(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, verdict: type[Verdict], code: str | None
) -> None:
    """Its two errors, and the network's that it lets through, become a verdict."""
    api, sdk = tables_api()

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(sdk, "describe_table", fail)
    monkeypatch.setattr(sdk, "create_table", fail)
    for call in (
        lambda: api.describe("orders"),
        lambda: api.create("orders", settings().table, 0),
    ):
        with pytest.raises(RequestFailed) as caught:
            call()
        assert type(caught.value.verdict) is verdict
        assert code is None or caught.value.code == code


def test_a_time_series_table_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options and keys, with None for what an older service does not describe."""
    api, sdk = tables_api()
    meta = TimeseriesTableMeta(
        "points",
        TimeseriesTableOptions(86_400),
        TimeseriesMetaOptions(604_800, False),
        ["city", "_m_name"],
        [("seq", "INTEGER")],
    )
    answer = DescribeTimeseriesTableResponse(meta)
    monkeypatch.setattr(sdk, "describe_timeseries_table", lambda _: answer)
    assert api.describe_timeseries("points") == TimeseriesShape(
        86_400, 604_800, False, ("city", "_m_name"), ("seq",)
    )
    meta.timeseries_meta_options = TimeseriesMetaOptions()
    meta.timeseries_keys = meta.field_primary_keys = None
    assert api.describe_timeseries("points") == TimeseriesShape(86_400, None, None, (), ())


def test_a_time_series_table_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the configured options."""
    api, sdk = tables_api()
    given: list[Any] = []
    monkeypatch.setattr(sdk, "create_timeseries_table", given.append)
    points = {"metadata_time_to_live": 700_000, "metadata_updates": False}
    rules = settings(
        table={"mode": "timeseries", "time_to_live": 86_400, "timeseries": points}
    ).table
    api.create_timeseries("points", rules)
    meta = given[0].table_meta
    assert meta.timeseries_table_name == "points"
    assert meta.timeseries_table_options.time_to_live == 86_400
    assert meta.timeseries_meta_options.meta_time_to_live == 700_000
    assert meta.timeseries_meta_options.allow_update_attributes is False


def test_a_missing_table_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the SDK raises carries the service's code."""
    api, sdk = tables_api()

    def missing(_: str) -> None:
        raise OTSServiceError(404, "OTSObjectNotExist", "Requested table does not exist.")

    monkeypatch.setattr(sdk, "describe_timeseries_table", missing)
    with pytest.raises(RequestFailed) as caught:
        api.describe_timeseries("points")
    assert caught.value.code == "OTSObjectNotExist"
