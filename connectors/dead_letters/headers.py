"""Dead letters as messages: where they may go, and what stands in their headers.

The names are those of Kafka Connect's dead letter queue, so that its users and their tools read
them at once; what Connect has no name for begins with `__tablestore_sync.`.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.errors import StopRun
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
# Connect's name of each stage, and what stands for the class that failed. These strings are data in
# the topics of users, so they never change, whatever our modules are called.
_STAGES = {
    "decode": ("VALUE_CONVERTER", "tablestore_sync.decode"),
    "transform": ("TRANSFORMATION", "tablestore_sync.transform"),
    "map": ("TASK_PUT", "tablestore_sync.map"),
    "write": ("TASK_PUT", "tablestore_sync.write"),
}


def bytes_of(dead_letter: DeadLetter) -> Original:
    """The record's own bytes. Raises StopRun for a row that waited without them."""
    if dead_letter.original is None:
        raise StopRun(
            f"{dead_letter.coordinates}: rejected ({dead_letter.stage}, {dead_letter.code}), and "
            "its own bytes were not kept: its row waits in the recovery folder since a run whose "
            "errors.dead_letters did not need them.\n  remedy: start once with "
            'errors.dead_letters = "log" and stop with SIGTERM, then set it again'
        )
    return dead_letter.original


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


def headers_of(dead_letter: DeadLetter, connector: str) -> list[Header]:
    """The record's own headers and, behind them, where it came from and why it is here."""
    timestamp, _, _, headers = bytes_of(dead_letter)
    return [*own_headers(headers), *block_of(dead_letter, connector, timestamp, replays(headers))]


def block_of(
    dead_letter: DeadLetter, connector: str, timestamp: int | None, replayed: int
) -> list[Header]:
    """The headers of BLOCK. `timestamp` is the record's own, in ms."""
    stage, place = _STAGES[dead_letter.stage]
    if dead_letter.stage == "decode" and dead_letter.code.startswith("key_"):
        stage = "KEY_CONVERTER"
    refused = "tablestore_sync.RowRefused" if dead_letter.stage == "write" else None
    texts = (
        dead_letter.topic,
        dead_letter.partition,
        dead_letter.offset,
        connector,
        stage,
        place,
        refused or "tablestore_sync.Rejection",
        dead_letter.reason,
        dead_letter.stage,
        dead_letter.code,
        "" if timestamp is None else timestamp,
        replayed,
    )
    return [(name, str(text).encode()) for name, text in zip(BLOCK, texts, strict=True)]
