"""StartLocalTransaction, CommitTransaction, AbortTransaction."""

from emulator import keys
from emulator.errors import invalid, invalid_key
from emulator.operations.row import check_read_key
from emulator.service import Call
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row


def start_transaction(
    call: Call, request: wire.StartLocalTransactionRequest
) -> wire.StartLocalTransactionResponse:
    """Lock one partition key for reads and writes that belong together."""
    table = call.service.catalog.usable(call.instance, request.table_name)
    row = decode_row(request.key)
    check_read_key(row)
    if not table.local_transactions:
        raise invalid(
            "Try to call method using explicit transaction on explicit-transaction-disabled table."
        )
    name, value = row.key[0]
    column = table.key[0]
    if len(row.key) != 1:
        raise invalid("StartLocalTransaction support only one primary key.")
    if name != column.name:
        raise invalid_key(
            f"Validate PK name fail. Input: {name.decode()}, Meta: {column.name.decode()}."
        )
    if value[0] != column.wire_type:
        raise invalid_key(
            f"Validate PK type fail. Input: {pb.TYPE_NAMES[value[0]]},"
            f" Meta: {pb.TYPE_NAMES[column.wire_type]}."
        )
    partition = table.prefix + keys.encode_value(value)
    transaction = call.service.transactions.start(table, partition)
    return wire.StartLocalTransactionResponse(transaction_id=transaction.id)


def commit_transaction(call: Call, request: wire.TransactionRequest) -> wire.TransactionResponse:
    """Apply all changes of a transaction at once."""
    service = call.service
    transaction = service.transactions.find(request.transaction_id)
    if transaction.table.instance != call.instance:
        raise invalid("The transaction belongs to another instance.")
    if transaction.changes and not service.options.discard:
        service.store.write(transaction.changes)
    service.transactions.end(transaction)
    service.journal.rows_written += transaction.applied
    if transaction.effects:
        service.journal.applied(call.request_id, transaction.effects)
    return wire.TransactionResponse()


def abort_transaction(call: Call, request: wire.TransactionRequest) -> wire.TransactionResponse:
    """Discard all changes of a transaction."""
    transactions = call.service.transactions
    transactions.end(transactions.find(request.transaction_id))
    return wire.TransactionResponse()
