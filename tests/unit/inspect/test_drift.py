"""Drift: fields that are new, gone or of another type than the configuration has."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.inspect.drift import Difference, TableDrift, document, drift_of
from connectors.inspect.preview import Preview
from connectors.records import PlainMessage
from tests.unit.factories import CANARY, settings

pytestmark = pytest.mark.unit

KEY = {"primary_key_mode": "record_value", "primary_key": [{"name": "id", "type": "integer"}]}


def drift(values: Sequence[Any], **sections: Any) -> list[TableDrift]:
    """Of records with these values."""
    messages = [
        PlainMessage("orders", 0, offset, value=json.dumps(value).encode())
        for offset, value in enumerate(values)
    ]
    mine = settings(**sections)
    found = drift_of(mine, Preview(mine), "orders", messages)
    assert json.loads(json.dumps([document(one) for one in found]))
    return found


def differences(values: Sequence[Any], **sections: Any) -> dict[tuple[str, str], Difference]:
    """The differences of the one table, by kind and field."""
    (one,) = drift(values, **sections)
    return {(each.kind, each.field): each for each in one.differences}


def test_what_fits_has_no_difference() -> None:
    """Listed columns, their types, nulls, and the key."""
    columns = [{"name": "a", "type": "double"}, {"name": "b", "type": "string"}]
    values = [{"id": n, "a": n if n % 2 else 0.5, "b": None} for n in range(20)]
    assert differences(values, table={**KEY, "columns": columns}) == {}
    assert differences([{"id": n, "a": 1} for n in range(40)], table=KEY) == {}


def test_listed_columns_are_compared() -> None:
    """New fields with the line that adds them, columns that are gone, types, rejections."""
    columns = [{"name": "a", "type": "integer"}, {"name": "old", "type": "string"}]
    values = [{"id": n, "a": n, "new": f"{CANARY}{n}"} for n in range(8)]
    values += [{"id": 8, "a": CANARY}, {"id": 9, "a": 1.5}]
    found = differences(values, table={**KEY, "columns": columns})
    assert found["new", "new"].proposal == '{ name = "new", type = "string" }'
    assert "8 of 10 present, all different" in found["new", "new"].text
    assert "in none of 10 records" in found["gone", "old"].text
    assert "1 string, 1 double" in found["type", "a"].text
    assert found["type", "a"].proposal == '{ name = "a", type = "string" }'
    rejected = [each.text for (kind, _), each in found.items() if kind == "rejected"]
    assert rejected
    assert all("of 10 records" in text for text in rejected)
    assert CANARY not in str(found)


def test_where_all_fields_are_written_the_newer_half_is_compared() -> None:
    """With the older one: nothing is listed that it could be compared with."""
    older = [{"id": n, "a": 1, "was": 1, "both": 1 if n % 2 else "x"} for n in range(20)]
    newer = [{"id": n, "a": "1", "is": 1, "both": 1 if n % 2 else "x"} for n in range(20)]
    found = differences([*older, *newer], table=KEY)
    assert {*found} == {("type", "a"), ("gone", "was"), ("new", "is"), ("mixed", "both")}
    assert 'type = "string"' in found["type", "a"].proposal
    assert differences([*older[:5], *newer[:5]], table=KEY) == {}


def test_transforms_come_before() -> None:
    """A field is compared under the name that the mapping sees."""
    columns = [{"name": "total", "type": "double"}]
    transforms = [{"type": "rename", "fields": {"amount": "total"}}]
    values = [{"id": n, "amount": 0.5} for n in range(9)]
    assert differences(values, table={**KEY, "columns": columns}, transforms=transforms) == {}


def test_fields_of_time_series_are_compared_where_they_are_listed() -> None:
    """Tags and the time are used, so they are not new."""
    points = {
        "tags": ["device"],
        "time_field": "at",
        "map_all": False,
        "fields": [{"name": "t", "type": "double"}],
    }
    tables = {"orders": {"mode": "timeseries", "timeseries": points}}
    values = [{"device": "a", "at": n, "t": 0.5, "u": 1} for n in range(9)]
    assert {*differences(values, tables=tables)} == {("new", "u")}


def test_records_that_name_their_table_are_compared_with_its_rules() -> None:
    """Each table with the records that go to it."""
    columns = [{"name": "a", "type": "integer"}]
    values = [{"id": n, "kind": "one" if n % 2 else "two", "a": 1} for n in range(20)]
    found = drift(
        values,
        mapping={"route_field": "kind", "route_tables": ["one", "two"]},
        table=KEY,
        tables={"one": {"columns": columns}, "two": {}},
    )
    by_table = {one.table: {each.field for each in one.differences} for one in found}
    assert by_table == {"one": {"kind"}, "two": set()}
