"""json: text of JSON in a field becomes what it says."""

from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE
from tests.unit.transforms.factories import run


@pytest.mark.parametrize(
    ("options", "value", "becomes"),
    [
        ({}, {"a": '{"b": [1, 2.5, null]}'}, {"a": {"b": [1, 2.5, None]}}),
        ({}, {"a": b"[9007199254740993]"}, {"a": [9007199254740993]}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": None, "c": 1}, {"a": None, "c": 1}),
        ({}, {"c": 1}, {"c": 1}),
        ({}, {"a": UNAVAILABLE}, {"a": UNAVAILABLE}),
        ({"into": "columns"}, {"a": '{"b": 1, "c": {"d": 2}}', "e": 3},
         {"e": 3, "b": 1, "c": {"d": 2}}),
        ({"into": "columns", "prefix": "a_"}, {"a": '{"e": 1}', "e": 3}, {"e": 3, "a_e": 1}),
        ({"into": "columns"}, {"a": '{"a": 1}'}, {"a": 1}),
        ({"into": "columns"}, {"a": "null", "e": 3}, {"e": 3}),
    ],
)  # fmt: skip
def test_json(options: dict[str, Any], value: Any, becomes: Any) -> None:
    """Text becomes what it says, in its place or as fields of the record."""
    (record,) = run([{"type": "json", "fields": ["a"], **options}], value)
    assert record.value == becomes


@pytest.mark.parametrize(
    ("options", "value", "wanted"),
    [
        ({}, {"a": "{"}, "transform_json"),
        ({}, {"a": ""}, "transform_json"),
        ({}, {"a": 5}, "transform_json"),
        ({}, {"a": b"\xff"}, "transform_json"),
        ({}, {"a": '"\ud800"'}, "transform_json"),
        ({}, {"a": "[" * 100_000}, "transform_json"),
        ({}, {"a": "[" + "1," * 1_100_000 + "1]"}, "transform_json"),
        ({"into": "columns"}, {"a": "[1]"}, "transform_json"),
        ({"into": "columns"}, {"a": '{"e": 1}', "e": 3}, "transform_name_taken"),
    ],
    ids=lambda item: str(item)[:40],
)
def test_what_is_no_json(options: dict[str, Any], value: Any, wanted: str) -> None:
    """Rejected, and no field takes another's place."""
    with pytest.raises(Rejection) as caught:
        run([{"type": "json", "fields": ["a"], **options}], value)
    assert caught.value.code == wanted


def test_commas_in_a_text_are_no_values() -> None:
    """As in the format json."""
    (record,) = run([{"type": "json", "fields": ["a"]}], {"a": '{"b": "' + "," * 1_100_000 + '"}'})
    assert len(record.value["a"]["b"]) == 1_100_000
