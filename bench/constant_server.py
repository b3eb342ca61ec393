"""A Tablestore that accepts every row and stores none: the cost of a client when writing is free.

It speaks enough of the protocol for the official SDK: answers are signed, have their checksum and
one result per row, for any number of tables. It remembers the (partition, offset) of each row, so
that a measurement knows whether every row arrived, and how many arrived twice.

`python -m bench.constant_server [--port 0] [--latency 20]` prints `ready http://127.0.0.1:PORT`.
`GET /-/stats` answers JSON, with `?distinct` also the number of different keys. It ends on SIGTERM
or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import re
import signal
import struct
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone

import httptools
from tablestore.protobuf import table_store_pb2 as messages
from tablestore.protobuf import timeseries_pb2 as points

ACCESS_KEY_ID = "bench-key"
ACCESS_KEY_SECRET = "bench-secret"  # noqa: S105 - of nothing
KEY_COLUMNS = ("topic_partition:string", "offset:integer")
_KEY_TYPES = {
    "string": messages.STRING,
    "integer": messages.INTEGER,
    "binary": messages.BINARY,
    "auto_increment": messages.INTEGER,
}
_MAX_DEVIATION = 2**31 - 1  # seconds that versions may differ from the present

# The two key cells of primary key mode `kafka`, as they are in every row.
_KEY = re.compile(
    rb"topic_partition\x05.{4}\x03.{4}([^\x0a]{1,255})\x0a.\x03\x04\x06\x00\x00\x00offset\x05\x09\x00\x00\x00\x00(.{8})",
    re.DOTALL,
)
_ANSWER_SECONDS = 60.0  # how long an answer is reused: clients refuse dates that are 15 minutes old
_ANSWERS = 1000

Shape = tuple[tuple[bytes, int], ...]  # rows by table, as in the request


class Counts:
    """The requests and rows since the start or the last reset."""

    def __init__(self) -> None:
        self.requests = 0
        self.rows = 0
        self.bytes = 0
        self.keys: dict[bytes, list[bytes]] = {}
        self.delays: list[float] = []  # milliseconds from the time in a row to its request

    def add_delays(self, body: bytes, cell: re.Pattern[bytes]) -> None:
        """Note how long the rows of a request have taken, by their times in microseconds."""
        now = time.time_ns() // 1000
        for found in cell.findall(body):
            self.delays.append((now - int.from_bytes(found, "little")) / 1000)

    def add(self, body: bytes, rows: int) -> None:
        """Count one request."""
        self.requests += 1
        self.rows += rows
        self.bytes += len(body)
        for place, offset in _KEY.findall(body):
            kept = self.keys.get(place)
            if kept is None:
                kept = self.keys[place] = []
            kept.append(offset)

    def report(self, distinct: bool) -> dict[str, int]:
        """The figures; `distinct` counts the different keys too, which takes a moment."""
        figures = {"rows": self.rows, "requests": self.requests, "bytes": self.bytes}
        if distinct:
            figures["distinct"] = sum(len(set(offsets)) for offsets in self.keys.values())
        return figures


def _integer_cell(column: str) -> re.Pattern[bytes]:
    """The 8 bytes of an integer column, in every row after its name."""
    return re.compile(re.escape(column.encode()) + rb"\x05\x09\x00\x00\x00\x00(.{8})", re.DOTALL)


def rows_by_table(body: bytes) -> Shape:
    """Return (table, rows) of a BatchWriteRow request."""
    shape = []
    position = 0
    while position < len(body):
        tag = body[position]
        size, position = _varint(body, position + 1)
        if tag == 0x0A:
            end = position + size
            name, rows = b"", 0
            while position < end:
                tag = body[position]
                # Nearly every row has a length of two bytes.
                low, high = body[position + 1], body[position + 2]
                if low > 127 and high < 128:
                    size, position = low & 127 | high << 7, position + 3
                else:
                    size, position = _varint(body, position + 1)
                if tag == 0x12:
                    rows += 1
                elif tag == 0x0A:
                    name = body[position : position + size]
                position += size
            shape.append((name, rows))
        elif tag & 7 == 2:
            position += size
    return tuple(shape)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7


def signed(path: str, body: bytes) -> bytes:
    """Return a whole HTTP answer as the service signs it."""
    headers = {
        "x-ots-contentmd5": _base64(hashlib.md5(body, usedforsecurity=False).digest()),
        "x-ots-contenttype": "protocol buffer",
        "x-ots-date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "x-ots-requestid": "00000000-0000-4000-8000-000000000000",
    }
    text = "\n".join(f"{name}:{value}" for name, value in sorted(headers.items())) + "\n" + path
    signature = hmac.new(ACCESS_KEY_SECRET.encode(), text.encode(), hashlib.sha1).digest()
    headers["Authorization"] = f"OTS {ACCESS_KEY_ID}:{_base64(signature)}"
    return plain(body, headers)


def plain(body: bytes, headers: dict[str, str]) -> bytes:
    """Return a whole HTTP answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def written(shape: Shape) -> bytes:
    """Return the answer to a BatchWriteRow: one success per row."""
    answer = messages.BatchWriteRowResponse()
    for name, rows in shape:
        table = answer.tables.add(table_name=name.decode())
        for _ in range(rows):
            row = table.rows.add(is_ok=True)
            row.consumed.capacity_unit.read = 0
            row.consumed.capacity_unit.write = 1
    return bytes(answer.SerializeToString())


def described(body: bytes, key: Sequence[str]) -> bytes:
    """Return the answer to a DescribeTable: a table with this key, each column as NAME:TYPE."""
    name = messages.DescribeTableRequest.FromString(body).table_name
    answer = messages.DescribeTableResponse()
    answer.table_meta.table_name = name
    for column in key:
        name, _, column_type = column.partition(":")
        made = answer.table_meta.primary_key.add(name=name, type=_KEY_TYPES[column_type])
        if column_type == "auto_increment":
            made.option = messages.AUTO_INCREMENT
    details = answer.reserved_throughput_details
    details.capacity_unit.read = details.capacity_unit.write = 0
    details.last_increase_time = 1
    options = answer.table_options
    options.time_to_live, options.max_versions = -1, 1
    options.deviation_cell_version_in_sec = _MAX_DEVIATION
    options.allow_update = True
    return bytes(answer.SerializeToString())


def described_points(body: bytes) -> bytes:
    """Return the answer to a DescribeTimeseriesTable."""
    answer = points.DescribeTimeseriesTableResponse()
    answer.table_meta.table_name = points.DescribeTimeseriesTableRequest.FromString(body).table_name
    answer.table_meta.table_options.time_to_live = -1
    return bytes(answer.SerializeToString())


def points_in(body: bytes) -> int:
    """Return how many points a PutTimeseriesData has, in either encoding."""
    rows = points.PutTimeseriesDataRequest.FromString(body).rows_data
    data = rows.rows_data
    # The SDK's messages do not know the type of protobuf, and take it for a field that is absent.
    if rows.HasField("type") and rows.type == points.RST_FLAT_BUFFER:
        groups = _vector(data, _field(data, _at(data, 0), 0))
        return sum(len(_vector(data, _field(data, group, 3))) for group in groups)
    count = position = 0
    while position < len(data):  # each point is a field of its own
        size, position = _varint(data, position + 1)
        position += size
        count += 1
    return count


def _at(data: bytes, position: int) -> int:
    """Return where the offset that stands at a position leads, in a FlatBuffer."""
    return position + int(struct.unpack_from("<I", data, position)[0])


def _field(data: bytes, table: int, number: int) -> int:
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    return table + int(struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0])


def _vector(data: bytes, slot: int) -> list[int]:
    """Return where the tables of a vector stand."""
    start = _at(data, slot)
    (count,) = struct.unpack_from("<I", data, start)
    return [_at(data, start + 4 + 4 * number) for number in range(count)]


class Server:
    """The answers, and the counts behind them."""

    def __init__(
        self,
        latency: float,
        rate: float = 0,
        times: str = "",
        key: Sequence[str] = KEY_COLUMNS,
    ) -> None:
        """`latency` in seconds; `rate` in rows a second, one after the other: 0 for any.

        `times` names a column of microseconds since 1970, from which delays are taken.
        """
        self._cell = _integer_cell(times) if times else None
        self.latency = latency
        self.rate = rate
        self._key = key
        self._free_at = 0.0  # when all rows that came are written
        self.counts = Counts()
        self._written: dict[Shape, tuple[float, bytes]] = {}

    def answer(self, path: str, body: bytes) -> tuple[bytes, float]:
        """Return the answer, and how many seconds it takes the service."""
        if path == "/BatchWriteRow":
            shape = rows_by_table(body)
            self.counts.add(body, sum(rows for _, rows in shape))
            if self._cell is not None:
                self.counts.add_delays(body, self._cell)
            return self._written_answer(path, shape), self.latency + self._queued(shape)
        if path == "/DescribeTable":
            return signed(path, described(body, self._key)), 0.0
        if path == "/DescribeTimeseriesTable":
            return signed(path, described_points(body)), 0.0
        if path == "/PutTimeseriesData":
            self.counts.rows += points_in(body)
            self.counts.requests += 1
            return signed(path, b""), self.latency
        if path == "/-/delays":
            return plain(json.dumps(self.counts.delays).encode(), {}), 0.0
        if path.startswith("/-/"):
            report = self.counts.report(distinct=path == "/-/stats?distinct")
            report["queue_ms"] = int(1000 * max(0.0, self._free_at - time.monotonic()))
            return plain(json.dumps(report).encode(), {}), 0.0
        return signed(path, b""), 0.0

    def _queued(self, shape: Shape) -> float:
        """Seconds until rows that have just come are written."""
        if not self.rate:
            return 0.0
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + sum(rows for _, rows in shape) / self.rate
        return self._free_at - now

    def _written_answer(self, path: str, shape: Shape) -> bytes:
        now = time.monotonic()
        made, answer = self._written.get(shape, (0.0, b""))
        if not answer or now - made > _ANSWER_SECONDS:
            if len(self._written) >= _ANSWERS:
                self._written.clear()
            answer = signed(path, written(shape))
            self._written[shape] = now, answer
        return answer


class Connection(asyncio.Protocol):
    """One client; it sends a request when it has the answer to the last."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own contract
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._path = url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        body = b"".join(self._body)
        self._body.clear()
        answer, seconds = self._server.answer(self._path, body)
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def serve(port: int, server: Server) -> None:
    """Serve until a signal."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", port)
    sys.stdout.write(f"ready http://127.0.0.1:{listener.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    listener.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.constant_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--latency", type=float, default=0.0, help="of a write, in ms")
    parser.add_argument("--rate", type=float, default=0.0, help="rows a second, 0: any")
    parser.add_argument("--times", default="", help="a column of microseconds since 1970")
    parser.add_argument("--key", nargs="+", default=KEY_COLUMNS, metavar="NAME:TYPE")
    options = parser.parse_args(arguments)
    server = Server(options.latency / 1000, options.rate, options.times, options.key)
    asyncio.run(serve(options.port, server))


if __name__ == "__main__":
    main()
