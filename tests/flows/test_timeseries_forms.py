"""Points as protobuf and as FlatBuffers have one effect: the official SDK reads the same back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    TimeseriesTableMeta,
)

from connectors.errors import Rejection
from connectors.mapping.timeseries.points import PointBuilder
from connectors.records import PlainMessage, Record
from connectors.settings.timeseries import TimeseriesSettings
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.client import Client
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.timeseries.requests import (
    OPERATION,
    Encoding,
    PointRequests,
    failed_points,
)
from tests.support.ledger import Columns, Key
from tests.support.series import point_key, points
from tests.support.store import KEY_ID, KEY_SECRET, LocalTablestore

RULES = TimeseriesSettings(
    measurement_field="m", data_source_field="s", tags=("a", "b"), time_field="t", time_unit="us"
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
# No comma: SDK 6.4.8 cuts tags that it reads at each.
TAG = TEXT.filter(lambda text: text and not {*'"=,'} & {*text})
FIELDS = st.dictionaries(
    st.text("abcxyz_0", min_size=1, max_size=6).filter(lambda name: not name[0].isdigit()),
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        TEXT,
        st.binary(max_size=8),
    ),
    min_size=1,
    max_size=6,
)
VALUES = st.lists(
    st.tuples(
        st.fixed_dictionaries({"m": st.sampled_from(["cpu", "Grüße", "μ"])}),
        st.fixed_dictionaries({"s": st.one_of(st.none(), TEXT)}),
        st.fixed_dictionaries({}, optional={"a": TAG, "b": TAG}),
        st.integers(0, 10**16),
        FIELDS,
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda parts: parts[3],
)


@pytest.fixture
def client(tablestore: LocalTablestore, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of the product, connected to the instance of the test."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)
    return Client(TablestoreSettings(endpoint=tablestore.url, instance=tablestore.instance))


def make(store: LocalTablestore, name: str) -> str:
    """Create an empty time series table and return its name."""
    store.client.create_timeseries_table(CreateTimeseriesTableRequest(TimeseriesTableMeta(name)))
    return name


def row(value: dict[str, Any]) -> bytes:
    """The encoded row of a record's value."""
    return PointBuilder(RULES, "topic", PointEncoder()).encode(Record(PlainMessage(), value))[1]


def expected(value: dict[str, Any]) -> tuple[Key, Columns]:
    """The key and columns that are expected of a record's value."""
    tags = {name: value[name] for name in "ab" if name in value}
    fields = {name: item for name, item in value.items() if name not in "mstab"}
    return point_key(value["m"], value["s"] or "", tags, value["t"]), fields


_numbers = itertools.count()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(VALUES)
def test_both_forms_have_one_effect(
    tablestore: LocalTablestore, client: Client, values: Sequence[tuple[Any, ...]]
) -> None:
    """Any points: each form stores exactly what was given, value for value and type for type."""
    whole = [
        {**m, **s, **tags, "t": time, **{f"f_{n}": v for n, v in fields.items()}}
        for m, s, tags, time, fields in values
    ]
    rows = [row(value) for value in whole]
    wanted = dict(map(expected, whole))
    forms: tuple[Encoding, ...] = ("protobuf", "flatbuffers")
    for form in forms:
        table = make(tablestore, f"t{next(_numbers)}")
        requests = PointRequests(client, form)
        body = requests.body(table, rows, [[len(one)] for one in rows], form)
        assert failed_points(client.post_blocking(OPERATION, body)) == []
        assert _typed(points(tablestore, table)) == _typed(wanted)
        tablestore.client.delete_timeseries_table(table)


def _typed(found: dict[Key, Columns]) -> dict[Key, dict[str, tuple[type, Any]]]:
    """1, 1.0 and True are three values, and so are 0.0 and -0.0."""
    return {
        key: {name: (type(v), repr(v)) for name, v in columns.items()}
        for key, columns in found.items()
    }


def test_the_local_tablestore_is_asked_and_takes_protobuf(
    tablestore: LocalTablestore, client: Client
) -> None:
    """The question writes no point and no series."""
    table = make(tablestore, "asked")
    requests = PointRequests(client, "auto")
    requests.choose_encoding(table)
    assert requests._encoding == "protobuf"
    assert tablestore.written() == 0
    assert points(tablestore, table) == {}


def test_what_the_mapping_takes_the_service_takes(
    tablestore: LocalTablestore, client: Client
) -> None:
    """Values at each limit are written; one step further is a rejection, before any request."""
    table = make(tablestore, "limits")
    base = {"m": "cpu", "s": "s", "t": 1, "f": 1}
    at_limit: list[dict[str, Any]] = [
        {"m": "x" * 128},
        {"s": "x" * 256},
        {"a": "x" * (512 - len('["a="]'))},
        {"a": "x" * 250, "b": "y" * (512 - 250 - len('["a=","b="]'))},
        {"t": 2**63 - 1},
        {"t": 0},
        {"f" * 128: 1},
        {"f": "x" * 2 * 1024 * 1024},
        {f"f{n}": n for n in range(1023)},
        {"f": 2**63 - 1},
        {"f": -(2**63)},
        {"f": 1.7976931348623157e308},
    ]
    beyond: list[dict[str, Any]] = [
        {"m": "x" * 129},
        {"s": "x" * 257},
        {"a": "x" * (513 - len('["a="]'))},
        {"t": 2**63},
        {"t": -1},
        {"f" * 129: 1},
        {"f": "x" * (2 * 1024 * 1024 + 1)},
        {f"f{n}": n for n in range(1024)},
        {"f": 2**63},
    ]
    forms: tuple[Encoding, ...] = ("protobuf", "flatbuffers")
    for value, form in itertools.product(at_limit, forms):
        point = row({**base, **value})
        body = PointRequests(client, form).body(table, [point], [[len(point)]], form)
        assert failed_points(client.post_blocking(OPERATION, body)) == [], str(value)[:100]
    for value in beyond:
        with pytest.raises((Rejection, PointEncoder.error)):
            row({**base, **value})
