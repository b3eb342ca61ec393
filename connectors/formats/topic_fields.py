"""What is learnt of the fields of a topic's values, and the struct decoder that fits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.formats.json import UNDECODABLE, decode_bare
from connectors.formats.json_envelope import is_envelope
from connectors.formats.json_structs import (
    StructDecoder,
    flattening_decoder,
    struct_decoder,
    tree_of,
)
from connectors.records import Message

# A message that does not fit its topic's struct costs as much time as several fitting ones save.
# When it is more than one in _MAX_MISSES, the struct's fields become optional. When that does not
# help, or a step asks for records, the next _REST_CHUNKS chunks are decoded to dicts.
_MAX_MISSES = 8
_REST_CHUNKS = 50
# Field names of a topic that are remembered; beyond that they are learned again.
_MAX_NAMES = 1000

# The names of fields that were seen, each with those of its own where it was an object.
_Known = dict[str, "_Known | None"]


class TopicFields:
    """The field names seen in a topic's values, and the struct decoder that fits them."""

    def __init__(self, separator: str | None = None) -> None:
        """`separator` is that of flattened names, where the topic's objects are flattened."""
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
                value = decode_bare(first)
            except UNDECODABLE:
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
        """Decode dicts for a while."""
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
