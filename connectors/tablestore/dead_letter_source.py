"""The dead-letter table as a source: its rows become messages, as a dead-letter topic has them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.dead_letters.headers import block_of
from connectors.records import Chunk, DeadLetter, Message, PlainMessage
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run
from connectors.run.retry import RunEnded
from connectors.settings.tablestore_limits import MAX_ROWS_PER_REQUEST
from connectors.tablestore.client import Client
from connectors.tablestore.dead_letter_sink import unpack_headers
from connectors.tablestore.table_checks import call_tables_api
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.verdicts import RequestFailed

log = logging.getLogger("sync.replay")

_TABLE = "table"
_PAGE_ROWS = 100
# The key of a dead letter: topic_partition and offset.
Key = tuple[str, int]


class TableDeadLetterSource(FixedPartitionedSource[Chunk, "Key | None"]):
    """Reads the dead-letter table once, in the order of its key.

    A dead letter whose record is durable gets the column `replayed`, unless it was rejected again
    meanwhile; the next run skips it. The state is the key after which a stopped run goes on; after
    a run that reached the end, the next one starts from the first row.
    """

    def __init__(
        self,
        run: Run,
        admits: Callable[[Message], bool],
        restored: Callable[[Message], Message | None],
    ) -> None:
        """`admits` decides on each dead letter before the position moves; False ends the page.

        `restored` gives the record of a dead letter that is selected, else None.
        """
        self._run = run
        self._admits = admits
        self._restored = restored

    def list_parts(self) -> list[str]:
        """The names of the parts of this source: one, the table."""
        return [_TABLE]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,  # noqa: ARG002
        resume_state: Key | None,
    ) -> _Partition:
        """A reader that begins after the key in the state."""
        return _Partition(self._run, resume_state, self._admits, self._restored)


class _Partition(StatefulSourcePartition[Chunk, "Key | None"]):
    def __init__(
        self,
        run: Run,
        begin: Key | None,
        admits: Callable[[Message], bool],
        restored: Callable[[Message], Message | None],
    ) -> None:
        self._run = run
        self._admits = admits
        self._restored = restored
        self._api = TablesApi(Client(run.settings.tablestore))
        self._table = run.settings.dead_letters.table
        # The key after which it began, the last that it has read, and the last up to which every
        # record is durable and marked.
        self._begin = self._last = self._last_marked = begin
        self._ended = self._complete = False
        # Dead letters whose records are in the flow: (key, number of replays).
        self._in_flow: deque[tuple[Key, int]] = deque()
        self._number = self._marked = 0
        self._position = CommittableOffset(0, run.settings.window.age, run.clock, run.now)
        replay = run.settings.replay
        rate = _PAGE_ROWS if replay.rate is None else int(replay.rate)
        self._page_rows = max(1, min(_PAGE_ROWS, rate))
        self._epochs = 0  # number of epochs that have ended
        self._epoch: int | None = None  # until it is closed everywhere
        run.on_clean_end(self._mark_all)

    def next_batch(self) -> list[Chunk]:
        """A page of dead letters; StopIteration after the last, or when the run drains."""
        run = self._run
        if run.failure is not None or run.drain_reason is not None:
            run.check()
            self._ended = True
            raise StopIteration
        if self._epoch is not None:
            run.counts.verify_epoch(self._epoch)
            self._epoch = None
        number = self._position.due()
        if number is not None:
            self._mark(number)
        rows = self._read()
        if not rows:
            run.drain("everything is read")
            self._ended = self._complete = True
            raise StopIteration
        messages: list[Message] = []
        for key, columns in rows:
            if "replayed" not in columns or run.settings.replay.again:
                message = message_of(self._table, key, columns)
                if not self._admits(message):
                    break
                messages.append(message)
                if self._restored(message) is not None:
                    self._in_flow.append((key, columns["replays"]))
                    self._number += 1
            self._last = key
        run.counts.add("read", len(messages))
        return [Chunk(self._table, 0, messages, offsets_unique=False)] if messages else []

    def snapshot(self) -> Key | None:
        """The key after which the next run goes on; a dry run leaves that where it was."""
        self._epochs += 1
        self._epoch = self._epochs
        if self._run.settings.replay.dry_run:
            return self._begin
        if self._ended:  # once this state is stored, every record before it is durable
            return None if self._complete else self._last
        self._position.snapshotted(self._number)
        return self._last_marked

    def close(self) -> None:
        """Do nothing: the source holds nothing to close."""

    def _mark_all(self) -> None:
        """Mark all others: after a clean end every record is durable."""
        if self._number > self._marked and not self._run.settings.replay.dry_run:
            # At the interpreter's exit the connections of the first client are closed already.
            self._api = TablesApi(Client(self._run.settings.tablestore))
            self._mark(self._number)

    def _mark(self, number: int) -> None:
        """Mark dead letters as replayed, until `number` of them are in all."""
        while self._marked < number:
            count = min(MAX_ROWS_PER_REQUEST, number - self._marked)
            some = [*islice(self._in_flow, count)]
            try:
                self._api.mark_replayed(self._table, some, time.time_ns() // 1_000_000)
            except RequestFailed as failed:
                log.warning(
                    "table %s: dead letters that were replayed are not marked, and may be replayed "
                    "again: %s",
                    self._table,
                    failed,
                )
                return
            for _ in some:
                self._last_marked = self._in_flow.popleft()[0]
            self._marked += len(some)

    def _read(self) -> list[tuple[Key, dict[str, Any]]]:
        """The next page. Raises StopRun, or StopIteration when the run drains."""
        start: list[tuple[str, Any]] = [("topic_partition", ""), ("offset", -(2**63))]
        if self._last is not None:
            start = [("topic_partition", self._last[0]), ("offset", self._last[1] + 1)]
        try:
            rows: list[tuple[Key, dict[str, Any]]] | None = call_tables_api(
                self._run,
                f"GetRange {self._table}",
                lambda: self._api.rows_from(self._table, start, self._page_rows),
                logger=log,
                remedy="reading dead letters needs ots:GetRange, marking those that are replayed "
                "ots:BatchWriteRow",
            )
        except RunEnded:
            self._ended = True
            raise StopIteration from None
        return rows or []


def message_of(table: str, key: Key, columns: dict[str, Any]) -> PlainMessage:
    """The message of a row's dead letter; of any other row a message without headers."""
    try:
        dead_letter = DeadLetter(
            str(columns["topic"]),
            int(columns["partition"]),
            key[1],
            columns["stage"],
            str(columns["code"]),
            str(columns["reason"]),
        )
        block = block_of(dead_letter, "", columns.get("timestamp"), int(columns["replays"]))
        own = unpack_headers(_whole(columns, "headers"))
        return PlainMessage(
            table,
            0,
            key[1],
            key=_whole(columns, "key"),
            value=_whole(columns, "value"),
            headers=[*own, *block],
        )
    except (KeyError, ValueError, TypeError):  # any program may write to the table
        log.warning("table %s has a row that is not a dead letter: %s offset %d", table, *key)
        return PlainMessage(table, 0, key[1])


def _whole(columns: dict[str, Any], name: str) -> bytes | None:
    """The value of one column, or of several (name_1, name_2, ...); None for null."""
    if name in columns:
        return bytes(columns[name])
    chunks: list[bytes] = []
    while (chunk := columns.get(f"{name}_{len(chunks) + 1}")) is not None:
        chunks.append(bytes(chunk))
    return b"".join(chunks) if chunks else None
