"""Limits the number of values of a Protobuf message [protobuf-wire] before it is parsed.

Two bytes are a whole message of a repeated field, and in memory each message takes the room of all
fields of its type: a megabyte can become gigabytes. Only data that is long enough for that is
walked.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from connectors.errors import Rejection
from connectors.formats.varint import VarintError, read_varint

# Fields and items of one record, nested ones included: a row has at most 1,024 columns [limits].
MAX_VALUES = 1_000_000
# Levels of messages: the limit of Google's own parser.
_MAX_DEPTH = 100
_MIN_BYTES = 2  # bytes of a nested message: its tag and its length
_VARINT, _FIXED64, _BYTES, _GROUP, _END, _FIXED32 = range(6)
_NOT_LAST = bytes(range(0x80, 0x100))  # bytes of a varint that is followed by another

# (message type or None, bytes of an item when packed: 0 for varints, None when never packed)
_Field = tuple["_Type | None", "int | None"]


class _Type:
    """A message type as the walk needs it: its size in values, and its fields by number."""

    def __init__(self) -> None:
        self.size = 0
        self.fields: dict[int, _Field] = {}


def walker(descriptor: Descriptor) -> Callable[[bytes], None]:
    """The check of the bytes of one message type, which raises Rejection."""
    known: dict[str, _Type] = {}
    top = _type(descriptor, known)
    worst = max(type_.size for type_ in known.values()) / _MIN_BYTES

    def check(data: bytes) -> None:
        if worst * len(data) > MAX_VALUES:
            _Walk(data).message(top, len(data), 0)

    return check


_WIDTHS = {
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
}
_WHOLE = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def _type(descriptor: Descriptor, known: dict[str, _Type]) -> _Type:
    name = descriptor.full_name
    if name in known:
        return known[name]
    made = known[name] = _Type()
    made.size = 2 + len(descriptor.fields)
    for field in descriptor.fields:
        inner = None if field.message_type is None else _type(field.message_type, known)
        packed = None
        if inner is None and field.type not in _WHOLE:
            packed = _WIDTHS.get(field.type, 0)
        made.fields[field.number] = inner, packed
    return made


class _Walk:
    """One pass over the bytes of one message. Raises Rejection, also for malformed bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._values = 0

    def message(self, type_: _Type | None, end: int, depth: int, group: int = 0) -> None:
        """Skip the fields of a message up to `end`, or to the end of the group."""
        if depth > _MAX_DEPTH:
            raise _invalid()
        fields = {} if type_ is None else type_.fields
        self._count(0 if type_ is None else type_.size)
        while self._position < end:
            tag = self._varint(end)
            number, wire = tag >> 3, tag & 7
            inner, packed = fields.get(number, (None, None))
            self._count(1)
            if wire == _VARINT:
                self._varint(end)
            elif wire == _BYTES:
                self._delimited(inner, packed, end, depth)
            elif wire == _GROUP:
                self.message(inner, end, depth + 1, number)
            elif wire == _END and group and number == group:
                return
            elif wire in (_FIXED64, _FIXED32):
                self._skip(8 if wire == _FIXED64 else 4, end)
            else:
                raise _invalid()
        if group:
            raise _invalid()

    def _delimited(self, inner: _Type | None, packed: int | None, end: int, depth: int) -> None:
        length = self._varint(end)
        start = self._position
        self._skip(length, end)
        if inner is not None:
            self._position = start
            self.message(inner, start + length, depth + 1)
        elif packed:
            self._count(length // packed)
        elif packed == 0:
            self._count(len(self._data[start : start + length].translate(None, _NOT_LAST)))

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise Rejection(
                "protobuf_values", f"too large: more than {MAX_VALUES:,} fields and items"
            )

    def _skip(self, size: int, end: int) -> None:
        self._position += size
        if self._position > end:
            raise _invalid()

    def _varint(self, end: int) -> int:
        try:
            number, self._position = read_varint(self._data, self._position, end)
        except VarintError:
            raise _invalid() from None
        return number


def _invalid() -> Rejection:
    return Rejection("protobuf_invalid", "not a Protobuf message of its schema")
