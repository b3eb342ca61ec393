"""The values that travel through the flow, in the order in which a record takes their shapes.

`Chunk` (raw messages of one poll) -> `Record` (decoded) -> `Segment` (rows as bytes, as they go on
the wire) -> `Batch` (what a shard writes next). What cannot go on is a `DeadLetter`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

Header = tuple[str, bytes | None]


class Message(Protocol):
    """The part of `confluent_kafka.Message` that the flow uses, with its types."""

    def topic(self) -> Any:
        """Kafka topic."""
        ...

    def partition(self) -> Any:
        """Kafka partition."""
        ...

    def offset(self) -> Any:
        """Kafka offset."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """(kind, ms since 1970); kind 0 when there is none."""
        ...

    def key(self) -> Any:
        """Key bytes, or None."""
        ...

    def value(self) -> Any:
        """Value bytes, or None for a tombstone."""
        ...

    def headers(self) -> Any:
        """Headers, or None."""
        ...

    def __len__(self) -> int:
        """Bytes of the value."""
        ...


class Chunk(NamedTuple):
    """Messages of one poll of one partition, in offset order."""

    topic: str
    partition: int
    messages: Sequence[Message]
    # Offsets rise here, and none of these offsets comes again in another chunk of the run. Not so
    # where messages are made again out of dead letters.
    once: bool = True


Change = Literal["upsert", "delete"]


class Unavailable(enum.Enum):
    """The one value of a field that its source did not send: the column stays as it is.

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
    # "delete": the row of this record's key shall go, and `value` holds fields of the row that was.
    change: Change = "upsert"
    # The table it goes to; None: as [mapping] says.
    table: str | None = None

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
        """Milliseconds since 1970, as producer or broker set it; None when it is not set."""
        kind, value = self.message.timestamp()
        return value if kind else None

    @property
    def headers(self) -> list[Header]:
        """Kafka headers, in order; a name may repeat."""
        return self.message.headers() or []

    def with_value(self, value: Any) -> Record:
        """The same record with another value; coordinates and original bytes stay."""
        return Record(self.message, value, self.key, self.change, self.table)


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
        self._place = (topic, partition, offset)
        self._timestamp = timestamp
        self._key = key
        self._value = value
        self._headers = list(headers)

    def topic(self) -> str:
        """As in `Message`."""
        return self._place[0]

    def partition(self) -> int:
        """As in `Message`."""
        return self._place[1]

    def offset(self) -> int:
        """As in `Message`."""
        return self._place[2]

    def timestamp(self) -> tuple[int, int]:
        """As in `Message`."""
        return (0, -1) if self._timestamp is None else (1, self._timestamp)

    def key(self) -> bytes | None:
        """As in `Message`."""
        return self._key

    def value(self) -> bytes | None:
        """As in `Message`."""
        return self._value

    def headers(self) -> list[Header] | None:
        """As in `Message`."""
        return self._headers or None

    def __len__(self) -> int:
        """As in `Message`."""
        return len(self._value or b"")


# A record's own bytes, kept beside its row where dead letters must carry them:
# (timestamp in ms or None, key, value, headers). Plain, since it may wait in the recovery store.
Original = tuple[int | None, bytes | None, bytes | None, tuple[Header, ...]]

Stage = Literal["decode", "transform", "map", "write"]


class DeadLetter(NamedTuple):
    """A record that cannot become a row, or whose row was refused, with the reason.

    `code` is a short stable word for counting, `reason` a sentence without the record's values.
    """

    topic: str
    partition: int
    offset: int
    stage: Stage
    code: str
    reason: str
    original: Original | None = None

    @property
    def coordinates(self) -> str:
        """Where the record stands in Kafka."""
        return f"topic {self.topic} partition {self.partition} offset {self.offset}"


class Rejection(Exception):  # noqa: N818 - it is a verdict on a record, not a failure of the run
    """Raised while a record is decoded, transformed or mapped: this record cannot go on."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class RecordChunk(NamedTuple):
    """The records of one chunk, with those that fell out on the way."""

    topic: str
    partition: int
    records: list[Record]
    dead: list[DeadLetter]


class Quick(NamedTuple):
    """How a format decodes what is good, without knowing reasons for what is not."""

    # Bytes to a value; raises one of `bad`.
    decode: Callable[[bytes], Any]
    # For names: a function of bytes that hold just these fields; raises one of `bad`.
    decoder_of: Callable[[tuple[str, ...]], Callable[[bytes], Any]]
    # What that function returns, as its values in the order of the names.
    values: Callable[[Any], tuple[Any, ...]]
    # For wanted names and others: both functions, for bytes that hold any of these fields. The
    # values are those of the wanted names, None for what is absent.
    some_of: Callable[
        [tuple[str, ...], tuple[str, ...]],
        tuple[Callable[[bytes], Any], Callable[[Any], tuple[Any, ...]]],
    ]
    bad: tuple[type[Exception], ...]


class DecodingChunk:
    """A chunk that is decoded when its records are asked for.

    Where no step stands between decode and map_rows, the mapping takes the messages and decodes
    each right before it encodes it: a value that is still in the processor's cache costs half.
    """

    __slots__ = ("_open", "_opened", "messages", "once", "partition", "quick", "topic")

    def __init__(
        self,
        chunk: Chunk,
        open_chunk: Callable[[Chunk], RecordChunk],
        quick: Quick,
    ) -> None:
        self.topic, self.partition, self.messages, self.once = chunk
        self.quick = quick
        self._open = open_chunk
        self._opened: RecordChunk | None = None

    def opened(self) -> RecordChunk:
        """All of it, decoded once."""
        if self._opened is None:
            self._opened = self._open(Chunk(self.topic, self.partition, self.messages, self.once))
        return self._opened

    def alone(self, message: Message) -> RecordChunk:
        """One message of the chunk, decoded with its reasons."""
        return self._open(Chunk(self.topic, self.partition, [message]))

    @property
    def records(self) -> list[Record]:
        """The records."""
        return self.opened().records

    @property
    def dead(self) -> list[DeadLetter]:
        """Those that could not be decoded."""
        return self.opened().dead


Records = RecordChunk | DecodingChunk


# Rows of one chunk for one shard, in offset order:
# (table, topic, partition,
#  identities: each row's primary key as bytes, or nothing where the offset is the key and no row of
#  another segment has it,
#  wires: the rows' parts of the request, end to end,
#  offsets, originals: each record's own bytes, or nothing where dead letters do not need them).
# They wait in windows and in the recovery store, so they are made of plain types. One piece of
# bytes instead of an object a row keeps them cheap to hold, to copy into a request, and out of the
# garbage collector's way.
Segment = tuple[str, str, int, list[bytes], bytes, Sequence[int], list[Original]]

# What map_rows sends to a shard, and what a window sends on to the sink.
Batch = tuple[list[Segment], list[DeadLetter]]


class Row(NamedTuple):
    """One row of a segment, for when it must be dealt with by itself."""

    identity: bytes
    wire: bytes
    table: str
    topic: str
    partition: int
    offset: int
    original: Original | None

    @property
    def key(self) -> tuple[str, bytes]:
        """What tells it from every other row: table and primary key."""
        return self.table, self.identity

    def refused(self, code: str, reason: str) -> DeadLetter:
        """The dead letter of a row that the service refused."""
        return DeadLetter(
            self.topic, self.partition, self.offset, "write", code, reason, self.original
        )


def size_of(segment: Segment) -> int:
    """The bytes of its rows."""
    return len(segment[4])


def count_of(segment: Segment) -> int:
    """The number of its rows."""
    return len(segment[5])


def rows_of(segment: Segment) -> list[Row]:
    """The rows of a segment one by one."""
    table, topic, partition, identities, wires, offsets, originals = segment
    keys = identities or [b"%b %d %d" % (topic.encode(), partition, each) for each in offsets]
    kept: Sequence[Original | None] = originals or [None] * len(offsets)
    starts = row_starts(wires)
    return [
        Row(identity, wires[start:end], table, topic, partition, offset, original)
        for identity, start, end, offset, original in zip(
            keys, starts, [*starts, len(wires)][1:], offsets, kept, strict=True
        )
    ]


def row_starts(wires: bytes) -> list[int]:
    """Where each row begins: it is a field of a protobuf message, so it tells its length."""
    starts: list[int] = []
    at = 0
    while at < len(wires):
        starts.append(at)
        at += 1
        length = shift = 0
        while wires[at] > 0x7F:
            length |= (wires[at] & 0x7F) << shift
            shift += 7
            at += 1
        at += 1 + (length | wires[at] << shift)
    return starts


def split(segment: Segment, at: int) -> tuple[Segment, Segment]:
    """The first `at` rows of a segment, and the others."""
    table, topic, partition, identities, wires, offsets, originals = segment
    starts = row_starts(wires)
    cut = starts[at] if at < len(starts) else len(wires)
    return (
        (
            table,
            topic,
            partition,
            identities[:at],
            wires[:cut],
            offsets[:at],
            originals[:at],
        ),
        (
            table,
            topic,
            partition,
            identities[at:],
            wires[cut:],
            offsets[at:],
            originals[at:],
        ),
    )


def original(message: Message) -> Original:
    """The message's own bytes, as a dead letter carries them."""
    kind, timestamp = message.timestamp()
    headers = tuple(message.headers() or ())
    return timestamp if kind else None, message.key(), message.value(), headers
