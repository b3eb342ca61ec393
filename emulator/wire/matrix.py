"""Rows as a matrix: the block in which BulkExport, and GetRange on request, answer.

Layout, little-endian, as the official Go and Java SDKs read it:

    int32 0x304d5253, int32 offset of the rows, int32 offset of the options,
    int32 key columns, int32 attribute columns,
    for each column: int16 length, name,
    options: 0a byte (1: the key columns are all there), 03 int32 number of rows,
    for each row: 02, for each column: type byte and value (06 alone where the row has none),
    01 and the CRC-8 of everything before it.

Values have the form they have in PlainBuffer. There are no versions: a column shows its newest.
"""

from collections.abc import Sequence
from struct import Struct

from emulator.wire.crc import crc8

_MAGIC = 0x304D5253
_TAG_CHECKSUM, _TAG_ROW, _TAG_ROW_COUNT, _TAG_ENTIRE_KEY = 1, 2, 3, 10
_NULL = b"\x06"
_head = Struct("<5i")
_name_length = Struct("<h")
_count = Struct("<i")


def encode_matrix(
    key_names: Sequence[bytes],
    attribute_names: Sequence[bytes],
    has_entire_key: bool,
    rows: Sequence[Sequence[bytes | None]],
) -> bytes:
    """Return the block of `rows`: for each the wire values of the named columns, None for none."""
    names = b"".join(_name_length.pack(len(name)) + name for name in (*key_names, *attribute_names))
    options = bytes((_TAG_ENTIRE_KEY, has_entire_key, _TAG_ROW_COUNT)) + _count.pack(len(rows))
    options_offset = _head.size + len(names)
    data_offset = options_offset + len(options)
    parts = [
        _head.pack(_MAGIC, data_offset, options_offset, len(key_names), len(attribute_names)),
        names,
        options,
    ]
    for row in rows:
        parts.append(bytes((_TAG_ROW,)))
        parts += [_NULL if value is None else value for value in row]
    parts.append(bytes((_TAG_CHECKSUM,)))
    body = b"".join(parts)
    return body + bytes((crc8(body, 0),))
