"""Reads back what the mapping made: a reader of its own, so that it shares no mistake."""

import struct
from typing import Any, NamedTuple

from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, DeadLetter, Row
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit.factories import dead_in, record, record_chunk, rows_in


class Cells(NamedTuple):
    """A row's key and attribute columns, in order, with the values that the bytes hold."""

    key: dict[str, Any]
    columns: dict[str, Any]


def read_wire(wire: bytes) -> Cells:
    """The cells of one put row without a condition; AssertionError for anything else."""
    tag, rest = wire[0], wire[1:]
    assert tag == 0x12
    length, rest = _varint(rest)
    assert len(rest) == length
    assert rest[:3] == b"\x08\x01\x12", "a put"
    size, rest = _varint(rest[3:])
    body, condition = rest[:size], rest[size:]
    assert condition == b"\x1a\x02\x08\x00", "row existence: ignore"
    assert body[:5] == b"\x75\x00\x00\x00\x01"
    key, at = _cells(body, 5)
    columns: dict[str, Any] = {}
    if body[at] == 2:
        columns, at = _cells(body, at + 1)
    assert body[at] == 9
    assert at + 2 == len(body)
    return Cells(key, columns)


def _varint(data: bytes) -> tuple[int, bytes]:
    number = shift = 0
    for at, byte in enumerate(data):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, data[at + 1 :]
    raise AssertionError("endless varint")


def _cells(body: bytes, at: int) -> tuple[dict[str, Any], int]:
    cells: dict[str, Any] = {}
    while body[at] == 3:
        assert body[at + 1] == 4
        (length,) = struct.unpack_from("<i", body, at + 2)
        name = body[at + 6 : at + 6 + length].decode()
        at += 6 + length
        assert body[at] == 5
        (size,) = struct.unpack_from("<i", body, at + 1)
        assert name not in cells, "a column twice"
        cells[name] = _value(body[at + 5 : at + 5 + size])
        at += 5 + size
        assert body[at] == 10
        at += 2
    return cells, at


def _value(data: bytes) -> Any:
    kind, payload = data[0], data[1:]
    if kind == 0:
        return struct.unpack("<q", payload)[0]
    if kind == 1:
        return struct.unpack("<d", payload)[0]
    if kind == 2:
        assert payload in (b"\0", b"\1")
        return payload == b"\1"
    (length,) = struct.unpack_from("<i", payload)
    assert len(payload) == 4 + length
    assert kind in (3, 7)
    return payload[4:].decode() if kind == 3 else payload[4:]


class Mapped:
    """A mapper of these settings; each call maps one record or chunk."""

    def __init__(self, settings: Settings) -> None:
        self.mapper = RowMapper(settings, RowEncoder())

    def chunk(self, *values: Any, topic: str = "orders", partition: int = 0) -> list[Row]:
        """The rows of records with these values, in the order of their offsets; none is dead."""
        made = self.mapper.map_chunk(record_chunk(values, topic=topic, partition=partition))
        assert not dead_in(b for _, b in made)
        return by_offset(made)

    def outcome(self, value: Any, key: Any = None, offset: int = 0) -> Cells | DeadLetter:
        """The outcome of one record."""
        chunk = record_chunk([])
        chunk.records.append(record(value, key, offset=offset))
        made = self.mapper.map_chunk(chunk)
        rows, dead = by_offset(made), dead_in(b for _, b in made)
        assert len(rows) + len(dead) == 1
        return dead[0] if dead else read_wire(rows[0].wire)

    def cells(self, value: Any, key: Any = None, offset: int = 0) -> Cells:
        """The row that a record becomes."""
        found = self.outcome(value, key, offset)
        assert isinstance(found, Cells), found
        return found

    def rejected(self, value: Any, key: Any = None) -> DeadLetter:
        """The dead letter that a record becomes."""
        found = self.outcome(value, key)
        assert isinstance(found, DeadLetter), found
        assert found.stage == "map"
        return found


def by_offset(made: list[tuple[str, Batch]]) -> list[Row]:
    """All rows, in the order of their offsets."""
    return sorted(rows_in(batch for _, batch in made), key=lambda row: row.offset)
