"""The tables of every instance, loaded at start and kept in step with the store."""

import time
from collections import deque
from collections.abc import Callable

from emulator import errors, keys, limits
from emulator.errors import ServiceError, invalid
from emulator.settings import Options
from emulator.storage import Store
from emulator.tables import Table, check_schema
from emulator.wire import messages_pb2 as wire


class Catalog:
    """Finds, creates, changes and drops wide-column tables."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store = store
        self._options = options
        self._tables: dict[tuple[str, str], Table] = {}
        self._recent: deque[float] = deque()
        self.find_inner: Callable[[str, str], Table | None] = lambda instance, name: None  # noqa: ARG005
        """Finds the wide-column tables behind time series tables, which are kept elsewhere."""
        for table_id, model, document in store.tables():
            if model == "table":
                table = Table.from_json(table_id, document)
                self._tables[table.instance, table.name] = table

    def names(self, instance: str) -> list[str]:
        """Return the names of an instance's tables, sorted."""
        return sorted(name for owner, name in self._tables if owner == instance)

    def all(self) -> list[Table]:
        """Return every table of every instance."""
        return list(self._tables.values())

    def get(self, instance: str, name: str) -> Table:
        """Return a table; raises 400 for a bad name, 404 when it does not exist."""
        table = self._tables.get((instance, name))
        if table is None:
            limits.check_table_name(name)
            raise ServiceError("OTSObjectNotExist", errors.TABLE_MISSING)
        return table

    def find(self, instance: str, name: str) -> Table:
        """Return a table, or the one behind a time series table; raises as `get`."""
        if limits.is_inner(name):
            inner = self.find_inner(instance, name)
            if inner is not None:
                return inner
            limits.check_data_table_name(name)
            raise ServiceError("OTSObjectNotExist", errors.TABLE_MISSING)
        return self.get(instance, name)

    def usable(self, instance: str, name: str) -> Table:
        """Return a table for reading or writing rows; raises also while it is not ready yet."""
        table = self.find(instance, name)
        if self.is_loading(table):
            code = self._options.not_ready_as
            raise ServiceError(code, errors.NOT_READY_TEXTS[code])
        return table

    @staticmethod
    def is_loading(table: Table) -> bool:
        """Return whether a new table is not ready yet."""
        return bool(table.ready_at) and time.monotonic() < table.ready_at

    def exists(self, instance: str, name: str) -> bool:
        """Return whether a table exists."""
        return (instance, name) in self._tables

    def check_rate(self) -> None:
        """Raise 403 when table operations come faster than the service takes them, if so set."""
        rate = self._options.table_operations_per_second
        if rate <= 0:
            return
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= rate:
            raise ServiceError("OTSQuotaExhausted", "Too frequent table operations.")
        self._recent.append(now)

    def create(self, instance: str, request: wire.CreateTableRequest, taken: int) -> Table:
        """Create a table; `taken` is the quota used by time series tables."""
        meta = request.table_meta
        key, defined = check_schema(meta)
        options = request.table_options
        if not options.HasField("time_to_live"):
            raise invalid("Time-to-live is missing while creating table.")
        if not options.HasField("max_versions"):
            raise invalid("MaxVersions is missing while creating table.")
        if request.index_metas:
            raise invalid("Secondary indexes are not supported by this server.")
        now = time.time()
        table = Table(
            id=0,
            instance=instance,
            name=meta.table_name,
            key=key,
            defined=defined,
            created_at_us=int(now * 1_000_000),
            local_transactions=request.enable_local_txn or not request.HasField("enable_local_txn"),
            split_points=keys.split_points(key[0], request.partitions),
        )
        if request.HasField("sse_spec"):
            table.set_encryption(request.sse_spec)
        table.set_options(options)
        table.set_throughput(request.reserved_throughput.capacity_unit, int(now))
        self.set_stream(table, request.stream_spec)
        self.check_new(instance, meta.table_name, taken)
        table = Table.from_json(self._store.add_table("table", table.to_json()), table.to_json())
        if self._options.ready_delay > 0:
            table.ready_at = time.monotonic() + self._options.ready_delay
        self._tables[instance, table.name] = table
        return table

    def check_new(self, instance: str, name: str, taken: int) -> None:
        """Raise 409 when the name is taken, 403 when the quota is used up."""
        if self.exists(instance, name):
            raise ServiceError("OTSObjectAlreadyExist", errors.TABLE_EXISTS)
        self.check_quota(instance, taken)

    def check_quota(self, instance: str, taken: int) -> None:
        """Raise 403 when one more table does not fit beside those here and `taken` others."""
        if len(self.names(instance)) + taken >= limits.TABLES_PER_INSTANCE:
            raise ServiceError(
                "OTSQuotaExhausted",
                f"Number of tables exceeds the quota:{limits.TABLES_PER_INSTANCE}.",
            )

    @staticmethod
    def set_stream(table: Table, specification: wire.StreamSpecification) -> None:
        """Switch the stream of a table; the switch is kept and shown, no stream can be read."""
        if not specification.HasField("enable_stream"):
            return
        if specification.enable_stream and not table.stream_enabled:
            table.stream_enabled_at_us = int(time.time() * 1_000_000)
        table.stream_enabled = specification.enable_stream
        table.stream_columns = list(specification.columns_to_get)
        table.stream_hours = specification.expiration_time if specification.enable_stream else 0

    def save(self, table: Table) -> None:
        """Store a changed table."""
        self._store.set_table(table.id, table.to_json())

    def replace(self, table: Table) -> None:
        """Store a changed copy of a table and use it from now on."""
        self._tables[table.instance, table.name] = table
        self.save(table)

    def drop(self, table: Table) -> None:
        """Remove a table and its rows."""
        end = (table.id + 1).to_bytes(4, "big")
        self._store.drop_table(table.id, table.prefix, end)
        del self._tables[table.instance, table.name]
