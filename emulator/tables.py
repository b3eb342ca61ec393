"""The schema of a table and its stored form: columns, options, throughput."""

import json
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any

from emulator import limits
from emulator.errors import invalid
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

KEY_TYPES = {1: pb.INTEGER, 2: pb.STRING, 3: pb.BLOB}
"""Wire type of a primary key column by its schema number."""
COLUMN_TYPES = {1: pb.INTEGER, 2: pb.DOUBLE, 3: pb.BOOLEAN, 4: pb.STRING, 7: pb.BLOB}
"""Wire type of a defined column by its schema number."""
_KMS_KEY, _OWN_KEY = 1, 2
_MAX_DEVIATION = (1 << 63) // 1_000_000
_KEY_NUMBERS = {wire_type: number for number, wire_type in KEY_TYPES.items()}
_COLUMN_NUMBERS = {wire_type: number for number, wire_type in COLUMN_TYPES.items()}


_SHOWN_WHEN_SET = ("update_full_row", "bloom_filter_type", "block_size")
_DERIVED = frozenset(("prefix", "is_inner", "key_names", "auto_column", "ready_at", "id"))


@dataclass(frozen=True)
class KeyColumn:
    """One primary key column; `wire_type` is its type byte in PlainBuffer."""

    name: bytes
    wire_type: int
    auto_increment: bool = False


@dataclass
class Table:
    """One wide-column table. Times are in seconds unless the name says otherwise."""

    id: int
    instance: str
    name: str
    key: tuple[KeyColumn, ...]
    defined: dict[bytes, int] = field(default_factory=dict)
    time_to_live: int = -1
    max_versions: int = 1
    deviation: int = limits.DEFAULT_DEVIATION
    allow_update: bool = True
    update_full_row: bool | None = None
    """Shown where its creation set it: a client may send the options it was shown in UpdateTable,
    which must not contain this one."""
    bloom_filter_type: int | None = None
    block_size: int | None = None
    """Kept and shown; neither has an effect."""
    read_units: int = 0
    write_units: int = 0
    increased_at: int = 0
    decreased_at: int = 0
    created_at_us: int = 0
    stream_enabled: bool = False
    stream_hours: int = 0
    stream_enabled_at_us: int = 0
    stream_columns: list[str] = field(default_factory=list)
    """Columns whose old values its records were asked to have."""
    encrypted: bool = False
    encryption_key: dict[str, Any] = field(default_factory=dict)
    """Settings of encryption beside the switch, as they were given: key_type, key_id, role_arn."""
    local_transactions: bool = True
    """Whether local transactions may be started; off only when its creation says so."""
    split_points: list[str] = field(default_factory=list)
    """Where the partitions given at creation meet: wire values in hexadecimal."""
    ready_at: float = 0.0
    """Monotonic time from which the table can be used; not kept over a restart."""

    def __post_init__(self) -> None:
        self.prefix = self.id.to_bytes(4, "big")
        self.is_inner = False
        self.key_names = frozenset(column.name for column in self.key)
        self.auto_column = next(
            (index for index, column in enumerate(self.key) if column.auto_increment), None
        )

    def to_json(self) -> str:
        """Return the document that is stored."""
        document: dict[str, Any] = {
            name: value for name, value in self.__dict__.items() if name not in _DERIVED
        }
        document["key"] = [[c.name.decode(), c.wire_type, c.auto_increment] for c in self.key]
        document["defined"] = {name.decode(): wire_type for name, wire_type in self.defined.items()}
        return json.dumps(document)

    @classmethod
    def from_json(cls, table_id: int, text: str) -> "Table":
        """Return the table of a stored document."""
        document = json.loads(text)
        document["key"] = tuple(KeyColumn(n.encode(), k, a) for n, k, a in document["key"])
        document["defined"] = {n.encode(): k for n, k in document["defined"].items()}
        return cls(id=table_id, **document)

    def meta(self) -> wire.TableMeta:
        """Return the schema as a message."""
        return wire.TableMeta(
            table_name=self.name,
            primary_key=self.key_schema(),
            defined_column=[
                wire.DefinedColumnSchema(name=name.decode(), type=_COLUMN_NUMBERS[wire_type])
                for name, wire_type in self.defined.items()
            ],
        )

    def key_schema(self) -> list[wire.PrimaryKeySchema]:
        """Return the primary key columns as messages."""
        return [
            wire.PrimaryKeySchema(
                name=column.name.decode(),
                type=_KEY_NUMBERS[column.wire_type],
                option=1 if column.auto_increment else None,
            )
            for column in self.key
        ]

    def options(self) -> wire.TableOptions:
        """Return the options as a message."""
        options = wire.TableOptions(
            time_to_live=self.time_to_live,
            max_versions=self.max_versions,
            deviation_cell_version_in_sec=self.deviation,
            allow_update=self.allow_update,
        )
        for name in _SHOWN_WHEN_SET:
            value = getattr(self, name)
            if value is not None:
                setattr(options, name, value)
        return options

    def throughput(self) -> wire.ReservedThroughputDetails:
        """Return the reserved throughput as a message."""
        return wire.ReservedThroughputDetails(
            capacity_unit=wire.CapacityUnit(read=self.read_units, write=self.write_units),
            last_increase_time=self.increased_at,
            last_decrease_time=self.decreased_at or None,
        )

    def encryption(self) -> wire.SSESpecification:
        """Return the settings of encryption as a message."""
        kept = self.encryption_key
        return wire.SSESpecification(
            enable=self.encrypted,
            key_type=kept.get("key_type"),
            key_id=kept["key_id"].encode("latin-1") if "key_id" in kept else None,
            role_arn=kept["role_arn"].encode("latin-1") if "role_arn" in kept else None,
        )

    def set_encryption(self, given: wire.SSESpecification) -> None:
        """Take over the settings of encryption; raises 400 where they do not fit each other."""
        key_type = given.key_type if given.HasField("key_type") else _KMS_KEY
        if given.enable and key_type not in (_KMS_KEY, _OWN_KEY):
            raise invalid(f"Invalid key type: {key_type}.")
        if not given.enable and given.HasField("key_type"):
            raise invalid("Key type cannot be set when encryption is disabled.")
        owns = given.enable and key_type == _OWN_KEY
        if [bool(given.key_id), bool(given.role_arn)] != [owns, owns]:
            raise invalid("Key id and role arn are for key type BYOK, which needs both.")
        self.encrypted = given.enable
        self.encryption_key = {"key_type": key_type} if given.enable else {}
        if owns:
            self.encryption_key["key_id"] = given.key_id.decode("latin-1")
            self.encryption_key["role_arn"] = given.role_arn.decode("latin-1")

    def partition_bounds(self) -> list[bytes]:
        """Return where its partitions meet, as rows that hold the partition key alone."""
        name = self.key[0].name
        return [
            pb.encode_rows([pb.encode_row([(name, bytes.fromhex(point))])])
            for point in self.split_points
        ]

    def stream(self) -> wire.StreamDetails:
        """Return the stream details; the Go SDK needs them also where there is no stream."""
        if not self.stream_enabled:
            return wire.StreamDetails(enable_stream=False)
        return wire.StreamDetails(
            enable_stream=True,
            stream_id=f"{self.name}_{self.stream_enabled_at_us}",
            expiration_time=self.stream_hours,
            last_enable_time=self.stream_enabled_at_us,
            columns_to_get=self.stream_columns,
        )

    def change_options(self, options: wire.TableOptions) -> None:
        """Take over the options of an UpdateTable; raises as `set_options`.

        `update_full_row` is chosen at creation: the official Go test expects it to be refused.
        """
        if options.HasField("update_full_row"):
            raise invalid("The table options of UpdateTable cannot contain updateFullRow.")
        self.set_options(options)

    def set_options(self, options: wire.TableOptions) -> None:
        """Take over the options that are set; raises 400 for one out of range."""
        time_to_live = (
            options.time_to_live if options.HasField("time_to_live") else self.time_to_live
        )
        if time_to_live == 0 or time_to_live < -1:
            raise invalid("TimeToLive cannot be 0 or less than -1.")
        if 0 < time_to_live < limits.MIN_TIME_TO_LIVE:
            raise invalid(
                f"Invalid time to live: {time_to_live}. Reason: it must be -1 or at least"
                f" {limits.MIN_TIME_TO_LIVE}."
            )
        if options.HasField("max_versions") and options.max_versions <= 0:
            raise invalid("The maximum versions cannot be less than or equal to 0.")
        deviation = options.deviation_cell_version_in_sec
        if not 0 <= deviation <= _MAX_DEVIATION:
            raise invalid("The maximum deviation must be in range [0, INT64_MAX/1000000].")
        self.time_to_live = time_to_live
        if options.HasField("max_versions"):
            self.max_versions = options.max_versions
        if options.HasField("deviation_cell_version_in_sec"):
            self.deviation = deviation
        if options.HasField("allow_update"):
            self.allow_update = options.allow_update
        for name in _SHOWN_WHEN_SET:
            if options.HasField(name):
                setattr(self, name, getattr(options, name))

    def set_throughput(self, unit: wire.CapacityUnit, now_s: int) -> None:
        """Take over reserved throughput; raises 400 when it is negative."""
        for value in (unit.read, unit.write):
            if value < 0:
                raise invalid(f"Invalid Capacity Unit:{value}. Capacity Unit must be nonnegative.")
        read = unit.read if unit.HasField("read") else self.read_units
        write = unit.write if unit.HasField("write") else self.write_units
        if read < self.read_units or write < self.write_units:
            self.decreased_at = now_s
        if read > self.read_units or write > self.write_units or not self.increased_at:
            self.increased_at = now_s
        self.read_units, self.write_units = read, write


def check_schema(meta: wire.TableMeta) -> tuple[tuple[KeyColumn, ...], dict[bytes, int]]:
    """Return the columns of a new table; raises 400 for a schema the service refuses."""
    limits.check_table_name(meta.table_name)
    if not 1 <= len(meta.primary_key) <= limits.KEY_COLUMNS:
        raise limits.key_count_error()
    key: list[KeyColumn] = []
    for index, schema in enumerate(meta.primary_key):
        name = schema.name.encode()
        if not limits.is_name(name):
            raise limits.column_name_error(name)
        if any(column.name == name for column in key):
            raise invalid(f"Duplicated primary key name: '{schema.name}'.")
        if schema.type not in KEY_TYPES:
            raise invalid("Invalid column type, only STRING,INTEGER,BINARY is allowed.")
        automatic = schema.option == 1
        if automatic and index == 0:
            raise invalid(f"First primary key can't be auto increment, table: {meta.table_name}.")
        if automatic and schema.type != 1:
            raise invalid("AUTO_INCREMENT primary key must be integer.")
        if automatic and any(column.auto_increment for column in key):
            raise invalid("AUTO_INCREMENT primary key count must <= 1.")
        key.append(KeyColumn(name, KEY_TYPES[schema.type], automatic))
    return tuple(key), check_defined(meta.defined_column, {}, {column.name for column in key})


def check_defined(
    columns: Iterable[wire.DefinedColumnSchema], known: dict[bytes, int], key_names: Set[bytes]
) -> dict[bytes, int]:
    """Return `known` and these defined columns; raises 400 for one the service refuses."""
    defined = dict(known)
    for column in columns:
        name = column.name.encode()
        if not limits.is_name(name):
            raise limits.column_name_error(name)
        if name in defined or name in key_names:
            raise invalid(
                f"Duplicated attribute column name with primary key column: {column.name}."
            )
        if column.type not in COLUMN_TYPES:
            raise invalid(f"Invalid column type: {column.type}.")
        defined[name] = COLUMN_TYPES[column.type]
    if len(defined) > limits.DEFINED_COLUMNS:
        raise invalid(
            f"The number of defined columns must be in range: [0, {limits.DEFINED_COLUMNS}]."
        )
    return defined
