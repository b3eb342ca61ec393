"""Chunks: the records of one poll of one Kafka partition, before and after decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connectors.records.dead_letter import DeadLetter
from connectors.records.record import Message, Record


class Chunk(NamedTuple):
    """Messages of one poll of one partition, in offset order."""

    topic: str
    partition: int
    messages: Sequence[Message]
    # Offsets rise here, and none of these offsets comes again in another chunk of the run. Not so
    # where messages are made again out of dead letters.
    once: bool = True


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
