"""HTTP connections: what is sent and received, and when a connection is used again."""

import asyncio

import pytest

from tests.unit.tablestore.http_pools import pool
from tests.unit.tablestore.http_server import Close, Server, ok, run, until


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
