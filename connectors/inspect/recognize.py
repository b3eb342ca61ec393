"""Recognises the format of keys and values from their bytes, with what speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from connectors.errors import Rejection
from connectors.formats import json
from connectors.formats.json_envelope import is_envelope
from connectors.records import Message, headers_of

# The share of records that must agree; the others may be bad records.
_ENOUGH = 0.9
_FRAME = 5  # a zero byte and the schema's id
_HEADERS = {"value": "__value_schema_id", "key": "__key_schema_id"}
# By the registry's word for a schema's type.
_TYPES = {"AVRO": "avro", "PROTOBUF": "protobuf", "JSON": "json_schema"}
# (schema id) -> the registry's word for its type; None where it does not know it.
SchemaType = Callable[[int], str | None]


class FormatGuess(NamedTuple):
    """A format of [format], and what speaks for it."""

    word: str
    evidence: str
    needs_registry: bool = False
    ids_in_headers: bool = False
    is_sure: bool = True


def recognize(
    messages: Sequence[Message], side: str, schema_type: SchemaType | None
) -> FormatGuess | None:
    """The format of the values or keys (`side`); None where all of them are null.

    `schema_type` asks the Schema Registry; None where there is none to ask.
    """
    data = [_bytes_of(message, side) for message in messages]
    given = [one for one in data if one is not None]
    if not given:
        return None
    in_headers = _in_headers(messages, side)
    if in_headers >= _ENOUGH * len(given):
        found = f"{in_headers:,} of {len(given):,} have the header {_HEADERS[side]}"
        return _framed(given, found, None, ids_in_headers=True)
    framed = [one for one in given if len(one) > _FRAME and one[0] == 0]
    if len(framed) >= _ENOUGH * len(given):
        found = f"{len(framed):,} of {len(given):,} begin with a zero byte and a schema's id"
        return _framed(framed, found, schema_type)
    return _unframed(given)


def _bytes_of(message: Message, side: str) -> bytes | None:
    data = message.value() if side == "value" else message.key()
    return None if data is None else bytes(data)


def _in_headers(messages: Sequence[Message], side: str) -> int:
    found = 0
    for message in messages:
        try:
            found += any(name == _HEADERS[side] for name, _ in headers_of(message))
        except Rejection:
            continue
    return found


def _framed(
    given: list[bytes],
    found: str,
    schema_type: SchemaType | None,
    *,
    ids_in_headers: bool = False,
) -> FormatGuess:
    if schema_type is not None and not ids_in_headers:
        ids = sorted({int.from_bytes(one[1:_FRAME], "big") for one in given})
        words = {_TYPES.get(schema_type(one) or "") for one in ids[:10]} - {None}
        if len(words) == 1:
            word = words.pop() or "avro"
            shown = ", ".join(map(str, ids[:5]))
            evidence = f"{found}; the registry says {word} of schema {shown}"
            return FormatGuess(word, evidence, needs_registry=True)
    bodies = given if ids_in_headers else [one[_FRAME:] for one in given]
    word = "avro"
    if _share(bodies, lambda one: isinstance(json.decode(one), dict)) >= _ENOUGH:
        word = "json_schema"
    elif _share(bodies, lambda one: one[:1] in (b"\0", b"\2") and one[1:2] in _TAGS) >= _ENOUGH:
        word = "protobuf"
    evidence = f"{found}; what follows looks like {word} (the registry was not asked)"
    return FormatGuess(word, evidence, True, ids_in_headers, is_sure=False)


# The first byte of a Protobuf message: field 1 or 2, of each wire type.
_TAGS = {bytes([number << 3 | kind]) for number in (1, 2) for kind in (0, 1, 2, 5)}


def _unframed(given: list[bytes]) -> FormatGuess:
    of = f"of {len(given):,}"
    decoded: list[Any] = []
    for one in given:
        try:
            decoded.append(json.decode(one))
        except Rejection:
            continue
    objects = [one for one in decoded if isinstance(one, dict)]
    if len(objects) >= _ENOUGH * len(given):
        envelopes = sum(map(is_envelope, objects))
        if envelopes >= _ENOUGH * len(given):
            evidence = f"{envelopes:,} {of} are JSON objects of schema and payload"
            return FormatGuess("connect_json", evidence)
        return FormatGuess("json", f"{len(objects):,} {of} are JSON objects")
    texts = sum(map(_is_text, given))
    if texts >= _ENOUGH * len(given):
        return FormatGuess("string", f"{texts:,} {of} are UTF-8 text, and not JSON objects")
    for size, word in ((4, "integer"), (8, "long")):
        fitting = sum(len(one) == size for one in given)
        if fitting >= _ENOUGH * len(given):
            evidence = f"{fitting:,} {of} are {size} bytes that are no text"
            return FormatGuess(word, evidence, is_sure=False)
    return FormatGuess("bytes", f"only {texts:,} {of} are text, and {len(objects):,} JSON objects")


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _share(data: Sequence[bytes], holds: Callable[[bytes], bool]) -> float:
    found = 0
    for one in data:
        try:
            found += holds(one)
        except Rejection:
            continue
    return found / max(1, len(data))
