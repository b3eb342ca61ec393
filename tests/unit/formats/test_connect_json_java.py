"""Connect JSON as Java's own converter writes and reads it: tests/fixtures/java/README.md."""

import base64
import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.formats.connect_json import decode
from connectors.records.exact_time import ExactTime, time_text

FILE = Path(__file__).parents[2] / "fixtures" / "java" / "connect_json.jsonl"
CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
NAMES = "$org.apache.kafka.connect.data."
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(name: str, milliseconds: int) -> date | time | ExactTime:
    """What Java holds as milliseconds, as the type that the schema names."""
    if name == "Timestamp" and milliseconds > 10**15:
        return ExactTime("instant", milliseconds * 1_000_000)
    found = EPOCH + timedelta(milliseconds=milliseconds)
    if name == "Date":
        return found.date()
    return found if name == "Timestamp" else found.time()


def of_java(value: Any) -> Any:
    """The value that a vector shows."""
    if isinstance(value, list):
        return [of_java(item) for item in value]
    if not isinstance(value, dict):
        return value
    name, inner = next(iter(value.items()))
    if name == "$map":
        return {key_text(of_java(key)): of_java(item) for key, item in inner}
    if name.startswith(NAMES):
        return moment(name.removeprefix(NAMES), inner)
    if name == "$double":
        return float(inner)
    if name == "$decimal":
        return Decimal(inner)
    if name == "$bytes":
        return base64.b64decode(inner)
    return {field: of_java(item) for field, item in value.items()}


def key_text(key: Any) -> str:
    """The name that a map's key becomes."""
    if isinstance(key, (date, time)):
        return time_text(key)
    return str(key).lower() if isinstance(key, bool) else str(key)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_what_java_writes_is_read(case: dict[str, Any]) -> None:
    """The same values, digits and types; decimals as bytes and as numbers."""
    found, wanted = decode(case["data"].encode()), of_java(case["value"])
    assert found == wanted
    assert type(found) is type(wanted)
    assert str(found) == str(wanted)  # 1.00 is not 1, and -0.0 is not 0.0
