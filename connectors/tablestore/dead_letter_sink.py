"""Writes dead letters to a Tablestore table, with the writer of the rows.

The table's key is the record's coordinates in Kafka, so that a repeat after a crash writes the same
row. A dead letter is never cut: a value beyond the limit of a cell takes several columns, and a
record beyond the limit of a row stops the run.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

from connectors.batching import split_requests
from connectors.dead_letters.headers import bytes_of, own_headers, replays
from connectors.errors import StopRun
from connectors.records import DeadLetter, Header, Segment
from connectors.run.context import Run
from connectors.settings.tables import TableSettings
from connectors.settings.tablestore_limits import MAX_ROWS_PER_REQUEST, MAX_VALUE_BYTES
from connectors.tablestore.batch_write import Outcomes
from connectors.tablestore.row_encoder import RowEncoder

# Bytes of a request; a larger dead letter has a request of its own.
_MAX_BYTES = 4_000_000


class RowWriter(Protocol):
    """The writer of rows, as far as dead letters need it."""

    def ensure(self, table: str, rules: TableSettings | None, option: str | None) -> None:
        """Compare a table with its rules, or create it. Blocks. Raises StopRun."""
        ...

    async def write_rows(self, segments: Sequence[Segment], outcomes: Outcomes) -> None:
        """Return when every row is written or rejected. Raises StopRun."""
        ...


class TableDeadLetterSink:
    """The dead-letter table of a run."""

    def __init__(self, run: Run, writer: RowWriter) -> None:
        self._writer = writer
        self._table = run.settings.dead_letters.table
        self._rules = TableSettings(auto_create=run.settings.errors.auto_create)
        self._encoder = RowEncoder()
        self._outcomes = _DeadLetterOutcomes(self._table)

    def prepare(self) -> None:
        """Compare the table, or create it where errors.auto_create says so. Raises StopRun."""
        self._writer.ensure(self._table, self._rules, "errors.auto_create = true")

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when every dead letter is in the table. Raises StopRun."""
        # A step may have made several records of one: the table has one row, of the first.
        first: dict[tuple[str, int, int], DeadLetter] = {}
        for one in dead_letters:
            first.setdefault((one.topic, one.partition, one.offset), one)
        rows = self._segments([*first.values()])
        for segments in split_requests(rows, MAX_ROWS_PER_REQUEST, _MAX_BYTES):
            await self._writer.write_rows(segments, self._outcomes)

    def close(self) -> None:
        """Nothing to close: the writer of the rows closes its connections itself."""

    def _segments(self, dead_letters: Sequence[DeadLetter]) -> Iterator[Segment]:
        """Dead letters as segments of rows. Raises StopRun for one that does not fit into a row."""
        for (topic, partition), group in groupby(dead_letters, key=lambda one: one[:2]):
            offsets: list[int] = []
            wires: list[bytes] = []
            for dead_letter in group:
                offsets.append(dead_letter.offset)
                wires.append(self._wire(dead_letter))
            yield Segment(
                self._table,
                topic,
                partition,
                [],  # the coordinates are the key
                b"".join(wires),
                offsets,
                [],
                [*map(len, wires)],
                [],
            )

    def _wire(self, dead_letter: DeadLetter) -> bytes:
        key = (
            ("topic_partition", f"{dead_letter.topic}_{dead_letter.partition}"),
            ("offset", dead_letter.offset),
        )
        try:
            return self._encoder.row("put", key, list(dead_letter_columns(dead_letter)))[1]
        except self._encoder.error as error:
            raise _too_large(self._table, dead_letter, str(error)) from None


class _DeadLetterOutcomes:
    """The outcomes of dead letters: none is counted here, and a rejected one stops the run."""

    def __init__(self, table: str) -> None:
        self._table = table

    def written(self, number: int) -> None:
        """Do nothing: the error policy counts what is sent."""

    def skipped(self, number: int) -> None:
        """Do nothing: rows of dead letters have no condition."""

    def retried(self, number: int) -> None:
        """Do nothing: only rows count as retried."""

    async def rejected(self, dead_letters: Sequence[DeadLetter]) -> None:
        raise _too_large(self._table, dead_letters[0], dead_letters[0].reason)

    def stopped(self, table: str, reason: str) -> StopRun:
        return StopRun(f"dead letters to table {table}: {reason}")


def _too_large(table: str, dead_letter: DeadLetter, reason: str) -> StopRun:
    return StopRun(
        f"dead letters to table {table}: the record of {dead_letter.coordinates} "
        f"does not fit into a row: {reason}\n  remedy: send dead letters elsewhere "
        '(errors.dead_letters = "kafka" or "log"), at least until this record is past'
    )


def dead_letter_columns(dead_letter: DeadLetter) -> Iterator[tuple[str, str | int | bytes]]:
    """(name, value) of the columns of its row. Raises StopRun as `bytes_of` does."""
    timestamp, key, value, headers = bytes_of(dead_letter)
    yield "topic", dead_letter.topic
    yield "partition", dead_letter.partition
    yield "stage", dead_letter.stage
    yield "code", dead_letter.code
    yield "reason", dead_letter.reason
    yield "replays", replays(headers)
    if timestamp is not None:
        yield "timestamp", timestamp
    yield from _chunks("key", key)
    yield from _chunks("value", value)
    if headers:
        yield from _chunks("headers", pack_headers(own_headers(headers)))


def _chunks(name: str, data: bytes | None) -> Iterator[tuple[str, bytes]]:
    """One column, or several of at most the size of a cell (value_1, ...); none for null."""
    if data is None:
        return
    if len(data) <= MAX_VALUE_BYTES:
        yield name, data
        return
    for number, start in enumerate(range(0, len(data), MAX_VALUE_BYTES), 1):
        yield f"{name}_{number}", data[start : start + MAX_VALUE_BYTES]


def pack_headers(headers: Sequence[Header]) -> bytes:
    """Headers as JSON: a list of [name, base64 or null], in order."""
    pairs = [
        [name, None if value is None else base64.b64encode(value).decode()]
        for name, value in headers
    ]
    return json.dumps(pairs).encode()


def unpack_headers(data: bytes | None) -> list[Header]:
    """The reverse of `pack_headers`. Raises ValueError or TypeError for any other data."""
    return [
        (str(name), None if value is None else base64.b64decode(value))
        for name, value in json.loads(data or b"[]")
    ]
