"""Dead letters as messages: where they may go, and what stands in their headers.

The names are those of Kafka Connect's dead letter queue, so that its users and their tools read
them at once; what Connect has no name for begins with `__tablestore_sync.`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from connectors.outcomes import StopRun
from connectors.records import DeadLetter, Header, Original

_CONNECT = "__connect.errors."
_OURS = "__tablestore_sync."
_DIGITS = 9
# How often the record was replayed. It also rides on a record replayed to its own topic.
REPLAYS = _OURS + "replays"
# The block stands behind the record's own headers, always whole and in this order, so that it can
# be told from headers that the record already had.
BLOCK = (
    _CONNECT + "topic",
    _CONNECT + "partition",
    _CONNECT + "offset",
    _CONNECT + "connector.name",
    _CONNECT + "stage",
    _CONNECT + "class.name",
    _CONNECT + "exception.class.name",
    _CONNECT + "exception.message",
    _OURS + "stage",
    _OURS + "code",
    _OURS + "timestamp",
    REPLAYS,
)
# Where each of our stages happens, and the names that Connect has for it.
_STAGES = {
    "decode": ("VALUE_CONVERTER", "connectors.formats.decoding.ChunkDecoder"),
    "transform": ("TRANSFORMATION", "connectors.steps.flat_map_records"),
    "map": ("TASK_PUT", "connectors.mapping.rows.RowMapper"),
    "write": ("TASK_PUT", "connectors.tablestore.writer.Writer"),
}


class Destination(Protocol):
    """Where dead letters go."""

    def prepare(self) -> None:
        """Make sure that it is there, before a record is read. Blocks. Raises StopRun."""
        ...

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when every letter is confirmed.

        Transient trouble is tried again without end. Raises StopRun for what is refused for good.
        """
        ...

    def close(self) -> None:
        """Let go; nothing is promised here."""
        ...


def bytes_of(letter: DeadLetter) -> Original:
    """The record's own bytes. Raises StopRun for a row that waited without them."""
    if letter.original is None:
        raise StopRun(
            f"{letter.coordinates}: rejected ({letter.stage}, {letter.code}), and its own bytes "
            "were not kept: its row waits in the recovery folder since a run whose setting of "
            "errors.dead_letters did not need them.\n  remedy: start once with errors.dead_letters "
            '= "log" and stop with SIGTERM, then set it again'
        )
    return letter.original


def replays(headers: Iterable[Header]) -> int:
    """How often a record with these headers was replayed."""
    count = 0
    for name, value in headers:
        # Anybody may write this header: Python refuses to read thousands of digits.
        if name == REPLAYS and value is not None and value.isdigit() and len(value) <= _DIGITS:
            count = int(value)
    return count


def own_headers(headers: Iterable[Header]) -> list[Header]:
    """The headers that the record came with, without the count of its replays."""
    return [header for header in headers if header[0] != REPLAYS]


def headers_of(letter: DeadLetter, connector: str) -> list[Header]:
    """The record's own headers and, behind them, where it came from and why it is here."""
    timestamp, _, _, headers = bytes_of(letter)
    return [*own_headers(headers), *block_of(letter, connector, timestamp, replays(headers))]


def block_of(
    letter: DeadLetter, connector: str, timestamp: int | None, replayed: int
) -> list[Header]:
    """The headers of BLOCK. `timestamp` is the record's own, in ms."""
    stage, place = _STAGES[letter.stage]
    if letter.stage == "decode" and letter.code.startswith("key_"):
        stage = "KEY_CONVERTER"
    refused = "connectors.outcomes.Reject" if letter.stage == "write" else None
    texts = (
        letter.topic,
        letter.partition,
        letter.offset,
        connector,
        stage,
        place,
        refused or "connectors.records.Rejection",
        letter.reason,
        letter.stage,
        letter.code,
        "" if timestamp is None else timestamp,
        replayed,
    )
    return [(name, str(text).encode()) for name, text in zip(BLOCK, texts, strict=True)]
