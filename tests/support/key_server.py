"""Where Alibaba's credentials package gets keys: an ECS's metadata, STS, and a URI of one's own."""

from __future__ import annotations

import json
import ssl
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.support.http_service import HttpService, QuietHandler

METADATA_HOST = "100.100.100.200"
STS_HOST = "sts.aliyuncs.com"
_ROLES = "/latest/meta-data/ram/security-credentials/"
_TOKEN_HEADER = "X-aliyun-ecs-metadata-token"


class KeyServer(HttpService):
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
        super().__init__(self._handler(), tls)

    @property
    def uri(self) -> str:
        """The URL to set as ALIBABA_CLOUD_CREDENTIALS_URI."""
        return f"{self.url}/keys?for=sync"

    @property
    def given(self) -> int:
        """How many times a key was requested."""
        return sum(_is_for_key(request.split(" ")[1]) for request in self.requests)

    def fields(self) -> dict[str, str]:
        """The key as it is handed out."""
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lives))
        names = ("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")
        return dict(zip(names, (*self.key, end), strict=True))

    def reply(self, method: str, target: str, token: str | None) -> tuple[int, bytes]:
        """The status and body that answer a request."""
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

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802 - its base has the name
                server.requests.append(f"{self.command} {self.path}")
                token = self.headers.get(_TOKEN_HEADER)
                status, body = server.reply(self.command, self.path, token)
                self.answer(status, body)

            def do_PUT(self) -> None:  # noqa: N802 - its base has the name
                self.do_GET()

        return Handler


def _is_for_key(target: str) -> bool:
    path = urlsplit(target).path
    return path in ("/", "/keys") or (path.startswith(_ROLES) and path != _ROLES)
