"""Decoding one record at a time: every format, every header, and what is wrong with each.

Chunks of like values take chunk_decoder.py; what is odd about a message is found out here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from connectors.errors import Rejection
from connectors.formats import json
from connectors.formats.factory import decoders
from connectors.formats.json_envelope import is_envelope
from connectors.formats.registry_client import Wait
from connectors.records import (
    Chunk,
    DeadLetter,
    DecodedChunk,
    Message,
    Record,
    RecordChunk,
    SkippedBatch,
    UniformChunk,
    headers_of,
)
from connectors.settings import Settings
from connectors.settings.transforms import Function, needs_key

Decode = Callable[[bytes], Any]

# Messages that are decoded again, one by one, where one of them is bad.
_TOGETHER = 100
# The headers of Confluent's serializers, as of version 8 [schema-registry].
_VALUE_HEADER, _KEY_HEADER = "__value_schema_id", "__key_schema_id"


class RecordDecoder:
    """Decodes values, and keys where the table's key or a transform is taken from them."""

    def __init__(self, settings: Settings, keep_original: bool, wait: Wait | None) -> None:
        """Take the same arguments as `ChunkDecoder`."""
        self._settings = settings
        self._value, self._key = decoders(settings.format, wait)
        self._keep_original = keep_original
        self._max_bytes = settings.format.max_bytes
        # The headers that may hold schema ids, by what is looked for there.
        in_headers = settings.format.schema_ids_in_headers
        self._value_header = _VALUE_HEADER if settings.format.value in in_headers else None
        self._key_header = _KEY_HEADER if settings.format.key in in_headers else None
        # JSON keys up to this length are decoded without checks.
        self._max_bare_key = -1
        if settings.format.key == "json":
            self._max_bare_key = min(json.MAX_VALUES, self._max_bytes)
        self._needs_key: dict[str, bool] = {}

    def reads_key(self, topic: str) -> bool:
        """Whether the records of a topic need their keys."""
        if topic not in self._needs_key:
            self._needs_key[topic] = needs_key(self._settings.transforms) or any(
                self._settings.rules_of(table).reads_key for table in self._tables_of(topic)
            )
        return self._needs_key[topic]

    def _tables_of(self, topic: str) -> set[str]:
        """The tables that its records may go to, as far as the settings say."""
        settings = self._settings
        tables = {settings.table_of(topic), *settings.mapping.route_tables}
        if any(isinstance(transform, Function) for transform in settings.transforms):
            tables.update(settings.known_tables())
        return tables

    def one_by_one(self, chunk: Chunk) -> RecordChunk:
        """The records of a chunk, and dead letters of those that cannot be decoded."""
        if chunk.messages and isinstance(chunk.messages[0], SkippedBatch):
            skipped = [chunk.messages[0].dead_letter()]
            return RecordChunk(chunk.topic, chunk.partition, [], skipped)
        reads_key = self.reads_key(chunk.topic)
        records: list[Record] = []
        dead_letters: list[DeadLetter] = []
        for message in chunk.messages:
            one = self._decode_one(message, reads_key)
            if isinstance(one, Record):
                records.append(one)
            else:
                dead_letters.append(one)
        unique = chunk.offsets_unique
        return RecordChunk(chunk.topic, chunk.partition, records, dead_letters, unique)

    def together(self, chunk: Chunk) -> DecodedChunk:
        """The chunk by decoders that take one value at a time; a bad one costs its neighbours."""
        max_length = max(map(len, chunk.messages), default=0)
        if max_length > self._max_bytes or self._value_header is not None:
            return self.one_by_one(chunk)
        reads_key = self.reads_key(chunk.topic)
        messages: list[Message] = []
        values: list[Any] = []
        keys: list[Any] = []
        dead_letters: list[DeadLetter] = []
        decode = self._value
        for start in range(0, len(chunk.messages), _TOGETHER):
            some = chunk.messages[start : start + _TOGETHER]
            some_keys = self.keys(some) if reads_key else []
            try:
                if DeadLetter not in map(type, some_keys):
                    # Without a value its length is 0.
                    made = [decode(one.value()) if len(one) else None for one in some]
                    if None not in made:
                        messages += some
                        values += made
                        keys += some_keys
                        continue
            except Rejection:
                pass
            for message in some:
                one = self._decode_one(message, reads_key)
                if isinstance(one, DeadLetter):
                    dead_letters.append(one)
                    continue
                messages.append(message)
                values.append(one.value)
                if reads_key:
                    keys.append(one.key)
        uniform = UniformChunk.of_values(chunk, messages, values, keys)
        if uniform is not None:
            uniform.dead_letters = dead_letters
            return uniform
        records = [*map(Record, messages, values, keys or repeat(None))]
        return RecordChunk(
            chunk.topic, chunk.partition, records, dead_letters, chunk.offsets_unique
        )

    def keys(self, messages: Sequence[Message]) -> list[Any]:
        """The decoded keys; in the place of a bad one its dead letter."""
        data = [message.key() for message in messages]
        decode = json.decode_bare
        try:
            if max(map(len, data)) <= self._max_bare_key:
                keys = [*map(decode, data)]
                if dict not in map(type, keys):
                    return keys
                if not any(map(is_envelope, keys)):
                    return keys
        except (*json.UNDECODABLE, TypeError):  # one of them is bad or null: find out which
            pass
        return [*map(self._key_of, messages)]

    def _key_of(self, message: Message) -> Any:
        try:
            return self._nullable(self._key, message.key(), self._key_header, message)
        except Rejection as rejection:
            return self._dead(message, "key", rejection)

    def _decode_one(self, message: Message, reads_key: bool) -> Record | DeadLetter:
        key = self._key_of(message) if reads_key else None
        return key if isinstance(key, DeadLetter) else self.value_of(message, key)

    def value_of(self, message: Message, key: Any) -> Record | DeadLetter:
        """The record of a message with this key."""
        try:
            value = self._nullable(self._value, message.value(), self._value_header, message)
        except Rejection as rejection:
            return self._dead(message, "value", rejection)
        return Record(message, value, key)

    def _dead(self, message: Message, side: str, rejection: Rejection) -> DeadLetter:
        return DeadLetter.of(
            message,
            "decode",
            f"{side}_{rejection.code}",
            f"the {side} is {rejection.reason}",
            self._keep_original,
        )

    def _nullable(
        self, decode: Decode, data: bytes | None, header: str | None, message: Message
    ) -> Any:
        """Decode a key or value unless it is null; `header` may hold its schema id."""
        if data is None:
            return None
        if len(data) > self._max_bytes:
            raise Rejection(
                "size", f"longer than {self._max_bytes:,} bytes, which is format.max_bytes"
            )
        if header is not None:
            data = _schema_id(message, header) + data
        return decode(data)


def _schema_id(message: Message, header: str) -> bytes:
    """The schema id in the last header of this name; no bytes without one."""
    found = [value for name, value in headers_of(message) if name == header and value]
    return bytes(found[-1]) if found else b""
