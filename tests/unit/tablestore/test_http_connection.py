"""One HTTP connection, fed with bytes: answers in pieces, and a connection that broke."""

import asyncio
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tablestore.http import Answer, TransportError, _Connection
from tests.unit.tablestore.http_pools import PATIENT
from tests.unit.tablestore.http_server import ok, run


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
