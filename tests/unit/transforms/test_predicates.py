"""Predicates: each comparison, and values of other types."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.transforms.factories import run

QUESTIONS: list[tuple[dict[str, Any], Any, bool]] = [
    ({"tombstone": True}, None, True),
    ({"tombstone": True}, {}, False),
    ({"tombstone": False}, {}, True),
    ({"header": "trace"}, {}, True),
    ({"header": "none"}, {}, False),
    ({"header": "trace", "equals": "new"}, {}, True),
    ({"header": "trace", "equals": "newer"}, {}, False),
    ({"topic": "shop[.].*"}, {}, True),
    ({"topic": "shop"}, {}, False),
    ({"field": "a.b", "equals": 1}, {"a": {"b": 1.0}}, True),
    ({"field": "a", "equals": 1}, {"a": True}, False),
    ({"field": "a", "equals": True}, {"a": True}, True),
    ({"field": "a", "equals": "1"}, {"a": 1}, False),
    ({"field": "a", "equals": 1}, {"a": [1]}, False),
    ({"field": "a", "one_of": ["x", 2]}, {"a": 2}, True),
    ({"field": "a", "matches": "x+"}, {"a": "xxy"}, False),
    ({"field": "a", "matches": "x+"}, {"a": "xx"}, True),
    ({"field": "a", "above": 5}, {"a": 5}, False),
    ({"field": "a", "above": 5}, {"a": 5.1}, True),
    ({"field": "a", "above": 5}, {"a": "9"}, False),
    ({"field": "a", "below": 0}, {"a": -1}, True),
    ({"field": "a", "equals": 0.1}, {"a": Decimal("0.10")}, True),
    ({"field": "a", "equals": "0.1"}, {"a": Decimal("0.1")}, False),
    ({"field": "a", "one_of": [1, 2]}, {"a": Decimal(2)}, True),
    ({"field": "a", "above": 0.1}, {"a": Decimal("0.1")}, False),
    ({"field": "a", "above": 0.1}, {"a": Decimal("0.100001")}, True),
    ({"field": "a", "below": 1}, {"a": Decimal("NaN")}, False),
    ({"field": "a", "below": 1}, {"a": Decimal("-1e999999")}, True),
    ({"field": "a", "above": 1}, {"a": 10**5000}, True),
    ({"field": "a", "is_null": True}, {}, True),
    ({"field": "a", "is_null": True}, {"a": None}, True),
    ({"field": "a", "is_null": False}, {"a": 0}, True),
    ({"field": "a", "is_null": True}, 5, True),
    ({"all": [{"tombstone": False}, {"field": "a", "equals": 1}]}, {"a": 1}, True),
    ({"any": [{"tombstone": True}, {"field": "a", "equals": 2}]}, {"a": 1}, False),
    ({"none": [{"tombstone": True}, {"field": "a", "equals": 2}]}, {"a": 1}, True),
]


@pytest.mark.parametrize(("predicate", "value", "holds"), QUESTIONS)
def test_predicates(predicate: dict[str, Any], value: Any, holds: bool) -> None:
    """`keep` lets pass what holds, `drop` what does not."""
    assert len(run([{"type": "filter", "keep": predicate}], value)) == holds
    assert len(run([{"type": "filter", "drop": predicate}], value)) == (not holds)
