"""GetRange and BulkExport: rows between two keys, in pages, as PlainBuffer or as a matrix."""

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple, Protocol

from emulator import keys, limits, rows
from emulator.errors import invalid
from emulator.operations.row import (
    check_read_key,
    consumed,
    consumed_size,
    find_transaction,
    out_of_transaction,
)
from emulator.reads import Cells, Selection, parse_export, parse_selection
from emulator.service import Call
from emulator.tables import Table
from emulator.transactions import Transaction
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from emulator.wire.matrix import encode_matrix

_FORWARD, _BACKWARD = 0, 1
_PLAIN_BUFFER, _MATRIX = 0, 1
_VERSION_BYTES = 8


class Block(Protocol):
    """Collects the rows of an answer, as PlainBuffer or as a matrix."""

    def add(self, key: list[pb.KeyCell], cells: Cells) -> None:
        """Add the selected cells of one row to the result."""

    def encode(self) -> bytes:
        """Return the rows that were added as bytes."""


class _PlainBlock:
    def __init__(self) -> None:
        self._rows: list[bytes] = []

    def add(self, key: list[pb.KeyCell], cells: Cells) -> None:
        self._rows.append(pb.encode_row(key, cells))

    def encode(self) -> bytes:
        return pb.encode_rows(self._rows)


class _MatrixBlock:
    """Columns are those asked for: of the key in its own order, the others by name."""

    def __init__(self, table: Table, names: list[bytes], needs_entire_key: bool) -> None:
        if not names:
            raise invalid("DBT_SIMPLE_ROW_MATRIX need at least one column to get.")
        key_names = [column.name for column in table.key]
        self._is_entire = needs_entire_key or set(key_names) <= set(names)
        self._key = [name for name in key_names if self._is_entire or name in names]
        self._attributes = sorted(set(names) - table.key_names)
        self._rows: list[list[bytes | None]] = []

    def add(self, key: list[pb.KeyCell], cells: Cells) -> None:
        key_values = dict(key)
        newest: dict[bytes, bytes] = {}
        for name, _, value in cells:  # by name, newest version first
            newest.setdefault(name, value)
        row: list[bytes | None] = [key_values[name] for name in self._key]
        self._rows.append(row + [newest.get(name) for name in self._attributes])

    def encode(self) -> bytes:
        return encode_matrix(self._key, self._attributes, self._is_entire, self._rows)


class _Range(NamedTuple):
    """What to read: keys from `first` to before `last`, which is below it where backward."""

    first: bytes
    last: bytes
    backward: bool
    wanted: int
    """Rows at most."""
    transaction: Transaction | None = None


def _bounds(
    table: Table, begin: list[pb.KeyCell], end: list[pb.KeyCell], backward: bool
) -> tuple[bytes, bytes]:
    first, last = keys.encode_bound(table, begin), keys.encode_bound(table, end)
    if backward and first <= last:
        raise invalid("Begin key must more than end key in BACKWARD")
    if not backward and first >= last:
        raise invalid("Begin key must less than end key in FORWARD")
    return first, last


def _scan(call: Call, part: _Range) -> Iterator[tuple[bytes, bytes]]:
    """Yield stored rows, as the transaction sees them."""
    first, last, backward = part.first, part.last, part.backward
    stored = call.service.store.scan(first, last, backward)
    if part.transaction is None:
        yield from stored
        return
    changed = part.transaction.changes
    inside = sorted(
        (key for key in changed if (last < key <= first if backward else first <= key < last)),
        reverse=backward,
    )
    untouched = ((key, row) for key, row in stored if key not in changed)
    own = ((key, row) for key in inside if (row := changed[key]) is not None)
    yield from heapq.merge(untouched, own, key=itemgetter(0), reverse=backward)


def _read_page(
    call: Call, table: Table, part: _Range, selection: Selection, block: Block, is_export: bool
) -> tuple[int, bytes | None]:
    """Fill `block` with a page; return the bytes read and the key of the next page, if any.

    A page ends after 5,000 rows or 4 MB, whether they pass the filter or not. The versions of
    cells, 8 bytes each, count for the 4 MB (a table of just more than that took the official Java
    test two requests), not for the capacity units.
    """
    gate = call.gate(table.name)
    if gate is not None:
        gate.admit(None, reads=True)
    size, next_key = _fill(call, table, part, selection, block, is_export)
    if gate is not None:
        gate.take(None, limits.units(size), 0)
    return size, next_key


def _fill(
    call: Call, table: Table, part: _Range, selection: Selection, block: Block, is_export: bool
) -> tuple[int, bytes | None]:
    scanned = size = weight = found = 0
    for stored_key, stored in _scan(call, part):
        key = keys.decode_key(table, stored_key)
        if found >= part.wanted or scanned >= limits.RANGE_ROWS or weight >= limits.RANGE_BYTES:
            return size, pb.encode_rows([pb.encode_row(key)])
        scanned += 1
        row = rows.live_row(table, stored_key, stored, call.now_ms)
        if row is None:
            size += rows.key_size(key)
            weight += rows.key_size(key)
            continue
        cells, read = selection.select(table, key, row, is_range=not is_export)
        size += read
        weight += read + _VERSION_BYTES * len(row.cells)
        if cells is not None:
            block.add(key, cells)
            found += 1
    return size, None


def _keys(table_name: str, *buffers: bytes) -> list[list[pb.KeyCell]]:
    """Return the keys that bound a range."""
    found = []
    for buffer in buffers:
        row = decode_row(buffer, limits.is_inner(table_name))
        check_read_key(row)
        found.append(row.key)
    return found


def _put_in_order(call: Call, table: Table, *bounds: list[pb.KeyCell]) -> None:
    if call.service.options.key_order == "any":
        for key in bounds:
            keys.put_in_order(table, key)


def get_range(call: Call, request: wire.GetRangeRequest) -> wire.GetRangeResponse:
    """Read up to 5,000 rows or 4 MB; the answer has the key of the next page."""
    limits.check_data_table_name(request.table_name)
    if request.direction not in (_FORWARD, _BACKWARD):
        raise invalid(f"Invalid direction: {request.direction}.")
    if request.HasField("limit") and request.limit <= 0:
        raise invalid("The limit must be greater than 0.")
    if request.token:
        raise invalid("Invalid token.")  # this server gives none out
    selection = parse_selection(request, call.service.options.key_columns_count)
    begin, end = _keys(
        request.table_name,
        request.inclusive_start_primary_key,
        request.exclusive_end_primary_key,
    )
    table = call.service.catalog.usable(call.instance, request.table_name)
    _put_in_order(call, table, begin, end)
    backward = request.direction == _BACKWARD
    first, last = _bounds(table, begin, end, backward)
    transaction = find_transaction(call, request.transaction_id)
    if transaction is not None:
        for bound in (begin, end):
            prefix = table.prefix + keys.encode_value(bound[0][1])
            if prefix != transaction.partition:
                raise out_of_transaction(transaction, table, prefix)
    wanted = request.limit if request.HasField("limit") else limits.RANGE_ROWS
    entire = not request.HasField("return_entire_primary_keys")
    entire = entire or request.return_entire_primary_keys
    form = _form(request.data_block_type_hint)
    block = _block(form, table, request.columns_to_get, entire)
    part = _Range(first, last, backward, wanted, transaction)
    size, next_key = _read_page(call, table, part, selection, block, is_export=False)
    response = wire.GetRangeResponse(
        consumed=consumed(limits.units(size), 0),
        rows=block.encode(),
        next_start_primary_key=next_key,
    )
    if request.HasField("data_block_type_hint"):  # older clients read an answer without it
        response.data_block_type = form
    return response


def bulk_export(call: Call, request: wire.BulkExportRequest) -> wire.BulkExportResponse:
    """Read the newest versions of a range, forward, in pages as GetRange has them.

    It costs no capacity units: the answer has the bytes read instead, as the official Java test
    expects. A matrix holds the key columns that were asked for and no others.
    """
    limits.check_data_table_name(request.table_name)
    selection = parse_export(request)
    begin, end = _keys(
        request.table_name,
        request.inclusive_start_primary_key,
        request.exclusive_end_primary_key,
    )
    table = call.service.catalog.usable(call.instance, request.table_name)
    _put_in_order(call, table, begin, end)
    first, last = _bounds(table, begin, end, backward=False)
    hint = request.data_block_type_hint if request.HasField("data_block_type_hint") else _MATRIX
    form = _form(hint)
    block = _block(form, table, request.columns_to_get, entire=False)
    part = _Range(first, last, False, limits.RANGE_ROWS)
    size, next_key = _read_page(call, table, part, selection, block, is_export=True)
    return wire.BulkExportResponse(
        consumed=consumed_size(size, 0),
        rows=block.encode(),
        next_start_primary_key=next_key,
        data_block_type=form,
    )


def _form(hint: int) -> int:
    """Return the form of an answer; raises 400 for one that does not exist."""
    if hint not in (_PLAIN_BUFFER, _MATRIX):
        raise invalid(f"Invalid data block type: {hint}.")
    return hint


def _block(form: int, table: Table, names: Iterable[str], entire: bool) -> Block:
    if form == _PLAIN_BUFFER:
        return _PlainBlock()
    return _MatrixBlock(table, [name.encode() for name in names], entire)
