"""Avro against what Java's own library makes of the same bytes: tests/fixtures/java/README.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from connectors.formats.schema_registry import SchemaError

FILE = Path(__file__).parents[2] / "fixtures" / "java" / "avro.jsonl"
CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
# Not registered where the vectors were made, or nothing for us to do: text stays text.
OTHER_WORDS = {"duration", "uuid"}


def plain(schema: Any) -> Any:
    """Without its logical types, which the vectors do not convert."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if isinstance(schema, dict):
        return {name: plain(one) for name, one in schema.items() if name != "logicalType"}
    return schema


def shown(value: Any) -> Any:
    """A value in the form in which the test vectors hold it."""
    if isinstance(value, float):
        return {"$double": repr(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value


def of_java(value: Any) -> Any:
    """With doubles written as Python does."""
    if isinstance(value, dict) and value.keys() == {"$double"}:
        return {"$double": repr(float(value["$double"].replace("Infinity", "inf")))}
    if isinstance(value, dict):
        return {name: of_java(item) for name, item in value.items()}
    return [of_java(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_bytes_are_judged_as_java_does(case: dict[str, Any]) -> None:
    """The same value, or a rejection by both; `refused` says where Java would lose bits."""
    try:
        writer = parsed(plain(case["writer"]))
        target = parsed(plain(case["reader"])) if "reader" in case else None
        value = None
        if "data" in case:
            value = reader(writer, target, framed=False)(bytes.fromhex(case["data"]))
    except (Rejection, SchemaError):
        assert "error" in case or "refused" in case
    else:
        assert "error" not in case
        assert "refused" not in case
        assert shown(value) == of_java(case.get("value"))


@pytest.mark.parametrize(
    "case", [case for case in CASES if "error" not in case], ids=lambda case: case["about"]
)
def test_invalid_logical_types_are_ignored_as_java_does(case: dict[str, Any]) -> None:
    """A decimal's scale above its precision, a type over another than its own, and so on."""
    made = parsed(case["writer"]).logical
    if made not in OTHER_WORDS and case.get("logical") not in OTHER_WORDS:
        assert made == case.get("logical", "")
