"""Protobuf as Java's own library reads it: tests/fixtures/java/README.md."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.formats import protobuf
from connectors.formats.schema_registry import Schema

FILE = Path(__file__).parents[2] / "fixtures" / "java" / "protobuf.jsonl"
FILES, *CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
DEFAULTS: tuple[Any, ...] = (None, [], {}, 0, False, "", b"", 0.0)


@cache
def decoder(syntax: str) -> Any:
    """The decoder of the first message of a file."""
    return protobuf._File(Schema("PROTOBUF", FILES["files"][syntax], ())).decode


def of_java(value: Any) -> Any:
    """The value that a vector shows."""
    if isinstance(value, list):
        return [of_java(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$double"}:
        return float(value["$double"])
    if value.keys() == {"$bytes"}:
        return bytes.fromhex(value["$bytes"])
    return {name: of_java(item) for name, item in value.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_bytes_are_read_as_java_does(case: dict[str, Any]) -> None:
    """The same values, or an error of both."""
    try:
        found = decoder(case["file"])(b"\0" + bytes.fromhex(case["data"]))
    except Rejection:
        assert "error" in case
        return
    assert "error" not in case
    wanted = of_java(case["value"])
    for name, value in found.items():
        if name in wanted:
            assert value == wanted[name]
        else:
            assert value in DEFAULTS or value == "Z" or (name == "d" and value is None)
    assert wanted.keys() <= found.keys()
