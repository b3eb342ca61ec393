"""[table.timeseries] and [tables.NAME.timeseries]: how a record becomes a point of a series."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.settings.section import Section
from connectors.settings.tablestore_limits import (
    MAX_DATA_SOURCE_BYTES,
    MAX_FIELD_NAME,
    MAX_FIELDS,
    MAX_MEASUREMENT_BYTES,
    MAX_POINTS_PER_REQUEST,
    MAX_TAGS_BYTES,
    MIN_METADATA_TIME_TO_LIVE,
)

FieldType = Literal["string", "integer", "double", "boolean", "binary"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
# What the service accepts as names [ts-limits].
_NO_MEASUREMENT = re.compile(r"[#\s]")
_TAG_NAME = re.compile(r"[\x21\x23-\x3c\x3e-\x7e]+")  # printable ASCII but " and =
_FIELD_NAME = re.compile(rf"[a-z_][a-z0-9_]{{0,{MAX_FIELD_NAME - 1}}}")
_RESERVED = frozenset(
    ("_m_name", "_data_source", "_tags", "_time", "_meta_update_time", "_attributes")
)
TAG_NAME_RULE = "a tag's name is printable ASCII without blanks, quotes and ="
FIELD_NAME_RULE = (
    f"1 to {MAX_FIELD_NAME} of a-z 0-9 _, not starting with a digit and none of the service's own"
)


def is_tag_name(name: str) -> bool:
    """Whether the service takes a tag of this name."""
    return _TAG_NAME.fullmatch(name) is not None


def is_field_name(name: str) -> bool:
    """Whether the service takes a field of this name."""
    return _FIELD_NAME.fullmatch(name) is not None and name not in _RESERVED


def wrong_measurement(text: str) -> str | None:
    """What is wrong with a measurement, without its text; None if it is legal."""
    if not text:
        return "the measurement is empty"
    if len(text.encode("utf-8", "replace")) > MAX_MEASUREMENT_BYTES:
        return f"the measurement is longer than {MAX_MEASUREMENT_BYTES} bytes"
    if _NO_MEASUREMENT.search(text) or not text.isprintable():
        return "the measurement has a blank, a # or a character that is not printable"
    return None


class DeclaredField(Section):
    """A field of the points with its type."""

    name: str = Field(min_length=1)
    type: FieldType


class TimeseriesSettings(Section):
    """How a record becomes a point, in tables with mode timeseries."""

    measurement: str = Field(
        "<topic>",
        min_length=1,
        description="Measurement of every point; <topic> stands for the name of the topic.",
    )
    measurement_field: str | None = Field(
        None, min_length=1, description="Field of the value that holds the measurement instead."
    )
    data_source: str = Field(
        "", description="Data source of every point; <topic> stands for the name of the topic."
    )
    data_source_field: str | None = Field(
        None,
        min_length=1,
        description="Field of the value that holds the data source instead; null means none.",
    )
    tags: tuple[str, ...] = Field(
        (), description="Fields of the value that are tags. One that is null or absent is left out."
    )
    tags_field: str | None = Field(
        None, min_length=1, description="Field of the value that holds an object of more tags."
    )
    time_field: str | None = Field(
        None,
        min_length=1,
        description="Field of the value that holds the time. Unless set: the time of the record, "
        "as its producer or the broker set it.",
    )
    time_unit: TimeUnit = Field(
        "ms",
        description="Unit of time_field since 1970; fractions of a microsecond are dropped. "
        "iso8601: text such as 2026-01-31T08:00:00Z, with its zone.",
    )
    fields: tuple[DeclaredField, ...] = Field(
        (),
        description="Fields with their types: {name, type}, with type string, integer, double, "
        "boolean or binary (text that is base64).",
    )
    map_all: bool = Field(
        True, description="Write the other fields of the value too, each with its own type."
    )
    to_lower_case: bool = Field(
        True,
        description="Lower-case the names of fields, since the service takes no others. Two names "
        "that become one are a rejection.",
    )
    rows_per_request: int = Field(
        MAX_POINTS_PER_REQUEST,
        ge=1,
        le=MAX_POINTS_PER_REQUEST,
        description="Rows per request, at most (the service's limit).",
    )
    metadata_time_to_live: int = Field(
        -1,
        description="Seconds that metadata of a series lives in a table created here: -1 (for "
        f"ever), or at least {MIN_METADATA_TIME_TO_LIVE}, and no shorter than time_to_live; needs "
        "metadata_updates = false.",
    )
    metadata_updates: bool = Field(
        True, description="Whether attributes of series can be changed in a table created here."
    )

    @model_validator(mode="after")
    def _check(self) -> TimeseriesSettings:
        given = self.model_fields_set
        for literal in ("measurement", "data_source"):
            if literal in given and getattr(self, f"{literal}_field") is not None:
                raise ValueError(f"{literal} and {literal}_field exclude each other: remove one")
        if "time_unit" in given and self.time_field is None:
            raise ValueError("time_unit has no meaning without time_field: set time_field")
        if not self.map_all and not self.fields:
            raise ValueError("map_all = false needs fields: name at least one")
        self._check_names()
        wrong = wrong_measurement(self.measurement.replace("<topic>", "t"))
        if wrong:
            raise ValueError(wrong)
        if len(self.data_source.replace("<topic>", "t").encode()) > MAX_DATA_SOURCE_BYTES:
            raise ValueError(f"data_source is longer than {MAX_DATA_SOURCE_BYTES} bytes")
        if self.metadata_time_to_live != -1:
            if not MIN_METADATA_TIME_TO_LIVE <= self.metadata_time_to_live < 2**31:
                raise ValueError(
                    "metadata_time_to_live is -1 (for ever) or at least "
                    f"{MIN_METADATA_TIME_TO_LIVE} seconds"
                )
            if self.metadata_updates:
                raise ValueError("metadata_time_to_live needs metadata_updates = false")
        return self

    def _check_names(self) -> None:
        """Check the names, and that no field of a record is used twice."""
        series = [
            self.measurement_field,
            self.data_source_field,
            *self.tags,
            self.tags_field,
            self.time_field,
        ]
        names = [name for name in series if name is not None]
        names += [field.name for field in self.fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"a field can be only one of these; named twice: {', '.join(twice)}")
        for tag in self.tags:
            if not is_tag_name(tag):
                raise ValueError(
                    f"tags: {tag!r} cannot be a tag: {TAG_NAME_RULE}; rename the field"
                )
            if len(tag) + len('["=x"]') > MAX_TAGS_BYTES:
                raise ValueError(f"tags: a name fills the {MAX_TAGS_BYTES} bytes of all tags")
        self._check_fields()

    def _check_fields(self) -> None:
        if len(self.fields) > MAX_FIELDS:
            raise ValueError(f"fields lists more than the {MAX_FIELDS:,} that a point can have")
        for field in self.fields:
            name = field.name
            # Only ASCII is lower-cased: the Kelvin sign would become a k.
            if not is_field_name(name.lower() if self.to_lower_case and name.isascii() else name):
                raise ValueError(f"fields: {name!r} cannot be a field: {FIELD_NAME_RULE}")
        if self.to_lower_case:
            lower = [field.name.lower() for field in self.fields]
            alike = sorted({name for name in lower if lower.count(name) > 1})
            if alike:
                raise ValueError(
                    f"fields become one when lower-cased: {', '.join(alike)}; name one of them, or "
                    "set to_lower_case = false"
                )

    @property
    def series_fields(self) -> frozenset[str]:
        """The fields of a value that do not become fields of its point: series and time."""
        named = (
            self.measurement_field,
            self.data_source_field,
            self.tags_field,
            self.time_field,
            *self.tags,
        )
        return frozenset(name for name in named if name is not None)


def merge_timeseries(base: dict[str, Any], override: dict[str, Any], own: Set[str]) -> Any:
    """The settings of a time series table on top of those of [table].

    Of [table] it takes the options that it has as well, its `own`, and the single ones of
    [table.timeseries].
    """
    merged = {**{name: value for name, value in base.items() if name in own}, **override}
    points = [rules.get("timeseries", {}) for rules in (base, override)]
    if all(isinstance(options, dict) for options in points) and any(points):
        merged["timeseries"] = {**points[0], **points[1]}
    return merged
