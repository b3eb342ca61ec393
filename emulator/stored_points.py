"""The stored form of a point: its fields as the cells of an answer, so that a read copies them.

One byte of format (2), eight bytes with the time of the write (ms), two with the number of fields,
the checksum of each field's cell, then the cells in PlainBuffer, by name, without versions. Scans
answer millions of points; making the cells again for each would take most of their time.
"""

from collections.abc import Iterator, Mapping
from struct import Struct

from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8

FORMAT = 2
FIELD_SUFFIXES = {
    pb.INTEGER: b":i",
    pb.DOUBLE: b":d",
    pb.BOOLEAN: b":b",
    pb.STRING: b":s",
    pb.BLOB: b":x",
}
"""Fields of points are named with a suffix, which clients cut off at the colon; the Java SDK needs
it. Of the letters the service uses only that of doubles is known."""
CELL_ENDS = [bytes((0x0A, checksum)) for checksum in range(256)]
"""The end of a cell by its checksum."""
_SUFFIX_BYTES = 2
_MAX_HEADS = 20_000
_head = Struct("<BqH")
_u32 = Struct("<I")
_heads: dict[tuple[bytes, int], tuple[bytes, int]] = {}


def cell_head(name: bytes) -> tuple[bytes, int]:
    """Return how the cell of a column begins, up to the length of its value, and its checksum."""
    return b"\x03\x04" + _u32.pack(len(name)) + name + b"\x05", crc8(name, 0)


def _learn(name: bytes, wire_type: int) -> tuple[bytes, int]:
    if len(_heads) >= _MAX_HEADS:
        _heads.clear()
    head = _heads[name, wire_type] = cell_head(name + FIELD_SUFFIXES[wire_type])
    return head


def pack_point(fields: Mapping[bytes, bytes], now_ms: int) -> bytes:
    """Return the stored form of a point: wire values by name of field."""
    parts: list[bytes] = []
    sums = bytearray()
    heads, pack, crc, ends = _heads, _u32.pack, crc8, CELL_ENDS
    for name in sorted(fields):
        value = fields[name]
        known = heads.get((name, value[0])) or _learn(name, value[0])
        head, checksum = known
        checksum = crc(value, checksum)
        sums.append(checksum)
        parts += head, pack(len(value)), value, ends[checksum]
    return _head.pack(FORMAT, now_ms, len(sums)) + sums + b"".join(parts)


def encoded_fields(stored: bytes) -> tuple[bytes, bytes]:
    """Return all cells of a stored point, and their checksums."""
    _, _, count = _head.unpack_from(stored)
    start = _head.size + count
    return stored[start:], stored[_head.size : start]


def iterate_fields(stored: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, wire value and cell of each field of a stored point, by name."""
    _, _, count = _head.unpack_from(stored)
    length = _u32.unpack_from
    position, end = _head.size + count, len(stored)
    while position < end:  # 03 04 length name 05 length value 0a checksum
        start = position + 6
        stop = start + length(stored, position + 2)[0]
        value_start = stop + 5
        value_stop = value_start + length(stored, stop + 1)[0]
        cell = stored[position : value_stop + 2]
        yield stored[start : stop - _SUFFIX_BYTES], stored[value_start:value_stop], cell
        position = value_stop + 2
