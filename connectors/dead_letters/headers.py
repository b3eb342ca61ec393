"""Dead letters as messages: their headers.

The names are those of Kafka Connect's dead letter queue [connect-dlq], so that its users and their
tools can read them; a header that Connect has no name for begins with `__tablestore_sync.`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.errors import StopRun
from connectors.records import DeadLetter, Header, Original

_CONNECT = "__connect.errors."
_OURS = "__tablestore_sync."
_MAX_DIGITS = 9
# How often the record was replayed. A record replayed to its own topic has this header too.
REPLAYS = _OURS + "replays"
# This block follows the record's own headers, always complete and in this order, so that it can be
# distinguished from headers that the record already had.
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
# Connect's name of each stage, and the value for the class that failed. These strings are data in
# users' topics: they never change when our modules are renamed.
_STAGES = {
    "decode": ("VALUE_CONVERTER", "tablestore_sync.decode"),
    "transform": ("TRANSFORMATION", "tablestore_sync.transform"),
    "map": ("TASK_PUT", "tablestore_sync.map"),
    "write": ("TASK_PUT", "tablestore_sync.write"),
}


def bytes_of(dead_letter: DeadLetter) -> Original:
    """The record's own bytes. Raises StopRun when its row waited in recovery without them."""
    if dead_letter.original is None:
        raise StopRun(
            f"{dead_letter.coordinates}: rejected ({dead_letter.stage}, {dead_letter.code}), and "
            "its own bytes were not kept: its row comes from the recovery folder, written by a run "
            "whose errors.dead_letters did not need them.\n  remedy: start once with "
            'errors.dead_letters = "log" and stop with SIGTERM, then set it again'
        )
    return dead_letter.original


def replays(headers: Iterable[Header]) -> int:
    """How often a record with these headers was replayed; 0 without the header."""
    count = 0
    for name, value in headers:
        # Any producer may write this header, and Python raises on thousands of digits.
        if name == REPLAYS and value is not None and value.isdigit() and len(value) <= _MAX_DIGITS:
            count = int(value)
    return count


def own_headers(headers: Iterable[Header]) -> list[Header]:
    """The headers that the record came with: all but the count of its replays."""
    return [header for header in headers if header[0] != REPLAYS]


def coordinates_in(headers: Sequence[Header]) -> tuple[str, int, int] | None:
    """Topic, partition and offset of a dead letter's record; None for any other message."""
    block = headers[-len(BLOCK) :]
    if tuple(name for name, _ in block) != BLOCK:
        return None
    try:
        topic, partition, offset = ((value or b"").decode() for _, value in block[:3])
        return topic, int(partition), int(offset)
    except ValueError:  # any producer may write to the topic
        return None


def headers_of(dead_letter: DeadLetter, connector: str) -> list[Header]:
    """The record's own headers, then BLOCK. `connector` is the consumer group. Raises StopRun."""
    timestamp, _, _, headers = bytes_of(dead_letter)
    return [*own_headers(headers), *block_of(dead_letter, connector, timestamp, replays(headers))]


def block_of(
    dead_letter: DeadLetter, connector: str, timestamp: int | None, replayed: int
) -> list[Header]:
    """The headers of BLOCK. `timestamp` is the record's own in ms, `replayed` the replay count."""
    stage, class_name = _STAGES[dead_letter.stage]
    if dead_letter.stage == "decode" and dead_letter.code.startswith("key_"):
        stage = "KEY_CONVERTER"
    rejected_by_service = dead_letter.stage == "write"
    texts = (
        dead_letter.topic,
        dead_letter.partition,
        dead_letter.offset,
        connector,
        stage,
        class_name,
        "tablestore_sync.RowRefused" if rejected_by_service else "tablestore_sync.Rejection",
        dead_letter.reason,
        dead_letter.stage,
        dead_letter.code,
        "" if timestamp is None else timestamp,
        replayed,
    )
    return [(name, str(text).encode()) for name, text in zip(BLOCK, texts, strict=True)]
