"""The decode step: chunks of messages to chunks of records, each bad one set aside alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import astuple

from connectors.errors import Rejection
from connectors.formats import json
from connectors.formats.factory import decoders
from connectors.formats.schema_registry import Wait
from connectors.records import (
    Chunk,
    DeadLetter,
    DecodingChunk,
    Quick,
    Record,
    RecordChunk,
    Records,
    original,
)
from connectors.settings import Settings
from connectors.settings.transforms import Function, needs_key

Decode = Callable[[bytes], Any]


# The quick ways that there are, by the format's word.
_QUICK = {"json": Quick(json.decode_good, json.decoder_of, astuple, json.decoder_of_some, json.BAD)}


def _impatient(reason: str) -> None:
    raise RuntimeError(reason)


class ChunkDecoder:
    """Decodes values, and keys where the table's key or a transform is taken from them."""

    def __init__(
        self, settings: Settings, keep_original: bool = False, wait: Wait = _impatient
    ) -> None:
        """`wait` is called while a Schema Registry does not answer."""
        self._settings = settings
        self._value, self._key = decoders(settings.format, wait)
        self._quick = _QUICK.get(settings.format.value)
        self._keep_original = keep_original
        self._most_bytes = settings.format.most_bytes
        self._careful = min(json.MOST_VALUES, self._most_bytes)
        self._needs_key: dict[str, bool] = {}

    def decode_chunk(self, chunk: Chunk) -> Records:
        """The chunk's records, decoded at the latest when they are looked at."""
        if (
            self._quick is None
            or self._reads_key(chunk.topic)
            or max(map(len, chunk.messages), default=0) > self._careful
        ):
            return self._one_by_one(chunk)
        return DecodingChunk(chunk, self._open, self._quick)

    def _open(self, chunk: Chunk) -> RecordChunk:
        """All messages of the chunk, as records or dead letters."""
        quick = _QUICK[self._settings.format.value]
        decode = quick.decode
        try:
            records = [Record(message, decode(message.value())) for message in chunk.messages]
        except Exception:  # noqa: BLE001 - one of them is bad or null: find out which
            return self._one_by_one(chunk)
        return RecordChunk(chunk.topic, chunk.partition, records, [])

    def _reads_key(self, topic: str) -> bool:
        if topic not in self._needs_key:
            self._needs_key[topic] = needs_key(self._settings.transforms) or any(
                self._settings.rules_of(table).reads_key for table in self._tables_of(topic)
            )
        return self._needs_key[topic]

    def _tables_of(self, topic: str) -> set[str]:
        """Where its records may go, as far as the settings tell."""
        settings = self._settings
        tables = {settings.table_of(topic), *settings.mapping.route_tables}
        if any(isinstance(transform, Function) for transform in settings.transforms):
            tables.update(settings.known_tables())
        return tables

    def _one_by_one(self, chunk: Chunk) -> RecordChunk:
        topic, partition, messages, _ = chunk
        reads_key = self._reads_key(topic)
        records: list[Record] = []
        dead: list[DeadLetter] = []
        for message in messages:
            part = "key"
            try:
                key = self._nullable(self._key, message.key()) if reads_key else None
                part = "value"
                value = self._nullable(self._value, message.value())
                records.append(Record(message, value, key))
            except Rejection as rejection:
                dead.append(
                    DeadLetter(
                        topic,
                        partition,
                        message.offset(),
                        "decode",
                        f"{part}_{rejection.code}",
                        f"the {part} is {rejection.reason}",
                        original(message) if self._keep_original else None,
                    )
                )
        return RecordChunk(topic, partition, records, dead)

    def _nullable(self, decode: Decode, data: bytes | None) -> Any:
        if data is None:
            return None
        if len(data) > self._most_bytes:
            raise Rejection(
                "size", f"longer than {self._most_bytes:,} bytes, which is format.most_bytes"
            )
        return decode(data)
