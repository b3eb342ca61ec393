"""The decode step: chunks of messages become chunks of like values, records and dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from connectors.formats import json
from connectors.formats.factory import check_registry
from connectors.formats.json_envelope import is_envelope
from connectors.formats.json_structs import (
    StructDecoder,
    flattening_decoder,
    struct_decoder,
    tree_of,
)
from connectors.formats.record_decoder import RecordDecoder
from connectors.formats.registry_client import Wait
from connectors.records import (
    Chunk,
    DeadLetter,
    DecodedChunk,
    Message,
    Record,
    RecordChunk,
    UniformChunk,
)
from connectors.settings import Settings

# A message that does not fit its topic's struct costs as much time as several fitting ones save.
# When it is more than one in _MAX_MISSES, the struct's fields become optional. When that does not
# help, or a step asks for records, the next _REST_CHUNKS chunks are decoded to dicts.
_MAX_MISSES = 8
_REST_CHUNKS = 50
# Field names of a topic that are remembered; beyond that they are learned again.
_MAX_NAMES = 1000

# The names of fields that were seen, each with those of its own where it was an object.
_Known = dict[str, "_Known | None"]


class ChunkDecoder:
    """Decodes values, and keys where the table's key or a transform needs them."""

    def __init__(
        self, settings: Settings, keep_original: bool = False, wait: Wait | None = None
    ) -> None:
        """`wait` is called while a Schema Registry does not answer; None: that is an error."""
        self._settings = settings
        self._one_by_one = RecordDecoder(settings, keep_original, wait)
        # JSON up to this length is decoded by the chunk; in a longer document the values are
        # counted first, and other formats have no decoder that does without checks.
        self._max_bare_bytes = -1
        if settings.format.has_fast_path:
            self._max_bare_bytes = min(json.MAX_VALUES, settings.format.max_bytes)
        self._fields: dict[str, _TopicFields] = {}

    def check_registry(self) -> None:
        """Ask the Schema Registry before the first record, where a format needs it.

        Logs trouble that may go away by itself; raises StopRun for any other.
        """
        kafka = self._settings.kafka
        topics = kafka.topics or ("",)  # of a pattern the topics are not known yet
        check_registry(self._settings.format, any(map(self._one_by_one.reads_key, topics)))

    def decode_chunk(self, chunk: Chunk) -> DecodedChunk:
        """The chunk's records, and dead letters of those that cannot be decoded."""
        messages = chunk.messages
        if not messages or max(map(len, messages)) > self._max_bare_bytes:
            return self._one_by_one.together(chunk)
        fields = self._fields.get(chunk.topic)
        if fields is None:
            fields = self._fields[chunk.topic] = self._new_fields(chunk.topic)
        keys = self._one_by_one.keys(messages) if fields.reads_key else []
        decoder = fields.decoder(messages)
        if decoder is not None:
            return self._uniform(chunk, keys, decoder, fields)
        if DeadLetter in map(type, keys):
            return self._one_by_one.one_by_one(chunk)
        decode = json.decode_bare
        try:
            values = [decode(message.value()) for message in messages]
        except json.UNDECODABLE:  # one of them is bad or null: find out which
            return self._one_by_one.one_by_one(chunk)
        of_two = [value for value in values if type(value) is dict and len(value) == 2]
        if of_two and any(map(is_envelope, of_two)):
            return self._one_by_one.one_by_one(chunk)
        records = [*map(Record, messages, values, keys or repeat(None))]
        return RecordChunk(chunk.topic, chunk.partition, records, [], chunk.offsets_unique)

    def _uniform(
        self, chunk: Chunk, keys: list[Any], decoder: StructDecoder, fields: _TopicFields
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
            if DeadLetter in map(type, keys):
                pass
            elif 0 not in map(len, chunk.messages):  # the bytes of a value
                made.values = [decode(message.value()) for message in chunk.messages]
            else:
                made.values, made.mixed = _with_tombstones(chunk.messages, keys, decode), True
        except json.UNDECODABLE:
            made.mixed = False
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
        fields: _TopicFields,
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
                    one = self._one_by_one.value_of(message, key)
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

    def _new_fields(self, topic: str) -> _TopicFields:
        """What is learnt of a topic's fields: flattened where nothing stands before its table."""
        settings = self._settings
        rules = settings.rules_of(settings.table_of(topic))
        flat = (
            rules.nested == "flatten"
            and rules.key_fields == "none"
            and not settings.transforms
            and not settings.mapping.route_tables
        )
        return _TopicFields(
            rules.separator if flat else None, reads_key=self._one_by_one.reads_key(topic)
        )


def _with_tombstones(
    messages: Sequence[Message], keys: Sequence[Any], decode: Callable[[bytes], Any]
) -> list[Any]:
    """The values of messages; a tombstone becomes its Record. Raises what `decode` raises."""
    data = [message.value() for message in messages]
    values = [None if one is None else decode(one) for one in data]
    for at, one in enumerate(data):
        if one is None:
            values[at] = Record(messages[at], None, keys[at] if keys else None)
    return values


def _value_of(message: Message) -> Any:
    """The value of a message that was decoded to other fields than its own."""
    return json.decode_bare(message.value())


class _TopicFields:
    """The field names seen in a topic's values, and the struct decoder that fits them."""

    def __init__(self, separator: str | None, *, reads_key: bool) -> None:
        """`separator` is that of flattened names, where the topic's objects are flattened."""
        self.reads_key = reads_key
        """Whether the records need their keys."""
        self._separator = separator
        self._decoder: StructDecoder | None = None
        self._known: _Known = {}  # in order of appearance
        self._optional = False
        self._rest = 0

    def decoder(self, messages: Sequence[Message]) -> StructDecoder | None:
        """The decoder for a chunk of messages; None: decode it to dicts."""
        if self._rest:
            self._rest -= 1
            return None
        decoder = self._decoder
        if decoder is None or not decoder.optional:
            # The first that is no tombstone.
            first = next((data for one in messages if (data := one.value()) is not None), b"")
            try:
                value = json.decode_bare(first)
            except json.UNDECODABLE:
                return decoder
            if type(value) is not dict or (len(value) == 2 and is_envelope(value)):
                return None
            if decoder is None or not self._fits(value, decoder):
                self.learn(value)
                self._decoder = decoder = self._decoder_of(value, optional=False)
        return decoder

    def learn(self, value: Any) -> None:
        """Remember the names of an object's fields."""
        if type(value) is dict and not is_envelope(value):
            if self._separator is not None and len(tree_of(value)) > _MAX_NAMES:
                return
            if _size(self._known) > _MAX_NAMES:
                self._known.clear()
            _add(self._known, value, nested=self._separator is not None)

    def missed(self, misses: int, messages: int) -> None:
        """Adapt the decoder after `misses` of a chunk's `messages` did not fit the struct."""
        decoder = self._decoder
        if self._optional and decoder is not None and decoder.optional:
            if _size(self._known) > self._learnt:
                self._decoder = self._decoder_of(self._known, optional=True)
            elif misses > messages // _MAX_MISSES:
                self._give_up()
        elif misses > messages // _MAX_MISSES:
            self._optional = True
            self._decoder = self._decoder_of(self._known, optional=True)
        if self._decoder is not None and len(self._decoder.names) > _MAX_NAMES:
            self._give_up()

    def _fits(self, value: dict[str, Any], decoder: StructDecoder) -> bool:
        if decoder.tree is None:
            return value.keys() == {*decoder.names}
        return tree_of(value) == decoder.tree

    def _decoder_of(self, value: dict[str, Any], *, optional: bool) -> StructDecoder | None:
        self._learnt = _size(self._known)
        if self._separator is None:
            return struct_decoder((*value,), optional)
        tree = tree_of(value)
        return flattening_decoder(tree, self._separator, optional)

    def rest(self) -> None:
        """Decode to dicts for the next _REST_CHUNKS chunks."""
        self._rest = _REST_CHUNKS

    def _give_up(self) -> None:
        self.rest()
        self._optional = False
        self._decoder = None
        self._known.clear()


def _add(known: _Known, value: dict[str, Any], *, nested: bool) -> None:
    """Add the names of an object's fields to those that are known."""
    for name, item in value.items():
        inner = known.setdefault(name, None)
        if nested and type(item) is dict and item:
            if inner is None:
                inner = known[name] = {}
            _add(inner, item, nested=True)


def _size(known: _Known) -> int:
    return sum(1 if inner is None else 1 + _size(inner) for inner in known.values())
