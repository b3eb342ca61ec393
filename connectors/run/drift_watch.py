"""Notices while records stream that fields appear, vanish or change their type.

A few records of a chunk are looked at, and of each topic a chunk now and then, so that the plain
case costs one look at the clock a chunk. Everything is bounded. What is noticed is logged once for
a field, before its values are dropped or rejected, and counted; never a value of a record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.records import ABSENT, DecodedChunk, Record, UniformChunk
from connectors.records.value_types import TAKEN_AS_IT_IS, type_name
from connectors.run.drift_notes import Kind, shown
from connectors.settings import Settings
from connectors.settings.tables import TableSettings

log = logging.getLogger("sync.drift")

# Called with topic, kind, field and text for each field of which something is noticed.
Note = Callable[[str, Kind, str, str], None]

_INTERVAL = 1.0  # seconds between two looks at a topic
_RECORDS = 20  # of a chunk
_LEARNING = 200  # records from which the fields are learned where none are listed
_GONE_AFTER = 500  # records without a field that was there, or is listed
_MAX_FIELDS = 2000  # of a topic that are remembered
_MAX_REPORTS = 50  # of a topic
_MAX_TOPICS = 1000


class DriftWatch:
    """Watches the records of one worker, between the transforms and the mapping."""

    def __init__(self, settings: Settings, note: Note, clock: Callable[[], float]) -> None:
        """Watch the fields of records for drift; `clock` returns seconds."""
        self._settings = settings
        self._note = note
        self._clock = clock
        self._topics: dict[str, _Topic] = {}
        self._next: dict[str, float] = {}

    def look(self, chunk: DecodedChunk) -> None:
        """Look at some records of a chunk, where its topic is due."""
        now = self._clock()
        if now < self._next.get(chunk.topic, 0.0):
            return
        topic = self._topics.get(chunk.topic)
        if topic is None:
            if len(self._topics) >= _MAX_TOPICS:
                return
            topic = self._topics[chunk.topic] = _Topic(self._settings, chunk.topic, self._note)
        self._next[chunk.topic] = now + _INTERVAL
        for fields in _fields_of(chunk):
            topic.see(fields)
        topic.look_for_gone()


def _fields_of(chunk: DecodedChunk) -> Iterator[Mapping[str, Any]]:
    """The fields of the first records of a chunk. Structs are not made into records for it."""
    if not isinstance(chunk, UniformChunk):
        for record in chunk.records[:_RECORDS]:
            if isinstance(record.value, dict) and record.change == "upsert":
                yield record.value
        return
    for value in chunk.values[:_RECORDS]:
        if type(value) is Record:
            if isinstance(value.value, dict):
                yield value.value
            continue
        items = zip(chunk.names, chunk.fields_of(value), strict=True)
        yield {name: item for name, item in items if item is not ABSENT}


class _Topic:
    """The fields that the records of one topic have had, and their types."""

    def __init__(self, settings: Settings, topic: str, note: Note) -> None:
        self._topic = topic
        self._note = note
        self._seen = 0
        self._reports = 0
        self._last: dict[str, int] = {}  # the number of the record that had a field last
        self._kinds: dict[str, set[str]] = {}
        self._reported: set[tuple[str, str]] = set()
        rules = settings.rules_of(settings.table_of(topic))
        mapping = settings.mapping
        routed = mapping.route_field is not None or mapping.route_header is not None
        self._listed = {} if routed else listed_columns(rules)
        self._others = used_otherwise(rules)
        for name, column_type in self._listed.items():
            self._kinds[name] = {*TAKEN_AS_IT_IS[column_type]}
            self._last[name] = 0

    def see(self, fields: Mapping[str, Any]) -> None:
        """Compare the fields of one more record with those seen so far, and note what differs."""
        self._seen += 1
        learns = not self._listed and self._seen <= _LEARNING
        for name, value in fields.items():
            if type(name) is not str:  # a function of the user made it
                continue
            known = self._kinds.get(name)
            kind = type_name(value)
            if known is None:
                self._is_new(name, kind, learns)
                continue
            self._last[name] = self._seen
            if kind == "null" or kind in known:
                continue
            if not learns and known:
                listed = self._listed.get(name)
                was = f"listed as {listed}" if listed else f"{', '.join(sorted(known))} so far"
                self._report("type", name, f"has another type: {kind}, and it is {was}")
            known.add(kind)

    def look_for_gone(self) -> None:
        """Report the fields that no record has had for long."""
        if self._seen < _GONE_AFTER:
            return
        for name, last in self._last.items():
            if self._seen - last >= _GONE_AFTER and (name, "gone") not in self._reported:
                self._report(
                    "gone", name, f"is in none of the last {_GONE_AFTER} records looked at"
                )

    def _is_new(self, name: str, kind: str, learns: bool) -> None:
        if name in self._others or len(self._kinds) >= _MAX_FIELDS:
            return
        self._kinds[name] = set() if kind == "null" else {kind}
        if learns:
            self._last[name] = self._seen
        elif self._listed:
            self._report("new", name, f"({kind}) is new and not listed: its values are dropped")
        else:
            self._last[name] = self._seen
            self._report("new", name, f"({kind}) is new")

    def _report(self, kind: Kind, name: str, text: str) -> None:
        if (name, kind) in self._reported:
            return
        self._reported.add((name, kind))
        self._note(self._topic, kind, name, text)
        self._reports += 1
        if self._reports < _MAX_REPORTS:
            log.warning(
                "topic %s: field %s %s (`tablestore-sync drift` says more)",
                self._topic,
                shown(name),
                text,
            )
        elif self._reports == _MAX_REPORTS:
            log.warning("topic %s: more fields differ; they are only counted", self._topic)


def listed_columns(rules: TableSettings) -> dict[str, str]:
    """The listed columns or fields with their types; {} where all are written."""
    if rules.mode == "timeseries":
        points = rules.timeseries
        return {} if points.map_all else {one.name: one.type for one in points.fields}
    return {} if rules.columns == "all" else {one.name: one.type for one in rules.columns}


def used_otherwise(rules: TableSettings) -> set[str]:
    """Fields that are used otherwise than as columns."""
    points = rules.timeseries
    named = {points.time_field, points.measurement_field, points.data_source_field}
    named |= {points.tags_field, rules.version_field, *points.tags}
    key = {name for name, _ in rules.key_columns}
    return key | {name for name in named if name is not None}
