"""Applies the row changes of one request: conditions, key generation, versions, one commit."""

from collections.abc import Callable
from dataclasses import dataclass

from emulator import errors, keys, limits, rows
from emulator.errors import ServiceError, invalid
from emulator.filters import Test, parse_condition
from emulator.rows import DELETE_ROW, OPERATION_NAMES, PUT_ROW, UPDATE_ROW, StoredRow
from emulator.service import Call
from emulator.tables import Table
from emulator.transactions import Transaction
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from emulator.wire.plainbuffer import RowChange
from emulator.wire.strings import has_bad_text

_IGNORE, _EXPECT_EXIST, _EXPECT_NOT_EXIST = 0, 1, 2
_RETURN_KEY, _RETURN_AFTER = 1, 2
Unit = tuple[int, int]
"""Consumed (read, write) capacity units."""


@dataclass(slots=True)
class Change:
    """One row change as the client requested it."""

    operation: int
    row: RowChange
    raw: bytes
    existence: int = _IGNORE
    test: Test | None = None
    returns: wire.ReturnContent | None = None
    has_check: bool = False
    """Whether it depends on the state of the row."""


def parse_change(
    operation: int,
    raw: bytes,
    condition: wire.Condition | None = None,
    returns: wire.ReturnContent | None = None,
    inner: bool = False,
) -> Change:
    """Decode a change and check all that does not depend on its table; raises 400."""
    if not PUT_ROW <= operation <= DELETE_ROW:
        raise invalid("The modify type is invalid.")
    row = decode_row(raw, inner)
    keys.check_finite(row.key)
    rows.check_change(operation, row)
    change = Change(operation, row, raw)
    if condition is not None:
        if condition.column_condition:
            change.test = parse_condition(condition.column_condition, inner)
            change.has_check = True
        existence = condition.row_existence
        if existence != _IGNORE:
            if existence not in (_EXPECT_EXIST, _EXPECT_NOT_EXIST):
                raise invalid(f"Invalid row-existence expectation: {existence}.")
            change.existence = existence
            change.has_check = True
    if returns is not None and returns.return_type:
        if returns.return_type not in (_RETURN_KEY, _RETURN_AFTER):
            raise invalid(f"Invalid return type: {returns.return_type}.")
        if has_bad_text(returns):
            raise invalid(errors.BAD_PROTOBUF)
        _check_returns(row, returns)
        change.returns = returns
    return change


def _check_returns(row: RowChange, returns: wire.ReturnContent) -> None:
    """Raise 400 for columns to return that are not incremented: only those have new values."""
    added = {name for name, op, _, _ in row.cells if op == pb.INCREMENT}
    for name in returns.return_column_names:
        if returns.return_type != _RETURN_AFTER or name.encode() not in added:
            raise invalid(f"Only incremented columns can be returned, column: {name}.")


class Writer:
    """Collects what a request changes; `commit` stores it in one transaction.

    Rows see the changes before them in the same request.
    """

    def __init__(self, call: Call, transaction: Transaction | None = None) -> None:
        self._call = call
        self._service = call.service
        self._transaction = transaction
        self._any_key_order = call.service.options.key_order == "any"
        self._locked = call.service.transactions.any_open
        self._pending: dict[bytes, bytes | None] = {}
        self._counters: dict[int, int] = {}
        self._effects: list[tuple[Table, str, list[pb.KeyCell], bytes]] = []
        self._applied = 0
        self._is_limited = call.service.throughput.is_active

    def read(self, table: Table, key: bytes) -> StoredRow | None:
        """Return a row as this request sees it."""
        if key in self._pending:
            stored = self._pending[key]
        elif self._transaction is not None and key in self._transaction.changes:
            stored = self._transaction.changes[key]
        else:
            stored = self._service.store.get(key)
        return rows.live_row(table, key, stored, self._call.now_ms)

    @property
    def apply(self) -> Callable[[Table, Change], tuple[Unit, bytes | None]]:
        """What applies one change: returns its cost and the row to answer with, if asked for one.

        It raises the error of this row: OTSInvalidPK, OTSConditionCheckFail, a type of a defined
        column, a lock held by a transaction, a throughput limit.
        """
        return self._apply_limited if self._is_limited else self._apply

    def _apply_limited(self, table: Table, change: Change) -> tuple[Unit, bytes | None]:
        gate = self._call.gate(table.name)
        if gate is None:
            return self._apply(table, change)
        partition = keys.partition_bytes(table, self._key(table, change))
        gate.admit(partition, reads=False)
        try:
            unit, returned = self._apply(table, change)
        except ServiceError as error:
            if error.code == "OTSConditionCheckFail":
                gate.take(partition, 1, 1)
            raise
        gate.take(partition, *unit)
        return unit, returned

    def _key(self, table: Table, change: Change) -> bytes:
        """Return the stored key of a row, whose columns are put in order and generated before."""
        row = change.row
        if self._any_key_order:
            keys.put_in_order(table, row.key)
        if table.auto_column is not None:
            self._generate_key(table, change)
        return keys.encode_key(table, row.key)

    def _apply(self, table: Table, change: Change) -> tuple[Unit, bytes | None]:
        key = self._key(table, change)
        row = change.row
        if row.cells:
            rows.check_against_table(table, change.operation, row, self._call.now_ms)
        if self._locked:
            self._check_lock(table, key)
        old: StoredRow | None = None
        reads = 0
        if change.operation == UPDATE_ROW or change.has_check:
            old = self.read(table, key)
            if change.has_check:
                reads = limits.units(rows.key_size(row.key))
                self._check(change, row.key, old)
        new: bytes | None = None
        if change.operation == PUT_ROW:
            new = rows.put_row(table, row, self._call.now_ms)
        elif change.operation == UPDATE_ROW:
            new = rows.update_row(table, old, row, self._call.now_ms)
        if table.is_inner:
            new = rows.as_point(row.key, new, self._call.now_ms)
        self._pending[key] = new
        self._applied += 1
        if self._service.journal.keeps_effects:
            self._effects.append((table, OPERATION_NAMES[change.operation], row.key, change.raw))
        if len(change.raw) <= limits.CAPACITY_UNIT_BYTES:  # versions included: a cell has more
            writes = 1
        else:
            versions = rows.versions_size(table, len(row.cells))
            writes = limits.units(rows.change_size(row) + versions)
        return (reads, writes), self._returned(table, change, new)

    def _generate_key(self, table: Table, change: Change) -> None:
        index = table.auto_column
        key = change.row.key
        markers = [i for i, (_, value) in enumerate(key) if value[0] == pb.AUTO_INCREMENT]
        if index is None or not markers:
            return
        keys.check_key(table, key)
        if markers != [index]:
            raise invalid(f"{len(markers)} pk auto increment exist in row.")
        if change.operation == DELETE_ROW:
            raise invalid("Invalid row to delete which with pk auto increment.")
        if change.existence != _IGNORE:
            raise invalid(
                f"Invalid expect:{change.existence} when modify row with pk auto increment."
            )
        if change.test is not None:
            raise invalid("Can't set condition when modify row with pk auto increment.")
        last = self._counters.get(table.id)
        if last is None:
            last = self._service.store.counter(table.id)
        # Microseconds keep values growing over a restart in discard mode; unique, not consecutive.
        value = max(last + 1, self._call.now_ms * 1000)
        self._counters[table.id] = value
        key[index] = (key[index][0], pb.integer(value))

    def _check_lock(self, table: Table, key: bytes) -> None:
        own = self._transaction
        partition = keys.partition_bytes(table, key)
        if own is not None and partition != own.partition:
            raise ServiceError(
                "OTSDataOutOfRange",
                "Data out of scope of transaction. Transaction PartKey:"
                f"{keys.shown_partition(own.table, own.partition)}. Data PartKey:"
                f"{keys.shown_partition(table, partition)}",
            )
        self._service.transactions.check_write(partition, own)

    @staticmethod
    def _check(change: Change, key: list[pb.KeyCell], old: StoredRow | None) -> None:
        failed = (change.existence == _EXPECT_EXIST and old is None) or (
            change.existence == _EXPECT_NOT_EXIST and old is not None
        )
        if not failed and change.test is not None:
            failed = not change.test(dict(key), {} if old is None else old.cells)
        if failed:
            raise ServiceError("OTSConditionCheckFail", errors.CONDITION_FAILED)

    @staticmethod
    def _returned(table: Table, change: Change, new: bytes | None) -> bytes | None:
        if change.returns is None:
            return None
        if change.returns.return_type == _RETURN_KEY or new is None:
            return pb.encode_rows([pb.encode_row(change.row.key)])
        row = rows.unpack_row(new)
        stored = rows.suffixed(row) if table.is_inner else row.cells
        names = {name.encode() for name in change.returns.return_column_names}
        if not names:
            names = {name for name, op, _, _ in change.row.cells if op == pb.INCREMENT}
        cells = [cell for cell in rows.iterate_cells(stored) if cell[0] in names]
        newest = list({name: (name, s, v) for name, s, v in reversed(cells)}.values())
        return pb.encode_rows([pb.encode_row(change.row.key, newest[::-1])])

    def commit(self) -> None:
        """Store everything applied so far, or keep it in the transaction that is open."""
        if self._transaction is not None:
            self._transaction.changes.update(self._pending)
            self._transaction.effects.extend(self._effects)
            self._transaction.applied += self._applied
            if self._counters:
                self._service.store.write({}, self._counters)
            return
        if self._pending and not self._service.options.discard:
            self._service.store.write(self._pending, self._counters)
        journal = self._service.journal
        journal.rows_written += self._applied
        if self._effects:
            journal.applied(self._call.request_id, self._effects)
