"""`Record`: what a step of the flow takes and returns; and the Kafka message behind it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from connectors.errors import Rejection
from connectors.records.headers import headers_of

Header = tuple[str, bytes | None]


class Message(Protocol):
    """The part of `confluent_kafka.Message` that the flow uses, with its types."""

    def topic(self) -> Any:
        """The Kafka topic."""
        ...

    def partition(self) -> Any:
        """The Kafka partition."""
        ...

    def offset(self) -> Any:
        """The Kafka offset."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """(timestamp type, ms since 1970); type 0 when there is none, as librdkafka has it."""
        ...

    def key(self) -> Any:
        """The bytes of the key, or None."""
        ...

    def value(self) -> Any:
        """Value bytes, or None for a tombstone."""
        ...

    def headers(self) -> Any:
        """Headers, or None. Only records/headers.py calls this: see there."""
        ...

    def set_headers(self, headers: Any, /) -> None:
        """Replace the headers."""
        ...

    def __len__(self) -> int:
        """The size of the value in bytes."""
        ...


def timestamp_of(message: Message) -> int | None:
    """The message's time in ms since 1970, as producer or broker set it; None without one.

    Kafka's -1 means that there is none, also under the type CREATE_TIME. Clients leave 0 where they
    knew no time, and no record is older than Kafka: a time that is not after 1970 counts as none.
    """
    timestamp_type, value = message.timestamp()
    return value if timestamp_type and value > 0 else None


Change = Literal["upsert", "delete"]


class Unavailable(enum.Enum):
    """The value of a field that its source did not send: the column stays as it is.

    Debezium leaves out large values that did not change. An update skips such a column; a put,
    which would lose it, rejects the record.
    """

    UNAVAILABLE = "unavailable"


UNAVAILABLE = Unavailable.UNAVAILABLE


class Record(msgspec.Struct, gc=False, weakref=False):
    """One decoded record: what a user's step takes and returns.

    `value` and `key` are decoded; `key` is None where the mapping needs no key. The rest is read
    from the message when asked for.
    """

    message: Message
    value: Any
    key: Any = None
    # "delete": the row of this record's key is deleted, and `value` has fields of the old row.
    change: Change = "upsert"
    # The table that it goes to; None: chosen by [mapping].
    table: str | None = None
    # Where the record's coordinates are the key and records are exploded: its position in each
    # list that it was in, by the name of the key column.
    positions: dict[str, int] | None = None

    @property
    def topic(self) -> str:
        """Kafka topic."""
        topic: str = self.message.topic()
        return topic

    @property
    def partition(self) -> int:
        """Kafka partition."""
        partition: int = self.message.partition()
        return partition

    @property
    def offset(self) -> int:
        """Kafka offset in the partition."""
        offset: int = self.message.offset()
        return offset

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since 1970, as `timestamp_of` has it."""
        return timestamp_of(self.message)

    @property
    def headers(self) -> list[Header]:
        """Kafka headers, in order; a name may repeat. Raises Rejection for an unreadable name."""
        return headers_of(self.message)

    def with_value(self, value: Any) -> Record:
        """The same record with another value; coordinates and original bytes stay."""
        return Record(self.message, value, self.key, self.change, self.table, self.positions)

    def with_key(self, key: Any) -> Record:
        """The same record with another key."""
        return Record(self.message, self.value, key, self.change, self.table, self.positions)


def position_lost() -> Rejection:
    """What to raise for a record without the position that the key of its table needs."""
    return Rejection(
        "explode_position",
        "a step after explode made a new Record, which has no position for the row's key: take "
        "record.with_value(...)",
    )


class PlainMessage:
    """A message made by hand, for tests of user steps: `Record(PlainMessage(), {"amount": 1})`."""

    def __init__(
        self,
        topic: str = "topic",
        partition: int = 0,
        offset: int = 0,
        *,
        timestamp: int | None = None,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        self._coordinates = (topic, partition, offset)
        self._timestamp = timestamp
        self._key = key
        self._value = value
        self._headers = list(headers)

    def topic(self) -> str:
        """The Kafka topic, as in confluent_kafka's `Message`."""
        return self._coordinates[0]

    def partition(self) -> int:
        """The partition of the topic, as in confluent_kafka's `Message`."""
        return self._coordinates[1]

    def offset(self) -> int:
        """The offset in the partition, as in confluent_kafka's `Message`."""
        return self._coordinates[2]

    def timestamp(self) -> tuple[int, int]:
        """The pair (type, ms since 1970) of the timestamp; (0, -1) if there is none."""
        return (0, -1) if self._timestamp is None else (1, self._timestamp)

    def key(self) -> bytes | None:
        """The bytes of the key, or None, as in confluent_kafka's `Message`."""
        return self._key

    def value(self) -> bytes | None:
        """The bytes of the value, or None, as in confluent_kafka's `Message`."""
        return self._value

    def headers(self) -> list[Header] | None:
        """The headers, or None, as in confluent_kafka's `Message`."""
        return self._headers or None

    def set_headers(self, value: list[Header], /) -> None:
        """Replace the headers, as in confluent_kafka's `Message`."""
        self._headers = value

    def __len__(self) -> int:
        """The size of the value in bytes, 0 for a tombstone."""
        return len(self._value or b"")
