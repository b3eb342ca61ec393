"""The bare loop, to which the flow is compared: what the flow does for each row, and nothing else.

Consume, decode, encode, sign, send, read the answer, in one process, without Bytewax, windows,
shards, state, retries or rejected records: it is not for use, and no flow can be faster.
Settings that make it faster (prefetch, garbage collection, chunk size) are the flow's own.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import hashlib
import hmac
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import msgspec
from confluent_kafka import Consumer, TopicPartition
from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse

from bench import constant_server
from bench.orders import FIELDS
from connectors.tablestore.plainbuffer.encode import PutEncoder, compile_put
from connectors.tablestore.requests import batch_body

PATH = "/BatchWriteRow"
ROWS = 200  # rows of a request
CHUNK = 2000  # messages of a poll

Request = tuple[bytes, int]  # body and rows


def headers(body: bytes) -> bytes:
    """Return the signed headers of a request (signature V2), as they go on the wire."""
    fields = (
        ("x-ots-accesskeyid", constant_server.ACCESS_KEY_ID),
        ("x-ots-apiversion", "2015-12-31"),
        ("x-ots-contentmd5", _base64(hashlib.md5(body, usedforsecurity=False).digest())),
        ("x-ots-date", datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        ("x-ots-instancename", "bench"),
    )
    signed = "".join([f"{name}:{value}\n" for name, value in fields])
    secret = constant_server.ACCESS_KEY_SECRET.encode()
    signature = hmac.digest(secret, f"{PATH}\nPOST\n\n{signed}".encode(), "sha1")
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    return f"{lines}x-ots-signature: {_base64(signature)}\r\n".encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Connection(asyncio.Protocol):
    """A connection with one request at a time; it parses only what this server answers."""

    def __init__(self) -> None:
        self._buffer = b""
        self.answer: asyncio.Future[bytes]
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own contract
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._buffer = data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        start = data.find(b"Content-Length: ") + 16
        if len(data) == end + int(data[start : data.find(b"\r\n", start)]):
            self._buffer = b""
            self.answer.set_result(data[end:])

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio."""
        if hasattr(self, "answer") and not self.answer.done():
            self.answer.set_exception(ConnectionError(f"connection lost: {error}"))


class Loop:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._encode: PutEncoder = compile_put(
            [("topic_partition", "string"), ("offset", "integer")],
            list(FIELDS.items()),  # type: ignore[arg-type]
        )
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue(options.in_flight)

    async def run(self) -> None:
        """Move the whole topic."""
        senders = [asyncio.create_task(self._send()) for _ in range(self._options.in_flight)]
        reader = asyncio.create_task(self._read())
        # The first failure ends the run.
        await asyncio.gather(reader, *senders)

    async def _read(self) -> None:
        options = self._options
        consumer = Consumer(
            {
                "bootstrap.servers": options.bootstrap,
                "group.id": "bench-bare",
                "enable.auto.commit": False,
                "enable.partition.eof": False,
                "auto.offset.reset": "error",
                "queued.min.messages": 100_000,
                "queued.max.messages.kbytes": 65536,
                "fetch.queue.backoff.ms": 10,
            }
        )
        consumer.assign([TopicPartition(options.topic, n, 0) for n in range(options.partitions)])
        places = [f"{options.topic}_{number}" for number in range(options.partitions)]
        decode = msgspec.json.Decoder().decode
        encode = self._encode
        waiting: list[bytes] = []
        read = 0
        while read < options.rows:
            messages: list[Any] = consumer.consume(CHUNK, 0.0)
            if not messages:
                await asyncio.sleep(0.001)
                continue
            read += len(messages)
            for message in messages:
                if message.error() is not None:
                    raise RuntimeError(f"Kafka: {message.error()}")
            waiting += [
                encode(
                    places[message.partition()],
                    message.offset(),
                    *decode(message.value()).values(),
                )[1]
                for message in messages
            ]
            for start in range(0, len(waiting) - ROWS + 1, ROWS):
                await self._put(waiting[start : start + ROWS])
            del waiting[: len(waiting) // ROWS * ROWS]
            await asyncio.sleep(0)
        if waiting:
            await self._put(waiting)
        for _ in range(options.in_flight):
            await self._requests.put(None)
        consumer.close()

    async def _put(self, rows: list[bytes]) -> None:
        await self._requests.put((batch_body([(self._options.topic, rows)]), len(rows)))

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        place = urlsplit(self._options.endpoint)
        transport, connection = await loop.create_connection(Connection, place.hostname, place.port)
        start = f"POST {PATH} HTTP/1.1\r\nHost: {place.netloc}\r\n".encode()
        while (request := await self._requests.get()) is not None:
            body, rows = request
            connection.answer = loop.create_future()
            length = b"Content-Length: %d\r\n" % len(body)
            transport.writelines((start, length, headers(body), b"\r\n", body))
            answer = BatchWriteRowResponse.FromString(await connection.answer)
            results = [row.is_ok for table in answer.tables for row in table.rows]
            if len(results) != rows or not all(results):
                raise RuntimeError("a row was not written")
        transport.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.bare_loop", description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args(arguments)
    gc.set_threshold(50_000, 20, 50)
    asyncio.run(Loop(options).run())
    sys.stderr.write("bare loop: ended\n")


if __name__ == "__main__":
    main()
