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
    offsets_unique: bool = True
    """Whether offsets rise in the chunk, and occur in no other chunk of the run; false for messages
    that are restored from dead letters."""


class RecordChunk(NamedTuple):
    """The records of one chunk, and the dead letters of those that were rejected so far."""

    topic: str
    partition: int
    records: list[Record]
    dead_letters: list[DeadLetter]


class UniformChunk:
    """A chunk whose values are objects of the same fields, each decoded into a struct.

    A struct costs half of a dict, and the mapping encodes rows straight from it. A step between
    decode and map_rows takes `records`, whose values are dicts.
    """

    __slots__ = (
        "_on_records",
        "_records",
        "dead_letters",
        "fields_of",
        "messages",
        "mixed",
        "names",
        "offsets_unique",
        "optional",
        "partition",
        "topic",
        "values",
    )

    def __init__(
        self,
        chunk: Chunk,
        names: tuple[str, ...],
        fields_of: Callable[[Any], tuple[Any, ...]],
        *,
        optional: bool = False,
        on_records: Callable[[], None] | None = None,
    ) -> None:
        """`fields_of` gives the fields of a struct in the order of `names`.

        `optional`: a struct may lack fields; `fields_of` gives `ABSENT` for those. `on_records` is
        called when `records` is used.
        """
        self.topic, self.partition, _, self.offsets_unique = chunk
        self.names = names
        self.fields_of = fields_of
        self.optional = optional
        # For each message its struct, or its whole Record if it has other fields (`mixed`).
        self.messages: Sequence[Message] = []
        self.values: list[Any] = []
        self.mixed = False
        self.dead_letters: list[DeadLetter] = []
        self._records: list[Record] | None = None
        self._on_records = on_records

    @property
    def records(self) -> list[Record]:
        """The records, made when they are first asked for."""
        if self._records is None:
            if self._on_records is not None:
                self._on_records()
            self._records = [*map(self.record_of, self.messages, self.values)]
        return self._records

    def record_of(self, message: Message, value: Any) -> Record:
        """The record of a message and its entry in `values`."""
        if type(value) is Record:
            return value
        fields = zip(self.names, self.fields_of(value), strict=True)
        if self.optional:
            return Record(message, {name: item for name, item in fields if item is not ABSENT})
        return Record(message, dict(fields))


class Absent:
    """The type of `ABSENT`."""


# In place of a field that an object does not have, where that differs from null.
ABSENT = Absent()

DecodedChunk = RecordChunk | UniformChunk
