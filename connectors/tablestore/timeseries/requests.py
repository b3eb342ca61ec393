"""PutTimeseriesData: the body of many points, what its answer says, and in which form they go.

The public pages know points as FlatBuffers only. The official Go SDK also sends them as protobuf,
which costs a third to make and is a third smaller; so the endpoint is asked once whether it takes
that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

from crc32c import crc32c

from connectors.tablestore.client import Client
from connectors.tablestore.plainbuffer.varint import prefixed, read_varint, varint
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Verdict, Written, judge

log = logging.getLogger("sync.tablestore")

API = "PutTimeseriesData"
Encoding = Literal["protobuf", "flatbuffers"]
# RowsSerializeType of the official SDKs; the last one is nobody's.
_TYPES: dict[Encoding, int] = {"flatbuffers": 0, "protobuf": 2}
_UNKNOWN_TYPE = 99
# PutTimeseriesDataRequest{3 meta_update_mode: NORMAL, 4 supported_table_version: 1}
_END = b"\x18\x00\x20\x01"
_WRITTEN = Written()


class PointRequests:
    """Points of one time series table a request."""

    def __init__(
        self, client: Client, encoding: Literal["auto", "protobuf", "flatbuffers"]
    ) -> None:
        self._client = client
        self._encoding: Encoding | None = None if encoding == "auto" else encoding
        self._flat = FlatBuffers()

    async def write(
        self, tables: Sequence[tuple[str, Sequence[bytes]]], rows: Sequence[int]
    ) -> list[Verdict] | None:
        """A verdict for each point in order; None when all are written. Raises RequestFailed.

        `rows` is how many points the only table has.
        """
        ((table, wires),) = tables
        encoding = self._encoding or "flatbuffers"
        answer = await self._client.post(API, self._body(table, b"".join(wires), encoding))
        failed = self._client.failed_points(answer)
        if not failed:
            return None
        verdicts: list[Verdict] = [_WRITTEN] * sum(rows)
        for index, code, message in failed:
            if not 0 <= index < len(verdicts):
                raise RequestFailed(Retry("the answer has other rows than the request"))
            verdicts[index] = judge(200, code, message)
        return verdicts

    def choose(self, table: str) -> None:
        """Ask, by a table that exists, in which form points go. Blocks. Raises RequestFailed.

        One and the same impossible point (no field, a time before 1970, a measurement that no
        series can have) is sent in both forms, and once as what is no form. An endpoint that finds
        the same fault with both, and another one with what it does not know, can read both.
        """
        if self._encoding is not None:
            return
        encoder = PointEncoder()
        _, row, _ = encoder.compile(())(encoder.series("#", "", ()), -1, ())
        flat = self._ask(self._body(table, row, "flatbuffers"))
        same = flat == self._ask(self._body(table, row, "protobuf"))
        unlike = flat != self._ask(body_of(table, _UNKNOWN_TYPE, row))
        self._encoding = "protobuf" if flat and same and unlike else "flatbuffers"
        log.info("points of time series go as %s", self._encoding)

    def _ask(self, body: bytes) -> Sequence[Reject]:
        """What is wrong with a request, be it as a whole or with its row; nothing: none."""
        try:
            failed = self._client.failed_points(self._client.ask(API, body))
        except RequestFailed as refused:
            if isinstance(refused.verdict, Reject):
                return (refused.verdict,)
            raise
        faults: list[Reject] = []
        for _, code, message in failed:
            verdict = judge(200, code, message)
            if not isinstance(verdict, Reject):
                raise RequestFailed(verdict, code)
            faults.append(verdict)
        return faults

    def _body(self, table: str, rows: bytes, encoding: Encoding) -> bytes:
        if encoding == "flatbuffers":
            rows = self._flat.encode(_rows_of(rows))
        return body_of(table, _TYPES[encoding], rows)


def _rows_of(rows: bytes) -> list[bytes]:
    """The points of a request one by one: fields of a protobuf message."""
    found: list[bytes] = []
    start = 0
    while start < len(rows):
        length, content = read_varint(rows, start + 1)
        found.append(rows[start : content + length])
        start = content + length
    return found


def body_of(table: str, form: int, rows: bytes) -> bytes:
    """TimeseriesRows{1 type, 2 rows_data, 3 checksum as a signed number} in its request."""
    checksum = crc32c(rows)
    signed = checksum - (1 << 32) if checksum >> 31 else checksum
    head = b"\x08" + varint(form) + b"\x12" + varint(len(rows))
    tail = b"\x18" + varint(signed)
    content = len(head) + len(rows) + len(tail)
    return b"".join(
        [prefixed(b"\x0a", table.encode()), b"\x12", varint(content), head, rows, tail, _END]
    )
