"""`DeadLetter`: a record that cannot be written, with the reason and its original bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from connectors.records.headers import has_headers, readable_headers
from connectors.records.record import Header, Message, timestamp_of

# A record's own bytes, kept with its row if dead letters must carry them:
# (timestamp in ms or None, key, value, headers). Plain, since it may wait in the recovery store.
Original = tuple[int | None, bytes | None, bytes | None, tuple[Header, ...]]

Stage = Literal["decode", "transform", "map", "write"]


class DeadLetter(NamedTuple):
    """A record that cannot become a row, or whose row the service rejected, with the reason.

    `code` is a short stable word for counting, `reason` a sentence without the record's values.
    """

    topic: str
    partition: int
    offset: int
    stage: Stage
    code: str
    reason: str
    original: Original | None = None

    @classmethod
    def of(
        cls, message: Message, stage: Stage, code: str, reason: str, keep_original: bool
    ) -> DeadLetter:
        """The dead letter of a message; `keep_original` copies its bytes into it."""
        return cls(
            message.topic(),
            message.partition(),
            message.offset(),
            stage,
            code,
            reason,
            original(message) if keep_original else None,
        )

    @property
    def coordinates(self) -> str:
        """Topic, partition and offset of the record, as texts name them."""
        return f"topic {self.topic} partition {self.partition} offset {self.offset}"


def original(message: Message) -> Original:
    """The message's own bytes, as a dead letter carries them, and the headers that are readable."""
    headers = tuple(readable_headers(message))
    return timestamp_of(message), message.key(), message.value(), headers


def originals(messages: Sequence[Message]) -> list[Original]:
    """`original` of each message; those of messages without headers take less time."""
    if any(map(has_headers, messages)):
        return [*map(original, messages)]
    return [
        (found if timestamp_type and found > 0 else None, message.key(), message.value(), ())
        for message, (timestamp_type, found) in [(one, one.timestamp()) for one in messages]
    ]
