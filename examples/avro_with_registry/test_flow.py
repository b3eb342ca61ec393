"""Framed Avro values become rows, by the schema of the registry."""

import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest

from connectors.testing import SchemaRegistry, message, run_flow
from flows.sync import get_flow

CONFIG = Path(__file__).with_name("config.toml")
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {
            "name": "amount",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2},
        },
        {
            "name": "currency",
            "type": {"type": "enum", "name": "Currency", "symbols": ["CNY", "EUR"]},
        },
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}


def framed(number: int, value: dict[str, Any]) -> bytes:
    """What Confluent's serializer writes: 0, the id of the schema, the Avro bytes."""
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA, value)
    return b"\0" + number.to_bytes(4, "big") + buffer.getvalue()


def test_payments(schema_registry: SchemaRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decimal keeps its digits, null is left out, and what is not framed is rejected."""
    monkeypatch.setenv("SYNC__FORMAT__REGISTRY__URL", schema_registry.url)
    number = schema_registry.register(json.dumps(SCHEMA))
    payment = {"amount": Decimal("12345678901234567.89"), "currency": "CNY", "note": None}
    result = run_flow(
        get_flow,
        [message(framed(number, payment), "p1"), message({"amount": 1}, "p2")],
        CONFIG,
    )
    (row,) = result.rows
    assert row.key == {"payment_id": "p1"}
    assert row.columns == {"amount": "12345678901234567.89", "currency": "CNY"}
    assert [one.offset for one in result.rejected] == [1]
