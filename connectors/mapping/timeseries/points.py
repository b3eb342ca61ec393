"""Points: rows of a time series table, from records; the work is planned once for each shape.

A shape is the field names and the Python types of their values, as in mapping/shape_cache.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import IDENTITY, Conversions, Converter
from connectors.mapping.encoder import Encoded
from connectors.mapping.key_modes import RowBuilder
from connectors.mapping.timeseries.series import SeriesCache
from connectors.records import UNAVAILABLE, Record
from connectors.records.timestamps import moment_of, own_moment
from connectors.settings.tables import TableSettings
from connectors.settings.tablestore_limits import MAX_FIELDS, MAX_TIMESERIES_TABLE_NAME
from connectors.settings.timeseries import FIELD_NAME_RULE, TimeseriesSettings, is_field_name

# Shapes that are remembered, and names in them; a stream whose every record has other names
# must not fill the memory.
_MAX_SHAPES = 512
_MAX_NAMES = 40_000

# Series, time in microseconds, values -> the point.
EncodePoint = Callable[[bytes, int, Sequence[Any]], Encoded]
MakePoint = Callable[[Sequence[Any], Record], Encoded]


class PointEncoder(Protocol):
    """The encoder, as far as points need it."""

    @property
    def error(self) -> type[Exception]:
        """Its exception; the arguments begin with a short code and a text."""
        ...

    def series(self, measurement: str, source: str, tags: Sequence[tuple[str, str]]) -> bytes:
        """The series as part of its points; tags in the order of their names."""
        ...

    def compile(self, fields: Sequence[tuple[str, str]]) -> EncodePoint:
        """A function of series, time and values, made for these names and types."""
        ...

    def series_of(self, identity: bytes) -> bytes:
        """The series in the identity of a point."""
        ...


class PointBuilder(RowBuilder):
    """Makes the points of one topic for its time series table."""

    def __init__(
        self,
        rules: TimeseriesSettings,
        topic: str,
        encoder: PointEncoder,
        conversions: Conversions | None = None,
    ) -> None:
        self._rules = rules
        self._conversions = conversions or Conversions()
        self._encoder = encoder
        # The points of a series share a shard, whatever their time.
        self.shard_key = encoder.series_of
        self._series = SeriesCache(rules, topic, encoder)
        self._not_fields = rules.series_fields
        self._declared = {_own(rules, field.name): field.type for field in rules.fields}
        self._moment = None
        if rules.time_field is not None:
            self._moment = moment_of(rules.time_field, rules.time_unit)
        self._plans: dict[tuple[Any, ...], MakePoint] = {}
        self._names = 0

    def encode(self, record: Record) -> Encoded:
        """The point of a record. Raises Rejection, or the encoder's own exception."""
        value = record.value
        if not isinstance(value, dict) or record.change == "delete":
            raise _no_point(record)
        values = [*value.values()]
        shape = (*value, *map(type, values))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plan((*value,), [*map(type, values)])
            self._names += len(values)
            if len(self._plans) < _MAX_SHAPES and self._names <= _MAX_NAMES:
                self._plans[shape] = plan
        return plan(values, record)

    def _plan(self, names: tuple[str, ...], types: Sequence[type]) -> MakePoint:
        series_of = self._series.reader(names, types)
        time_of = self._time(names)
        fields = self._fields(names, types)
        encode = self._encoder.compile([(name, field_type) for name, field_type, _, _ in fields])
        positions = [position for _, _, position, _ in fields]
        converts = [convert for _, _, _, convert in fields]

        def plain(values: Sequence[Any], record: Record) -> Encoded:
            return encode(
                series_of(values), time_of(values, record), [values[i] for i in positions]
            )

        def converting(values: Sequence[Any], record: Record) -> Encoded:
            taken = [convert(values[i]) for i, convert in zip(positions, converts, strict=True)]
            return encode(series_of(values), time_of(values, record), taken)

        return plain if all(convert is IDENTITY for convert in converts) else converting

    def _time(self, names: tuple[str, ...]) -> Callable[[Sequence[Any], Record], int]:
        moment = self._moment
        if moment is None:
            return lambda _, record: own_moment(record)
        name = self._rules.time_field
        if name not in names:
            raise Rejection("time_missing", f"field {name!r}, the time, is null or absent")
        position = names.index(name)
        return lambda values, _: moment(values[position])

    def _fields(
        self, names: tuple[Any, ...], types: Sequence[type]
    ) -> list[tuple[str, str, int, Converter]]:
        """(name, type, position, converter) of the fields, by name."""
        found: dict[str, tuple[str, int, Converter]] = {}
        for position, (name, found_type) in enumerate(zip(names, types, strict=True)):
            if name in self._not_fields or found_type is type(None):
                continue
            own = _own(self._rules, name) if isinstance(name, str) and name.isascii() else ""
            declared = self._declared.get(own)
            if declared is None and not self._rules.map_all:
                continue
            # Field names may be personal data: they are never put into the reason.
            where = f"field number {position + 1} of the record"
            if not is_field_name(own):
                raise Rejection(
                    "field_name",
                    f"the name of {where} is not legal: {FIELD_NAME_RULE}; rename it, or "
                    "list the fields to write, with map_all = false",
                )
            if own in found:
                raise Rejection(
                    "field_collision",
                    f"{where} gets the name of another one when lower-cased: rename one of them, "
                    "or list the fields to write, with map_all = false",
                )
            if found_type is type(UNAVAILABLE):
                raise Rejection(
                    "value_unavailable",
                    f"{where} is not sent by its source, and a point is replaced as a whole",
                )
            if declared is None:
                natural_type, convert = self._conversions.natural(own, found_type)
                found[own] = natural_type, position, convert
            else:
                convert = self._conversions.converter(own, declared, found_type)
                found[own] = declared, position, convert
        if not found:
            raise Rejection("fields_missing", "the record has no field that a point could hold")
        if len(found) > MAX_FIELDS:
            raise Rejection(
                "field_count",
                f"the record has {len(found)} fields, and a point at most {MAX_FIELDS}: list the "
                "fields to write, or nest some",
            )
        return [(name, *found[name]) for name in sorted(found)]


def point_builder(
    rules: TableSettings, table: str, topic: str, encoder: PointEncoder, conversions: Conversions
) -> PointBuilder:
    """The builder of a topic's points for a table. Raises Rejection for a name that is too long."""
    if len(table) > MAX_TIMESERIES_TABLE_NAME:
        raise Rejection(
            "table_name",
            f"topic {topic!r} would go to a time series table whose name is longer than "
            f"{MAX_TIMESERIES_TABLE_NAME} characters: give it a table in [mapping.topics]",
        )
    return PointBuilder(rules.timeseries, topic, encoder, conversions)


def _own(rules: TimeseriesSettings, name: str) -> str:
    return name.lower() if rules.to_lower_case else name


def _no_point(record: Record) -> Rejection:
    if record.change == "delete" or record.value is None:
        return Rejection(
            "delete_timeseries",
            "the record is a delete (a tombstone), and points of time series are not deleted",
        )
    return Rejection(
        "value_no_object",
        f"the value is not an object but {type(record.value).__name__}: a point needs named fields",
    )
