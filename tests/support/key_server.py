"""Where Alibaba's credentials package gets keys: an ECS's metadata, STS, and a URI of one's own."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

METADATA_HOST = "100.100.100.200"
STS_HOST = "sts.aliyuncs.com"
_ROLES = "/latest/meta-data/ram/security-credentials/"
_TOKEN_HEADER = "X-aliyun-ecs-metadata-token"


class KeyServer:
    """Listens on 127.0.0.1 while it is used as a context; it answers as all three do.

    `key` is (id, secret, token), which ends in `lives` seconds. `answer` (status, body) stands for
    a fault. With `v1` it knows no metadata tokens; otherwise it wants one.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.key = ("key-1", "secret-1", "token-1")
        self.lives = 3600.0
        self.role = "writer"
        self.v1 = False
        self.answer: tuple[int, bytes] | None = None
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._server.server_address[:2]
        return str(host), port

    @property
    def uri(self) -> str:
        """For ALIBABA_CLOUD_CREDENTIALS_URI."""
        return "http://{}:{}/keys?for=sync".format(*self.address)

    @property
    def given(self) -> int:
        """How often a key was asked for."""
        return sum(_is_for_key(request.split(" ")[1]) for request in self.requests)

    def __enter__(self) -> KeyServer:
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

    def fields(self) -> dict[str, str]:
        """The key as it is handed out."""
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lives))
        names = ("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")
        return dict(zip(names, (*self.key, end), strict=True))

    def reply(self, method: str, target: str, token: str | None) -> tuple[int, bytes]:
        """Status and body."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if method == "PUT":
            return (405, b"no") if self.v1 else (200, b"a-metadata-token")
        if path.startswith(_ROLES) and not self.v1 and token != "a-metadata-token":
            return 403, b"a token is wanted"
        if self.answer is not None:
            return self.answer
        if path == _ROLES:
            return 200, self.role.encode()
        if query.get("Action") == ["AssumeRoleWithOIDC"]:
            return 200, json.dumps({"RequestId": "1", "Credentials": self.fields()}).encode()
        if path in (_ROLES + self.role, "/keys"):
            return 200, json.dumps({"Code": "Success", **self.fields()}).encode()
        return 404, b"<html>Not Found</html>"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append(f"{self.command} {self.path}")
                token = self.headers.get(_TOKEN_HEADER)
                status, body = server.reply(self.command, self.path, token)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_PUT(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def _is_for_key(target: str) -> bool:
    path = urlsplit(target).path
    return path in ("/", "/keys") or (path.startswith(_ROLES) and path != _ROLES)
