"""GetRange: rows between two keys, in either direction, in pages."""

import heapq
from collections.abc import Iterator
from operator import itemgetter

from emulator import keys, limits, rows
from emulator.errors import invalid
from emulator.operations.row import (
    check_read_key,
    consumed,
    find_transaction,
    out_of_transaction,
)
from emulator.reads import parse_selection
from emulator.service import Call
from emulator.tables import Table
from emulator.transactions import Transaction
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

_FORWARD, _BACKWARD = 0, 1


def _bounds(
    table: Table, begin: list[pb.KeyCell], end: list[pb.KeyCell], backward: bool
) -> tuple[bytes, bytes]:
    first, last = keys.encode_bound(table, begin), keys.encode_bound(table, end)
    if backward and first <= last:
        raise invalid("Begin key must more than end key in BACKWARD")
    if not backward and first >= last:
        raise invalid("Begin key must less than end key in FORWARD")
    return first, last


def _scan(
    call: Call, transaction: Transaction | None, first: bytes, last: bytes, backward: bool
) -> Iterator[tuple[bytes, bytes]]:
    """Yield stored rows, as the transaction sees them."""
    stored = call.service.store.scan(first, last, backward)
    if transaction is None:
        yield from stored
        return
    changed = transaction.changes
    inside = sorted(
        (key for key in changed if (last < key <= first if backward else first <= key < last)),
        reverse=backward,
    )
    untouched = ((key, row) for key, row in stored if key not in changed)
    own = ((key, row) for key in inside if (row := changed[key]) is not None)
    yield from heapq.merge(untouched, own, key=itemgetter(0), reverse=backward)


def get_range(call: Call, request: wire.GetRangeRequest) -> wire.GetRangeResponse:
    """Read up to 5,000 rows or 4 MB; the key to go on with is in the answer."""
    limits.check_data_table_name(request.table_name)
    if request.direction not in (_FORWARD, _BACKWARD):
        raise invalid(f"Invalid direction: {request.direction}.")
    if request.HasField("limit") and request.limit <= 0:
        raise invalid("The limit must be greater than 0.")
    if request.token:
        raise invalid("Invalid token.")  # this server gives none out
    selection = parse_selection(request, call.service.options.key_columns_count)
    inner = limits.is_inner(request.table_name)
    begin = pb.decode_row(request.inclusive_start_primary_key, inner)
    end = pb.decode_row(request.exclusive_end_primary_key, inner)
    check_read_key(begin)
    check_read_key(end)
    table = call.service.catalog.usable(call.instance, request.table_name)
    if call.service.options.key_order == "any":
        keys.put_in_order(table, begin.key)
        keys.put_in_order(table, end.key)
    backward = request.direction == _BACKWARD
    first, last = _bounds(table, begin.key, end.key, backward)
    transaction = find_transaction(call, request.transaction_id)
    if transaction is not None:
        for bound in (begin.key, end.key):
            prefix = table.prefix + keys.encode_value(bound[0][1])
            if prefix != transaction.partition:
                raise out_of_transaction(transaction, table, prefix)
    wanted = request.limit if request.HasField("limit") else limits.RANGE_ROWS
    found: list[bytes] = []
    next_key: list[pb.KeyCell] | None = None
    scanned = size = 0
    for stored_key, stored in _scan(call, transaction, first, last, backward):
        key = keys.decode_key(table, stored_key)
        if len(found) >= wanted or scanned >= limits.RANGE_ROWS or size >= limits.RANGE_BYTES:
            next_key = key
            break
        scanned += 1
        row = rows.live_row(table, stored_key, stored, call.now_ms)
        if row is None:
            size += rows.key_size(key)
            continue
        cells, read = selection.select(table, key, row, is_range=True)
        size += read
        if cells is not None:
            found.append(pb.encode_row(key, cells))
    return wire.GetRangeResponse(
        consumed=consumed(limits.units(size), 0),
        rows=pb.encode_rows(found),
        next_start_primary_key=(
            None if next_key is None else pb.encode_rows([pb.encode_row(next_key)])
        ),
    )
