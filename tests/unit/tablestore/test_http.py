"""HTTP connections: reuse, odd but legal answers, and every way in which an answer can fail."""

import asyncio
import socket
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tablestore.http import Answer, Pool, TransportError, _Connection
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

PATIENT = 30.0
SHORT = 0.05


def pool(server: Server, timeout: float = PATIENT, path: str = "") -> Pool:
    """A pool of connections to the server."""
    return Pool(f"http://127.0.0.1:{server.port}{path}", timeout)


def test_a_connection_is_used_again() -> None:
    """One request after the other goes over one connection."""

    async def test() -> None:
        async with Server(lambda request: [ok(b"%d" % request.number)]) as server:
            client = pool(server)
            answers = [await client.post("/X", {}, b"body") for _ in range(5)]
            assert [answer.body for answer in answers] == [b"0", b"1", b"2", b"3", b"4"]
            assert {request.connection for request in server.requests} == {0}

    run(test)


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    """Three at once open three connections, and three more use them again."""

    async def test() -> None:
        async with Server(lambda request: [ok(request.body)]) as server:
            client = pool(server)
            for _ in range(2):
                bodies = [b"one", b"two", b"three"]
                answers = await asyncio.gather(*[client.post("/X", {}, body) for body in bodies])
                assert [answer.body for answer in answers] == bodies
            assert len(server.requests) == 6
            assert {request.connection for request in server.requests} == {0, 1, 2}

    run(test)


def test_what_is_sent() -> None:
    """The request line with the endpoint's path, host, length, headers and body: exactly."""

    async def test() -> None:
        async with Server(lambda _: [ok()]) as server:
            client = pool(server, path="/prefix/")
            body = bytes(range(256))
            await client.post("/BatchWriteRow", {"x-ots-date": "now", "X-B": "é"}, body)
            (request,) = server.requests
            lines = request.head.split(b"\r\n")
            assert lines[0] == b"POST /prefix/BatchWriteRow HTTP/1.1"
            assert b"Host: 127.0.0.1:%d" % server.port in lines
            assert b"Content-Length: 256" in lines
            assert b"x-ots-date: now" in lines
            assert b"X-B: \xe9" in lines
            assert request.body == body

    run(test)


def test_what_is_received() -> None:
    """Status, lower-case header names, and the body's bytes."""

    async def test() -> None:
        answer = ok(bytes(range(256)), b"X-Ots-RequestId: 42", b"x-a:  b ")
        async with Server(lambda _: [answer.replace(b"200 OK", b"503 Busy")]) as server:
            found = await pool(server).post("/X", {}, b"body")
            assert found.status == 503
            assert found.headers["x-ots-requestid"] == "42"
            assert found.headers["x-a"].strip() == "b"
            assert found.body == bytes(range(256))

    run(test)


def test_bodies_of_megabytes() -> None:
    """The largest requests and answers go through whole, in however many pieces."""

    async def test() -> None:
        async with Server(lambda request: [ok(request.body[::-1])]) as server:
            body = bytes(range(256)) * 16_000
            assert (await pool(server).post("/X", {}, body)).body == body[::-1]

    run(test)


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"fine", b"Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine",
    ],
)
def test_a_connection_that_closes_is_not_used_again(answer: bytes) -> None:
    """After `Connection: close`, or HTTP/1.0, the next request opens another."""

    async def test() -> None:
        async with Server(lambda _: [answer, Close]) as server:
            client = pool(server)
            for _ in range(3):
                assert (await client.post("/X", {}, b"body")).body == b"fine"
            assert [request.connection for request in server.requests] == [0, 1, 2]

    run(test)


def test_a_stale_connection_is_noticed() -> None:
    """A connection that the other side closed while idle is left; the next request is not hurt."""

    async def test() -> None:
        async with Server(lambda _: [ok()]) as server:
            client = pool(server)
            await asyncio.gather(*[client.post("/X", {}, b"body") for _ in range(3)])
            server.drop_all()
            await until(lambda: server.open == 0)
            await until(lambda: not any(found.usable for found in client._idle))
            assert (await client.post("/X", {}, b"body")).body == b"fine"
            assert server.requests[-1].connection == 3

    run(test)


def test_unexpected_bytes_end_a_connection() -> None:
    """An answer without a request would be taken for the next one's: the connection goes."""

    async def test() -> None:
        async with Server(lambda request: [ok(request.body)]) as server:
            client = pool(server)
            await client.post("/X", {}, b"first")
            server.send_all(ok(b"unasked"))
            await until(lambda: not client._idle[0].usable)
            assert (await client.post("/X", {}, b"second")).body == b"second"
            assert server.requests[-1].connection == 1

    run(test)


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


def test_closing_drops_idle_connections() -> None:
    """After close() the service sees its connections end; the pool can be used again."""

    async def test() -> None:
        async with Server(lambda _: [ok()]) as server:
            client = pool(server)
            await asyncio.gather(*[client.post("/X", {}, b"body") for _ in range(2)])
            client.close()
            await until(lambda: server.open == 0)
            assert (await client.post("/X", {}, b"body")).body == b"fine"

    run(test)


class _Line(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.aborted = False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.sent += b"".join(list_of_data)

    def abort(self) -> None:
        self.aborted = True


async def _fed(pieces: list[bytes]) -> tuple[Answer, bool]:
    """What a connection makes of an answer that comes in these pieces; and whether it lives."""
    connection = _Connection()
    connection.connection_made(_Line())
    exchange = asyncio.ensure_future(connection.exchange((b"head", b"body"), PATIENT))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    return await asyncio.wait_for(exchange, 5), connection.usable


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Ots-A: b\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Ots-A: b\r\n\r\n"
    b"5\r\nhello\r\n1;note=x\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: t\r\n\r\n"
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX-P: 1\r\n\r\n" + PLAIN


@pytest.mark.parametrize(
    "whole",
    [
        PLAIN,
        CHUNKED,
        CONTINUED,
    ],
)
@given(st.data())
def test_an_answer_may_come_in_any_pieces(whole: bytes, data: st.DataObject) -> None:
    """Cut anywhere, at once or byte by byte: the same answer, and the connection lives on."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=len(whole))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    answer, usable = asyncio.run(_fed(pieces))
    assert (answer.status, answer.body) == (200, b"hello world")
    assert answer.headers["x-ots-a"] == "b"
    assert usable


def test_100_continue_by_itself_is_passed_over() -> None:
    """An interim answer in a segment of its own is not the answer."""
    pieces = [b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN]
    answer, usable = asyncio.run(_fed(pieces))
    assert (answer.status, answer.body, usable) == (200, b"hello world", True)


def test_answers_do_not_mix() -> None:
    """Headers and body of one answer leave nothing behind for the next on the connection."""

    async def test() -> None:
        connection = _Connection()
        connection.connection_made(_Line())

        async def exchange(data: bytes) -> Answer:
            task = asyncio.ensure_future(connection.exchange((b"", b""), PATIENT))
            await asyncio.sleep(0)
            connection.data_received(data)
            return await task

        first = await exchange(ok(b"one", b"X-A: 1"))
        second = await exchange(ok(b"", b"X-B: 2"))
        assert (first.headers.get("x-a"), first.body) == ("1", b"one")
        assert ("x-a" in second.headers, second.headers["x-b"], second.body) == (False, "2", b"")

    run(test)


def _break_off(connection: _Connection) -> None:
    connection.connection_lost(None)


def _garbage(connection: _Connection) -> None:
    connection.data_received(b"\x00")


@pytest.mark.parametrize("trouble", [_break_off, _garbage])
def test_a_broken_connection_refuses_at_once(trouble: Callable[[_Connection], None]) -> None:
    """A connection that broke while idle takes no request: there is no wait for a time-out."""

    async def test() -> None:
        connection = _Connection()
        connection.connection_made(_Line())
        trouble(connection)
        assert not connection.usable
        with pytest.raises(TransportError):
            await connection.exchange((b"", b""), PATIENT)

    run(test)


def test_a_name_that_does_not_resolve() -> None:
    """It may later: it is no final answer, and the remedy is there."""

    async def test() -> None:
        with pytest.raises(TransportError, match="does not resolve") as caught:
            await Pool("https://tablestore.invalid", PATIENT).post("/X", {}, b"body")
        assert "tablestore.endpoint" in caught.value.remedy
        assert not caught.value.is_final

    run(test)
