"""The decode step: chunks of messages become chunks of records and dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection
from connectors.formats import json
from connectors.formats.factory import check_registry, decoders
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

# A message that does not fit its topic's struct costs as much time as several fitting ones save.
# When it is more than one in _MAX_MISSES, the struct's fields become optional. When that does not
# help, or a step asks for records, the next _REST_CHUNKS chunks are decoded to dicts.
_MAX_MISSES = 8
_REST_CHUNKS = 50
# Field names of a topic that are remembered; beyond that they are learned again.
_MAX_NAMES = 1000


# The headers of Confluent's serializers, as of version 8 [schema-registry].
_VALUE_HEADER, _KEY_HEADER = "__value_schema_id", "__key_schema_id"


class ChunkDecoder:
    """Decodes values, and keys where the table's key or a transform needs them."""

    def __init__(
        self, settings: Settings, keep_original: bool = False, wait: Wait | None = None
    ) -> None:
        """`wait` is called while a Schema Registry does not answer; None: that is an error."""
        self._settings = settings
        self._value, self._key = decoders(settings.format, wait)
        self._keep_original = keep_original
        self._max_bytes = settings.format.max_bytes
        # The headers that may hold schema ids, by what is looked for there.
        in_headers = settings.format.schema_ids_in_headers
        self._value_header = _VALUE_HEADER if settings.format.value in in_headers else None
        self._key_header = _KEY_HEADER if settings.format.key in in_headers else None
        # JSON up to this length is decoded by the chunk; in a longer document the values are
        # counted first, and other formats have no decoder that does without checks.
        self._max_bare_bytes = -1
        if settings.format.has_fast_path:
            self._max_bare_bytes = min(json.MAX_VALUES, self._max_bytes)
        self._needs_key: dict[str, bool] = {}
        self._fields: dict[str, _TopicFields] = {}

    def check_registry(self) -> None:
        """Ask the Schema Registry before the first record, where a format needs it.

        Logs trouble that may go away by itself; raises StopRun for any other.
        """
        kafka = self._settings.kafka
        topics = kafka.topics or ("",)  # the topics of a pattern are not known yet
        check_registry(self._settings.format, any(map(self._reads_key, topics)))

    def decode_chunk(self, chunk: Chunk) -> DecodedChunk:
        """The chunk's records, and dead letters of those that cannot be decoded."""
        messages = chunk.messages
        if (
            not messages
            or max(map(len, messages)) > self._max_bare_bytes
            or self._reads_key(chunk.topic)
        ):
            return self._one_by_one(chunk)
        fields = self._fields.get(chunk.topic)
        if fields is None:
            fields = self._fields[chunk.topic] = _TopicFields()
        decoder = fields.decoder(messages[0])
        if decoder is not None:
            return self._uniform(chunk, decoder, fields)
        decode = json.decode_bare
        try:
            values = [decode(message.value()) for message in messages]
        except json.UNDECODABLE:  # one of them is invalid or null: find out which
            return self._one_by_one(chunk)
        of_two = [value for value in values if type(value) is dict and len(value) == 2]
        if of_two and any(map(is_envelope, of_two)):
            return self._one_by_one(chunk)
        records = [*map(Record, messages, values)]
        return RecordChunk(chunk.topic, chunk.partition, records, [])

    def _uniform(
        self, chunk: Chunk, decoder: json.StructDecoder, fields: _TopicFields
    ) -> UniformChunk:
        """The chunk as structs; a value that does not fit becomes a Record or a dead letter."""
        made = UniformChunk(
            chunk,
            decoder.names,
            decoder.fields_of,
            optional=decoder.optional,
            on_records=fields.rest,
        )
        decode = decoder.decode
        try:
            made.values = [decode(message.value()) for message in chunk.messages]
        except json.UNDECODABLE:
            self._uniform_mixed(chunk, decoder, fields, made)
        else:
            made.messages = chunk.messages
        return made

    def _uniform_mixed(
        self,
        chunk: Chunk,
        decoder: json.StructDecoder,
        fields: _TopicFields,
        made: UniformChunk,
    ) -> None:
        made.mixed = True
        decode = decoder.decode
        good: list[Message] = []
        misses = 0
        for message in chunk.messages:
            try:
                made.values.append(decode(message.value()))
            except json.UNDECODABLE:
                misses += 1
                one = self._decode_one(message, reads_key=False)
                if isinstance(one, DeadLetter):
                    made.dead_letters.append(one)
                    continue
                fields.learn(one.value)
                made.values.append(one)
            good.append(message)
        made.messages = good
        fields.missed(misses, len(chunk.messages))

    def _reads_key(self, topic: str) -> bool:
        if topic not in self._needs_key:
            self._needs_key[topic] = needs_key(self._settings.transforms) or any(
                self._settings.rules_of(table).reads_key for table in self._tables_of(topic)
            )
        return self._needs_key[topic]

    def _tables_of(self, topic: str) -> set[str]:
        """The tables that the topic's records may go to, as far as the settings determine them."""
        settings = self._settings
        tables = {settings.table_of(topic), *settings.mapping.route_tables}
        if any(isinstance(transform, Function) for transform in settings.transforms):
            tables.update(settings.known_tables())
        return tables

    def _one_by_one(self, chunk: Chunk) -> RecordChunk:
        if chunk.messages and isinstance(chunk.messages[0], SkippedBatch):
            skipped = [chunk.messages[0].dead_letter()]
            return RecordChunk(chunk.topic, chunk.partition, [], skipped)
        reads_key = self._reads_key(chunk.topic)
        records: list[Record] = []
        dead_letters: list[DeadLetter] = []
        for message in chunk.messages:
            one = self._decode_one(message, reads_key)
            if isinstance(one, Record):
                records.append(one)
            else:
                dead_letters.append(one)
        return RecordChunk(chunk.topic, chunk.partition, records, dead_letters)

    def _decode_one(self, message: Message, reads_key: bool) -> Record | DeadLetter:
        side = "key"
        try:
            key = None
            if reads_key:
                key = self._nullable(self._key, message.key(), self._key_header, message)
            side = "value"
            value = self._nullable(self._value, message.value(), self._value_header, message)
            return Record(message, value, key)
        except Rejection as rejection:
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
    """The schema id in the last header of this name; b"" without such a header."""
    found = [value for name, value in headers_of(message) if name == header and value]
    return bytes(found[-1]) if found else b""


class _TopicFields:
    """The field names seen in a topic's values, and the struct decoder that fits them."""

    def __init__(self) -> None:
        self._decoder: json.StructDecoder | None = None
        self._known: dict[str, None] = {}  # in order of appearance
        self._optional = False
        self._rest = 0

    def decoder(self, first: Message) -> json.StructDecoder | None:
        """The struct decoder for a chunk that begins with this message; None: decode to dicts."""
        if self._rest:
            self._rest -= 1
            return None
        decoder = self._decoder
        if decoder is None or not decoder.optional:
            try:
                value = json.decode_bare(first.value())
            except json.UNDECODABLE:  # or a tombstone
                return decoder
            if type(value) is not dict or (len(value) == 2 and is_envelope(value)):
                return None
            if decoder is None or value.keys() != {*decoder.names}:
                self.learn(value)
                self._decoder = decoder = json.struct_decoder((*value,))
        return decoder

    def learn(self, value: Any) -> None:
        """Remember the names of an object's fields."""
        if type(value) is dict and not is_envelope(value):
            if len(self._known) > _MAX_NAMES:
                self._known.clear()
            self._known.update(dict.fromkeys(value))

    def missed(self, misses: int, messages: int) -> None:
        """Adapt the decoder after `misses` of a chunk's `messages` did not fit the struct."""
        if self._optional and self._decoder is not None and self._decoder.optional:
            if len(self._known) > len(self._decoder.names):
                self._decoder = json.struct_decoder((*self._known,), optional=True)
            elif misses > messages // _MAX_MISSES:
                self._give_up()
        elif misses > messages // _MAX_MISSES:
            self._optional = True
            self._decoder = json.struct_decoder((*self._known,), optional=True)
        if self._decoder is not None and len(self._decoder.names) > _MAX_NAMES:
            self._give_up()

    def rest(self) -> None:
        """Decode to dicts for the next _REST_CHUNKS chunks."""
        self._rest = _REST_CHUNKS

    def _give_up(self) -> None:
        self.rest()
        self._optional = False
        self._decoder = None
        self._known.clear()
