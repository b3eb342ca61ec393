"""Records through transforms."""

from typing import Any

from connectors.records import PlainMessage, Record
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import settings

MESSAGE = PlainMessage(
    "shop.orders",
    3,
    42,
    timestamp=1700,
    headers=[("trace", b"old"), ("trace", b"new"), ("x", None)],
)


def run(transforms: list[dict[str, Any]], value: Any, key: Any = None) -> list[Record]:
    """The records that one becomes."""
    function = pipeline(settings(transforms=transforms))
    assert function is not None
    return list(function(Record(MESSAGE, value, key)))


# Of change events.
EVENT_MESSAGE = PlainMessage("orders", 0, 1)
BY_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id", "type": "integer"}]}


def event(
    op: str, before: Any = None, after: Any = None, connector: str = "mysql"
) -> dict[str, Any]:
    """An event as Kafka Connect's JSON converter writes it, without its schema."""
    source = {"version": "2.7.0", "connector": connector, "name": "shop", "ts_ms": 5, "lsn": 77}
    return {"before": before, "after": after, "source": source, "op": op, "ts_ms": 6}


def run_event(
    value: Any, key: Any = None, table: dict[str, Any] | None = None, **options: Any
) -> list[Record]:
    """The records that an event becomes."""
    function = pipeline(
        settings(
            table=BY_ID if table is None else table, transforms=[{"type": "debezium", **options}]
        )
    )
    assert function is not None
    return list(function(Record(EVENT_MESSAGE, value, key)))
