"""Chunks: the records of one poll of one Kafka partition, before and after decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, repeat
from typing import Any, NamedTuple

from connectors.errors import Rejection
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
    offsets_unique: bool = False
    """As in `Chunk`, where each record is of a message of its own."""


class Part(NamedTuple):
    """Some neighbours of a uniform chunk: their messages, values, and keys if there are any."""

    messages: Sequence[Message]
    values: Sequence[Any]
    keys: Sequence[Any]

    def without(self, which: Sequence[bool]) -> Part:
        """The same without those of which `which` is true."""
        kept = [not out for out in which]
        return Part(*([*compress(each, kept)] for each in self))


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
        "keys",
        "messages",
        "mixed",
        "names",
        "offsets_unique",
        "optional",
        "partition",
        "topic",
        "value_of",
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
        value_of: Callable[[Message], Any] | None = None,
    ) -> None:
        """`fields_of` gives the fields of a struct in the order of `names`.

        `optional`: a struct may lack fields; `fields_of` gives `ABSENT` for those. `on_records` is
        called when `records` is used. `value_of` gives the value of a message where the fields are
        those of the flattened value.
        """
        self.topic, self.partition, _, self.offsets_unique = chunk
        self.names = names
        self.fields_of = fields_of
        self.optional = optional
        self.value_of = value_of
        # Beside each message its struct, or its dict where the format has no structs, or its whole
        # Record where it has other fields (`mixed`).
        self.messages: Sequence[Message] = []
        self.values: list[Any] = []
        self.mixed = False
        self.keys: Sequence[Any] = []
        """Beside each message its decoded key; empty where keys are not decoded."""
        self.dead_letters: list[DeadLetter] = []
        self._records: list[Record] | None = None
        self._on_records = on_records

    @classmethod
    def of_records(cls, chunk: RecordChunk) -> UniformChunk | None:
        """The same records; None where they have no fields in common, or tables of their own."""
        records = chunk.records
        rows = (one.value for one in records if one.change == "upsert")
        names = next(((*value,) for value in rows if type(value) is dict), ())
        own = Chunk(chunk.topic, chunk.partition, (), chunk.offsets_unique)
        made = cls(own, names, _fields_of)
        add = made.values.append
        others = 0
        for record in records:
            value = record.value
            if record.table is not None:
                return None
            if type(value) is dict and (*value,) == names and record.change == "upsert":
                add(value)
            else:
                add(record)
                others += 1
        if 2 * others >= len(records):
            return None
        made.mixed = others > 0
        made.messages = [record.message for record in records]
        made.keys = [record.key for record in records]
        made.dead_letters = chunk.dead_letters
        return made

    @classmethod
    def of_values(
        cls, chunk: Chunk, messages: list[Message], values: list[Any], keys: list[Any]
    ) -> UniformChunk | None:
        """Decoded values beside their messages and keys; None where they have no fields in common.

        Entries of `values` that differ become records.
        """
        names = next(((*value,) for value in values if type(value) is dict), ())
        others = [
            at for at, value in enumerate(values) if type(value) is not dict or (*value,) != names
        ]
        if 2 * len(others) >= len(values):
            return None
        made = cls(chunk, names, _fields_of)
        for at in others:
            values[at] = Record(messages[at], values[at], keys[at] if keys else None)
        made.mixed = bool(others)
        made.messages, made.values, made.keys = messages, values, keys
        return made

    @property
    def records(self) -> list[Record]:
        """The records, made when they are first asked for."""
        if self._records is None:
            if self._on_records is not None:
                self._on_records()
            keys = self.keys or repeat(None)
            self._records = [*map(self.record_of, self.messages, self.values, keys)]
        return self._records

    def part(self, which: slice) -> Part:
        """The messages, values and keys of a slice of this chunk."""
        return Part(self.messages[which], self.values[which], self.keys[which])

    def record_of(self, message: Message, value: Any, key: Any) -> Record:
        """The record of a message and its entries in `values` and `keys`."""
        if type(value) is Record:
            return value
        if type(value) is dict:
            return Record(message, value, key)
        if self.value_of is not None:
            return Record(message, self.value_of(message), key)
        fields = zip(self.names, self.fields_of(value), strict=True)
        if self.optional:
            return Record(message, {name: item for name, item in fields if item is not ABSENT}, key)
        return Record(message, dict(fields), key)

    def changed(
        self, names: tuple[str, ...], fields_of: Callable[[Any], tuple[Any, ...]]
    ) -> UniformChunk:
        """A chunk of other names, with no values yet."""
        chunk = Chunk(self.topic, self.partition, (), self.offsets_unique)
        out = UniformChunk(
            *(chunk, names, fields_of),
            optional=self.optional,
            on_records=self._on_records,
            value_of=self.value_of,
        )
        out.dead_letters, out.mixed = [*self.dead_letters], self.mixed
        return out

    def with_field(self, name: str, made: Callable[[Message], Any]) -> UniformChunk:
        """The chunk with one more field, of each message; Rejection leaves a record as it was."""
        out = self.changed((*self.names, name), tuple)
        out.messages, out.keys = self.messages, self.keys
        for at, (message, value) in enumerate(zip(self.messages, self.values, strict=True)):
            if type(value) is not Record:
                try:
                    value = (*self.fields_of(value), made(message))
                except Rejection:
                    value = self.record_of(message, value, self.keys[at] if self.keys else None)
                    out.mixed = True
            out.values.append(value)
        return out


def _fields_of(value: dict[str, Any]) -> tuple[Any, ...]:
    return (*value.values(),)


class Absent:
    """The type of `ABSENT`."""


# In place of a field that an object does not have, where that differs from null.
ABSENT = Absent()

DecodedChunk = RecordChunk | UniformChunk
