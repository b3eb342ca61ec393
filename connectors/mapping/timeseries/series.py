"""The series of a point: measurement, data source and tags, by the service's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import converter
from connectors.records import UNAVAILABLE
from connectors.settings.tablestore_limits import MAX_DATA_SOURCE_BYTES, MAX_TAGS_BYTES
from connectors.settings.timeseries import (
    TAG_NAME_RULE,
    TimeseriesSettings,
    is_tag_name,
    wrong_measurement,
)

_BAD_IN_TAG = re.compile(r'["=]')

# A series is remembered by the texts of the fields that make it, None where there is none, and the
# pairs of the tags' object.
_Texts = tuple[Any, ...]
# The position of a text among the values of a record, and its converter; None if there is none.
TextPick = tuple[int, Callable[[Any], str] | None] | None


class SeriesEncoder(Protocol):
    """The encoder, as far as series need it."""

    def series(self, measurement: str, source: str, tags: Sequence[tuple[str, str]]) -> bytes:
        """The series as part of its points; tags in the order of their names."""
        ...


class SeriesCache:
    """The series of one topic in one table, as bytes. Each is checked once, and then remembered."""

    MAX_SERIES = 20_000

    def __init__(self, rules: TimeseriesSettings, topic: str, encoder: SeriesEncoder) -> None:
        self._rules = rules
        self._encoder = encoder
        self._measurement = rules.measurement.replace("<topic>", topic)
        self._source = rules.data_source.replace("<topic>", topic)
        self._known: dict[_Texts, bytes] = {}
        named = (rules.measurement_field, rules.data_source_field, *rules.tags)
        self._fields = [name for name in named if name is not None]

    def reader(
        self, names: tuple[str, ...], types: Sequence[type]
    ) -> Callable[[Sequence[Any]], bytes]:
        """The function from values of these names and types to their series.

        Raises Rejection if no record of these names and types has a series.
        """
        picks = [_pick(name, names, types) for name in self._fields]
        pairs_at = None
        if self._rules.tags_field in names:
            pairs_at = names.index(self._rules.tags_field)
            if types[pairs_at] not in (dict, type(None)):
                raise Rejection(
                    "tags_no_object", f"field {self._rules.tags_field!r} is not an object of tags"
                )
        positions = [pick[0] for pick in picks if pick is not None and pick[1] is None]
        plain = len(positions) == len(picks) and pairs_at is None
        known = self._known

        def texts_of(values: Sequence[Any]) -> _Texts:
            texts: list[Any] = []
            for pick in picks:
                if pick is None:
                    texts.append(None)
                else:
                    position, convert = pick
                    texts.append(convert(values[position]) if convert else values[position])
            texts.append(_pairs(values[pairs_at]) if pairs_at is not None else ())
            return (*texts,)

        def read(values: Sequence[Any]) -> bytes:
            if plain:
                texts: _Texts = (*[values[position] for position in positions], ())
            else:
                texts = texts_of(values)
            series = known.get(texts)
            return self._add(texts) if series is None else series

        return read

    def _add(self, texts: _Texts) -> bytes:
        *fields, pairs = texts
        given = dict(zip(self._fields, fields, strict=True))
        rules = self._rules
        measurement: str | None = self._measurement
        if rules.measurement_field is not None:
            measurement = given[rules.measurement_field]
        if measurement is None:
            raise Rejection(
                "measurement_missing",
                f"field {rules.measurement_field!r}, the measurement, is null or absent",
            )
        source: str | None = self._source
        if rules.data_source_field is not None:
            source = given[rules.data_source_field]
        named = [(name, given[name]) for name in rules.tags if given[name] is not None]
        series = self._encoder.series(
            *_checked(measurement, source or "", sorted([*named, *pairs]))
        )
        if len(self._known) >= self.MAX_SERIES:
            self._known.clear()
        self._known[texts] = series
        return series


def _pick(name: str, names: tuple[str, ...], types: Sequence[type]) -> TextPick:
    if name not in names:
        return None
    position = names.index(name)
    return None if types[position] is type(None) else (position, _text_of(name, types[position]))


def _text_of(name: str, found: type) -> Callable[[Any], str] | None:
    """The converter of a value of this type to text; None if it is text."""
    if found is str:
        return None
    if found is type(UNAVAILABLE):
        raise Rejection("series_unavailable", f"field {name!r} is not sent by its source")
    if issubclass(found, (dict, list, tuple)):
        raise Rejection("tag_nested", f"field {name!r} holds an object or a list instead of text")
    convert = converter(name, "string", found)
    return lambda value: str(convert(value))


def _pairs(tags: dict[Any, Any] | None) -> tuple[tuple[str, str], ...]:
    pairs = []
    for number, (name, value) in enumerate((tags or {}).items(), 1):
        if value is None:
            continue
        if not isinstance(name, str):
            raise Rejection("tag_name", f"the name of tag number {number} is not text")
        # Field names may be personal data: they are never put into the reason.
        convert = _text_of(f"(tag number {number})", type(value))
        pairs.append((name, convert(value) if convert else value))
    return (*pairs,)


def _checked(
    measurement: str, source: str, tags: list[tuple[str, str]]
) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the series, or raise Rejection with the rule of the service that it breaks."""
    wrong = wrong_measurement(measurement)
    if wrong:
        raise Rejection("measurement_invalid", wrong)
    if _bytes(source) > MAX_DATA_SOURCE_BYTES:
        raise Rejection(
            "data_source_length", f"the data source is longer than {MAX_DATA_SOURCE_BYTES} bytes"
        )
    size = 2
    before: str | None = None
    for number, (name, value) in enumerate(tags, 1):
        if not is_tag_name(name):
            raise Rejection("tag_name", f"tag number {number}: {TAG_NAME_RULE}")
        if name == before:
            raise Rejection("tag_twice", f"tag number {number} has the name of another one")
        before = name
        if not value:
            raise Rejection("tag_empty", f"tag number {number} is empty: leave it out, or null")
        if _BAD_IN_TAG.search(value):
            raise Rejection("tag_value", f'tag number {number} holds a " or =, which no tag can')
        size += _bytes(name) + _bytes(value) + 4
    if tags and size - 1 > MAX_TAGS_BYTES:
        raise Rejection("tags_length", f"the tags together are longer than {MAX_TAGS_BYTES} bytes")
    return measurement, source, tags


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Rejection(
            "encoding", "a text of the series holds half of a UTF-16 pair (a lone surrogate)"
        ) from None
