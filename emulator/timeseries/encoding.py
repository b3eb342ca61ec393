"""Points as rows of an answer, straight from their stored form.

Reads of time series answer thousands of points with the same series and fields one after the
other. What repeats is made once: the cells of a series key, the beginning of each field's cell and
the checksum so far. This takes half the time of unpacking a row and encoding it again.
"""

from struct import Struct

from emulator import keys, rows
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8

FieldNames = dict[bytes, int | None]
"""Names of fields to read, each with the wire type it must have; None: any type. Empty: all."""
_SIGN = 1 << 63
_TIME_BYTES = 9
"""A marker and eight bytes: the time at the end of a stored key without field keys."""
_u32 = Struct("<I")
_ENDS = [bytes((0x0A, checksum)) for checksum in range(256)]
"""The end of a cell by its checksum."""


class PointEncoder:
    """Encodes the points of one table for one request."""

    def __init__(self, table: TimeseriesTable, names: FieldNames) -> None:
        self._table, self._names = table, names
        self._heads: dict[tuple[bytes, int], tuple[bytes, int] | None] = {}
        self._series: bytes | None = None
        self._series_cells, self._series_sums = b"", b""
        self._time_head = self._head(b"_time")

    def time_of(self, stored_key: bytes) -> int:
        """Return the time of a point in microseconds."""
        if self._table.field_keys:
            columns = dict(keys.decode_key(self._table.data, stored_key))
            return int(pb.python_value(columns[b"_time"]))
        return int.from_bytes(stored_key[-8:], "big") - _SIGN

    def encode(self, stored_key: bytes, stored: bytes) -> bytes | None:
        """Return a point as a row without the header; None when no field of it is asked for."""
        cells, sums = self._fields(stored)
        if not cells and self._names:
            return None
        if self._table.field_keys:
            key_cells, key_sums = self._key(keys.decode_key(self._table.data, stored_key))
        else:
            key_cells, key_sums = self._key_of_series(stored_key)
        checksum = crc8(key_sums + sums + b"\x00", 0)
        between = b"\x02" if cells else b""
        return b"\x01" + key_cells + between + cells + bytes((0x09, checksum))

    @staticmethod
    def _head(name: bytes) -> tuple[bytes, int]:
        return b"\x03\x04" + _u32.pack(len(name)) + name + b"\x05", crc8(name, 0)

    def _key(self, key: list[pb.KeyCell]) -> tuple[bytes, bytes]:
        parts, sums = [], bytearray()
        for name, value in key:
            head, checksum = self._head(name)
            checksum = crc8(value, checksum)
            sums.append(checksum)
            parts.append(head + _u32.pack(len(value)) + value + _ENDS[checksum])
        return b"".join(parts), bytes(sums)

    def _key_of_series(self, stored_key: bytes) -> tuple[bytes, bytes]:
        series = stored_key[:-_TIME_BYTES]
        if series != self._series:
            whole = keys.decode_key(self._table.data, stored_key)
            self._series_cells, self._series_sums = self._key(whole[:-1])
            self._series = series
        value = pb.integer(self.time_of(stored_key))
        head, checksum = self._time_head
        checksum = crc8(value, checksum)
        time_cell = head + _u32.pack(len(value)) + value + _ENDS[checksum]
        return self._series_cells + time_cell, self._series_sums + bytes((checksum,))

    def _fields(self, stored: bytes) -> tuple[bytes, bytes]:
        """Return the cells of the fields asked for, without versions, and their checksums."""
        heads, ends, pack, crc = self._heads, _ENDS, _u32.pack, crc8
        parts: list[bytes] = []
        sums = bytearray()
        for name, value in rows.point_fields(stored):
            known = name, value[0]
            found = heads[known] if known in heads else self._learn(known)
            if found is None:
                continue
            head, checksum = found
            checksum = crc(value, checksum)
            sums.append(checksum)
            parts += head, pack(len(value)), value, ends[checksum]
        return b"".join(parts), bytes(sums)

    def _learn(self, field: tuple[bytes, int]) -> tuple[bytes, int] | None:
        """Remember how the cell of a field (name, wire type) begins; None: it is not asked for."""
        name, wire_type = field
        names = self._names
        head = None
        if not names or (name in names and names[name] in (None, wire_type)):
            head = self._head(name + rows.FIELD_SUFFIXES[wire_type])
        self._heads[field] = head
        return head
