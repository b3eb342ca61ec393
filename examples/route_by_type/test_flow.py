"""Each record goes to the table that its type names."""

from pathlib import Path

from connectors.testing import message, run_flow
from flows.sync import get_flow

CONFIG = Path(__file__).with_name("config.toml")


def test_each_type_has_its_table() -> None:
    """With the key and the columns of that table; an unknown type or none is rejected."""
    result = run_flow(
        get_flow,
        [
            message({"type": "orders", "order_id": "o1", "amount": 3.5}),
            message({"type": "refunds", "refund_id": "r1", "order_id": "o1", "amount": 3.5}),
            message({"type": "ordres", "order_id": "o2"}),
            message({"order_id": "o3"}),
        ],
        CONFIG,
    )
    assert [(row.table, row.key) for row in result.rows] == [
        ("orders", {"order_id": "o1"}),
        ("refunds", {"refund_id": "r1"}),
    ]
    assert result.rows[1].columns == {"order_id": "o1", "amount": 3.5}
    assert [one.code for one in result.rejected] == ["route_unknown", "route_missing"]
