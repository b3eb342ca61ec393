"""PutTimeseriesData [put-timeseries-data]: bodies of many points, answers, and the encoding.

The public pages describe points only as FlatBuffers. The official Go SDK also sends them as
protobuf, which costs a third as much to make and is a third smaller; so the endpoint is asked once
whether it reads that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal

from crc32c import crc32c
from google.protobuf.message import DecodeError
from tablestore.protobuf.timeseries_pb2 import PutTimeseriesDataResponse

from connectors.tablestore.client import Client
from connectors.tablestore.plainbuffer.varint import prefixed, varint
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Verdict, Written, judge

log = logging.getLogger("sync.tablestore")

OPERATION = "PutTimeseriesData"
Encoding = Literal["protobuf", "flatbuffers"]
# RowsSerializeType of the official SDKs; no SDK has the last one.
_TYPES: dict[Encoding, int] = {"flatbuffers": 0, "protobuf": 2}
_UNKNOWN_TYPE = 99
# PutTimeseriesDataRequest{3 meta_update_mode: NORMAL, 4 supported_table_version: 1}
_END = b"\x18\x00\x20\x01"
_WRITTEN = Written()
# Table, the points' protobuf rows in pieces, and of each piece the bytes of each of its points.
_TablePoints = tuple[str, Sequence[bytes], Sequence[Sequence[int]]]


class PointRequests:
    """Requests with points of one time series table each."""

    def __init__(
        self, client: Client, encoding: Literal["auto", "protobuf", "flatbuffers"]
    ) -> None:
        """`auto` is FlatBuffers until `choose_encoding` has asked."""
        self._client = client
        self._encoding: Encoding | None = None if encoding == "auto" else encoding
        self._flat = FlatBuffers()

    async def write(self, tables: Sequence[_TablePoints]) -> list[Verdict] | None:
        """A verdict for each point of the one table, in order; None when all are written.

        Raises RequestFailed.
        """
        ((table, wires, sizes),) = tables
        body = self.body(table, wires, sizes, self._encoding or "flatbuffers")
        failed = failed_points(await self._client.post(OPERATION, body))
        if not failed:
            return None
        verdicts: list[Verdict] = [_WRITTEN] * sum(map(len, sizes))
        for index, code, message in failed:
            if not 0 <= index < len(verdicts):
                raise RequestFailed(Retry("the answer has other rows than the request"))
            verdicts[index] = judge(200, code, message)
        return verdicts

    def choose_encoding(self, table: str) -> None:
        """Ask with an existing table how to send points. Blocks. Raises RequestFailed.

        The same impossible point (no field, a time before 1970, a measurement that no series can
        have) is sent in both encodings, and once in an unknown one. An endpoint that reports the
        same fault for both, and another fault for the unknown one, can read both.
        """
        if self._encoding is not None:
            return
        row = _impossible_point()
        flat = self._faults(self.body(table, [row], [[len(row)]], "flatbuffers"))
        same = flat == self._faults(self.body(table, [row], [[len(row)]], "protobuf"))
        unlike = flat != self._faults(points_body(table, _UNKNOWN_TYPE, row))
        self._encoding = "protobuf" if flat and same and unlike else "flatbuffers"
        log.info("points of time series are sent as %s", self._encoding)

    def try_write(self, table: str) -> None:
        """Send the impossible point of `choose_encoding`, as FlatBuffers. Blocks.

        Raises RequestFailed for any answer but that the point is rejected.
        """
        row = _impossible_point()
        self._faults(self.body(table, [row], [[len(row)]], "flatbuffers"))

    def body(
        self,
        table: str,
        wires: Sequence[bytes],
        sizes: Sequence[Sequence[int]],
        encoding: Encoding,
    ) -> bytes:
        """The body of a request, from points as protobuf, in the encoding that is sent."""
        if encoding == "flatbuffers":
            rows = self._flat.encode([*_rows(wires, sizes)])
        else:
            rows = b"".join(wires)
        return points_body(table, _TYPES[encoding], rows)

    def _faults(self, body: bytes) -> Sequence[Reject]:
        """What is wrong with a request or with its row; empty when it is accepted."""
        try:
            failed = failed_points(self._client.post_blocking(OPERATION, body))
        except RequestFailed as error:
            if isinstance(error.verdict, Reject):
                return (error.verdict,)
            raise
        faults: list[Reject] = []
        for _, code, message in failed:
            verdict = judge(200, code, message)
            if not isinstance(verdict, Reject):
                raise RequestFailed(verdict, code)
            faults.append(verdict)
        return faults


def _impossible_point() -> bytes:
    """A point that no table takes, as protobuf: no field, before 1970, a measurement of `#`."""
    encoder = PointEncoder()
    _, row, _ = encoder.compile(())(encoder.series("#", "", ()), -1, ())
    return row


def _rows(wires: Sequence[bytes], sizes: Sequence[Sequence[int]]) -> Iterator[bytes]:
    """The encoded points of the wires, one by one."""
    for wire, of_piece in zip(wires, sizes, strict=True):
        for size, end in zip(of_piece, accumulate(of_piece), strict=True):
            yield wire[end - size : end]


def failed_points(answer: bytes) -> list[tuple[int, str, str]]:
    """Index, code and message of the points that an answer names. Raises RequestFailed."""
    if not answer:
        return []
    try:
        response = PutTimeseriesDataResponse.FromString(answer)
    except DecodeError as error:
        raise RequestFailed(Retry(f"unreadable answer: {error}")) from None
    return [(row.row_index, row.error_code, row.error_message) for row in response.failed_rows]


def points_body(table: str, serialize_type: int, rows: bytes) -> bytes:
    """The request: its table and TimeseriesRows{1 type, 2 rows_data, 3 checksum, signed}."""
    checksum = crc32c(rows)
    signed = checksum - (1 << 32) if checksum >> 31 else checksum
    head = b"\x08" + varint(serialize_type) + b"\x12" + varint(len(rows))
    tail = b"\x18" + varint(signed)
    content = len(head) + len(rows) + len(tail)
    return b"".join(
        [prefixed(b"\x0a", table.encode()), b"\x12", varint(content), head, rows, tail, _END]
    )
