"""The orders in formats with schemas, and a Schema Registry that has those schemas."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from bench.orders import FIELDS

_AVRO, _PROTOBUF = 1, 2  # ids of the schemas
_AVRO_TYPES = {"string": "string", "integer": "long", "double": "double", "boolean": "boolean"}
_CONNECT_TYPES = {"string": "string", "integer": "int64", "double": "double", "boolean": "boolean"}
_PROTOBUF_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "integer": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "boolean": FieldDescriptorProto.TYPE_BOOL,
}

AVRO_SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [{"name": name, "type": _AVRO_TYPES[kind]} for name, kind in FIELDS.items()],
    }
)
CONNECT = {
    "type": "struct",
    "name": "Order",
    "optional": False,
    "fields": [
        {"field": name, "type": _CONNECT_TYPES[kind], "optional": False}
        for name, kind in FIELDS.items()
    ],
}
"""The schema of an order in Connect JSON."""


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="order.proto", syntax="proto3")
    message = file.message_type.add(name="Order")
    for number, (name, kind) in enumerate(FIELDS.items(), 1):
        field = message.field.add(name=name, number=number)
        field.type, field.label = _PROTOBUF_TYPES[kind], FieldDescriptorProto.LABEL_OPTIONAL
    return file


_POOL = DescriptorPool()
_POOL.Add(_file())  # type: ignore[no-untyped-call]
_ORDER = GetMessageClass(_POOL.FindMessageTypeByName("Order"))  # type: ignore[no-untyped-call]


def _framed(number: int, body: bytes) -> bytes:
    return b"\0" + struct.pack(">I", number) + body


def protobuf(order: dict[str, Any]) -> bytes:
    """An order as Confluent's serializer writes it."""
    return _framed(_PROTOBUF, b"\0" + _ORDER(**order).SerializeToString())


def avro(order: dict[str, Any]) -> bytes:
    """An order as Confluent's serializer writes it."""
    out = bytearray()
    for name, kind in FIELDS.items():
        value = order[name]
        if kind == "string":
            data = value.encode()
            out += _long(len(data)) + data
        elif kind == "integer":
            out += _long(value)
        else:
            out += struct.pack("<d" if kind == "double" else "?", value)
    return _framed(_AVRO, bytes(out))


def _long(number: int) -> bytes:
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with one of the two schemas."""
        if self.path.startswith(f"/schemas/ids/{_PROTOBUF}"):
            text = base64.b64encode(_file().SerializeToString()).decode()
            answer = {"schemaType": "PROTOBUF", "schema": text}
        else:
            answer = {"schema": AVRO_SCHEMA}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def registry() -> Iterator[str]:
    """A Schema Registry in this process, by its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
