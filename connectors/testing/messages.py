"""Kafka messages and decoded records, made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.records import PlainMessage, Record


def message(
    value: Any,
    key: Any = None,
    *,
    topic: str = "",
    partition: int = 0,
    offset: int | None = None,
    timestamp: int | None = None,
    headers: Mapping[str, bytes | None] | Sequence[tuple[str, bytes | None]] = (),
) -> PlainMessage:
    """A message as it is in Kafka.

    Bytes are taken as they are, a string as its UTF-8, None as none (a value of None is a
    tombstone), and anything else as its JSON. Without `topic` it is of the first topic of the
    configuration, and without `offset` it has the next one of its partition. `timestamp` is in ms
    since 1970; without it the flow's clock says.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return PlainMessage(
        topic,
        partition,
        -1 if offset is None else offset,
        timestamp=timestamp,
        key=_bytes(key),
        value=_bytes(value),
        headers=[*pairs],
    )


def record(
    value: Any,
    key: Any = None,
    *,
    topic: str = "topic",
    partition: int = 0,
    offset: int = 0,
    timestamp: int | None = None,
    headers: Mapping[str, bytes | None] | Sequence[tuple[str, bytes | None]] = (),
) -> Record:
    """A decoded record, as a step takes it; `value` and `key` are the decoded ones."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    source = PlainMessage(topic, partition, offset, timestamp=timestamp, headers=[*pairs])
    return Record(source, value, key)


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
