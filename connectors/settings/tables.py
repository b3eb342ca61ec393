"""[format], [mapping], [table] and [tables.NAME]: how a record becomes a row of which table."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from connectors.settings.section import Section
from connectors.settings.timeseries import TimeseriesSettings, merge_timeseries

KeyType = Literal["string", "integer", "binary"]
ColumnType = Literal["string", "integer", "double", "boolean", "binary"]

# Names of tables and columns, Tablestore limits page: 1 to 255 bytes.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
# Column names the key mode `kafka` gives to its two key columns, as the Java connector does.
KAFKA_KEY = (("topic_partition", "string"), ("offset", "integer"))


def check_name(value: str) -> str:
    """A legal table or column name, or ValueError."""
    if not NAME.fullmatch(value):
        raise ValueError(
            "a name has 1 to 255 of the characters A-Z a-z 0-9 _ and does not start with a digit"
        )
    return value


Name = Annotated[str, BeforeValidator(lambda v: check_name(v) if isinstance(v, str) else v)]


class MappingSettings(Section):
    """Which table a topic goes to."""

    table_name: str = Field(
        "<topic>", description="Table name; <topic> stands for the name of the topic."
    )
    topics: dict[str, Name] = Field(
        default_factory=dict, description="Tables of single topics; wins over table_name."
    )

    @model_validator(mode="after")
    def _check(self) -> MappingSettings:
        if not NAME.fullmatch(self.table_name.replace("<topic>", "t")):
            raise ValueError(f"table_name {self.table_name!r} cannot give legal table names")
        return self


class KeyColumn(Section):
    """A primary key column."""

    name: Name
    type: KeyType = "string"


class Column(Section):
    """An attribute column of the whitelist."""

    name: Name
    type: ColumnType


# What a time series table has of the options of a table.
_OF_TIMESERIES = frozenset({"mode", "auto_create", "time_to_live", "timeseries"})


class TableSettings(Section):
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
    primary_key_mode: Literal["kafka", "record_key", "record_value"] = Field(
        "kafka",
        description="kafka: topic_partition (string) and offset (integer). record_key, "
        "record_value: the fields of primary_key, from the record's key or value.",
    )
    primary_key: tuple[KeyColumn, ...] = Field(
        (),
        max_length=4,
        description="1 to 4 key columns in the table's order: {name, type}, with type string, "
        "integer or binary (text that is base64).",
    )
    columns: Literal["all"] | tuple[Column, ...] = Field(
        "all",
        description="all, or the list of columns to write: {name, type}, with type string, "
        "integer, double, boolean or binary (text that is base64).",
    )
    insert_mode: Literal["put"] = Field(
        "put", description="put: the record replaces the row of its key."
    )
    auto_create: bool = Field(False, description="Create the table when it is missing.")
    time_to_live: int = Field(
        -1, description="Seconds that data lives in a table made here: -1 (for ever) or 86400 up."
    )
    max_versions: int = Field(
        1, ge=1, le=2**31 - 1, description="Versions a cell in a table made here."
    )

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
        if self.primary_key_mode == "kafka" and self.primary_key:
            raise ValueError("primary_key has no meaning with primary_key_mode kafka: remove it")
        if self.primary_key_mode != "kafka" and not self.primary_key:
            raise ValueError(f"primary_key_mode {self.primary_key_mode} needs primary_key")
        names = [name for name, _ in self.key_columns]
        if self.columns != "all":
            if not self.columns:
                raise ValueError('columns lists no column: name at least one, or set "all"')
            if len(self.columns) > 1024:
                raise ValueError("columns lists more than the 1,024 columns that a row can have")
            names += [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"primary_key and columns name twice: {', '.join(twice)}")
        if self.time_to_live != -1 and not 86_400 <= self.time_to_live < 2**31:
            raise ValueError("time_to_live is -1 (for ever) or at least 86400 seconds")
        return self

    @property
    def key_columns(self) -> tuple[tuple[str, str], ...]:
        """The key's columns as (name, type), in the table's order."""
        if self.primary_key_mode == "kafka":
            return KAFKA_KEY
        return tuple((column.name, column.type) for column in self.primary_key)


def merge_table(base: Any, override: Any) -> Any:
    """The settings of [tables.NAME] on top of [table], as plain values before validation."""
    if not isinstance(base, dict) or not isinstance(override, dict):
        return override
    merged = {**base, **override}
    if merged.get("mode") == "timeseries":
        return merge_timeseries(base, override, _OF_TIMESERIES)
    if "timeseries" not in override:
        merged.pop("timeseries", None)
    if override.get("primary_key_mode") == "kafka" and "primary_key" not in override:
        merged.pop("primary_key", None)
    return merged
