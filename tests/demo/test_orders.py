"""The demo's stream of orders."""

import json
from collections import Counter

import pytest

from demo.orders import BROKEN, FAULTS, orders

pytestmark = pytest.mark.unit


def test_the_same_orders_at_every_run() -> None:
    """Two streams of one length are equal, so that figures can be compared."""
    assert list(orders(2_000)) == list(orders(2_000))


def test_good_orders_carry_their_fields_as_json_and_a_key_of_their_own() -> None:
    """What is expected in the table is what the message says, and no order replaces another."""
    good = [order for order in orders(60_000) if order.fields is not None]
    assert len({order.fields["order_id"] for order in good if order.fields}) == len(good)
    assert all(json.loads(order.value) == order.fields for order in good)


@pytest.mark.parametrize("count", [200, 5_000, 50_000])
def test_broken_orders_are_as_many_as_promised_and_each_kind_is_broken_in_its_way(
    count: int,
) -> None:
    """All three faults occur equally often, and each is what it says."""
    broken = [order for order in orders(count) if order.fault is not None]
    assert Counter(order.fault for order in broken) == dict.fromkeys(FAULTS, BROKEN // len(FAULTS))
    for order in broken:
        assert order.fields is None
        if order.fault == "not JSON":
            with pytest.raises(ValueError, match=r"."):
                json.loads(order.value)
        elif order.fault == "order_id named id":
            fields = json.loads(order.value)
            assert "order_id" not in fields
            assert fields["id"].startswith("ORD-")
        else:
            assert json.loads(order.value)["created_at"] > 2**63 - 1


def test_a_good_order_follows_every_broken_one_in_its_partition() -> None:
    """Else the demo could stop the flow before it has seen the last broken one."""
    last: dict[bytes, bool] = {}
    stream = list(orders(5_000))
    for order in stream[:4_500]:
        last[order.key] = order.fault is None
    assert all(order.fault is None for order in stream[4_500:])
    assert len({order.key for order in stream[4_500:]}) > 100, "enough keys for every partition"


def test_kinds_of_values_are_all_there() -> None:
    """Nested values, nulls, booleans, doubles, integers and text beyond ASCII all travel."""
    values = [value for order in orders(1_000) if order.fields for value in order.fields.values()]
    assert {type(value) for value in values} == {str, int, float, bool, list, type(None)}
    assert any(isinstance(value, str) and not value.isascii() for value in values)
