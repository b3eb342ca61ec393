"""An HTTP service of the tests: on a free port of 127.0.0.1, in threads of its own."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from typing_extensions import Self


class QuietHandler(BaseHTTPRequestHandler):
    """Says nothing of its requests, and answers with a length."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes, content_type: str | None = None) -> None:
        """Send a complete answer: status, content type and body."""
        self.send_response(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Suppress the access log that the base class writes to stderr."""


class HttpService:
    """Listens from the beginning, and answers while it is used as a context."""

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None
    ) -> None:
        """`handler` answers each request; with `tls` it is HTTPS."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that the service listens on."""
        host, port = self._server.server_address[:2]
        return str(host), port

    @property
    def url(self) -> str:
        """The base URL of the service, without a path."""
        return "{}://{}:{}".format(self._scheme, *self.address)

    def __enter__(self) -> Self:
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
