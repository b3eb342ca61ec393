"""Time series tables: options, key schema, and the wide-column table their points are kept in."""

import json
import re
import time
from dataclasses import asdict, dataclass, field

from emulator import errors, limits
from emulator.errors import ServiceError, invalid
from emulator.settings import Options
from emulator.storage import Store
from emulator.tables import KEY_TYPES, KeyColumn, Table
from emulator.timeseries.points import SeriesKey, is_field_name, pairs_text
from emulator.timeseries.stores import AnalyticalStore, stores_of
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

CUSTOM_KEYS = 6
FIELD_KEYS = 4
MIN_META_TIME_TO_LIVE = 604_800  # seconds
QUOTA_PER_TABLE = 2
"""A time series table counts as two: its data and its metadata."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_DEFAULT_KEYS = ("_m_name", "_data_source", "_tags")
_DATA, _META = b"\x01", b"\x02"
_HASH = b"_#h"
_NO_HASH = b"\x02\x00\x01"
"""An empty string in a key: the hash that the inner table begins with. The service spreads series
by it; here they stay in order."""


@dataclass
class TimeseriesTable:
    """One time series table; times to live in seconds."""

    id: int
    instance: str
    name: str
    time_to_live: int = -1
    meta_time_to_live: int = -1
    allow_update_attributes: bool = True
    keys: list[str] = field(default_factory=list)
    """Key schema as given; empty means measurement, source and tags."""
    field_keys: list[tuple[str, int, bool]] = field(default_factory=list)
    """Fields that belong to the primary key: name, schema type, auto-increment."""
    disable_hash_partition_key: bool = False
    disable_meta_index: bool = False
    analytical_stores: list[AnalyticalStore] = field(default_factory=list)
    """Settings only: no data goes into them."""
    ready_at: float = 0.0

    def __post_init__(self) -> None:
        self.key_names = tuple(self.keys) or _DEFAULT_KEYS
        self.custom_tags = tuple(name for name in self.key_names if name not in _DEFAULT_KEYS)
        self.needs_measurement = "_m_name" in self.key_names
        series = tuple(KeyColumn(name.encode(), pb.STRING) for name in self.key_names)
        extra = tuple(KeyColumn(n.encode(), KEY_TYPES[k], a) for n, k, a in self.field_keys)
        time_column = KeyColumn(b"_time", pb.INTEGER)
        base = self.id.to_bytes(4, "big")
        self.data = Table(self.id, self.instance, self.name, (*series, time_column, *extra))
        self.data.prefix = base + _DATA + (b"" if self.disable_hash_partition_key else _NO_HASH)
        hashed = () if self.disable_hash_partition_key else (KeyColumn(_HASH, pb.STRING),)
        name = self.name + limits.INNER_SUFFIX
        self.inner = Table(self.id, self.instance, name, (*hashed, *self.data.key))
        self.inner.prefix, self.inner.is_inner = base + _DATA, True
        self.data.time_to_live = self.inner.time_to_live = self.time_to_live
        self.data_end = base + _META
        self.series = Table(self.id, self.instance, self.name, series)
        self.series.prefix = base + _META
        self.series_end = base + b"\x03"

    def to_json(self) -> str:
        """Return the document that is stored."""
        document = asdict(self)
        del document["id"], document["ready_at"]
        return json.dumps(document)

    @classmethod
    def from_json(cls, table_id: int, text: str) -> "TimeseriesTable":
        """Return the table of a stored document."""
        document = json.loads(text)
        document["field_keys"] = [tuple(item) for item in document["field_keys"]]
        stores = document.get("analytical_stores", [])
        document["analytical_stores"] = [AnalyticalStore(*store) for store in stores]
        return cls(id=table_id, **document)

    def series_cells(self, key: SeriesKey) -> list[pb.KeyCell]:
        """Return the key columns of a series; a custom key is taken out of the tags."""
        tags = dict(key.tags)
        values: dict[str, str] = {name: tags.pop(name, "") for name in self.custom_tags}
        values["_m_name"], values["_data_source"] = key.measurement, key.source
        values["_tags"] = pairs_text(sorted(tags.items()))
        for name, lost in (("_data_source", key.source), ("_tags", tags)):
            if lost and name not in self.key_names:
                raise invalid(f"The table has no key column {name}, but the time series has one.")
        return [(name.encode(), pb.wire_value(values[name])) for name in self.key_names]

    def meta(self) -> wire.TimeseriesTableMeta:
        """Return options and schema as a message."""
        meta = wire.TimeseriesTableMeta(
            table_name=self.name,
            table_options=wire.TimeseriesTableOptions(time_to_live=self.time_to_live),
            status="CREATED",
            meta_options=wire.TimeseriesMetaOptions(
                allow_update_attributes=self.allow_update_attributes,
                meta_time_to_live=self.meta_time_to_live,
            ),
            timeseries_key_schema=self.keys,
            disable_hash_partition_key=self.disable_hash_partition_key,
            disable_timeseries_meta_index=self.disable_meta_index,
        )
        for name, number, automatic in self.field_keys:
            schema = meta.field_primary_key_schema.add(name=name, type=number)
            if automatic:
                schema.option = 1
        return meta

    def set_options(
        self, options: wire.TimeseriesTableOptions, meta: wire.TimeseriesMetaOptions
    ) -> None:
        """Take over the options that are set; raises 400 for one out of range.

        Metadata that expire live as long as the points at least, and their attributes may not
        be updated.
        """
        alive, known = self.time_to_live, self.meta_time_to_live
        updates = self.allow_update_attributes
        if options.HasField("time_to_live"):
            alive = _seconds(options.time_to_live, limits.MIN_TIME_TO_LIVE)
        if meta.HasField("meta_time_to_live"):
            known = _seconds(meta.meta_time_to_live, MIN_META_TIME_TO_LIVE)
        if meta.HasField("allow_update_attributes"):
            updates = meta.allow_update_attributes
        if known != -1 and not 0 < alive <= known:
            raise invalid("The time to live of metadata must not be less than that of the data.")
        if known != -1 and updates:
            raise invalid("Attributes cannot be updated while metadata have a time to live.")
        self.time_to_live = self.data.time_to_live = self.inner.time_to_live = alive
        self.meta_time_to_live, self.allow_update_attributes = known, updates


def _seconds(value: int, least: int) -> int:
    """Return a time to live; raises 400 unless it is -1 or at least `least`."""
    if value != -1 and value < least:
        raise invalid(f"Invalid time to live: {value}. Reason: it must be -1 or at least {least}.")
    return value


def _check_keys(meta: wire.TimeseriesTableMeta) -> None:
    keys = list(meta.timeseries_key_schema)
    custom = [name for name in keys if name not in _DEFAULT_KEYS]
    if len(custom) > CUSTOM_KEYS:
        raise invalid(f"The number of custom time series keys exceeds the limit: {CUSTOM_KEYS}.")
    if len(meta.field_primary_key_schema) > FIELD_KEYS:
        raise invalid(f"The number of field primary keys exceeds the limit: {FIELD_KEYS}.")
    names = keys + [schema.name for schema in meta.field_primary_key_schema]
    for name in names:
        if not is_field_name(name.encode()) or name == "_time":
            raise limits.column_name_error(name.encode())
        if names.count(name) > 1:
            raise invalid(f"Duplicated primary key name: '{name}'.")
    for schema in meta.field_primary_key_schema:
        if schema.type not in KEY_TYPES:
            raise invalid("Invalid column type, only STRING,INTEGER,BINARY is allowed.")
        if schema.option == 1 and schema.type != 1:
            raise invalid("AUTO_INCREMENT primary key must be integer.")


class TimeseriesCatalog:
    """Finds, creates, changes and drops time series tables."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store = store
        self._options = options
        self._tables: dict[tuple[str, str], TimeseriesTable] = {}
        for table_id, model, document in store.tables():
            if model == "timeseries":
                table = TimeseriesTable.from_json(table_id, document)
                self._tables[table.instance, table.name] = table

    def all(self) -> list[TimeseriesTable]:
        """Return every table of every instance."""
        return list(self._tables.values())

    def of(self, instance: str) -> list[TimeseriesTable]:
        """Return the tables of an instance by name."""
        found = [table for table in self._tables.values() if table.instance == instance]
        return sorted(found, key=lambda table: table.name)

    def exists(self, instance: str, name: str) -> bool:
        """Return whether a table exists."""
        return (instance, name) in self._tables

    def quota(self, instance: str) -> int:
        """Return what the tables of an instance count for."""
        tables = self.of(instance)
        return QUOTA_PER_TABLE * len(tables) + sum(len(t.analytical_stores) for t in tables)

    def get(self, instance: str, name: str) -> TimeseriesTable:
        """Return a table; raises 400 for a bad name, 404 when it does not exist."""
        table = self._tables.get((instance, name))
        if table is None:
            self.check_name(name)
            raise ServiceError("OTSObjectNotExist", errors.TABLE_MISSING)
        return table

    def find_inner(self, instance: str, name: str) -> Table | None:
        """Return the wide-column table behind a time series table: NAME#timeseries."""
        table = self._tables.get((instance, name.removesuffix(limits.INNER_SUFFIX)))
        return None if table is None else table.inner

    def usable(self, instance: str, name: str) -> TimeseriesTable:
        """Return a table for data; raises also while it is not ready yet."""
        table = self.get(instance, name)
        if table.ready_at and time.monotonic() < table.ready_at:
            raise ServiceError(
                self._options.not_ready_as, errors.NOT_READY_TEXTS[self._options.not_ready_as]
            )
        return table

    @staticmethod
    def check_name(name: str) -> None:
        """Raise 400 unless `name` may name a time series table (128 characters at most)."""
        if not _NAME.fullmatch(name):
            raise invalid(f"Invalid table name: '{name}'.")

    def create(self, instance: str, request: wire.CreateTimeseriesTableRequest) -> None:
        """Create a table whose name and quota have been checked."""
        meta = request.table_meta
        _check_keys(meta)
        if request.lastpoint_index_metas:
            raise invalid("Lastpoint indexes are not supported by this server.")
        table = TimeseriesTable(
            id=0,
            instance=instance,
            name=meta.table_name,
            keys=list(meta.timeseries_key_schema),
            field_keys=[(s.name, s.type, s.option == 1) for s in meta.field_primary_key_schema],
            disable_hash_partition_key=meta.disable_hash_partition_key,
            disable_meta_index=meta.disable_timeseries_meta_index,
            analytical_stores=stores_of(request, self._options.analytical_stores == "default"),
        )
        table.set_options(meta.table_options, meta.meta_options)
        document = table.to_json()
        made = TimeseriesTable.from_json(self._store.add_table("timeseries", document), document)
        if self._options.ready_delay > 0:
            made.ready_at = made.inner.ready_at = time.monotonic() + self._options.ready_delay
        self._tables[instance, made.name] = made

    def replace(self, table: TimeseriesTable) -> None:
        """Store a changed copy of a table and use it from now on."""
        self._tables[table.instance, table.name] = table
        self._store.set_table(table.id, table.to_json())

    def drop(self, table: TimeseriesTable) -> None:
        """Remove a table with its points and metadata."""
        self._store.drop_table(table.id, table.data.prefix, table.series_end)
        del self._tables[table.instance, table.name]
