"""HTTP/1.1 connections for many small answers [rfc9112], kept alive, one request at a time each.

httptools (llhttp) parses; asyncio does TCP and TLS. A general HTTP client costs two to three times
as much CPU per request (docs/decisions/http.md), and requests are most of what this process does.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

import httptools

from connectors.network import trouble_of

_MAX_TUNNEL_HEAD = 64 << 10  # bytes of a proxy's answer


class Answer(NamedTuple):
    """One HTTP response; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class TransportError(Exception):
    """No usable answer: no connection, reset, timed out or not HTTP. The outcome is unknown."""

    def __init__(
        self, text: str, remedy: str = "", *, is_final: bool = False, is_slow: bool = False
    ) -> None:
        """`is_final`: waiting is useless, if there has never been an answer.

        `is_slow`: the request was sent, and not answered in time.
        """
        super().__init__(text)
        self.remedy = remedy
        self.is_final = is_final
        self.is_slow = is_slow


def no_connection(where: str, error: BaseException) -> TransportError:
    """The failure to connect to `where` (host:port), with its remedy."""
    trouble = trouble_of(error)
    remedies = {
        "certificate": "let this machine trust the authority of that certificate (SSL_CERT_FILE "
        "names a file of authorities), or correct tablestore.endpoint",
        "no_tls": "begin tablestore.endpoint with http:// (on another host with "
        "allow_plain_http = true), or name the TLS port",
        "name": "correct tablestore.endpoint, or this machine's name resolution",
        "closed_port": "correct tablestore.endpoint, or start what is to listen there",
    }
    text = trouble.text or str(error) or "timed out"
    return TransportError(
        f"no connection to {where}: {text}",
        remedies.get(trouble.kind, ""),
        is_final=trouble.is_final,
    )


class _Connection(asyncio.Protocol):
    """One connection; `exchange` must not overlap."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self.usable = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def _begin(self) -> None:
        self._headers = {}
        self._body = []

    async def exchange(self, request: tuple[bytes, bytes], timeout: float) -> Answer:
        """Send head and body; return the answer. Raises TransportError after `timeout` seconds."""
        transport = self._transport
        if transport is None or not self.usable:
            raise TransportError("connection closed")
        loop = asyncio.get_running_loop()
        self._answer = answer = loop.create_future()
        timer = loop.call_later(timeout, self._fail, f"no answer within {timeout:g} s", True)
        try:
            transport.writelines(request)
            result: Answer = await answer
            return result
        finally:
            timer.cancel()
            self._answer = None
            if not answer.done() or answer.cancelled() or answer.exception() is not None:
                self.close()

    def close(self) -> None:
        """Close the connection at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, reason: str, is_slow: bool = False) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TransportError(reason, is_slow=is_slow))

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own contract
        self._transport = transport
        self.usable = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"no HTTP answer: {error}")
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"connection lost: {error or 'closed by the other side'}")

    # httptools' callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue and the like: the answer is still to come
            self._begin()
            return
        self.usable = self._parser.should_keep_alive()
        answer = Answer(status, self._headers, b"".join(self._body))
        self._begin()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)
        else:
            self.close()


class _Tunnel(asyncio.Protocol):
    """The beginning of a connection through a proxy: CONNECT and the proxy's answer [rfc9110]."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" not in self._received:
            if len(self._received) > _MAX_TUNNEL_HEAD:
                self._end(0)
            return
        words = self._received.split(b" ", 2)
        is_http = words[0].startswith(b"HTTP/1.") and len(words) > 1 and words[1].isdigit()
        self._end(int(words[1]) if is_http else 0)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._end(0)

    def _end(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)


class Pool:
    """Connections to one endpoint, opened when needed; the last one used is used next."""

    def __init__(self, endpoint: str, timeout: float, proxy: str | None = None) -> None:
        """`proxy` is the URL of an HTTP proxy, with user and password where it needs them."""
        url = urlsplit(endpoint)
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._host_header = url.netloc.rpartition("@")[2]
        # The text before the path of each request, and the headers of all requests.
        self._path = url.path.rstrip("/")
        self._headers = f"Host: {self._host_header}\r\n"
        self._proxy: tuple[str, int] | None = None
        self._proxy_header = ""
        if proxy is not None:
            there = urlsplit(proxy)
            self._proxy = there.hostname or "", there.port or 80
            self._proxy_header = _proxy_authorization(there)
            if self._tls is None:  # the whole URL, by which the proxy finds the endpoint
                self._path = f"http://{self._host_header}{self._path}"
                self._headers += self._proxy_header

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST and read the whole answer. Raises TransportError."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = (
            f"POST {self._path}{path} HTTP/1.1\r\n{self._headers}"
            f"Content-Length: {len(body)}\r\n{lines}\r\n"
        ).encode("latin-1")
        connection = await self._take()
        try:
            return await connection.exchange((head, body), self._timeout)
        finally:
            if connection.usable:
                self._idle.append(connection)
            else:
                connection.close()

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        host, port = self._proxy or (self._host, self._port)
        connect = self._connect() if self._proxy is None else self._connect_by_proxy(self._proxy)
        try:
            return await asyncio.wait_for(connect, self._timeout)
        except (OSError, UnicodeError, asyncio.TimeoutError) as error:
            where = f"{host}:{port}" if self._proxy is None else f"the proxy {host}:{port}"
            raise no_connection(where, error) from None

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, self._host, self._port, ssl=self._tls
        )
        return connection

    async def _connect_by_proxy(self, proxy: tuple[str, int]) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._tls is None:
            _, connection = await loop.create_connection(_Connection, *proxy)
            return connection
        transport, tunnel = await loop.create_connection(_Tunnel, *proxy)
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            target = f"{host}:{self._port}"
            head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{self._proxy_header}\r\n"
            transport.write(head.encode("latin-1"))
            status = await tunnel.status
            if status != 200:
                raise _proxy_denies(status)
            connection = _Connection()
            secured = await loop.start_tls(
                transport, connection, self._tls, server_hostname=self._host
            )
            if secured is None:
                raise ConnectionResetError("closed while TLS began")
            connection.connection_made(secured)
            return connection
        except BaseException:
            transport.abort()
            raise

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().close()


def _proxy_authorization(proxy: SplitResult) -> str:
    if not proxy.username:
        return ""
    both = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return f"Proxy-Authorization: Basic {base64.b64encode(both).decode()}\r\n"


def _proxy_denies(status: int) -> TransportError:
    what = f"answers HTTP {status}" if status else "gives no HTTP answer"
    remedy = "set tablestore.proxy_from_environment = false to do without it"
    if status == 407:
        remedy = f"put user and password into HTTPS_PROXY, or {remedy}"
    return TransportError(
        f"the proxy {what} to CONNECT", remedy, is_final=status in (403, 405, 407)
    )
