"""Protobuf by a Schema Registry: messages whose schemas are known only when they arrive.

The registry returns a compiled schema (`format=serialized`, a FileDescriptorProto)
[schema-registry], so nothing here reads .proto text. Google's own parser limits depth and lengths,
`protobuf_limits` the number of values. Fields have the names of the .proto file. A field without
presence that is not set has its default, because on the wire both are the same [protobuf-wire]; a
field with presence is null then.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import (  # type: ignore[import-not-found]
    UnknownFieldSet,
)

from connectors.errors import Rejection, StopRun
from connectors.formats.protobuf_limits import walker
from connectors.formats.protobuf_types import WELL_KNOWN, add_known
from connectors.formats.schema_registry import Schema, SchemaError
from connectors.formats.schemas import SchemaFile, Schemas
from connectors.formats.varint import VarintError, read_varint, zigzag

Read = Callable[[Any], Any]

_MAX_INDEXES = 64
_BYTES = 2  # the wire type of messages [protobuf-wire]
# Words of a .proto file; a compiled schema is base64, which has no blanks.
_MESSAGE = re.compile(r"\bmessage\s+([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"\b(?:syntax|message|package|import|enum)\s")


def decoder(schemas: Schemas, _: SchemaFile) -> Callable[[bytes], Any]:
    """The decoder of messages framed by a Schema Registry. It raises Rejection."""
    registry = schemas.registry

    def decode(data: bytes) -> Any:
        file, body = registry.framed(data, "PROTOBUF", _File)
        value: Any = file.decode(body)
        return value

    return decode


class _File:
    """The messages of one schema, by the indexes that a frame holds."""

    def __init__(self, schema: Schema) -> None:
        pool = DescriptorPool()
        self._registered = schema.registered
        try:
            main = _add(pool, schema, None, set())
            file = pool.FindFileByName(main)  # type: ignore[no-untyped-call]
            self._tops: list[Descriptor] = list(file.message_types_by_name.values())
        except (
            TypeError,
            ValueError,
            KeyError,
            DecodeError,
            binascii.Error,
            RecursionError,
        ) as error:
            if _TEXT.search(schema.text):
                raise StopRun(
                    "schema registry: it returns the text of a Protobuf schema, and not the "
                    "compiled one that was asked for (format=serialized).\n  remedy: set "
                    "format.registry.url to a registry that has them compiled"
                ) from None
            raise SchemaError(f"it is not a compiled Protobuf schema: {why(error)}") from None
        self._readers: dict[tuple[int, ...], Callable[[bytes], Any]] = {}

    def decode(self, body: bytes) -> Any:
        """The value of a message, after the indexes that say which message of the schema it is."""
        path, start = _indexes(body)
        read = self._readers.get(path)
        if read is None:
            read = self._readers[path] = message_decoder(self._message(path))
        return read(body[start:])

    def _message(self, path: tuple[int, ...]) -> Descriptor:
        found: Descriptor | None = None
        for index in path:
            level = self._tops if found is None else self._nested(found)
            if index >= len(level):
                raise Rejection(
                    "protobuf_index",
                    "not readable: its schema does not have the message of its index",
                )
            found = level[index]
        assert found is not None  # noqa: S101 - a path has an index
        return found

    def _nested(self, message: Descriptor) -> list[Descriptor]:
        """The messages in a message that indexes count: those in the schema's text.

        The entries of a map are messages too. Text with `map<...>` does not contain them, but text
        that Java made of a compiled schema does, and the compiled form does not tell the two apart.
        So the text is requested where it makes a difference.
        """
        entries = [inner.GetOptions().map_entry for inner in message.nested_types]
        first = entries.index(True) if True in entries else len(entries)
        spelled: set[str] = set()
        if not all(entries[first:]) and self._registered is not None:
            spelled = {
                found[1] for found in _MESSAGE.finditer(_COMMENT.sub(" ", self._registered()))
            }
        return [
            inner
            for inner, is_entry in zip(message.nested_types, entries, strict=True)
            if not is_entry or inner.name in spelled
        ]


def why(error: Exception) -> str:
    """The library's error about a schema, in one line of bounded length."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _add(pool: DescriptorPool, schema: Schema, name: str | None, added: set[str]) -> str:
    """Add a schema and what it imports to the pool; returns the name of its file."""
    file = FileDescriptorProto.FromString(base64.b64decode(schema.text, validate=True))
    if name is not None:
        file.name = name
    elif not file.name:
        file.name = "default"
    for reference in schema.references:
        if reference.name not in added:
            added.add(reference.name)
            _add(pool, reference.schema, reference.name, added)
    for imported in file.dependency:
        add_known(pool, imported, added)
    pool.Add(file)  # type: ignore[no-untyped-call]
    return str(file.name)


def _indexes(body: bytes) -> tuple[tuple[int, ...], int]:
    """The indexes of a frame, outermost message first, and the position after them.

    They are zigzag varints: their number and then each of them; one zero byte means the first
    message [schema-registry].
    """
    count, position = _index(body, 0)
    if count == 0:
        return (0,), position
    if not 0 < count <= _MAX_INDEXES:
        raise Rejection(
            "protobuf_index", "not readable: it has an impossible number of message indexes"
        )
    path = []
    for _ in range(count):
        index, position = _index(body, position)
        if index < 0:
            raise Rejection("protobuf_index", "not readable: it has a negative message index")
        path.append(index)
    return tuple(path), position


def _index(body: bytes, start: int) -> tuple[int, int]:
    try:
        number, position = read_varint(body, start, len(body), max_bytes=5)
    except VarintError:
        raise Rejection(
            "protobuf_index", "truncated before its message begins, or not framed with indexes"
        ) from None
    return zigzag(number), position


def message_decoder(descriptor: Descriptor) -> Callable[[bytes], Any]:
    """The decoder of bare messages of a type. It raises Rejection."""
    parse = GetMessageClass(descriptor).FromString
    check = walker(descriptor)
    read = _message_reader(descriptor, {})

    def decode(body: bytes) -> Any:
        try:
            check(body)
            return read(parse(body))
        except DecodeError:
            raise Rejection("protobuf_invalid", "not a Protobuf message of its schema") from None
        except (OverflowError, ValueError):
            raise Rejection(
                "protobuf_time",
                "not valid: it has an invalid Timestamp, Decimal or time of day",
            ) from None
        except RecursionError:
            raise Rejection("protobuf_depth", "nested too deep") from None
        except (Rejection, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - messages are built at run time
            raise Rejection(
                "protobuf_failed",
                f"not decoded as protobuf: unexpected {type(error).__name__}; please report this "
                "as a bug",
            ) from None

    return decode


def _message_reader(descriptor: Descriptor, made: dict[str, Read]) -> Read:
    """The function from a message to its value; a message type may contain itself."""
    name = descriptor.full_name
    if name in WELL_KNOWN:
        return WELL_KNOWN[name]
    if name in made:
        return lambda message: made[name](message)  # noqa: PLW0108 - it is made later
    made[name] = _not_yet
    fields = [(field, _field_reader(field, made)) for field in descriptor.fields]
    maps = [field for field in descriptor.fields if _is_map(field)]
    others = _other_entries(maps, made) if maps else None

    def read(message: Message) -> dict[str, Any]:
        value = {
            field.name: one(getattr(message, field.name))
            if not field.has_presence or message.HasField(field.name)
            else None
            for field, one in fields
        }
        if others is not None:
            others(message, value)
        return value

    made[name] = read
    return read


def _not_yet(_: Any) -> Any:
    raise AssertionError("a message is read before its reader is made")


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _other_entries(
    maps: list[FieldDescriptor], made: dict[str, Read]
) -> Callable[[Message, dict[str, Any]], None]:
    """A reader of the map entries that the library keeps as unknown: those with extra fields."""
    entries = {
        field.number: (
            field.name,
            GetMessageClass(field.message_type).FromString,
            _single_reader(field.message_type.fields_by_name["value"], made),
        )
        for field in maps
    }

    def add(message: Message, value: dict[str, Any]) -> None:
        for unknown in UnknownFieldSet(message):
            if unknown.field_number in entries and unknown.wire_type == _BYTES:
                name, parse, read = entries[unknown.field_number]
                entry: Any = parse(unknown.data)
                value[name][_name(entry.key)] = read(entry.value)

    return add


def _field_reader(field: FieldDescriptor, made: dict[str, Read]) -> Read:
    message_type = field.message_type
    if _is_map(field):
        of_value = _single_reader(message_type.fields_by_name["value"], made)
        return lambda found: {_name(key): of_value(found[key]) for key in found}
    read = _single_reader(field, made)
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return lambda found: [read(item) for item in found]
    return read


def _name(key: Any) -> str:
    return ("true" if key else "false") if isinstance(key, bool) else str(key)


def _single_reader(field: FieldDescriptor, made: dict[str, Read]) -> Read:
    if field.message_type is not None:
        return _message_reader(field.message_type, made)
    if field.enum_type is not None:
        names = field.enum_type.values_by_number

        def of_enum(number: int) -> Any:
            """The name of an enum's number; the number itself if the schema does not have it."""
            return names[number].name if number in names else number

        return of_enum
    return lambda value: value
