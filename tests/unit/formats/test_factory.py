"""Each format for the value and for the key, each by its own word."""

import itertools
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from connectors.formats.factory import decoders
from connectors.settings.formats import FORMATS, FormatSettings
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import framed, impatient
from tests.unit.formats.protobuf_messages import order_file, text_of

SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}


def backwards(data: bytes) -> bytes:
    """A format of a user's own."""
    return data[::-1]


OWN = f"{__name__}:backwards"
# By the word: what makes the bytes of a registry, and the value.
EXAMPLES: dict[str, tuple[Any, Any]] = {
    "json": (b'{"a":5}', {"a": 5}),
    "connect_json": (b'{"schema":null,"payload":{"a":5}}', {"a": 5}),
    "string": ("é".encode(), "é"),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "integer": (struct.pack(">i", -5), -5),
    "long": (struct.pack(">q", -(2**40)), -(2**40)),
    "double": (struct.pack(">d", 0.1), 0.1),
    "avro": (lambda registry: framed(registry.register(json.dumps(SCHEMA)), b"\x0a"), {"a": 5}),
    "raw_avro": (b"\x0a", {"a": 5}),
    "raw_protobuf": (b"\x08\5", {"a": 5}),
    "json_schema": (lambda registry: framed(registry.register("{}", "JSON"), b"[5]"), [5]),
    "protobuf": (
        lambda registry: framed(registry.register(text_of(order_file()), "PROTOBUF"), b"\0\x08\5"),
        {"a": 5},
    ),
    OWN: (b"abc", b"cba"),
}


def test_every_format_has_its_example() -> None:
    """A format that is added is tried here."""
    assert set(EXAMPLES) == {*FORMATS, OWN}


@pytest.mark.parametrize("word", FORMATS)
def test_every_format_is_legal(word: str) -> None:
    """With what its entry says that it needs, each word is legal in [format]."""
    given = {"value": word, "registry": {"url": "https://schemas"}}
    if FORMATS[word].schema_file == "required":
        given["value_schema_file"] = "schema.avsc"
    if FORMATS[word].needs_message:
        given["value_message"] = "shop.First"
    assert FormatSettings.model_validate(given).value == word


@pytest.mark.parametrize(("value", "key"), [*itertools.product(EXAMPLES, EXAMPLES)])
def test_each_for_values_and_for_keys(
    registry: SchemaRegistry, tmp_path: Path, value: str, key: str
) -> None:
    """Every format for values works with every format for keys."""
    given: dict[str, Any] = {"value": value, "key": key, "registry": {"url": registry.url}}
    file = tmp_path / "schema.avsc"
    file.write_text(json.dumps(SCHEMA))
    messages = tmp_path / "descriptors"
    messages.write_bytes(FileDescriptorSet(file=[order_file()]).SerializeToString())
    for part in ("value", "key"):
        if given[part] == "raw_avro":
            given[f"{part}_schema_file"] = str(file)
        if given[part] == "raw_protobuf":
            given[f"{part}_schema_file"] = str(messages)
            given[f"{part}_message"] = "shop.First"
    made = decoders(FormatSettings.model_validate(given), impatient)
    for word, decode in zip((value, key), made, strict=True):
        data, wanted = EXAMPLES[word]
        assert decode(data(registry) if callable(data) else data) == wanted


@pytest.mark.parametrize(
    "subject", ["orders-value", "orders-key", "shop.Order", "orders-shop.Order", "a/b c:é"]
)
def test_every_subject_name(registry: SchemaRegistry, subject: str) -> None:
    """Records name the id of their schema, so any strategy of names will do; references do not."""
    registry.register('{"type": "enum", "name": "E", "symbols": ["A"]}', subject=f"{subject}.E")
    record = {"type": "record", "name": "R", "fields": [{"name": "e", "type": "E"}]}
    to_it = [{"name": "E", "subject": f"{subject}.E", "version": 1}]
    number = registry.register(json.dumps(record), references=to_it, subject=subject)
    given = {"value": "avro", "registry": {"url": registry.url + "/"}}
    decode, _ = decoders(FormatSettings.model_validate(given), impatient)
    assert decode(framed(number, b"\0")) == {"e": "A"}
    asked = len(registry.requests)
    assert decode(framed(number, b"\0")) == {"e": "A"}
    assert len(registry.requests) == asked
