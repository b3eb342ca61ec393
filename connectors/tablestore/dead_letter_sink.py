"""Dead letters to a Tablestore table, through the client that writes the rows."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterator, Sequence

from connectors.dead_letters.headers import bytes_of, own_headers, replays
from connectors.errors import StopRun
from connectors.records import DeadLetter, Header
from connectors.run.retry import Backoff
from connectors.settings.tables import TableSettings
from connectors.tablestore.plainbuffer.encode import batch_body
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.shard_writer import Writer
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict, Written

log = logging.getLogger("sync.dead_letters")

# The service's limit for one cell; a longer value stands in value_1, value_2, ...
PART_BYTES = 2 * 1024 * 1024
_MOST_ROWS = 200
_MOST_BYTES = 4_000_000
# One dead letter on its way: its wire row, and the dead letter for what is said of it.
_Waiting = tuple[bytes, DeadLetter]


class TableDeadLetterSink:
    """The dead-letter table of a run.

    Its key is the record's place in Kafka, so that a repeat after a crash writes the same row.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        settings = writer.run.settings
        self._table = settings.dead_letters.table
        self._rules = TableSettings(auto_create=settings.errors.auto_create)
        self._encoder = RowEncoder()

    def prepare(self) -> None:
        """Compare the table, or make it where errors.auto_create says so. Raises StopRun."""
        self._writer.schema.ensure(self._table, self._rules, "errors.auto_create = true")

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when every dead letter is in the table. Raises StopRun."""
        settings = self._writer.run.settings.tablestore
        # A step may have made several records of one: a request takes a key but once.
        alone = {(one.topic, one.partition, one.offset): one for one in reversed(dead_letters)}
        for waiting in _requests(
            [(self._wire(dead_letter), dead_letter) for dead_letter in alone.values()]
        ):
            backoff = Backoff(settings.retry_initial, settings.retry_max)
            again: Sequence[_Waiting] = waiting
            while again:
                again, trouble = self._learn(again, await self._request(again))
                if trouble is not None:
                    self._writer.run.check()
                    wait = backoff.wait()
                    if backoff.worth_telling():
                        log.warning("%d dead letters wait: %s", len(again), trouble)
                    await asyncio.sleep(wait)

    def close(self) -> None:
        """The client is the writer's."""

    async def _request(self, waiting: Sequence[_Waiting]) -> list[Verdict]:
        wires = [wire for wire, _ in waiting]
        written: list[Verdict] = [Written()] * len(wires)
        try:
            body = batch_body([(self._table, wires)])
            return await self._writer.client.write(body, [len(wires)]) or written
        except RequestFailed as failed:
            return [self._writer.for_new_tables(failed.verdict, failed.code, {self._table})] * len(
                wires
            )

    def _learn(
        self, waiting: Sequence[_Waiting], verdicts: Sequence[Verdict]
    ) -> tuple[list[_Waiting], str | None]:
        """What is to be sent again, and why. Raises StopRun for what is refused for good."""
        again: list[_Waiting] = []
        trouble: str | None = None
        for one, found in zip(waiting, verdicts, strict=True):
            verdict = found
            if isinstance(verdict, Stop):
                verdict = self._writer.for_new_tables(verdict, verdict.code, {self._table})
            if isinstance(verdict, Retry):
                again.append(one)
                trouble = verdict.reason
            elif isinstance(verdict, Reject):
                raise self._refused(one[1], verdict.reason)
            elif isinstance(verdict, Stop):
                raise StopRun(f"dead letters to table {self._table}: {verdict.reason}")
        return again, trouble

    def _wire(self, dead_letter: DeadLetter) -> bytes:
        key = (
            ("topic_partition", f"{dead_letter.topic}_{dead_letter.partition}"),
            ("offset", dead_letter.offset),
        )
        try:
            return self._encoder.row("put", key, list(_columns(dead_letter)))[1]
        except self._encoder.refused as error:
            raise self._refused(dead_letter, str(error.args[1])) from None

    def _refused(self, dead_letter: DeadLetter, reason: str) -> StopRun:
        return StopRun(
            f"dead letters to table {self._table}: the record of {dead_letter.coordinates} "
            f"does not fit into a row: {reason}\n  remedy: send dead letters elsewhere "
            '(errors.dead_letters = "kafka" or "log"), at least until this record is past'
        )


def _columns(dead_letter: DeadLetter) -> Iterator[tuple[str, str | int | bytes]]:
    timestamp, key, value, headers = bytes_of(dead_letter)
    yield "topic", dead_letter.topic
    yield "partition", dead_letter.partition
    yield "stage", dead_letter.stage
    yield "code", dead_letter.code
    yield "reason", dead_letter.reason
    yield "replays", replays(headers)
    if timestamp is not None:
        yield "timestamp", timestamp
    yield from _parts("key", key)
    yield from _parts("value", value)
    if headers:
        yield from _parts("headers", pack_headers(own_headers(headers)))


def _parts(name: str, data: bytes | None) -> Iterator[tuple[str, bytes]]:
    """The bytes whole or in parts; no column at all for null."""
    if data is None:
        return
    if len(data) <= PART_BYTES:
        yield name, data
        return
    for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
        yield f"{name}_{number}", data[start : start + PART_BYTES]


def pack_headers(headers: Sequence[Header]) -> bytes:
    """Headers as JSON: a list of [name, base64 or null], in order."""
    pairs = [
        [name, None if value is None else base64.b64encode(value).decode()]
        for name, value in headers
    ]
    return json.dumps(pairs).encode()


def unpack_headers(data: bytes | None) -> list[Header]:
    """The headers again. Raises ValueError or TypeError for what `pack_headers` did not make."""
    return [
        (str(name), None if value is None else base64.b64decode(value))
        for name, value in json.loads(data or b"[]")
    ]


def _requests(waiting: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """As many dead letters together as a request takes."""
    taken: list[_Waiting] = []
    size = 0
    for one in waiting:
        if taken and (len(taken) == _MOST_ROWS or size + len(one[0]) > _MOST_BYTES):
            yield taken
            taken, size = [], 0
        taken.append(one)
        size += len(one[0])
    if taken:
        yield taken
