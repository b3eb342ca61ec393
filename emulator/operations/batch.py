"""BatchWriteRow, BulkImport, BatchGetRow: many rows, each with an answer of its own.

What is wrong whatever the table is (a bad name, an over-long value, a broken buffer) refuses the
whole request; what depends on the table or on the row is the error of that row inside HTTP 200.
"""

from functools import lru_cache

from emulator import keys, limits, rows
from emulator.errors import ServiceError, invalid
from emulator.operations.row import consumed, consumed_size, find_transaction, read_key
from emulator.reads import Selection, parse_selection
from emulator.service import Call
from emulator.tables import Table
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from emulator.writer import Change, Writer, parse_change


def _framed(answer: wire.RowInBatchWriteRowResponse) -> bytes:
    """Serialize the answer of a row as it stands in that of its table: `rows = 2 repeated`."""
    raw = answer.SerializeToString()
    return b"\x12" + _varint(len(raw)) + raw


@lru_cache(maxsize=1024)
def _row_written(read: int, write: int) -> bytes:
    """Most rows share one answer, made once."""
    return _framed(wire.RowInBatchWriteRowResponse(is_ok=True, consumed=consumed(read, write)))


@lru_cache(maxsize=1024)
def _row_imported(size: int) -> bytes:
    """The official test of BulkImport expects no units, and the size written."""
    return _framed(wire.RowInBatchWriteRowResponse(is_ok=True, consumed=consumed_size(0, size)))


def _row_failed(error: ServiceError) -> bytes:
    failure = wire.Error(code=error.code, message=error.message)
    return _framed(wire.RowInBatchWriteRowResponse(is_ok=False, error=failure))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _table_answer(name: str, answers: list[bytes]) -> bytes:
    """Serialize the answer of a table: `name = 1`, then the answers of its rows."""
    raw = name.encode()
    return b"".join((b"\x0a", _varint(len(raw)), raw, *answers))


def _check_total(name: str, changes: list[Change], body_size: int) -> None:
    if body_size <= limits.BATCH_WRITE_BYTES:
        return  # the data can only be smaller
    size = sum(rows.request_size(change.row) for change in changes)
    if size > limits.BATCH_WRITE_BYTES:
        raise invalid(
            f"The total data size of {name} request exceeds the limit, limit size: "
            f"{limits.BATCH_WRITE_BYTES}, data size: {size}."
        )


def _check_duplicates(call: Call, name: str, changes: list[Change]) -> None:
    """Refuse repeated rows: those that carry a check, or, strictly, all of them."""
    strict = call.service.options.duplicates == "strict"
    if not strict and not any(change.has_check for change in changes):
        return
    seen: dict[tuple[pb.KeyCell, ...], list[Change]] = {}
    for change in changes:
        if not any(value[0] == pb.AUTO_INCREMENT for _, value in change.row.key):
            seen.setdefault(tuple(change.row.key), []).append(change)
    for repeated in seen.values():
        if len(repeated) == 1:
            continue
        if any(change.existence for change in repeated):
            raise invalid(
                "Repeated rows do not support row exist expectation check in BatchModify."
            )
        if any(change.test is not None for change in repeated):
            raise invalid("Repeated rows do not support row condition check in BatchModify.")
        if strict:
            raise invalid(f"Duplicate rows detected in {name}.")


def batch_write_row(call: Call, request: wire.BatchWriteRowRequest) -> bytes:
    """Write up to 200 rows of any tables; each is applied or refused by itself."""
    if not request.tables:
        raise invalid("No row is specified in BatchWriteRow.")
    names = [part.table_name for part in request.tables]
    total = 0
    for part, name in zip(request.tables, names, strict=True):
        limits.check_data_table_name(name)
        if names.count(name) > 1:
            raise invalid(f"Duplicated table name: '{name}'.")
        if not part.rows:
            raise invalid(f"No operation is specified for table: '{name}'.")
        total += len(part.rows)
    if total > limits.BATCH_WRITE_ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {limits.BATCH_WRITE_ROWS}.")
    parsed: list[list[Change]] = []
    for part, name in zip(request.tables, names, strict=True):
        inner = limits.is_inner(name)
        changes = [
            parse_change(
                row.type,
                row.row_change,
                row.condition,
                row.return_content if row.HasField("return_content") else None,
                inner,
            )
            for row in part.rows
        ]
        _check_duplicates(call, "MultiPut", changes)
        parsed.append(changes)
    everything = [change for changes in parsed for change in changes]
    _check_total("BatchWriteRow", everything, sum(len(change.raw) for change in everything))
    tables = [_find(call, name) for name in names]
    writer = Writer(call, find_transaction(call, request.transaction_id))
    if request.is_atomic:
        return _write_atomic(call, writer, names, tables, parsed)
    out = []
    index = 0
    for name, table, changes in zip(names, tables, parsed, strict=True):
        answers, _ = _write_rows(call, writer, table, changes, index, size_only=False)
        out.append(_table_answer(name, answers))
        index += len(changes)
    writer.commit()
    return _join(out)


def _join(tables: list[bytes]) -> bytes:
    return b"".join(b"\x0a" + _varint(len(table)) + table for table in tables)


def _find(call: Call, name: str, per_row: bool = False) -> Table | ServiceError:
    """Return a table, or its error where that is the error of each row."""
    try:
        return call.service.catalog.usable(call.instance, name)
    except ServiceError as error:
        if per_row or call.service.options.missing_table == "row":
            return error
        raise


def _write_rows(
    call: Call,
    writer: Writer,
    table: Table | ServiceError,
    changes: list[Change],
    first_index: int,
    size_only: bool,
) -> tuple[list[bytes], ServiceError | None]:
    """Return the answers of all rows, and the error of the first that failed."""
    answers: list[bytes] = []
    if isinstance(table, ServiceError):
        return [_row_failed(table)] * len(changes), table
    first: ServiceError | None = None
    apply = writer.apply
    for index, change in enumerate(changes, first_index):
        try:
            if call.row_faults:
                call.row_fault(table.name, index, change.row)
            (read, write), row = apply(table, change)
        except ServiceError as error:
            answers.append(_row_failed(error))
            first = first or error
            continue
        if size_only:
            answers.append(_row_imported(rows.change_size(change.row)))
        elif row is None:
            answers.append(_row_written(read, write))
        else:
            answer = wire.RowInBatchWriteRowResponse(
                is_ok=True, consumed=consumed(read, write), row=row
            )
            answers.append(_framed(answer))
    return answers, first


def _write_atomic(
    call: Call,
    writer: Writer,
    names: list[str],
    tables: list[Table | ServiceError],
    parsed: list[list[Change]],
) -> bytes:
    """All rows or none. Rows of another partition key, or one that fails, fail every row."""
    failure = _atomic_scope(tables, parsed)
    if failure is None:
        out: list[bytes] = []
        index = 0
        for name, table, changes in zip(names, tables, parsed, strict=True):
            answers, first = _write_rows(call, writer, table, changes, index, size_only=False)
            out.append(_table_answer(name, answers))
            failure = failure or first
            index += len(changes)
        if failure is None:
            writer.commit()
            return _join(out)
    answer = _row_failed(failure)
    return _join(
        [
            _table_answer(name, [answer] * len(changes))
            for name, changes in zip(names, parsed, strict=True)
        ]
    )


def _atomic_scope(
    tables: list[Table | ServiceError], parsed: list[list[Change]]
) -> ServiceError | None:
    first: tuple[str, bytes] | None = None
    for table, changes in zip(tables, parsed, strict=True):
        if isinstance(table, ServiceError):
            return table
        for change in changes:
            value = change.row.key[0][1]
            if first is None:
                first = (table.name, value)
            elif first != (table.name, value):
                return ServiceError(
                    "OTSDataOutOfRange",
                    f"Data out of scope of atomic. Atomic PartKey:{pb.shown_value(first[1])}."
                    f" Data PartKey:{pb.shown_value(value)}",
                )
    return None


def bulk_import(call: Call, request: wire.BulkImportRequest) -> bytes:
    """Write up to 200 rows of one table without conditions; a missing table is an error a row."""
    limits.check_data_table_name(request.table_name)
    if not request.rows:
        raise invalid(f"No operation is specified for table: '{request.table_name}'.")
    if len(request.rows) > limits.BATCH_WRITE_ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {limits.BATCH_WRITE_ROWS}.")
    inner = limits.is_inner(request.table_name)
    changes = [parse_change(row.type, row.row_change, inner=inner) for row in request.rows]
    _check_duplicates(call, "MultiPut", changes)
    _check_total("BulkImport", changes, sum(len(change.raw) for change in changes))
    writer = Writer(call)
    table = _find(call, request.table_name, per_row=True)
    answers, _ = _write_rows(call, writer, table, changes, 0, size_only=True)
    writer.commit()
    return _table_answer(request.table_name, answers)


def batch_get_row(call: Call, request: wire.BatchGetRowRequest) -> wire.BatchGetRowResponse:
    """Read up to 100 rows; each found, absent or refused by itself."""
    _check_batch_get(request)
    response = wire.BatchGetRowResponse()
    for part in request.tables:
        selection = parse_selection(part, call.service.options.key_columns_count)
        for buffer in part.primary_key:
            keys.check_finite(decode_row(buffer, limits.is_inner(part.table_name)).key)
        table = _find(call, part.table_name)
        answer = response.tables.add(table_name=part.table_name)
        reader = Writer(call)
        for buffer in part.primary_key:
            try:
                if isinstance(table, ServiceError):
                    raise table
                units, body = _read_row(call, reader, table, selection, buffer)
            except ServiceError as error:
                failure = wire.Error(code=error.code, message=error.message)
                answer.rows.add(is_ok=False, error=failure)
            else:
                answer.rows.add(is_ok=True, consumed=consumed(units, 0), row=body)
    return response


def _check_batch_get(request: wire.BatchGetRowRequest) -> None:
    if not request.tables:
        raise invalid("No row specified in the request of BatchGetRow.")
    names = [part.table_name for part in request.tables]
    for name in names:
        limits.check_data_table_name(name)
        if names.count(name) > 1:
            raise invalid(f"Duplicated table name: '{name}'.")
    if sum(len(part.primary_key) for part in request.tables) > limits.BATCH_GET_ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {limits.BATCH_GET_ROWS}.")
    for part in request.tables:
        if any(part.token):
            raise invalid("Invalid token.")  # this server gives none out


def _read_row(
    call: Call, reader: Writer, table: Table, selection: Selection, buffer: bytes
) -> tuple[int, bytes]:
    """Return the cost and the encoded row, empty when there is none."""
    key, stored_key = read_key(call, table, buffer)
    gate, partition = call.gate(table.name), keys.partition_bytes(table, stored_key)
    if gate is not None:
        gate.admit(partition, reads=True)
    row = reader.read(table, stored_key)
    cells, size = (None, 0) if row is None else selection.select(table, key, row)
    body = b"" if cells is None else pb.encode_rows([pb.encode_row(key, cells)])
    if gate is not None:
        gate.take(partition, limits.units(size), 0)
    return limits.units(size), body
