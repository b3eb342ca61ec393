"""The dead-letter table as a source: its rows become messages, as the topic would hold them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.dead_letters.headers import block_of
from connectors.errors import StopRun
from connectors.records import Chunk, DeadLetter, Message, PlainMessage
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run
from connectors.run.retry import Backoff
from connectors.tablestore.client import Client
from connectors.tablestore.dead_letter_sink import unpack_headers
from connectors.tablestore.verdicts import Reject, RequestFailed, Stop

log = logging.getLogger("sync.replay")

_PART = "table"
_PAGE = 100
_MOST_MARKS = 200
# The last dead letter that was taken: topic_partition and offset.
Key = tuple[str, int]


class TableDeadLetterSource(FixedPartitionedSource[Chunk, "Key | None"]):
    """Reads the dead-letter table once, in the order of its key.

    A dead letter whose record is settled gets the column `replayed`, unless it was rejected again
    meanwhile; the next run passes it over. The state only says where a run that was stopped goes
    on: after one that came to the end the next begins at the top.
    """

    def __init__(
        self,
        run: Run,
        admits: Callable[[Message], bool],
        restored: Callable[[Message], Message | None],
    ) -> None:
        """`admits` is asked of each dead letter before the position moves; a no ends the reading.

        `restored` gives the record of a dead letter that is selected.
        """
        self._run = run
        self._admits = admits
        self._restored = restored

    def list_parts(self) -> list[str]:
        """The table is one."""
        return [_PART]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,  # noqa: ARG002
        resume_state: Key | None,
    ) -> _Partition:
        """A reader behind the last dead letter that was settled."""
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
        self._client = Client(run.settings.tablestore)
        self._table = run.settings.dead_letters.table
        # Where it began, how far it has read, and how far all is settled and marked.
        self._begin = self._last = self._settled = begin
        self._ended = self._complete = False
        # Letters whose record is on its way: (key, how often it was replayed).
        self._taken: deque[tuple[Key, int]] = deque()
        self._number = self._marked = 0
        self._position = CommittableOffset(0, run.settings.window.age, run.clock)
        replay = run.settings.replay
        self._page = _PAGE if replay.rate is None else max(1, min(_PAGE, int(replay.rate)))
        self._epochs = 0  # those that ended
        self._epoch: int | None = None  # the last of them, until it is closed everywhere
        run.on_clean_end(self._mark_all)

    def next_batch(self) -> list[Chunk]:
        """A page of dead letters; StopIteration behind the last."""
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
                    self._taken.append((key, columns["replays"]))
                    self._number += 1
            self._last = key
        run.counts.add("read", len(messages))
        return [Chunk(self._table, 0, messages, offsets_unique=False)] if messages else []

    def snapshot(self) -> Key | None:
        """Where the next run goes on; a dry run leaves that where it was."""
        self._epochs += 1
        self._epoch = self._epochs
        if self._run.settings.replay.dry_run:
            return self._begin
        if self._ended:  # a durable end settles all
            return None if self._complete else self._last
        self._position.snapshotted(self._number)
        return self._settled

    def close(self) -> None:
        """Nothing is held open."""

    def _mark_all(self) -> None:
        """After a clean end everything is settled."""
        if self._number > self._marked and not self._run.settings.replay.dry_run:
            # At the interpreter's end the connections of the other one are closed already.
            self._client = Client(self._run.settings.tablestore)
            self._mark(self._number)

    def _mark(self, number: int) -> None:
        """Mark the first so many dead letters as replayed."""
        while self._marked < number:
            some = [*islice(self._taken, min(_MOST_MARKS, number - self._marked))]
            try:
                self._client.mark_replayed(self._table, some, time.time_ns() // 1_000_000)
            except RequestFailed as failed:
                log.warning(
                    "table %s: dead letters that were replayed are not marked, and may be replayed "
                    "again: %s",
                    self._table,
                    failed,
                )
                return
            for _ in some:
                self._settled = self._taken.popleft()[0]
            self._marked += len(some)

    def _read(self) -> list[tuple[Key, dict[str, Any]]]:
        start: list[tuple[str, Any]] = [("topic_partition", ""), ("offset", -(2**63))]
        if self._last is not None:
            start = [("topic_partition", self._last[0]), ("offset", self._last[1] + 1)]
        settings = self._run.settings.tablestore
        backoff = Backoff(settings.retry_initial, settings.retry_max)
        while True:
            try:
                found: Any = self._client.rows_from(self._table, start, self._page)
            except RequestFailed as failed:
                verdict = failed.verdict
                if isinstance(verdict, (Stop, Reject)):
                    raise StopRun(
                        f"dead letters of table {self._table}: {verdict.reason} (reading them "
                        "needs ots:GetRange, marking what is replayed ots:BatchWriteRow)"
                    ) from None
                self._run.check()
                if self._run.drain_reason is not None:
                    self._ended = True
                    raise StopIteration from None
                wait = backoff.wait()
                if backoff.worth_telling():
                    log.warning("GetRange %s: %s; trying again", self._table, verdict)
                time.sleep(wait)
            else:
                rows: list[tuple[Key, dict[str, Any]]] = found
                return rows


def message_of(table: str, key: Key, columns: dict[str, Any]) -> PlainMessage:
    """A row of the table as the message of the dead letter; a row that is none has no headers."""
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
    except (KeyError, ValueError, TypeError):  # anybody may write to the table
        log.warning("table %s has a row that is no dead letter: %s offset %d", table, *key)
        return PlainMessage(table, 0, key[1])


def _whole(columns: dict[str, Any], name: str) -> bytes | None:
    """A value that stands in one column, or in parts; None for null."""
    if name in columns:
        return bytes(columns[name])
    parts: list[bytes] = []
    while (part := columns.get(f"{name}_{len(parts) + 1}")) is not None:
        parts.append(bytes(part))
    return b"".join(parts) if parts else None
