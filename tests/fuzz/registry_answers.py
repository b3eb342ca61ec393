"""Random answers of a Schema Registry: records become values or dead letters, or it stops."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import fastavro
import urllib3

from connectors.errors import StopRun
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.records import Chunk, PlainMessage
from connectors.settings import Settings
from tests.fuzz import mutate
from tests.fuzz.outcomes import text_of
from tests.unit.factories import settings
from tests.unit.formats.protobuf_messages import ORDER_TEXT, order_file
from tests.unit.formats.protobuf_messages import text_of as proto_text

_AVRO = {
    "type": "record", "name": "shop.Order", "fields": [
        {"name": "id", "type": "long", "default": 1},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9,
                                   "scale": 2}},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string", "shop.Order"]}},
        {"name": "more", "type": {"type": "map", "values": "double"}},
        {"name": "fixed", "type": {"type": "fixed", "name": "F", "size": 3}},
    ],
}  # fmt: skip
_JSON_SCHEMA = {
    "type": "object", "required": ["id"], "additionalProperties": {"type": "string"},
    "properties": {
        "id": {"type": "integer", "minimum": 0, "connect.type": "int64"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 9},
        "list": {"type": "array", "items": {"$ref": "#/$defs/one"}, "uniqueItems": True},
        "any": {"oneOf": [{"type": "null"}, {"$ref": "other.json"}]},
    },
    "$defs": {"one": {"enum": [1, "a", None]}},
}  # fmt: skip
_REFERENCE = {"name": "other.json", "subject": "other", "version": 1}
_STATUSES = (*(200,) * 80, 404, 401, 403, 407, 301, 429, 500, 503, 204, 999)
_ORDER = {
    "id": 5, "at": 1_700_000_000_000, "price": b"\x01\x02", "kind": "B", "tags": [None, "a"],
    "more": {"a": 1.5}, "fixed": b"abc",
}  # fmt: skip


def _avro_body() -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, _AVRO, _ORDER)
    return out.getvalue()


_BODIES = {
    "AVRO": (_avro_body(), b"", b"\x02"),
    "JSON": (b'{"id": 1, "name": "a", "list": [1, "a"]}', b"{}", b"[]"),
    "PROTOBUF": (b"\0\x08\x01", b"\0", b"\x02\x02\x02\x08\x01"),
}


class Impatient(StopRun):
    """Raised instead of waiting."""


def _impatient(reason: str) -> None:
    raise Impatient(reason)


class _Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body

    def read(self, size: int) -> bytes:
        return self._body[:size]

    def release_conn(self) -> None:
        """Nothing to release."""


class _Pool:
    """Answers at random."""

    def __init__(self, random_: random.Random, schema: str, kind: str) -> None:
        self._random = random_
        self._found = {
            "schema": schema, "schemaType": kind, "references": [_REFERENCE], "id": 7,
            "subject": "orders", "version": 1,
        }  # fmt: skip

    def request(self, *_: object, **__: object) -> _Answer:
        random_ = self._random
        if random_.random() < 0.03:
            errors = (urllib3.exceptions.ProtocolError("reset"), OSError("no route"))
            raise random_.choice(errors)
        found: dict[str, Any] = dict(self._found)
        kind = random_.random()
        if kind < 0.25:
            found = mutate.value(random_, found)
        elif kind < 0.5 and found["schemaType"] != "PROTOBUF":
            schema = mutate.value(random_, json.loads(found["schema"]))
            found["schema"] = json.dumps(schema)
        elif kind < 0.7:
            found["schema"] = mutate.data(random_, found["schema"].encode()).decode(
                "utf-8", "replace"
            )
        if random_.random() < 0.5 and isinstance(found, dict):
            found.pop("references", None)
        body = json.dumps(found).encode()
        if random_.random() < 0.1:
            body = mutate.data(random_, body)
        return _Answer(random_.choice(_STATUSES), body)


def attempts(random_: random.Random) -> Callable[[], str]:
    """A function that tries the next answers; it raises what decoding must not raise."""
    kinds = (
        ("avro", "AVRO", json.dumps(_AVRO)),
        ("json_schema", "JSON", json.dumps(_JSON_SCHEMA)),
        ("protobuf", "PROTOBUF", proto_text(order_file())),
        ("protobuf", "PROTOBUF", ORDER_TEXT),
    )
    made: dict[str, Settings] = {
        word: settings(format={"value": word, "registry": {"url": "http://127.0.0.1:1"}})
        for word, _, _ in kinds
    }

    def attempt() -> str:
        word, kind, schema = random_.choice(kinds)
        pool = _Pool(random_, schema, kind)
        with patch("connectors.formats.registry_client._pool", lambda *_: pool):
            decoder = ChunkDecoder(made[word], wait=_impatient)
        messages = []
        for offset in range(2):
            body = random_.choice(_BODIES[kind])
            if random_.random() < 0.3:
                body = mutate.data(random_, body)
            messages.append(PlainMessage("t", 0, offset, value=b"\0\0\0\0\7" + body))
        try:
            if random_.random() < 0.1:
                decoder.check_registry()
            found = decoder.decode_chunk(Chunk("t", 0, messages))
        except StopRun as stop:
            return text_of(stop)
        if len(found.records) + len(found.dead_letters) != len(messages):
            raise AssertionError("a record is neither a value nor a dead letter")
        return "a dead letter" if found.dead_letters else "values"

    return attempt
