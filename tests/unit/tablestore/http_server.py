"""A TCP server on loopback that answers requests as a test says, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple


class Request(NamedTuple):
    """One request as it came: `connection` counts from 0, `number` within it."""

    connection: int
    number: int
    head: bytes
    body: bytes


class Close:
    """Close the connection in good order."""


class Reset:
    """Abort it."""


class Silence:
    """Say nothing more, but keep it open for as long as the client does."""


Step = bytes | type[Close] | type[Reset] | type[Silence]
Answer = Callable[[Request], list[Step]]


def ok(body: bytes = b"fine", *headers: bytes) -> bytes:
    """A plain answer."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), lines, body)


class Server:
    """Use it with `async with`; `requests` are what came, `open` the connections that live."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[Request] = []
        self.open = 0
        self.port = 0
        self._answer = answer
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 23)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_all(self) -> None:
        """Close every connection, as an idle time-out of the service does."""
        for writer in self._writers:
            writer.close()

    def send_all(self, data: bytes) -> None:
        """Send bytes that no request asked for."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        connection = self._connections
        self._connections += 1
        self.open += 1
        try:
            number = 0
            while True:
                request = await _read(reader, connection, number)
                number += 1
                self.requests.append(request)
                for step in self._answer(request):
                    if isinstance(step, bytes):
                        writer.write(step)
                        await writer.drain()
                    elif step is Silence:
                        await reader.read()
                    elif step is Reset:
                        writer.transport.abort()
                        return
                    else:
                        return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


async def _read(reader: asyncio.StreamReader, connection: int, number: int) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return Request(connection, number, head, await reader.readexactly(length))


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is true; the test's own time-out ends a vain wait."""
    while not condition():  # noqa: ASYNC110 - the code under test has no event to wait for
        await asyncio.sleep(0.001)


def run(test: Callable[[], Awaitable[None]], within: float = 20.0) -> None:
    """Run a test's coroutine in a loop of its own."""

    async def bounded() -> None:
        await asyncio.wait_for(test(), within)

    asyncio.run(bounded())
