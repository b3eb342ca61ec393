"""One server's parts, and one request on its way through them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.catalog import Catalog
from emulator.errors import ServiceError
from emulator.journal import Journal
from emulator.settings import Options
from emulator.storage import Store
from emulator.throughput import Gate, Throughput
from emulator.timeseries.tables import TimeseriesCatalog
from emulator.transactions import Transactions
from emulator.wire.plainbuffer import RowChange

RowFault = Callable[[str, int, RowChange], ServiceError | None]
"""Says whether a row of a batch fails on demand: (table, index in the request, row)."""


@dataclass(frozen=True)
class Service:
    """The state that all operations share."""

    options: Options
    store: Store
    catalog: Catalog
    series: TimeseriesCatalog
    journal: Journal
    transactions: Transactions
    throughput: Throughput = field(default_factory=Throughput)


@dataclass
class Call:
    """One request to an operation, with what is needed to answer it."""

    service: Service
    instance: str
    request_id: str
    now_ms: int
    row_faults: list[RowFault] = field(default_factory=list)

    def gate(self, table: str) -> Gate | None:
        """Return the budget of a table whose throughput is limited."""
        throughput = self.service.throughput
        return throughput.gate(self.instance, table) if throughput.is_active else None

    def row_fault(self, table: str, index: int, change: RowChange) -> None:
        """Raise the error a fault rule has for a row, if any."""
        for fault in self.row_faults:
            error = fault(table, index, change)
            if error is not None:
                raise error
