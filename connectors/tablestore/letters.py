"""The dead-letter table as a source: its rows become messages, as the topic would hold them."""

from __future__ import annotations

import logging
import time
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.backoff import Backoff
from connectors.dead_letters import block_of
from connectors.outcomes import Reject, Stop, StopRun
from connectors.records import Chunk, DeadLetter, Header, PlainMessage
from connectors.run.context import Run
from connectors.tablestore.client import Client, RequestFailed
from connectors.tablestore.dead_letters import unpack_headers

log = logging.getLogger("sync.replay")

_PART = "table"
_PAGE = 100
# The last letter that was taken: topic_partition and offset.
Key = tuple[str, int]


class TableLetters(FixedPartitionedSource[Chunk, "Key | None"]):
    """Reads the dead-letter table once, in the order of its key."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def list_parts(self) -> list[str]:
        """The table is one."""
        return [_PART]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,  # noqa: ARG002
        resume_state: Key | None,
    ) -> _Partition:
        """A reader behind the last letter that was taken."""
        return _Partition(self._run, resume_state)


class _Partition(StatefulSourcePartition[Chunk, "Key | None"]):
    def __init__(self, run: Run, last: Key | None) -> None:
        self._run = run
        self._client = Client(run.settings.tablestore)
        self._table = run.settings.dead_letters.table
        self._last = last
        replay = run.settings.replay
        most = _PAGE if replay.count is None else min(_PAGE, replay.count)
        self._page = most if replay.rate is None else max(1, min(most, int(replay.rate)))
        self._epochs = 0  # those that ended
        self._epoch: int | None = None  # the last of them, until it is closed everywhere

    def next_batch(self) -> list[Chunk]:
        """A page of letters; StopIteration behind the last."""
        run = self._run
        if run.failure is not None or run.drain_reason is not None:
            run.check()
            raise StopIteration
        if self._epoch is not None:
            run.counts.check(self._epoch)
            self._epoch = None
        start: list[tuple[str, Any]] = [("topic_partition", ""), ("offset", -(2**63))]
        if self._last is not None:
            start = [("topic_partition", self._last[0]), ("offset", self._last[1] + 1)]
        rows = self._read(start)
        if not rows:
            run.drain("everything is read")
            raise StopIteration
        messages = [message_of(self._table, key, columns) for key, columns in rows]
        self._last = rows[-1][0]
        run.counts.add("read", len(messages))
        return [Chunk(self._table, 0, messages, once=False)]

    def snapshot(self) -> Key | None:
        """The last letter that was taken."""
        self._epochs += 1
        self._epoch = self._epochs
        return self._last

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, start: list[tuple[str, Any]]) -> list[tuple[Key, dict[str, Any]]]:
        settings = self._run.settings.tablestore
        backoff = Backoff(settings.retry_initial, settings.retry_max)
        while True:
            try:
                found: Any = self._client.rows_from(self._table, start, self._page)
            except RequestFailed as failed:
                verdict = failed.verdict
                if isinstance(verdict, (Stop, Reject)):
                    raise StopRun(
                        f"dead letters of table {self._table}: {verdict.reason}"
                    ) from None
                self._run.check()
                if self._run.drain_reason is not None:
                    raise StopIteration from None
                wait = backoff.wait()
                if backoff.worth_telling():
                    log.warning("GetRange %s: %s; trying again", self._table, verdict)
                time.sleep(wait)
            else:
                rows: list[tuple[Key, dict[str, Any]]] = found
                return rows


def message_of(table: str, key: Key, columns: dict[str, Any]) -> PlainMessage:
    """A row of the table as the message of the same letter; a row that is none has no headers."""
    headers: list[Header] = []
    try:
        letter = DeadLetter(
            str(columns["topic"]),
            int(columns["partition"]),
            key[1],
            columns["stage"],
            str(columns["code"]),
            str(columns["reason"]),
        )
        block = block_of(letter, "", columns.get("timestamp"), int(columns["replays"]))
        headers = [*unpack_headers(_whole(columns, "headers")), *block]
    except (KeyError, ValueError, TypeError):  # anybody may write to the table
        log.warning("table %s has a row that is no dead letter: %s offset %d", table, *key)
    return PlainMessage(
        table,
        0,
        key[1],
        key=_whole(columns, "key"),
        value=_whole(columns, "value"),
        headers=headers,
    )


def _whole(columns: dict[str, Any], name: str) -> bytes | None:
    """A value that stands in one column, or in parts; None for null."""
    if name in columns:
        return bytes(columns[name])
    parts: list[bytes] = []
    while (part := columns.get(f"{name}_{len(parts) + 1}")) is not None:
        parts.append(bytes(part))
    return b"".join(parts) if parts else None
