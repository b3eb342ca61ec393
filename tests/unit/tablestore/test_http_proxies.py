"""Requests through an HTTP proxy: plain http, and https by CONNECT."""

import asyncio
import base64
import ssl
from pathlib import Path

import pytest

from connectors.tablestore.http import Pool, TransportError
from tests.support.certificates import Authority
from tests.support.proxy import HttpProxy
from tests.unit.tablestore.http_server import (
    Server,
    ok,
    run,
)

PATIENT = 30.0
SHORT = 0.05


class _ProxyOf:
    """A proxy that knows one name, of a server that runs in this process."""

    def __init__(self, port: int, authorization: str | None = None) -> None:
        self.proxy = HttpProxy({"tablestore.test": ("127.0.0.1", port)}, authorization)

    def pool(self, url: str, user: str = "") -> Pool:
        """A pool that goes through it."""
        return Pool(url, PATIENT, f"http://{user}{self.proxy.address}")


@pytest.mark.parametrize("user", ["", "me:se%20cret@"])
def test_plain_http_through_a_proxy(user: str) -> None:
    """The whole URL in the request line, one connection for all requests, a password if wanted."""
    authorization = "Basic " + base64.b64encode(b"me:se cret").decode() if user else None

    async def test() -> None:
        async with Server(lambda _: [ok(b"own")]) as server:
            made = _ProxyOf(server.port, authorization)
            with made.proxy as proxy:
                pool = made.pool("http://tablestore.test:81/prefix", user)
                for _ in range(2):
                    assert (await pool.post("/X", {"a": "b"}, b"body")).body == b"own"
                pool.close()
            assert [head.split("\r\n")[0] for head in proxy.heads] == [
                "POST http://tablestore.test:81/prefix/X HTTP/1.1"
            ] * 2
            assert server.requests[0].head.startswith(b"POST /prefix/X HTTP/1.1")
            assert b"Host: tablestore.test:81" in server.requests[0].head
            assert {request.connection for request in server.requests} == {0}

    run(test)


def test_https_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONNECT, and TLS to the endpoint behind it; the proxy sees no request."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server"))

    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(2):
                await reader.readuntil(b"body")
                writer.write(ok(b"secret"))

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        with HttpProxy({"127.0.0.1": ("127.0.0.1", port)}) as proxy:
            pool = Pool("https://127.0.0.1:444", PATIENT, f"http://{proxy.address}")
            for _ in range(2):
                assert (await pool.post("/X", {}, b"body")).body == b"secret"
            pool.close()
        (head,) = proxy.heads
        assert head.startswith("CONNECT 127.0.0.1:444 HTTP/1.1\r\nHost: 127.0.0.1:444")
        server.close()

    run(test)


@pytest.mark.parametrize(
    ("name", "authorization", "words", "is_final"),
    [("tablestore.test", "Basic x", "407", True), ("elsewhere.test", None, "502", False)],
)
def test_a_proxy_that_does_not_let_us_through(
    name: str, authorization: str | None, words: str, is_final: bool
) -> None:
    """With its status and the remedy."""

    async def test() -> None:
        made = _ProxyOf(1, authorization)
        with made.proxy, pytest.raises(TransportError, match=words) as caught:
            await made.pool(f"https://{name}").post("/X", {}, b"body")
        assert "proxy_from_environment" in caught.value.remedy
        assert caught.value.is_final is is_final

    run(test)
