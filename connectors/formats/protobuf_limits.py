"""Walks Protobuf bytes before they are parsed, where they could become very much more.

Two bytes are a whole message of a repeated field, and each takes the room of all fields that its
type has: a megabyte can become gigabytes. Only bodies that are long enough for that are walked.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from connectors.errors import Rejection

# Fields and items of one record, all in all. A row has 1,024 columns; the rest is nested.
MOST_VALUES = 1_000_000
# That of Google's own parser.
_DEEPEST = 100
_FEWEST_BYTES = 2  # of a message in a message: its tag and its length
_VARINT, _FIXED64, _BYTES, _GROUP, _END, _FIXED32 = range(6)
_NOT_LAST = bytes(range(0x80, 0x100))  # bytes of a varint that goes on

# (its message type or None, the bytes of a packed item, 0 for varints, or None when not packed)
_Field = tuple["_Type | None", "int | None"]


class _Type:
    """What the walk needs of a message type."""

    def __init__(self) -> None:
        self.size = 0
        self.fields: dict[int, _Field] = {}


def walker(descriptor: Descriptor) -> Callable[[bytes], None]:
    """The check of one message type's bytes. It raises Rejection."""
    known: dict[str, _Type] = {}
    top = _type(descriptor, known)
    worst = max(kind.size for kind in known.values()) / _FEWEST_BYTES

    def check(data: bytes) -> None:
        if worst * len(data) > MOST_VALUES:
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
    """One pass over the bytes of one message. What it cannot read is a rejection."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0

    def message(self, kind: _Type | None, end: int, depth: int, group: int = 0) -> None:
        """Skip the fields of a message up to `end`, or to the end of the group."""
        if depth > _DEEPEST:
            raise _invalid()
        fields = {} if kind is None else kind.fields
        self._count(0 if kind is None else kind.size)
        while self._at < end:
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
        start = self._at
        self._skip(length, end)
        if inner is not None:
            self._at = start
            self.message(inner, start + length, depth + 1)
        elif packed:
            self._count(length // packed)
        elif packed == 0:
            self._count(len(self._data[start : start + length].translate(None, _NOT_LAST)))

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise Rejection("protobuf_values", f"of more than {MOST_VALUES:,} fields and items")

    def _skip(self, size: int, end: int) -> None:
        self._at += size
        if self._at > end:
            raise _invalid()

    def _varint(self, end: int) -> int:
        number = shift = 0
        while self._at < end and shift < 70:
            byte = self._data[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
        raise _invalid()


def _invalid() -> Rejection:
    return Rejection("protobuf_invalid", "no Protobuf message of its schema")
