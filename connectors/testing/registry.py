"""A Schema Registry of one process: the REST calls that readers and writers use, and faults.

It answers as Confluent's documentation says. Protobuf schemas are kept compiled, as the real one
hands them out for `format=serialized`.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

# The text of a compiled schema where none was given: it spells no entries of maps.
_NO_ENTRIES = 'syntax = "proto3";'


def guid_of(number: int) -> UUID:
    """The GUID under which a schema can be had as well."""
    return UUID(int=(0xA << 124) + number)


class SchemaRegistry:
    """Listens on 127.0.0.1 while it is used as a context."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: dict[tuple[str, int], int] = {}
        self.proto_texts: dict[int, str] = {}
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        # Returns (status, body) instead of the answer, or None.
        self.fault: Callable[[str], tuple[int, bytes] | None] = lambda _: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def url(self) -> str:
        """The URL that it listens on."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def register(
        self,
        schema: str,
        kind: str = "AVRO",
        references: list[dict[str, Any]] | None = None,
        subject: str = "",
        proto_text: str | None = None,
    ) -> int:
        """Keep a schema; returns its id. `proto_text`: what a compiled schema was compiled from."""
        number = 100_000 + len(self.schemas)
        found: dict[str, Any] = {"schema": schema}
        if kind != "AVRO":  # as the real one leaves it out
            found["schemaType"] = kind
        if references:
            found["references"] = references
        self.schemas[number] = found
        if proto_text is not None:
            self.proto_texts[number] = proto_text
        self.subjects[subject or f"subject-{number}", 1] = number
        return number

    def __enter__(self) -> SchemaRegistry:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, target: str) -> tuple[int, dict[str, Any]]:
        url = urlsplit(target)
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        number = None
        if parts[:2] == ["schemas", "ids"] and len(parts) == 3:
            number = int(parts[2])
            if number not in self.schemas:
                return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
        elif parts[:2] == ["schemas", "guids"] and len(parts) == 3:
            number = next((one for one in self.schemas if str(guid_of(one)) == parts[2]), None)
            if number is None:
                return 404, {"error_code": 40403, "message": "Schema not found"}
        elif parts[0] == "subjects" and parts[2] == "versions" and len(parts) == 4:
            number = self.subjects.get((parts[1], int(parts[3]) if parts[3].isdigit() else -1))
        if number is None:
            return 404, {"error_code": 40401, "message": "Subject not found"}
        if (
            self.schemas[number].get("schemaType") == "PROTOBUF"
            and url.query != "format=serialized"
        ):
            found = {**self.schemas[number], "schema": self.proto_texts.get(number, _NO_ENTRIES)}
            return 200, {**found, "id": number}
        return 200, {**self.schemas[number], "id": number}

    def _handler(registry: SchemaRegistry) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                registry.requests.append(self.path)
                registry.authorizations.append(self.headers.get("authorization"))
                fault = registry.fault(self.path)
                if fault is None:
                    status, found = registry._answer(self.path)
                    body = json.dumps(found).encode()
                else:
                    status, body = fault
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Suppress the access log that the base class writes to stderr."""

        return Handler
