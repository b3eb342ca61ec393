"""Local transactions: reads and writes on one partition key, applied as a whole.

Writes wait in the transaction until the commit. The partition key is locked meanwhile: others get
OTSRowOperationConflict for writes, and read the state before the transaction. A transaction ends by
itself after some time: 60 seconds on the service.
"""

import time
import uuid
from dataclasses import dataclass, field

from emulator import errors
from emulator.errors import ServiceError, invalid
from emulator.tables import Table
from emulator.wire.plainbuffer import KeyCell


@dataclass
class Transaction:
    """An open transaction."""

    id: str
    table: Table
    partition: bytes
    expires: float
    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    effects: list[tuple[Table, str, list[KeyCell], bytes]] = field(default_factory=list)
    applied: int = 0


class Transactions:
    """The open transactions by id and by locked partition key."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime  # seconds
        self._open: dict[str, Transaction] = {}
        self._locks: dict[bytes, Transaction] = {}

    def _purge(self) -> None:
        now = time.monotonic()
        for transaction in [t for t in self._open.values() if t.expires <= now]:
            self.end(transaction)

    def start(self, table: Table, partition: bytes) -> Transaction:
        """Lock a partition key; raises 409 when another transaction holds it."""
        self._purge()
        if partition in self._locks:
            raise ServiceError("OTSRowOperationConflict", errors.ROW_CONFLICT)
        transaction = Transaction(
            str(uuid.uuid4()), table, partition, time.monotonic() + self._lifetime
        )
        self._open[transaction.id] = transaction
        self._locks[partition] = transaction
        return transaction

    def find(self, transaction_id: str) -> Transaction:
        """Return an open transaction; raises 400 for a malformed id, 404 for an unknown one."""
        try:
            uuid.UUID(transaction_id)
        except ValueError:
            raise invalid("TransactionID is invalid.") from None
        self._purge()
        found = self._open.get(transaction_id)
        if found is None:
            raise ServiceError("OTSSessionNotExist", "Session not exist or may be timeout.")
        return found

    def end(self, transaction: Transaction) -> None:
        """End a transaction and release its lock."""
        self._open.pop(transaction.id, None)
        self._locks.pop(transaction.partition, None)

    def drop_table(self, table: Table) -> None:
        """End the transactions of a table that is deleted."""
        for transaction in [t for t in self._open.values() if t.table.id == table.id]:
            self.end(transaction)

    @property
    def any_open(self) -> bool:
        """Whether writers have to look for locks at all."""
        return bool(self._open)

    def check_write(self, partition: bytes, own: Transaction | None) -> None:
        """Raise 409 when another transaction holds the partition key of a change."""
        self._purge()
        holder = self._locks.get(partition)
        if holder is not None and holder is not own:
            raise ServiceError("OTSRowOperationConflict", errors.ROW_CONFLICT)
