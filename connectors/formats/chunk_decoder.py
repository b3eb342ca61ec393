"""The decode step: chunks of messages become chunks of records and dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from connectors.errors import Rejection
from connectors.formats import json
from connectors.formats.factory import check_registry, decoders
from connectors.formats.json_envelope import is_envelope
from connectors.formats.json_structs import StructDecoder
from connectors.formats.registry_client import Wait
from connectors.formats.topic_fields import TopicFields
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


class ChunkDecoder:
    """Decodes values, and keys where the table's key or a transform is taken from them."""

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
        self._max_bare_key = -1
        bare = min(json.MAX_VALUES, self._max_bytes)
        if settings.format.has_fast_path:
            self._max_bare_bytes = bare
        if settings.format.key == "json":
            self._max_bare_key = bare
        self._needs_key: dict[str, bool] = {}
        self._fields: dict[str, TopicFields] = {}

    def check_registry(self) -> None:
        """Ask the Schema Registry before there is a record, where a format needs it.

        Logs what may pass by itself; raises StopRun for what does not.
        """
        kafka = self._settings.kafka
        topics = kafka.topics or ("",)  # of a pattern the topics are not known yet
        check_registry(self._settings.format, any(map(self._reads_key, topics)))

    def decode_chunk(self, chunk: Chunk) -> DecodedChunk:
        """The chunk's records, and dead letters of those that cannot be decoded."""
        messages = chunk.messages
        if not messages or max(map(len, messages)) > self._max_bare_bytes:
            return self._any_format(chunk)
        keys = self._keys(messages) if self._reads_key(chunk.topic) else []
        fields = self._fields.get(chunk.topic)
        if fields is None:
            fields = self._fields[chunk.topic] = self._new_fields(chunk.topic)
        decoder = fields.decoder(messages)
        if decoder is not None:
            return self._uniform(chunk, keys, decoder, fields)
        if DeadLetter in map(type, keys):
            return self._one_by_one(chunk)
        decode = json.decode_bare
        try:
            values = [decode(message.value()) for message in messages]
        except json.UNDECODABLE:  # one of them is bad or null: find out which
            return self._one_by_one(chunk)
        of_two = [value for value in values if type(value) is dict and len(value) == 2]
        if of_two and any(map(is_envelope, of_two)):
            return self._one_by_one(chunk)
        records = [*map(Record, messages, values, keys or repeat(None))]
        return RecordChunk(chunk.topic, chunk.partition, records, [], chunk.offsets_unique)

    def _any_format(self, chunk: Chunk) -> DecodedChunk:
        """The chunk by decoders that take one value at a time; a bad one costs its neighbours."""
        longest = max(map(len, chunk.messages), default=0)
        if longest > self._max_bytes or self._value_header is not None:
            return self._one_by_one(chunk)
        reads_key = self._reads_key(chunk.topic)
        messages: list[Message] = []
        values: list[Any] = []
        keys: list[Any] = []
        dead_letters: list[DeadLetter] = []
        decode = self._value
        for start in range(0, len(chunk.messages), _TOGETHER):
            some = chunk.messages[start : start + _TOGETHER]
            some_keys = self._keys(some) if reads_key else []
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

    def _keys(self, messages: Sequence[Message]) -> list[Any]:
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

    def _uniform(
        self, chunk: Chunk, keys: list[Any], decoder: StructDecoder, fields: TopicFields
    ) -> UniformChunk:
        """The chunk as structs; a value that does not fit becomes a Record or a dead letter."""
        made = UniformChunk(
            chunk,
            decoder.names,
            decoder.fields_of,
            optional=decoder.optional,
            on_records=fields.rest,
            value_of=None if decoder.tree is None else _value_of,
        )
        decode = decoder.decode
        try:
            if DeadLetter not in map(type, keys):
                made.values = [decode(message.value()) for message in chunk.messages]
        except json.UNDECODABLE:
            pass
        if len(made.values) == len(chunk.messages):
            made.messages, made.keys = chunk.messages, keys
        else:
            self._uniform_mixed(chunk, keys, decoder, fields, made)
        return made

    def _uniform_mixed(
        self,
        chunk: Chunk,
        keys: list[Any],
        decoder: StructDecoder,
        fields: TopicFields,
        made: UniformChunk,
    ) -> None:
        made.mixed = True
        decode = decoder.decode
        good: list[Message] = []
        good_keys: list[Any] = []
        misses = 0
        for message, key in zip(chunk.messages, keys or repeat(None), strict=False):
            one: Any
            data = message.value()
            if type(key) is DeadLetter:
                made.dead_letters.append(key)
                continue
            if data is None:  # a tombstone
                one = Record(message, None, key)
            else:
                try:
                    one = decode(data)
                except json.UNDECODABLE:
                    misses += 1
                    one = self._value_of(message, key)
                    if isinstance(one, DeadLetter):
                        made.dead_letters.append(one)
                        continue
                    fields.learn(one.value)
            made.values.append(one)
            good.append(message)
            good_keys.append(key)
        made.messages = good
        made.keys = good_keys if keys else []
        fields.missed(misses, len(chunk.messages))

    def _new_fields(self, topic: str) -> TopicFields:
        """What is learnt of a topic's fields: flattened where nothing stands before its table."""
        settings = self._settings
        rules = settings.rules_of(settings.table_of(topic))
        flat = (
            rules.nested == "flatten"
            and rules.key_fields == "none"
            and not settings.transforms
            and not settings.mapping.route_tables
        )
        return TopicFields(rules.separator if flat else None)

    def _reads_key(self, topic: str) -> bool:
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
        unique = chunk.offsets_unique
        return RecordChunk(chunk.topic, chunk.partition, records, dead_letters, unique)

    def _decode_one(self, message: Message, reads_key: bool) -> Record | DeadLetter:
        key = self._key_of(message) if reads_key else None
        return key if isinstance(key, DeadLetter) else self._value_of(message, key)

    def _value_of(self, message: Message, key: Any) -> Record | DeadLetter:
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


def _value_of(message: Message) -> Any:
    """The value of a message that was decoded to other fields than its own."""
    return json.decode_bare(message.value())


def _schema_id(message: Message, header: str) -> bytes:
    """The schema id in the last header of this name; no bytes without one."""
    found = [value for name, value in headers_of(message) if name == header and value]
    return bytes(found[-1]) if found else b""
