"""Points as rows of an answer: the cells of their fields are stored, those of the key are made.

Points that follow each other are mostly of one series, whose cells are made once.
"""

from struct import Struct

from emulator import keys, rows
from emulator.stored_points import (
    CELL_ENDS,
    FORMAT,
    cell_head,
    encoded_fields,
    iterate_fields,
    pack_point,
)
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8

FieldNames = dict[bytes, int | None]
"""Names of fields to read, each with the wire type it must have; None: any type. Empty: all."""
_SIGN = 1 << 63
_TIME_BYTES = 9
"""A marker and eight bytes: the time at the end of a stored key without field keys."""
_u32 = Struct("<I")


class PointEncoder:
    """Encodes the points of one table for one request."""

    def __init__(self, table: TimeseriesTable, names: FieldNames) -> None:
        self._table, self._names = table, names
        self._series: bytes | None = None
        self._series_cells, self._series_sums = b"", b""

    def time_of(self, stored_key: bytes) -> int:
        """Return the time of a point in microseconds."""
        if self._table.field_keys:
            columns = dict(keys.decode_key(self._table.data, stored_key))
            return int(pb.python_value(columns[b"_time"]))
        return int.from_bytes(stored_key[-8:], "big") - _SIGN

    def encode(self, stored_key: bytes, stored: bytes) -> bytes | None:
        """Return a point as a row without the header; None when no field of it is asked for."""
        if stored[0] != FORMAT:  # of a database that an earlier version has made
            fields = rows.unpack_row(stored).cells
            stored = pack_point({name: versions[0] for name, versions in fields.items()}, 0)
        cells, sums = self._chosen(stored) if self._names else encoded_fields(stored)
        if not cells and self._names:
            return None
        if self._table.field_keys:
            key_cells, key_sums = self._key(keys.decode_key(self._table.data, stored_key))
        else:
            key_cells, key_sums = self._key_of_series(stored_key)
        checksum = crc8(key_sums + sums + b"\x00", 0)
        between = b"\x02" if cells else b""
        return b"\x01" + key_cells + between + cells + bytes((0x09, checksum))

    def _chosen(self, stored: bytes) -> tuple[bytes, bytes]:
        """Return the cells of the fields asked for, and their checksums."""
        names, parts, sums = self._names, [], bytearray()
        for name, value, cell in iterate_fields(stored):
            if name in names and names[name] in (None, value[0]):
                parts.append(cell)
                sums.append(cell[-1])
        return b"".join(parts), bytes(sums)

    @staticmethod
    def _cell(name: bytes, value: bytes) -> tuple[bytes, int]:
        head, checksum = cell_head(name)
        checksum = crc8(value, checksum)
        return head + _u32.pack(len(value)) + value + CELL_ENDS[checksum], checksum

    def _key(self, key: list[pb.KeyCell]) -> tuple[bytes, bytes]:
        made = [self._cell(name, value) for name, value in key]
        return b"".join(cell for cell, _ in made), bytes(checksum for _, checksum in made)

    def _key_of_series(self, stored_key: bytes) -> tuple[bytes, bytes]:
        series = stored_key[:-_TIME_BYTES]
        if series != self._series:
            whole = keys.decode_key(self._table.data, stored_key)
            self._series_cells, self._series_sums = self._key(whole[:-1])
            self._series = series
        cell, checksum = self._cell(b"_time", pb.integer(self.time_of(stored_key)))
        return self._series_cells + cell, self._series_sums + bytes((checksum,))
