"""HTTP requests: every way in which an answer can fail, and what it costs."""

import asyncio
import socket

import pytest

from connectors.tablestore.http import Pool, TransportError
from tests.unit.tablestore.http_pools import PATIENT, SHORT, pool
from tests.unit.tablestore.http_server import (
    Close,
    Request,
    Reset,
    Server,
    Silence,
    Step,
    ok,
    run,
    until,
)

FAILURES: dict[str, list[Step]] = {
    "closed without a word": [Close],
    "reset without a word": [Reset],
    "closed in the head": [b"HTTP/1.1 200 OK\r\nContent-Le", Close],
    "closed after the head": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", Close],
    "closed in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Close],
    "reset in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Reset],
    "closed in a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", Close],
    "no last chunk": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        Close,
    ],
    "bad chunk size": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n",
        Silence,
    ],
    "garbage": [b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n", Silence],
    "another protocol": [b"SSH-2.0-OpenSSH_9.6\r\n", Silence],
    "bad length": [b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Silence],
    "two lengths": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        Silence,
    ],
    "only 100 Continue": [b"HTTP/1.1 100 Continue\r\n\r\n", Close],
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_answer_is_one_error_and_costs_its_connection(failure: str) -> None:
    """Whatever goes wrong is a TransportError; the next request has a new connection and works."""

    def answer(request: Request) -> list[Step]:
        return FAILURES[failure] if request.connection == 0 else [ok()]

    async def test() -> None:
        async with Server(answer) as server:
            client = pool(server)
            with pytest.raises(TransportError) as caught:
                await client.post("/X", {}, b"body")
            assert str(caught.value)
            assert client._idle == []
            assert (await client.post("/X", {}, b"body")).body == b"fine"
            assert [request.connection for request in server.requests] == [0, 1]
            await until(lambda: server.open == 1)

    run(test)


@pytest.mark.parametrize(
    "said",
    [
        [Silence],
        [b"HTTP/1.1 200 OK\r\n", Silence],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Silence],
        [b"HTTP/1.1 100 Continue\r\n\r\n", Silence],
    ],
)
def test_no_answer_in_time(said: list[Step]) -> None:
    """Silence, before or within an answer, ends with the time-out, which closes the connection."""

    async def test() -> None:
        async with Server(lambda _: said) as server:
            client = pool(server, SHORT)
            with pytest.raises(TransportError, match=r"0\.05 s"):
                await client.post("/X", {}, b"body")
            assert client._idle == []

    run(test)


def test_a_late_answer_is_not_taken_for_the_next() -> None:
    """After a time-out the connection is closed, so a late answer is not read."""
    first = asyncio.Event

    async def test() -> None:
        gate = first()

        class Late(Server):
            async def _serve(
                self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                if self._connections == 0:
                    self._connections = 1
                    await reader.readuntil(b"\r\n\r\n")
                    await gate.wait()
                    writer.write(ok(b"late"))
                    writer.close()
                else:
                    await super()._serve(reader, writer)

        async with Late(lambda _: [ok(b"own")]) as server:
            client = pool(server, SHORT)
            with pytest.raises(TransportError):
                await client.post("/X", {}, b"body")
            client._timeout = PATIENT
            gate.set()
            for _ in range(3):
                assert (await client.post("/X", {}, b"body")).body == b"own"

    run(test)


def test_a_closed_port() -> None:
    """A refused connection is a TransportError that names host and port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def test() -> None:
            with pytest.raises(TransportError, match=rf"127\.0\.0\.1:{port}"):
                await Pool(f"http://127.0.0.1:{port}", PATIENT).post("/X", {}, b"body")

        run(test)


def test_no_tls_where_tls_was_asked_for() -> None:
    """A failed handshake is a TransportError, like any other failed connection."""

    async def test() -> None:
        async with Server(lambda _: [ok()]) as server:

            async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                writer.close()

            other = await asyncio.start_server(plain, "127.0.0.1", 0)
            port = other.sockets[0].getsockname()[1]
            with pytest.raises(TransportError, match="does not speak TLS") as caught:
                await Pool(f"https://127.0.0.1:{port}", PATIENT).post("/X", {}, b"body")
            assert caught.value.is_final
            other.close()
            assert server.requests == []

    run(test)


def test_a_request_that_is_given_up_takes_its_connection_along() -> None:
    """Cancelled while it waits: the answer to come must not meet another request."""

    def answer(request: Request) -> list[Step]:
        return [Silence] if request.connection == 0 else [ok()]

    async def test() -> None:
        async with Server(answer) as server:
            client = pool(server)
            task = asyncio.create_task(client.post("/X", {}, b"body"))
            await until(lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert client._idle == []
            assert (await client.post("/X", {}, b"body")).body == b"fine"

    run(test)


def test_a_name_that_does_not_resolve() -> None:
    """It may later: it is no final answer, and the remedy is there."""

    async def test() -> None:
        with pytest.raises(TransportError, match="does not resolve") as caught:
            await Pool("https://tablestore.invalid", PATIENT).post("/X", {}, b"body")
        assert "tablestore.endpoint" in caught.value.remedy
        assert not caught.value.is_final

    run(test)
