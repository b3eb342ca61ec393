"""Transforms of fields and predicates: each case is one record, its transforms, what it becomes."""

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.records import Record
from tests.unit.transforms.factories import run

ORDER = {"id": 7, "who": {"name": "Ada", "home": {"city": "Ulm"}}, "a.b": 1, "tags": [{"t": 1}]}


def nested(depth: int) -> dict[str, Any]:
    """An object in an object, and so on."""
    made: dict[str, Any] = {"a": 1}
    for _ in range(depth):
        made = {"a": made}
    return made


def values(transform: dict[str, Any], value: Any) -> list[Any]:
    """The values of what one becomes, by one transform."""
    return [record.value for record in run([transform], value)]


@pytest.mark.parametrize(
    ("transform", "value", "becomes"),
    [
        (
            {"type": "include", "fields": ["id", "who.home.city", "no"]},
            ORDER,
            {"id": 7, "who": {"home": {"city": "Ulm"}}},
        ),
        ({"type": "include", "fields": ["a.b"]}, ORDER, {"a.b": 1}),
        ({"type": "include", "fields": ["who", "who.name"]}, ORDER, {"who": ORDER["who"]}),
        ({"type": "include", "fields": ["no"]}, ORDER, {}),
        (
            {"type": "exclude", "fields": ["who.home", "a.b", "tags", "no.no"]},
            ORDER,
            {"id": 7, "who": {"name": "Ada"}},
        ),
        (
            {"type": "rename", "fields": {"id": "number", "who.name": "first"}},
            {"id": 1, "who": {"name": "A"}},
            {"number": 1, "who": {"first": "A"}},
        ),
        ({"type": "rename", "fields": {"a": "b", "b": "a"}}, {"a": 1, "b": 2}, {"b": 1, "a": 2}),
        ({"type": "rename", "fields": {"a": "x", "a.b": "y"}}, {"a": {"b": 1}}, {"x": {"y": 1}}),
        ({"type": "rename", "fields": {"no": "b"}}, {"a": 1}, {"a": 1}),
        (
            {
                "type": "cast",
                "fields": {"a": "string", "b.c": "integer", "d": "double", "e": "boolean"},
            },
            {"a": 5, "b": {"c": "-12"}, "d": "1.5", "e": "TRUE"},
            {"a": "5", "b": {"c": -12}, "d": 1.5, "e": True},
        ),
        ({"type": "cast", "fields": {"a": "integer", "b": "integer"}}, {"a": None}, {"a": None}),
        (
            {
                "type": "insert",
                "fields": {
                    "t": "topic",
                    "p": "partition",
                    "o": "offset",
                    "at": "timestamp",
                    "h": "header:trace",
                    "n": "header:x",
                    "m": "header:missing",
                },
                "literals": {"lit": 1.5},
            },
            {"a": 1},
            {
                "a": 1,
                "t": "shop.orders",
                "p": 3,
                "o": 42,
                "at": 1700,
                "h": "new",
                "n": None,
                "m": None,
                "lit": 1.5,
            },
        ),
        ({"type": "insert", "literals": {"a": "x"}, "replace": True}, {"a": 1}, {"a": "x"}),
        (
            {"type": "flatten"},
            ORDER,
            {"id": 7, "who_name": "Ada", "who_home_city": "Ulm", "a.b": 1, "tags": [{"t": 1}]},
        ),
        (
            {"type": "flatten", "separator": "."},
            {"a": {"b": {"c": None}}, "e": {}},
            {"a.b.c": None},
        ),
        ({"type": "extract", "field": "who.home"}, ORDER, {"city": "Ulm"}),
        ({"type": "extract", "field": "no", "missing": "null"}, ORDER, None),
        # A tombstone has no fields, and nothing is wrong with it.
        ({"type": "rename", "fields": {"a": "b"}}, None, None),
        # Not meant for this one.
        ({"type": "exclude", "fields": ["a"], "topics": "shop"}, {"a": 1}, {"a": 1}),
        ({"type": "exclude", "fields": ["a"], "topics": "shop[.].*"}, {"a": 1}, {}),
        (
            {"type": "exclude", "fields": ["a"], "when": {"field": "a", "equals": 2}},
            {"a": 1},
            {"a": 1},
        ),
        ({"type": "exclude", "fields": ["a"], "when": {"field": "a", "equals": 1}}, {"a": 1}, {}),
    ],
)
def test_each_transform_of_fields(transform: dict[str, Any], value: Any, becomes: Any) -> None:
    """The new value is as documented, in the old order, and the old one is unchanged."""
    before = repr(value)
    (found,) = values(transform, value)
    assert found == becomes
    if isinstance(becomes, dict):
        assert list(found) == list(becomes)
    assert repr(value) == before


@pytest.mark.parametrize(
    ("transform", "value", "code"),
    [
        ({"type": "rename", "fields": {"a": "b"}}, {"a": 1, "b": 2}, "transform_name_taken"),
        (
            {"type": "rename", "fields": {"a": "c", "b": "c"}},
            {"a": 1, "b": 2},
            "transform_name_taken",
        ),
        ({"type": "insert", "literals": {"a": 1}}, {"a": 1}, "transform_name_taken"),
        ({"type": "flatten"}, {"a": {"b": 1}, "a_b": 2}, "transform_name_taken"),
        ({"type": "flatten"}, {"a_b": 2, "a": {"b": 1}}, "transform_name_taken"),
        ({"type": "extract", "field": "no"}, {"a": 1}, "transform_field_missing"),
        ({"type": "include", "fields": ["a"]}, [1], "transform_no_object"),
        ({"type": "cast", "fields": {"a": "integer"}}, {"a": "5 "}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "integer"}}, {"a": "9" * 5000}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "integer"}}, {"a": 1.5}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "integer"}}, {"a": float("inf")}, "transform_cast"),
        (
            {"type": "cast", "fields": {"a": "integer"}},
            {"a": Decimal("1E+1000000000")},
            "transform_cast",
        ),
        (
            {"type": "cast", "fields": {"a": "string"}},
            {"a": Decimal("1E+1000000000")},
            "transform_cast",
        ),
        ({"type": "cast", "fields": {"a": "string"}}, {"a": [1]}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": 2**53 + 1}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": "nan"}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": "1e999"}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "boolean"}}, {"a": 2}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "string"}}, {"a": 10**5000}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": Decimal("sNaN")}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": "1e-400"}, "transform_cast"),
        ({"type": "cast", "fields": {"a": "double"}}, {"a": Decimal("1e-400")}, "transform_cast"),
        ({"type": "flatten"}, nested(201), "transform_depth"),
        ({"type": "flatten"}, {"a" * 1000: {"b" * 30: 1}}, "transform_name_length"),
        # In memory the names would be a hundred times as long as the record.
        (
            {"type": "flatten"},
            {"a" * 1_000_000: dict.fromkeys(map(str, range(100_000)), 1)},
            "transform_name_length",
        ),
    ],
    ids=itertools.count(),
)
def test_what_cannot_be_done_is_rejected(transform: dict[str, Any], value: Any, code: str) -> None:
    """With a code, and a reason that does not hold the value."""
    with pytest.raises(Rejection) as caught:
        run([transform], value)
    assert caught.value.code == code
    assert "999" not in caught.value.reason


def twice(record: Record) -> list[Record]:
    """A user's function."""
    return [record, record.with_value({"n": 2})]


def nothing(_: Record) -> None:
    """A user's function that drops."""


def wrong(_: Record) -> str:
    """A user's function that is wrong."""
    return "x"


names = st.sampled_from(["a", "b", "a.b", "c", ""])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(["a", "b", "a.b", "a.b.c", "c"])
some_transforms = st.one_of(
    st.builds(lambda f: {"type": "include", "fields": f}, st.lists(paths, min_size=1)),
    st.builds(lambda f: {"type": "exclude", "fields": f}, st.lists(paths, min_size=1)),
    st.builds(lambda f: {"type": "rename", "fields": f}, st.dictionaries(paths, paths, min_size=1)),
    st.builds(
        lambda f: {"type": "cast", "fields": f},
        st.dictionaries(
            paths, st.sampled_from(["string", "integer", "double", "boolean"]), min_size=1
        ),
    ),
    st.builds(lambda s: {"type": "flatten", "separator": s}, st.sampled_from(["_", ".", ""])),
    st.builds(lambda f: {"type": "extract", "field": f}, paths),
    st.builds(lambda n: {"type": "insert", "fields": {n: "topic"}}, paths),
    st.builds(lambda f: {"type": "filter", "drop": {"field": f, "above": 1}}, paths),
    st.just({"type": "debezium"}),
)


@given(st.lists(some_transforms, min_size=1, max_size=4), json_values, json_values)
def test_any_record_passes_or_is_rejected(
    transforms: list[dict[str, Any]], value: Any, key: Any
) -> None:
    """Whatever comes, in whatever order: records or a Rejection, never another exception."""
    try:
        made = run(transforms, value, key)
    except Rejection:
        made = []
    assert {type(record) for record in made} <= {Record}
