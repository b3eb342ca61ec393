"""Schema ids and GUIDs in headers, as Confluent's serializers can write them since version 8."""

import json
from typing import Any

import pytest

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import Chunk, PlainMessage
from connectors.settings import Settings
from tests.support.registry import SchemaRegistry, guid_of
from tests.unit.formats.conftest import framed, impatient
from tests.unit.formats.protobuf_messages import ORDER_TEXT, order_file, text_of

SCHEMA = json.dumps({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]})


def decoded(registry: SchemaRegistry, message: PlainMessage, **options: Any) -> Any:
    """The chunk of one message, decoded."""
    where = {
        "url": registry.url,
        "schema_id": options.pop("schema_id", "header"),
        "unknown_wait": 0,
    }
    given = {
        "kafka": {"bootstrap_servers": "b:1", "topics": ["t"]},
        "tablestore": {"endpoint": "https://shop-1.example.com", "instance": "shop-1"},
        "format": {"value": "avro", "registry": where, **options},
        "table": {"primary_key_mode": "record_key", "primary_key": [{"name": "a"}]},
    }
    decoder = ChunkDecoder(Settings.model_validate(given), wait=impatient)
    return decoder.decode_chunk(Chunk("t", 0, [message]))


def headers_of(side: str, content: bytes) -> list[tuple[str, bytes | None]]:
    """Other headers around it, and an older one of the same name."""
    name = f"__{side}_schema_id"
    return [("trace", b"x"), (name, b"\1old"), (name, content), ("none", None)]


@pytest.mark.parametrize("form", ["id", "guid", "prefix"])
def test_ids_in_headers(registry: SchemaRegistry, form: str) -> None:
    """As an id, as a GUID, and before the bytes where there is no header."""
    number = registry.register(SCHEMA)
    content = {
        "id": framed(number, b""),
        "guid": b"\1" + guid_of(number).bytes,
        "prefix": None,
    }[form]
    if content is None:
        data = framed(number, b"\x0a")
        message = PlainMessage("t", key=data, value=data)
    else:
        message = PlainMessage(
            "t",
            key=b"\x0a",
            value=b"\x0a",
            headers=[*headers_of("value", content), *headers_of("key", content)],
        )
    found = decoded(registry, message, key="avro").records[0]
    assert found.value == {"a": 5}
    assert found.key == {"a": 5}


def test_message_indexes_in_headers(registry: SchemaRegistry) -> None:
    """Of Protobuf they stand behind the GUID."""
    number = registry.register(text_of(order_file()), "PROTOBUF", proto_text=ORDER_TEXT)
    content = b"\1" + guid_of(number).bytes + b"\2\0"
    message = PlainMessage("t", value=b"\x08\5", key=b"1", headers=headers_of("value", content))
    found = decoded(registry, message, value="protobuf").records[0]
    assert found.value == {"a": 5}


def test_headers_are_not_looked_at_unless_asked_for(registry: SchemaRegistry) -> None:
    """An unrelated header costs nothing and decides nothing."""
    number = registry.register(SCHEMA)

    class Message(PlainMessage):
        def headers(self) -> list[tuple[str, bytes | None]] | None:
            raise AssertionError("headers are read")

    message = Message("t", key=b"1", value=framed(number, b"\x0a"))
    found = decoded(registry, message, schema_id="prefix").records[0]
    assert found.value == {"a": 5}


def test_a_guid_without_the_option(registry: SchemaRegistry) -> None:
    """Is no frame, and the reason names the option."""
    number = registry.register(SCHEMA)
    data = b"\1" + guid_of(number).bytes + b"\x0a"
    found = decoded(registry, PlainMessage("t", key=b"1", value=data), schema_id="prefix")
    assert found.dead_letters[0].code == "value_schema_frame"
    assert "schema_id" in found.dead_letters[0].reason


def test_an_unknown_guid(registry: SchemaRegistry) -> None:
    """The reason of the rejection names a GUID that the registry does not know."""
    content = b"\1" + guid_of(7).bytes
    message = PlainMessage("t", key=b"1", value=b"\x0a", headers=headers_of("value", content))
    found = decoded(registry, message).dead_letters[0]
    assert found.code == "value_schema_unknown"
    assert str(guid_of(7)) in found.reason
