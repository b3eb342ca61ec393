"""[table] and [tables.NAME]: how a record becomes a row."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from connectors.settings.columns import ColumnRules, without_meaning
from connectors.settings.primary_key_modes import (
    PRIMARY_KEY_MODES,
    PrimaryKeyMode,
    PrimaryKeyModeName,
)
from connectors.settings.section import Section
from connectors.settings.tablestore_limits import (
    DEFAULT_VERSION_DEVIATION,
    MAX_COLUMNS,
    MAX_KEY_COLUMNS,
    MAX_NAME_LENGTH,
    MIN_TIME_TO_LIVE,
)
from connectors.settings.timeseries import TimeseriesSettings, merge_timeseries

KeyType = Literal["string", "integer", "binary", "auto_increment"]
ColumnType = Literal["string", "integer", "double", "boolean", "binary"]

# A name of a table or column [limits].
NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME_LENGTH - 1}}}")
# The column that search_timestamp adds.
SEARCH_TIMESTAMP = "timestamp"
# Seconds that a version may differ from the service's clock, in a table that is created here and
# whose cells have versions: history is older than the service's default of a day.
_DEVIATION_OF_VERSIONS = 10 * 365 * 86_400


def check_name(value: str) -> str:
    """A legal table or column name, or ValueError."""
    if not NAME.fullmatch(value):
        raise ValueError(
            "a name has 1 to 255 of the characters A-Z a-z 0-9 _ and does not start with a digit"
        )
    return value


Name = Annotated[str, BeforeValidator(lambda v: check_name(v) if isinstance(v, str) else v)]


class KeyColumn(Section):
    """A primary key column."""

    name: Name
    type: KeyType = "string"


class Column(Section):
    """An attribute column of the whitelist."""

    name: Name
    type: ColumnType


# The options of a table that also apply to a time series table.
_OF_TIMESERIES = frozenset(
    (
        "mode",
        "auto_create",
        "rows_per_second",
        "time_to_live",
        "timeseries",
        "binary_text",
        "decimals",
        "decimal_scale",
        "times",
    )
)


class TableSettings(ColumnRules):
    """The rules of a table: [table] holds for all, [tables.NAME] overrides it for one."""

    mode: Literal["wide_column", "timeseries"] = Field(
        "wide_column",
        description="wide_column: rows with a primary key. timeseries: points of time series, by "
        "the options of [tables.NAME.timeseries].",
    )
    timeseries: TimeseriesSettings = Field(
        TimeseriesSettings(),
        description="The options of mode timeseries, see [table.timeseries].",
    )
    primary_key_mode: PrimaryKeyModeName = Field(
        "kafka",
        description="kafka: topic_partition (string) and offset (integer). record_key, "
        "record_value: the fields of primary_key, from the record's key or value (a key that is "
        "plain text or a number is the one key column). search: md5 (string, 5 hexadecimal digits "
        "that spread the load), topic, partition and offset.",
    )
    primary_key: tuple[KeyColumn, ...] = Field(
        (),
        max_length=MAX_KEY_COLUMNS,
        description="1 to 4 key columns in the table's order: {name, type}, with type string, "
        "integer, binary (text as binary_text says), or auto_increment for one that is not the "
        "first: where the record has no such field the service makes a new number, so a replay "
        "makes a new row.",
    )
    search_timestamp: Literal["none", "kafka", "local"] = Field(
        "none",
        description="With primary_key_mode search, a column `timestamp` in ms since 1970: kafka: "
        "the record's, local: when it is mapped.",
    )
    columns: Literal["all"] | tuple[Column, ...] = Field(
        "all",
        description="all, or the list of columns to write: {name, type}, with type string, "
        "integer, double, boolean or binary (text as binary_text says).",
    )
    insert_mode: Literal["put", "update"] = Field(
        "put",
        description="put: the record replaces the row of its key. update: its columns are written "
        "into that row, the others stay.",
    )
    delete_mode: Literal["none", "row", "column", "row_and_column"] = Field(
        "none",
        description="row: a record without a value (a tombstone), or a Debezium delete, deletes "
        "the row of its key. column: with insert_mode update, a field that is null deletes its "
        "column. Needs primary_key_mode record_key; row and row_and_column are for record_value "
        "too where a transform of type debezium, delete_when or function reports deletes.",
    )
    version: Literal["none", "record_timestamp", "field"] = Field(
        "none",
        description="The version of the cells that are written, in ms since 1970: the record's "
        "timestamp or a field of its value. The newest version of a cell stays, in any order of "
        "arrival; a put then leaves columns that it does not have. none: the service's clock.",
    )
    version_field: str | None = Field(
        None, min_length=1, description="With version field: its name, or dotted path."
    )
    version_unit: Literal["s", "ms", "us", "ns", "iso8601"] = Field(
        "ms", description="What version_field counts in, since 1970; iso8601: RFC 3339 text."
    )
    rows_per_second: float | None = Field(
        None,
        gt=0,
        description="Rows (or points) that are written to the table each second at most, by each "
        "process. Unless set: as many as the service takes.",
    )
    capacity_units_per_second: float | None = Field(
        None,
        gt=0,
        description="Capacity units that writes to the table may use each second, in each process, "
        "as the answers of the service name them: one for each 4 KB that a row begins.",
    )
    auto_create: bool = Field(False, description="Create the table when it is missing.")
    time_to_live: int = Field(
        -1,
        description="Seconds that data lives in a table created here: -1 (for ever), or at least "
        "86400.",
    )
    max_versions: int = Field(
        1, ge=1, le=2**31 - 1, description="Versions per cell in a table created here."
    )

    max_version_deviation: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="Seconds that versions may differ from the present: in a table created here, "
        "and the least that an existing one must allow when version is not none. Unless set: "
        "86400, the service's default, or ten years when version is not none.",
    )

    _index_columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_mode(self) -> TableSettings:
        if self.mode == "wide_column" and "timeseries" in self.model_fields_set:
            raise ValueError('options of timeseries need mode = "timeseries"')
        others = sorted(self.model_fields_set - _OF_TIMESERIES)
        if self.mode == "timeseries" and others:
            raise ValueError(f"{', '.join(others)}: without meaning with mode timeseries, remove")
        metadata = self.timeseries.metadata_time_to_live
        if metadata != -1 and not 0 < self.time_to_live <= metadata:
            raise ValueError("metadata_time_to_live is shorter than time_to_live")
        return self

    @model_validator(mode="after")
    def _check(self) -> TableSettings:
        mode = self.primary_key_mode
        if self.key_mode.columns and self.primary_key:
            raise ValueError(f"primary_key has no meaning with primary_key_mode {mode}: remove it")
        if not self.key_mode.columns and not self.primary_key:
            raise ValueError(f"primary_key_mode {mode} needs primary_key")
        names = [name for name, _ in self.key_columns]
        if self.columns != "all":
            if not self.columns:
                raise ValueError('columns lists no column: name at least one, or set "all"')
            if len(self.columns) > MAX_COLUMNS:
                raise ValueError(
                    f"columns lists more than the {MAX_COLUMNS:,} columns that a row can have"
                )
            names += [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"primary_key and columns name twice: {', '.join(twice)}")
        if self.time_to_live != -1 and not MIN_TIME_TO_LIVE <= self.time_to_live < 2**31:
            raise ValueError(
                f"time_to_live is -1 (for ever) or at least {MIN_TIME_TO_LIVE} seconds"
            )
        return self

    @model_validator(mode="after")
    def _check_generated_keys(self) -> TableSettings:
        generated = [column.type == "auto_increment" for column in self.primary_key]
        if sum(generated) > 1:
            raise ValueError("primary_key: a table has one auto_increment column at most")
        if generated[:1] == [True]:
            raise ValueError(
                "primary_key: the first column cannot be auto_increment: put another one before it"
            )
        if self.search_timestamp != "none":
            if self.primary_key_mode != "search":
                raise ValueError("search_timestamp needs primary_key_mode search")
            listed = () if self.columns == "all" else self.columns
            if any(c.name == SEARCH_TIMESTAMP and c.type != "integer" for c in listed):
                raise ValueError("columns: with search_timestamp, timestamp is an integer column")
        return self

    @model_validator(mode="after")
    def _check_deletes(self) -> TableSettings:
        deletes, mode = self.delete_mode, self.primary_key_mode
        if deletes == "none" or self.key_mode.key_from == "key":
            return self
        if self.key_mode.key_from == "coordinates":
            raise ValueError(
                f"delete_mode {deletes} needs primary_key_mode record_key: with {mode} each record "
                "is a row of its own"
            )
        if deletes == "column":
            raise ValueError("delete_mode column needs primary_key_mode record_key")
        return self

    @model_validator(mode="after")
    def _check_version(self) -> TableSettings:
        if self.version == "field" and self.version_field is None:
            raise ValueError("version field needs version_field")
        if self.version != "field" and {"version_field", "version_unit"} & self.model_fields_set:
            raise ValueError('version_field and version_unit need version = "field"')
        if self.version != "none" and self.delete_mode != "none":
            raise ValueError(
                f"version and delete_mode {self.delete_mode}: the service deletes newer versions "
                "too, so a late delete would take newer values along; set delete_mode or version "
                "to none (or mark deletes by a column of their own)"
            )
        return self

    @property
    def key_mode(self) -> PrimaryKeyMode:
        """The properties of the primary key mode."""
        return PRIMARY_KEY_MODES[self.primary_key_mode]

    @property
    def reads_key(self) -> bool:
        """Whether rows of this table need the record's decoded key."""
        return self.mode == "wide_column" and (
            self.key_mode.key_from == "key" or self.key_fields != "none"
        )

    @property
    def key_columns(self) -> tuple[tuple[str, str], ...]:
        """The key's columns as (name, type), in the table's order."""
        if self._index_columns:
            indexes = ((name, "integer") for name in self._index_columns)
            return (*self.key_mode.before_index, *indexes)
        configured = tuple((column.name, column.type) for column in self.primary_key)
        return self.key_mode.columns or configured

    @property
    def index_columns(self) -> tuple[str, ...]:
        """The key columns after the record's coordinates with the positions of exploded rows."""
        return self._index_columns

    def with_index_columns(self, names: tuple[str, ...]) -> TableSettings:
        """The same rules with these; themselves where the key is not the record's coordinates."""
        if self.mode != "wide_column" or self.key_mode.key_from != "coordinates":
            return self
        found = self.model_copy()
        found._index_columns = names
        return found

    @property
    def generates_keys(self) -> bool:
        """Whether the service generates a key column: a repeated record is then a new row."""
        return any(column.type == "auto_increment" for column in self.primary_key)

    @property
    def deletes_rows(self) -> bool:
        """Whether a record can delete its row."""
        return self.delete_mode in ("row", "row_and_column")

    @property
    def deletes_columns(self) -> bool:
        """Whether a field that is null deletes its column."""
        return self.insert_mode == "update" and self.delete_mode in ("column", "row_and_column")

    @property
    def deviation(self) -> int:
        """Seconds that the versions of cells may differ from the service's clock."""
        if self.max_version_deviation is not None:
            return self.max_version_deviation
        return DEFAULT_VERSION_DEVIATION if self.version == "none" else _DEVIATION_OF_VERSIONS


def merge_table(base: Any, override: Any) -> Any:
    """The settings of [tables.NAME] on top of [table], as plain values before validation."""
    if not isinstance(base, dict) or not isinstance(override, dict):
        return override
    dropped = without_meaning(override)
    base = {name: value for name, value in base.items() if name not in dropped}
    merged = {**base, **override}
    if merged.get("mode") == "timeseries":
        return merge_timeseries(base, override, _OF_TIMESERIES)
    if "timeseries" not in override:
        merged.pop("timeseries", None)
    # An option that depends on another one is not inherited if that one is overridden.
    if "primary_key_mode" in override:
        mode = merged["primary_key_mode"]
        known = PRIMARY_KEY_MODES.get(mode) if isinstance(mode, str) else None
        configured = known is None or not known.columns
        _drop(merged, override, "primary_key", configured)
        _drop(merged, override, "delete_mode", configured)
        _drop(merged, override, "search_timestamp", mode == "search")
    if "version" in override:
        _drop(merged, override, "version_field", merged["version"] == "field")
        _drop(merged, override, "version_unit", merged["version"] == "field")
    return merged


def _drop(merged: dict[str, Any], override: dict[str, Any], key: str, keep: bool) -> None:
    if not keep and key not in override:
        merged.pop(key, None)
