"""Record batches made byte by byte, and sent as they are: what no producer library would send.

Layout of record batches and of the Produce request: [kafka-records].
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

RawHeader = tuple[bytes, bytes | None]

_PRODUCE, _PRODUCE_VERSION = 0, 3
_ALL_REPLICAS = -1
_HEAD = 61  # bytes of a batch before its records
_CRC_AT = 17  # the checksum is over what follows it, from byte 21 on


class RawRecord(NamedTuple):
    """A record as bytes; `timestamp` is in ms, relative to the batch's first."""

    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[RawHeader] = ()
    timestamp: int = 0


def batch(
    records: Sequence[RawRecord],
    *,
    codec: int = 0,
    body: bytes | None = None,
    first_timestamp: int = 1_700_000_000_000,
    count: int | None = None,
) -> bytes:
    """A batch of version 2 with a correct checksum.

    `body` stands for the bytes of the records, for compressed or broken ones; `codec` is the number
    that the attributes name; `count` is the number of records that the head claims.
    """
    if body is None:
        body = b"".join(_record(number, record) for number, record in enumerate(records))
    count = len(records) if count is None else count
    last = max([record.timestamp for record in records], default=0) + first_timestamp
    checked = (
        struct.pack(">hiqqqhii", codec, count - 1, first_timestamp, last, -1, -1, -1, count) + body
    )
    head = struct.pack(">qiibI", 0, 9 + len(checked), -1, 2, crc32c(checked))
    return head + checked


def flip(made: bytes, at: int = -1) -> bytes:
    """The same batch with one bit of another value, and the checksum of before."""
    changed = bytearray(made)
    changed[at] ^= 1
    return bytes(changed)


def produce(bootstrap: str, topic: str, partition: int, made: bytes) -> int:
    """Send one batch; returns its first offset. Raises RuntimeError when the broker rejects it.

    `bootstrap` is the partition's leader, as host:port.
    """
    host, port = bootstrap.split(",", maxsplit=1)[0].rsplit(":", 1)
    name, client = topic.encode(), b"raw"
    request = struct.pack(">hhih", _PRODUCE, _PRODUCE_VERSION, 7, len(client)) + client
    request += struct.pack(">hhii", -1, _ALL_REPLICAS, 30_000, 1)
    request += struct.pack(">h", len(name)) + name
    request += struct.pack(">iii", 1, partition, len(made)) + made
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = _read(connection, struct.unpack(">i", _read(connection, 4))[0])
    at = 4 + 4 + 2 + len(name) + 4  # behind the correlation id and the names
    _, error, offset = struct.unpack_from(">ihq", answer, at)
    if error:
        raise RuntimeError(f"the broker does not take the batch: error {error}")
    return int(offset)


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise ConnectionError("the broker closed the connection")
        found += more
    return found


def _record(number: int, record: RawRecord) -> bytes:
    body = b"\0" + _varint(record.timestamp) + _varint(number)
    body += _sized(record.key) + _sized(record.value)
    body += _varint(len(record.headers))
    for name, value in record.headers:
        body += _sized(name) + _sized(value)
    return _varint(len(body)) + body


def _sized(data: bytes | None) -> bytes:
    return _varint(-1) if data is None else _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """A number as a zigzag varint."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _table() -> list[int]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


_CRC = _table()


def crc32c(data: bytes) -> int:
    """The CRC-32C of the data, which Kafka uses as the checksum of a batch."""
    value = 0xFFFFFFFF
    table = _CRC
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
