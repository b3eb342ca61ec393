"""The stored form of a row, and how each change leads to the next one.

A stored row is one byte of format, eight bytes with the time of its last write (ms, little-endian),
then its cells. Format 0 holds the cells of a put as they came, all of them versions of that time:
this is the common case and costs nothing to write. Format 1 holds name, version and value of each
cell, by name, newest first. Format 2 is that of points: see `emulator.stored_points`.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from emulator import keys, limits, stored_points
from emulator.errors import invalid, invalid_key
from emulator.tables import Table
from emulator.wire import plainbuffer as pb
from emulator.wire.plainbuffer import CellChange, RowChange

PUT_ROW, UPDATE_ROW, DELETE_ROW = 1, 2, 3
OPERATION_NAMES = {PUT_ROW: "put", UPDATE_ROW: "update", DELETE_ROW: "delete"}
Versions = dict[bytes, dict[int, bytes]]
"""Attribute cells: name -> version in ms -> wire value."""

_AHEAD_MS = 1000
_head = Struct("<Bq")
_cell_head = Struct("<HqI")
_u32 = Struct("<I")


class StoredRow(NamedTuple):
    """A decoded row: the time of its last write in ms, and its cells."""

    written_at: int
    cells: Versions


def plain_row(cells: bytes, now_ms: int) -> bytes:
    """Return the stored form of a put whose cells have no versions of their own."""
    return _head.pack(0, now_ms) + cells


def pack_row(row: StoredRow) -> bytes:
    """Return the stored form of any row."""
    parts = [_head.pack(1, row.written_at)]
    for name in sorted(row.cells):
        versions = row.cells[name]
        for version in sorted(versions, reverse=True):
            value = versions[version]
            parts.append(_cell_head.pack(len(name), version, len(value)))
            parts.append(name)
            parts.append(value)
    return b"".join(parts)


def unpack_row(stored: bytes) -> StoredRow:
    """Return the row of a stored form."""
    layout, written_at = _head.unpack_from(stored)
    cells: Versions = {}
    if layout == stored_points.FORMAT:
        for name, value, _ in stored_points.iterate_fields(stored):
            cells[name] = {0: value}
        return StoredRow(written_at, cells)
    position, end = _head.size, len(stored)
    if layout == 1:
        while position < end:
            name_length, version, value_length = _cell_head.unpack_from(stored, position)
            position += _cell_head.size
            name = stored[position : position + name_length]
            position += name_length
            cells.setdefault(name, {})[version] = stored[position : position + value_length]
            position += value_length
        return StoredRow(written_at, cells)
    while position < end:  # 03 04 length name 05 length value 0a checksum
        start = position + 6
        stop = start + _u32.unpack_from(stored, position + 2)[0]
        value_start = stop + 5
        value_stop = value_start + _u32.unpack_from(stored, stop + 1)[0]
        cells[stored[start:stop]] = {written_at: stored[value_start:value_stop]}
        position = value_stop + 2
    return StoredRow(written_at, cells)


def live_row(table: Table, key: bytes, stored: bytes | None, now_ms: int) -> StoredRow | None:
    """Return the row as it is seen now: without expired cells, None when nothing is left.

    A version expires `time_to_live` seconds after its own time, not after the write. A row without
    cells expires by the time of its last write, a point by its own time, in its key.
    """
    if stored is None:
        return None
    row = unpack_row(stored)
    if table.is_inner:
        if is_expired_point(table, key, now_ms):
            return None
        return StoredRow(row.written_at, suffixed(row))
    if table.time_to_live < 0:
        return row
    oldest = now_ms - table.time_to_live * 1000
    cells = {
        name: kept
        for name, versions in row.cells.items()
        if (kept := {stamp: value for stamp, value in versions.items() if stamp > oldest})
    }
    if not cells and (row.cells or row.written_at <= oldest):
        return None
    return StoredRow(row.written_at, cells)


def is_expired_point(table: Table, key: bytes, now_ms: int) -> bool:
    """Return whether the point of this stored key is older than its table keeps points."""
    if table.time_to_live < 0:
        return False
    time_us = int(pb.python_value(dict(keys.decode_key(table, key))[b"_time"]))
    return time_us < now_ms * 1000 - table.time_to_live * 1_000_000


def suffixed(row: StoredRow) -> Versions:
    """Return the fields of a point as the columns that the wide-column table behind it shows."""
    return {
        name + stored_points.FIELD_SUFFIXES[value[0]]: {row.written_at: value}
        for name, versions in row.cells.items()
        for value in versions.values()
    }


def as_point(key: list[pb.KeyCell], row: bytes | None, now_ms: int) -> bytes | None:
    """Return a row written through the table behind a time series table as a point.

    Raises 400 for a key whose hash is given: the service computes it, here it is empty.
    """
    if key[0][0] == b"_#h" and key[0][1] != pb.wire_value(""):
        raise invalid_key("The value of _#h must be empty.")
    if row is None:
        return None
    fields: dict[bytes, bytes] = {}
    for name, _, value in iterate_cells(unpack_row(row).cells):
        fields.setdefault(name.partition(b":")[0], value)  # the newest comes first
    return stored_points.pack_point(fields, now_ms)


def check_change(operation: int, change: RowChange) -> None:
    """Raise 400 when a change is wrong whatever its table is.

    In a batch such a row makes the whole request fail, as on the service.
    """
    if operation == DELETE_ROW:
        if change.cells:
            raise invalid("Invalid delete row request: unexpected cells in request.")
        if not change.delete_marker:
            raise invalid("Invalid request of delete row: missing RowDeleteMarker in request.")
        return
    if change.delete_marker:
        raise invalid("Invalid request of put/update row: unexpected RowDeleteMarker in request.")
    if operation == UPDATE_ROW and not change.cells:
        raise invalid("Invalid update row request: missing cells in request.")
    if len(change.names) > limits.COLUMNS_PER_WRITE:
        raise invalid(
            "The number of attribute columns exceeds the limit, limit count: "
            f"{limits.COLUMNS_PER_WRITE}, column count: {len(change.names)}."
        )
    if change.plain is not None:
        if len(change.plain) > limits.CELL_VALUE_BYTES:
            _check_lengths(change.cells)
        return
    _check_lengths(change.cells)
    for cell in change.cells:
        _check_cell(operation, cell)


def _check_lengths(cells: Iterable[CellChange]) -> None:
    for name, _, value, _ in cells:
        if value is not None and len(value) - 5 > limits.CELL_VALUE_BYTES:
            raise limits.value_length_error(name, len(value) - 5)


def _check_cell(operation: int, cell: CellChange) -> None:  # noqa: C901 - one branch a rule
    name, op, value, timestamp = cell
    shown = name.decode()
    if operation == PUT_ROW and op != pb.PUT:
        raise invalid(f"OpType cannot be given for column name:{shown} in PutRow.")
    if op in (pb.DELETE_ALL, pb.DELETE_ONE):
        if value is not None:
            raise invalid(
                "Column value cannot be given when type is DELETE_ONE_VERSION,DELETE_ALL_VERSION."
            )
        if op == pb.DELETE_ONE and timestamp is None:
            raise invalid("Timestamp must be given when type is DELETE_ONE_VERSION.")
        if op == pb.DELETE_ALL and timestamp is not None:
            raise invalid("Timestamp cannot be given when type is DELETE_ALL_VERSION.")
    elif value is None:
        if operation == PUT_ROW:
            raise invalid("Invalid request of put row: find cells without values.")
        raise invalid(f"Cell data broken, attr has no value, name:{shown}.")
    elif value[0] > pb.BLOB:
        raise invalid(f"{pb.TYPE_NAMES[value[0]]} is an invalid type for the attribute column.")
    elif op == pb.INCREMENT:
        if value[0] != pb.INTEGER:
            raise invalid(f"Invalid column type for increment, column: {shown}.")
        if timestamp is not None:
            raise invalid(f"Timestamp cannot be given for increment, column: {shown}.")
    if timestamp is not None and not 0 <= timestamp < (1 << 63) // 1000:
        raise invalid("Timestamp must be in range [0, INT64_MAX/1000).")


def check_against_table(table: Table, operation: int, change: RowChange, now_ms: int) -> None:
    """Raise 400 when a change does not fit its table: names, defined types, versions, updates.

    In a batch this is the error of the row alone.
    """
    if operation == DELETE_ROW:
        return
    if operation == UPDATE_ROW and not table.allow_update:
        raise invalid(f"UpdateRow is not allowed on table: {table.name}.")
    if not table.key_names.isdisjoint(change.names):
        name = min(table.key_names & change.names)
        raise invalid(f"Duplicated attribute column name with primary key column: {name.decode()}.")
    defined = table.defined
    if change.plain is not None and not defined:
        return
    for name, op, value, timestamp in change.cells:
        if value is not None and name in defined and defined[name] != value[0]:
            raise invalid(
                f"Invalid column type for column {name.decode()} expect "
                f"{pb.TYPE_NAMES[defined[name]]} actual {pb.TYPE_NAMES[value[0]]}"
            )
        if timestamp is not None and op == pb.PUT:
            _check_version(table, name, timestamp, now_ms)


def _check_version(table: Table, name: bytes, timestamp: int, now_ms: int) -> None:
    now, version = now_ms // 1000, timestamp // 1000
    oldest = now - table.deviation
    if table.time_to_live > 0:
        oldest = max(oldest, now - table.time_to_live)
    if not oldest <= version < now + table.deviation:
        raise invalid(f"Invalid timestamp. Cell:{name.decode()}.")


def put_row(table: Table, change: RowChange, now_ms: int) -> bytes:
    """Return the stored row after a put: the old row and all its versions are gone."""
    if change.plain is not None and len(change.names) == len(change.cells):
        return plain_row(change.plain, now_ms)
    cells: Versions = {}
    for name, _, value, timestamp in change.cells:
        if value is not None:
            cells.setdefault(name, {})[now_ms if timestamp is None else timestamp] = value
    _prune(table, cells)
    return pack_row(StoredRow(now_ms, cells))


def update_row(table: Table, old: StoredRow | None, change: RowChange, now_ms: int) -> bytes | None:
    """Return the stored row after an update; a missing row begins empty.

    An update that only deletes makes no row where there was none. Raises 400 for an increment of
    a cell that is not an integer.
    """
    if old is None and all(cell[1] in (pb.DELETE_ALL, pb.DELETE_ONE) for cell in change.cells):
        return None
    cells: Versions = {} if old is None else dict(old.cells)
    for name, op, value, timestamp in change.cells:
        if op == pb.DELETE_ALL:
            cells.pop(name, None)
            continue
        versions = dict(cells.get(name, ()))
        if op == pb.DELETE_ONE:
            if timestamp is not None:
                versions.pop(timestamp, None)
        elif value is not None:
            stamp = timestamp
            if stamp is None:
                stamp = _next_version(versions, now_ms, table.max_versions)
            versions[stamp] = _incremented(name, versions, value) if op == pb.INCREMENT else value
        if versions:
            cells[name] = versions
        else:
            cells.pop(name, None)
    _prune(table, cells)
    return pack_row(StoredRow(now_ms, cells))


def _next_version(versions: dict[int, bytes], now_ms: int, keep: int) -> int:
    """Return the version of a cell that is written now: the newest, or the update would be lost.

    Two writes in one millisecond are two versions, as they are on the (slower) service, so that
    versions may run ahead of the clock a little. A version further ahead was given by a client and
    stays the newest.
    """
    newest = max(versions, default=-1)
    if newest < now_ms:
        return now_ms
    if newest <= now_ms + _AHEAD_MS:
        return newest if keep == 1 else min(newest + 1, now_ms + _AHEAD_MS)
    while now_ms in versions:
        now_ms += 1
    return now_ms


def _incremented(name: bytes, versions: dict[int, bytes], delta: bytes) -> bytes:
    old = 0
    if versions:
        newest = versions[max(versions)]
        if newest[0] != pb.INTEGER:
            raise invalid(
                f"Increment is only supported for INTEGER, column: {name.decode()},"
                f" actual {pb.TYPE_NAMES[newest[0]]}."
            )
        old = int(pb.python_value(newest))
    total = old + int(pb.python_value(delta))
    return pb.integer((total + (1 << 63)) % (1 << 64) - (1 << 63))


def _prune(table: Table, cells: Versions) -> None:
    """Keep the newest `max_versions` versions of each cell."""
    keep = table.max_versions
    for name, versions in cells.items():
        if len(versions) > keep:
            newest = sorted(versions, reverse=True)[:keep]
            cells[name] = {stamp: versions[stamp] for stamp in newest}


def iterate_cells(cells: Versions) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield (name, version, value) by name, newest version first: the order of answers."""
    for name in sorted(cells):
        versions = cells[name]
        for version in sorted(versions, reverse=True):
            yield name, version, versions[version]


def key_size(key: Iterable[pb.KeyCell]) -> int:
    """Return the bytes a primary key counts for: names and values."""
    return sum(len(name) + pb.value_size(value) for name, value in key)


def change_size(change: RowChange) -> int:
    """Return the bytes a change costs: names and values."""
    size = key_size(change.key)
    for name, _, value, _ in change.cells:
        size += len(name)
        if value is not None:
            size += pb.value_size(value)
    return size


def versions_size(table: Table, count: int) -> int:
    """Return the bytes that the versions of `count` cells count for in capacity units.

    The guide counts 8 bytes a version where a table keeps more than one, or has a time to live.
    """
    return 8 * count if table.max_versions > 1 or table.time_to_live >= 0 else 0


def request_size(change: RowChange) -> int:
    """Return the bytes a change counts for in a request: a version that is given has 8 too."""
    return change_size(change) + 8 * sum(cell[3] is not None for cell in change.cells)


def row_size(key: Iterable[pb.KeyCell], cells: Iterable[tuple[bytes, int, bytes]]) -> int:
    """Return the bytes a row read counts for."""
    return key_size(key) + sum(len(name) + pb.value_size(value) for name, _, value in cells)
