"""HTTP/1.1 connections for many small answers [rfc9112]: one request at a time on each, kept alive.

httptools (llhttp) parses; asyncio does TCP and TLS. A general HTTP client costs two to three times
the CPU a request (docs/decisions/http.md), and requests are most of what this process does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools


class Answer(NamedTuple):
    """One HTTP response; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class TransportError(Exception):
    """No usable answer: no connection, reset, timed out or not HTTP. The outcome is unknown."""


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
        timer = loop.call_later(timeout, self._fail, f"no answer within {timeout:g} s")
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

    def _fail(self, reason: str) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TransportError(reason))

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


class Pool:
    """Connections to one endpoint, opened when needed; the last one used is used next."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        url = urlsplit(endpoint)
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._path = url.path.rstrip("/")
        self._timeout = timeout
        self._idle: list[_Connection] = []
        self._host_header = url.netloc.rpartition("@")[2]

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST and read the whole answer. Raises TransportError."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = (
            f"POST {self._path}{path} HTTP/1.1\r\nHost: {self._host_header}\r\n"
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
        loop = asyncio.get_running_loop()
        try:
            _, connection = await asyncio.wait_for(
                loop.create_connection(_Connection, self._host, self._port, ssl=self._tls),
                self._timeout,
            )
        except (OSError, asyncio.TimeoutError) as error:
            raise TransportError(
                f"no connection to {self._host}:{self._port}: {str(error) or 'timed out'}"
            ) from None
        return connection

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().close()
