"""PutRow, UpdateRow, DeleteRow, GetRow: one row a request, errors for the whole request."""

from emulator import keys, limits, rows
from emulator.errors import ServiceError, invalid
from emulator.reads import parse_selection
from emulator.rows import DELETE_ROW, PUT_ROW, UPDATE_ROW
from emulator.service import Call
from emulator.tables import Table
from emulator.transactions import Transaction
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from emulator.writer import Change, Writer, parse_change

WriteRequest = wire.PutRowRequest | wire.UpdateRowRequest | wire.DeleteRowRequest


def consumed(read: int, write: int) -> wire.ConsumedCapacity:
    """Return a message of consumed capacity units."""
    return wire.ConsumedCapacity(capacity_unit=wire.CapacityUnit(read=read, write=write))


def consumed_size(read: int, write: int) -> wire.ConsumedCapacity:
    """Return a message of bytes read and written, of operations that cost no capacity units."""
    return wire.ConsumedCapacity(
        capacity_unit=wire.CapacityUnit(read=0, write=0),
        capacity_data_size=wire.CapacityDataSize(read_size=read, write_size=write),
    )


def find_transaction(call: Call, transaction_id: str) -> Transaction | None:
    """Return the transaction a request belongs to, None when it names none."""
    return call.service.transactions.find(transaction_id) if transaction_id else None


def _write(call: Call, request: WriteRequest, change: Change) -> wire.ChangeRowResponse:
    table = call.service.catalog.usable(call.instance, request.table_name)
    writer = Writer(call, find_transaction(call, request.transaction_id))
    call.row_fault(table.name, 0, change.row)
    (read, write), row = writer.apply(table, change)
    writer.commit()
    return wire.ChangeRowResponse(consumed=consumed(read, write), row=row)


def _parse(operation: int, request: WriteRequest, buffer: bytes) -> Change:
    limits.check_data_table_name(request.table_name)  # before anything else, as on the service
    inner = limits.is_inner(request.table_name)
    return parse_change(operation, buffer, request.condition, request.return_content, inner)


def _check_size(name: str, change: Change) -> None:
    if len(change.raw) > limits.ROW_BYTES:
        size = rows.request_size(change.row)
        if size > limits.ROW_BYTES:
            raise invalid(
                f"The total data size of {name} request exceeds the limit, limit size: "
                f"{limits.ROW_BYTES}, data size: {size}."
            )


def put_row(call: Call, request: wire.PutRowRequest) -> wire.ChangeRowResponse:
    """Write a whole row."""
    change = _parse(PUT_ROW, request, request.row)
    _check_size("PutRow", change)
    return _write(call, request, change)


def update_row(call: Call, request: wire.UpdateRowRequest) -> wire.ChangeRowResponse:
    """Change some cells of a row."""
    change = _parse(UPDATE_ROW, request, request.row_change)
    _check_size("UpdateRow", change)
    return _write(call, request, change)


def delete_row(call: Call, request: wire.DeleteRowRequest) -> wire.ChangeRowResponse:
    """Remove a row."""
    change = _parse(DELETE_ROW, request, request.primary_key)
    return _write(call, request, change)


def read_key(call: Call, table: Table, buffer: bytes) -> tuple[list[pb.KeyCell], bytes]:
    """Return the primary key of a read and its stored form; raises 400 when it does not fit."""
    row = decode_row(buffer, table.is_inner)
    check_read_key(row)
    keys.check_finite(row.key)
    if any(value[0] == pb.AUTO_INCREMENT for _, value in row.key):
        raise invalid("PKAutoIncr can't be used for read operations.")
    if call.service.options.key_order == "any":
        keys.put_in_order(table, row.key)
    return row.key, keys.encode_key(table, row.key)


def check_read_key(row: pb.RowChange) -> None:
    """Raise 400 when a key to read by carries more than a key."""
    if row.cells:
        raise invalid("Attribute column cannot be given while reading data.")
    if row.delete_marker:
        raise invalid("Delete marker cannot be given.")


def get_row(call: Call, request: wire.GetRowRequest) -> wire.GetRowResponse:
    """Read one row; no row is an empty answer, not an error."""
    limits.check_data_table_name(request.table_name)
    selection = parse_selection(request, call.service.options.key_columns_count)
    if request.token:
        raise invalid("Invalid token.")  # this server gives none out
    decode_row(request.primary_key, limits.is_inner(request.table_name))
    table = call.service.catalog.usable(call.instance, request.table_name)
    key, stored_key = read_key(call, table, request.primary_key)
    transaction = find_transaction(call, request.transaction_id)
    if transaction is not None and not stored_key.startswith(transaction.partition):
        raise out_of_transaction(transaction, table, stored_key)
    gate, partition = call.gate(table.name), keys.partition_bytes(table, stored_key)
    if gate is not None:
        gate.admit(partition, reads=True)
    row = Writer(call, transaction).read(table, stored_key)
    cells, size = (None, 0) if row is None else selection.select(table, key, row)
    body = b"" if cells is None else pb.encode_rows([pb.encode_row(key, cells)])
    if gate is not None:
        gate.take(partition, limits.units(size), 0)
    return wire.GetRowResponse(consumed=consumed(limits.units(size), 0), row=body)


def out_of_transaction(transaction: Transaction, table: Table, key: bytes) -> ServiceError:
    """Return the error for data outside the partition key of a transaction."""
    return ServiceError(
        "OTSDataOutOfRange",
        "Data out of scope of transaction. Transaction PartKey:"
        f"{keys.shown_partition(transaction.table, transaction.partition)}. Data PartKey:"
        f"{keys.shown_partition(table, keys.partition_bytes(table, key))}",
    )
