"""The client's part of time series: signed requests of any name, and tables as the SDK tells."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tablestore.error import OTSServiceError
from tablestore.metadata import (
    DescribeTimeseriesTableResponse,
    TimeseriesMetaOptions,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)
from tablestore.protobuf.table_store_pb2 import Error
from tablestore.protobuf.timeseries_pb2 import PutTimeseriesDataResponse

from connectors.tablestore.client import TimeseriesShape
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop
from tests.unit.factories import settings
from tests.unit.tablestore.fake_service import signed
from tests.unit.tablestore.test_client import client

PATH = "/PutTimeseriesData"


@pytest.mark.parametrize("region", ["", "cn-hangzhou"])
def test_an_answer_is_believed_when_it_is_signed_for_its_request(region: str) -> None:
    """The body comes back; an answer signed for another request says nothing."""
    made, pool = client(signed(b"body of the answer", path=PATH, region=region), region=region)
    assert asyncio.run(made.post("PutTimeseriesData", b"request")) == b"body of the answer"
    ((path, headers, body),) = pool.sent
    assert (path, body) == (PATH, b"request")
    assert any(name.lower().startswith("x-ots-signature") for name in headers)
    other, _ = client(signed(b"", region=region), region=region)
    with pytest.raises(RequestFailed) as caught:
        asyncio.run(other.post("PutTimeseriesData", b"request"))
    assert isinstance(caught.value.verdict, Retry)


def test_a_refusal_has_its_verdict() -> None:
    """400 is a rejection, which the writer halves; 403 stops."""
    for status, code, kind in (
        (400, "OTSParameterInvalid", Reject),
        (403, "OTSNoPermissionAccess", Stop),
        (503, "OTSServerBusy", Retry),
    ):
        body = Error(code=code, message="words").SerializeToString()
        made, _ = client(signed(body, status, PATH))
        with pytest.raises(RequestFailed) as caught:
            asyncio.run(made.post("PutTimeseriesData", b""))
        assert isinstance(caught.value.verdict, kind)
        assert caught.value.code == code


def test_failed_rows_are_read() -> None:
    """Number, code and text of each, where the SDK itself raises AttributeError."""
    made, _ = client(signed(b""))
    response = PutTimeseriesDataResponse()
    response.failed_rows.add(row_index=3, error_code="OTSServerBusy", error_message="busy")
    assert made.failed_points(response.SerializeToString()) == [(3, "OTSServerBusy", "busy")]
    assert made.failed_points(b"") == []


def test_a_table_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options and keys, with None for what an older service does not tell."""
    made, _ = client(signed(b""))
    meta = TimeseriesTableMeta(
        "points",
        TimeseriesTableOptions(86_400),
        TimeseriesMetaOptions(604_800, False),
        ["city", "_m_name"],
        [("seq", "INTEGER")],
    )
    answer = DescribeTimeseriesTableResponse(meta)
    monkeypatch.setattr(made._sdk, "describe_timeseries_table", lambda _: answer)
    assert made.describe_timeseries("points") == TimeseriesShape(
        86_400, 604_800, False, ("city", "_m_name"), ("seq",)
    )
    meta.timeseries_meta_options = TimeseriesMetaOptions()
    meta.timeseries_keys = meta.field_primary_keys = None
    assert made.describe_timeseries("points") == TimeseriesShape(86_400, None, None, (), ())


def test_a_table_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the configured options."""
    made, _ = client(signed(b""))
    given: list[Any] = []
    monkeypatch.setattr(made._sdk, "create_timeseries_table", given.append)
    points = {"metadata_time_to_live": 700_000, "metadata_updates": False}
    rules = settings(
        table={"mode": "timeseries", "time_to_live": 86_400, "timeseries": points}
    ).table
    made.create_timeseries("points", rules)
    meta = given[0].table_meta
    assert meta.timeseries_table_name == "points"
    assert meta.timeseries_table_options.time_to_live == 86_400
    assert meta.timeseries_meta_options.meta_time_to_live == 700_000
    assert meta.timeseries_meta_options.allow_update_attributes is False


def test_a_missing_table_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the SDK raises carries the service's code."""
    made, _ = client(signed(b""))

    def missing(_: str) -> None:
        raise OTSServiceError(404, "OTSObjectNotExist", "Requested table does not exist.")

    monkeypatch.setattr(made._sdk, "describe_timeseries_table", missing)
    with pytest.raises(RequestFailed) as caught:
        made.describe_timeseries("points")
    assert caught.value.code == "OTSObjectNotExist"
