"""Points: which series, time and fields a record gives, and which rule it breaks."""

import itertools
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import Conversions
from connectors.mapping.encoder import Encoded
from connectors.mapping.timeseries import points as points_module
from connectors.mapping.timeseries.points import PointBuilder, point_builder
from connectors.mapping.timeseries.series import SeriesCache
from connectors.records import UNAVAILABLE, PlainMessage, Record
from connectors.settings.timeseries import TimeseriesSettings
from tests.unit.factories import CANARY, settings


class Refused(Exception):  # noqa: N818
    """What the plain encoder refuses: nothing."""


class Series(NamedTuple):
    """A series as it came."""

    measurement: str
    source: str
    tags: tuple[tuple[str, str], ...]


class PlainEncoder:
    """Keeps what it is given: a series and a point are their `repr`."""

    error = Refused

    def __init__(self) -> None:
        self.made = 0

    def series(self, measurement: str, source: str, tags: Any) -> bytes:
        self.made += 1
        return repr(Series(measurement, source, (*tags,))).encode()

    def compile(self, fields: Any) -> Any:
        def encode(series: bytes, time: int, values: Any) -> Encoded:
            named = [(n, k, v) for (n, k), v in zip(fields, values, strict=True)]
            return series + time.to_bytes(8, "big"), repr((time, named)).encode(), "put"

        return encode

    def series_of(self, identity: bytes) -> bytes:
        return identity[:-8]


def points(encoder: PlainEncoder | None = None, **options: Any) -> PointBuilder:
    """Points of topic `readings`."""
    rules = TimeseriesSettings(**options)
    return PointBuilder(rules, "readings", encoder or PlainEncoder())


def made(value: Any, **options: Any) -> tuple[Series, int, dict[str, tuple[str, Any]]]:
    """Series, time and fields of a value."""
    record = Record(PlainMessage("readings", timestamp=5), value)
    identity, wire, _ = points(**options).encode(record)
    time, fields = eval(wire)
    assert identity[-8:] == time.to_bytes(8, "big")
    series = eval(identity[:-8])
    return series, time, {name: (kind, value) for name, kind, value in fields}


def refused(value: Any, change: Any = "upsert", **options: Any) -> str:
    """The code of a rejection, whose reason holds nothing of the value."""
    record = Record(PlainMessage("readings", timestamp=5), value, change=change)
    with pytest.raises(Rejection) as caught:
        points(**options).encode(record)
    assert CANARY not in caught.value.reason
    return caught.value.code


def test_the_defaults_work() -> None:
    """No key, no declared field: measurement of the topic, time of the record, exact numbers."""
    value = {
        "count": 2**53 + 1,
        "Ratio": 0.5,
        "ok": True,
        "raw": b"x",
        "list": [1, 2],
        "none": None,
    }
    assert made(value) == (
        Series("readings", "", ()),
        5000,
        {
            "count": ("integer", 2**53 + 1),
            "ratio": ("double", 0.5),
            "ok": ("boolean", True),
            "raw": ("binary", b"x"),
            "list": ("string", "[1,2]"),
        },
    )


def test_fields_that_make_the_series_are_no_fields() -> None:
    """Measurement, source, tags, an object of more tags and the time are taken out."""
    value = {"kind": "cpu", "site": "s", "host": "h", "core": 3, "up": True, "at": 7, "v": 1}
    value |= {"more": {"zone": "z", "app": 1.5, "gone": None}}
    options = {
        "measurement_field": "kind",
        "data_source_field": "site",
        "tags": ["host", "core", "up", "absent"],
        "tags_field": "more",
        "time_field": "at",
        "time_unit": "s",
    }
    series, time, fields = made(value, **options)
    assert series == Series(
        "cpu",
        "s",
        (("app", "1.5"), ("core", "3"), ("host", "h"), ("up", "true"), ("zone", "z")),
    )
    assert (time, fields) == (7_000_000, {"v": ("integer", 1)})


def test_literals_may_name_the_topic() -> None:
    """The measurement and data_source are texts in which <topic> stands for the topic."""
    series, _, _ = made({"v": 1}, measurement="m_<topic>", data_source="<topic>")
    assert series == Series("m_readings", "readings", ())


@pytest.mark.parametrize("nothing", [{}, {"site": None}])
def test_no_data_source_and_no_tags(nothing: Mapping[str, Any]) -> None:
    """Null or absent: no data source, no tag."""
    value = {"v": 1, **nothing}
    series, _, _ = made(value, data_source_field="site", tags=["host"], tags_field="more")
    assert series == Series("readings", "", ())


def test_declared_fields_have_their_types() -> None:
    """Declared names find fields in any case; others come too, unless map_all is off."""
    declared = [{"name": "Temp", "type": "double"}, {"name": "n", "type": "string"}]
    value = {"TEMP": 20, "N": 5, "else": 1}
    both = {"temp": ("double", 20.0), "n": ("string", "5")}
    assert made(value, fields=declared)[2] == {**both, "else": ("integer", 1)}
    assert made(value, fields=declared, map_all=False)[2] == both


def test_decimals_and_times_become_what_the_table_says() -> None:
    """As in wide-column tables; declared fields have their type all the same."""
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    value = {"price": Decimal("12.50"), "seen": noon, "part": {"p": Decimal("1.0")}, "n": 1}

    def fields(point: dict[str, Any], **table: Any) -> dict[str, Any]:
        rules = settings(table={"mode": "timeseries", "timeseries": point, **table}).table
        builder = point_builder(
            rules, "table", "readings", PlainEncoder(), Conversions(rules, plain=False)
        )
        _, named = eval(builder.encode(Record(PlainMessage("readings", timestamp=1), value))[1])
        return {name: (kind, found) for name, kind, found in named}

    rest = {"part": ("string", '{"p":"1.0"}'), "n": ("integer", 1)}
    ms = 1_769_860_800_000
    assert fields({}) == {**rest, "price": ("string", "12.50"), "seen": ("integer", ms)}
    chosen = {"decimals": "integer", "decimal_scale": 2, "times": "iso8601"}
    text = "2026-01-31T12:00:00.000Z"
    assert fields({}, **chosen) == {**rest, "price": ("integer", 1250), "seen": ("string", text)}
    declared = [{"name": "price", "type": "double"}, {"name": "seen", "type": "string"}]
    wanted = {**rest, "price": ("double", 12.5), "seen": ("string", text)}
    assert fields({"fields": declared}, **chosen) == wanted


def test_case_is_kept_where_nothing_is_lower_cased() -> None:
    """to_lower_case = false: the service's rule on names holds, so `A` is a rejection."""
    assert made({"a": 1}, to_lower_case=False)[2] == {"a": ("integer", 1)}
    assert refused({"A": 1}, to_lower_case=False) == "field_name"


def test_names_that_become_one_are_rejected() -> None:
    """Not a coin toss; one that is null is no field and collides with nothing."""
    for names in itertools.permutations(["abc", "Abc", "ABC"], 2):
        assert refused(dict.fromkeys(names, CANARY)) == "field_collision"
    assert made({"a": None, "A": 1})[2] == {"a": ("integer", 1)}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "delete_timeseries"),
        ([1], "value_no_object"),
        ("text", "value_no_object"),
        ({}, "fields_missing"),
        ({"v": None}, "fields_missing"),
        ({f"{CANARY} x": 1}, "field_name"),
        ({"9a": 1}, "field_name"),
        ({"\u212a": 1}, "field_name"),  # the Kelvin sign, which lower-cases to k
        ({"x" * 129: 1}, "field_name"),
        ({"": 1}, "field_name"),
        ({"_time": 1}, "field_name"),
        ({"_TAGS": 1}, "field_name"),
        ({f"f{n}": n for n in range(1025)}, "field_count"),
        ({"v": UNAVAILABLE}, "value_unavailable"),
        ({"v": {1, 2}}, "type_unknown"),
    ],
)
def test_records_that_are_no_points(value: Any, code: str) -> None:
    """Each rule of names and counts has its code."""
    assert refused(value) == code


def test_a_delete_is_rejected() -> None:
    """A change that deletes has no point to write."""
    assert refused({"v": 1}, change="delete") == "delete_timeseries"


def test_as_many_fields_as_the_service_takes() -> None:
    """1,024 fields and names of 128 bytes are a point."""
    value = {f"f{n:0>127}": n for n in range(1024)}
    assert len(made(value)[2]) == 1024


SERIES: dict[str, Any] = {
    "measurement_field": "m",
    "data_source_field": "s",
    "tags": ["t"],
    "tags_field": "more",
}


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"m": None}, "measurement_missing"),
        ({"m": ""}, "measurement_invalid"),
        ({"m": f"{CANARY} x"}, "measurement_invalid"),
        ({"m": f"{CANARY}#"}, "measurement_invalid"),
        ({"m": "x" * 129}, "measurement_invalid"),
        ({"m": "é" * 65}, "measurement_invalid"),
        ({"m": "a\nb"}, "measurement_invalid"),
        ({"m": "\ud800"}, "measurement_invalid"),
        ({"m": [CANARY]}, "tag_nested"),
        ({"s": "x" * 257}, "data_source_length"),
        ({"s": "\ud800"}, "encoding"),
        ({"s": UNAVAILABLE}, "series_unavailable"),
        ({"t": ""}, "tag_empty"),
        ({"t": f'{CANARY}"'}, "tag_value"),
        ({"t": f"{CANARY}=1"}, "tag_value"),
        ({"t": {"a": CANARY}}, "tag_nested"),
        ({"t": [CANARY]}, "tag_nested"),
        ({"t": float("nan")}, "not_finite"),
        ({"t": "x" * 600}, "tags_length"),
        ({"more": CANARY}, "tags_no_object"),
        ({"more": [CANARY]}, "tags_no_object"),
        ({"more": {"": "x"}}, "tag_name"),
        ({"more": {f"{CANARY} x": "x"}}, "tag_name"),
        ({"more": {'a"': "x"}}, "tag_name"),
        ({"more": {"é": "x"}}, "tag_name"),
        ({"more": {"a": ""}}, "tag_empty"),
        ({"more": {"a": {"b": CANARY}}}, "tag_nested"),
        ({"more": {"t": "x"}}, "tag_twice"),
    ],
)
def test_rules_of_series(parts: Mapping[str, Any], code: str) -> None:
    """What the service would refuse, or the old connector died of, is a rejection at worst."""
    assert refused({"m": "cpu", "s": "x", "t": "y", "v": 1, **parts}, **SERIES) == code


def test_tags_at_their_limit() -> None:
    """512 bytes as the service writes them: ["t=..."]."""
    longest = "x" * (512 - len('["t="]'))
    assert made({"t": longest, "v": 1}, tags=["t"])[0].tags == (("t", longest),)
    assert refused({"t": longest + "x", "v": 1}, tags=["t"]) == "tags_length"


def test_series_are_remembered_and_never_mixed_up() -> None:
    """A known series is not made again; equal texts in other places are other series."""
    encoder = PlainEncoder()
    maker = points(encoder, tags=["a", "b"], tags_field="more")
    values = [
        {"a": "1", "b": "2", "v": 1},
        {"a": "2", "b": "1", "v": 1},
        {"a": "1", "v": 1},
        {"b": "1", "v": 1},
        {"v": 1, "more": {"a": "1"}},
        {"a": 1, "b": "2", "v": 1},
        {"a": True, "b": "2", "v": 1},
        {"a": 1.0, "b": "2", "v": 1},
    ]
    seen: dict[int, bytes] = {}
    for turn in range(3):
        for number, value in enumerate(values):
            identity, _, _ = maker.encode(Record(PlainMessage(timestamp=1), value))
            assert seen.setdefault(number, identity) == identity
        assert turn or encoder.made
    # The first and the sixth are one series, and so are the third and the fifth.
    assert seen[0] == seen[5]
    assert seen[2] == seen[4]
    assert len({*seen.values()}) == 6
    before = encoder.made
    maker.encode(Record(PlainMessage(timestamp=1), values[0]))
    assert encoder.made == before


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.text(max_size=3)), max_size=2),
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["m", "s", "t", "more", "v", "V", "at", "x y"]), _VALUES),
        max_size=6,
    )
)
def test_whatever_comes(values: list[dict[str, Any]]) -> None:
    """A record is a point or a rejection, and the same whatever records came before it."""
    options: dict[str, Any] = {**SERIES, "time_field": "at"}
    one_after_the_other = points(**options)

    def outcome(maker: PointBuilder, value: Any) -> object:
        try:
            return maker.encode(Record(PlainMessage(timestamp=5), value))
        except Rejection as rejection:
            return rejection.code

    for value in values:
        assert outcome(one_after_the_other, value) == outcome(points(**options), value)


def test_ever_new_names_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many shapes and series are kept; a point is the same whether its shape is or not."""
    monkeypatch.setattr(points_module, "_MAX_SHAPES", 5)
    monkeypatch.setattr(SeriesCache, "MAX_SERIES", 5)
    maker = points(tags=["host"])
    for turn in range(2):
        for number in range(50):
            value = {"host": f"h{number}", f"v{number}": number}
            _, wire, _ = maker.encode(Record(PlainMessage(timestamp=turn + 1), value))
            assert f"v{number}".encode() in wire
    assert len(maker._plans) == 5
    assert len(maker._series._known) <= 5


def test_a_table_name_too_long() -> None:
    """A topic found by a pattern may give one: its records are rejected."""
    rules = settings(table={"mode": "timeseries"}).table
    with pytest.raises(Rejection, match="128"):
        point_builder(rules, "t" * 129, "readings", PlainEncoder(), Conversions(rules))


def test_builders_hash_the_series() -> None:
    """What a shard depends on is the series, whatever the time of the point."""
    rules = settings(table={"mode": "timeseries"}).table
    builder = point_builder(rules, "table", "readings", PlainEncoder(), Conversions(rules))
    identities = [
        builder.encode(Record(PlainMessage("readings", timestamp=time), {"v": 1}))[0]
        for time in (1, 2)
    ]
    assert identities[0] != identities[1]
    assert builder.shard_key is not None
    assert builder.shard_key(identities[0]) == builder.shard_key(identities[1])
