"""Where the dead letters of a flow are, by the coordinates of their records."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from connectors.dead_letters.headers import coordinates_in
from connectors.errors import StopRun
from connectors.kafka.ranges import Bound, Range, RangeReader, ranges_of
from connectors.records import readable_headers
from connectors.settings import Settings
from connectors.tablestore.rows_api import RowsApi


class DeadLetterIndex:
    """The offsets of dead letters in each range: eight bytes a dead letter."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._of_place = {(one.topic, one.partition): at for at, one in enumerate(ranges)}
        self._ranges = ranges
        self._offsets = [array("q") for _ in ranges]

    def add(self, topic: str, partition: int, offset: int) -> None:
        """There is a dead letter of this record."""
        source = self._of_place.get((topic, partition))
        if source is not None and self._ranges[source].first <= offset < self._ranges[source].end:
            self._offsets[source].append(offset)

    def sort(self) -> None:
        """Sort the offsets, once all dead letters have been added."""
        self._offsets = [array("q", sorted(set(each))) for each in self._offsets]

    def between(self, source: int, first: int, last: int) -> set[int]:
        """The offsets of dead letters from `first` to `last`, with it."""
        offsets = self._offsets[source]
        return {*offsets[bisect_left(offsets, first) : bisect_left(offsets, last + 1)]}


def index_of(settings: Settings, ranges: Sequence[Range], rows: RowsApi) -> DeadLetterIndex:
    """The dead letters of these ranges, from the topic or table that [errors] names.

    Empty where [errors] keeps none, or the topic or table is not there yet. Raises StopRun.
    """
    index = DeadLetterIndex(ranges)
    if settings.errors.tolerance == "all" and settings.errors.dead_letters == "tablestore":
        table = settings.dead_letters.table
        for one in ranges:
            if one.first >= one.end:
                continue  # the service refuses a range of no rows
            place = f"{one.topic}_{one.partition}"
            for offset in rows.dead_letter_offsets(table, place, one.first, one.end):
                index.add(one.topic, one.partition, offset)
    elif settings.errors.tolerance == "all" and settings.errors.dead_letters == "kafka":
        _read_topic(settings, index)
    index.sort()
    return index


def _read_topic(settings: Settings, index: DeadLetterIndex) -> None:
    own, kafka = settings.dead_letters, settings.kafka
    update: dict[str, object] = {"topics": (own.topic,), "topics_pattern": None}
    if own.bootstrap_servers is not None:
        update |= {
            "bootstrap_servers": own.bootstrap_servers,
            "properties": own.properties,
            "secret_properties": own.secret_properties,
            "secret_property_files": own.secret_property_files,
        }
    of_topic = kafka.model_copy(update=update)
    try:
        ranges = ranges_of(of_topic, None, Bound(), Bound())
    except StopRun as stop:
        if "no such topic" in str(stop):  # it is made when there is a first dead letter
            return
        raise
    reader = RangeReader(of_topic)
    try:
        for one in ranges:
            for messages in reader.read(one):
                for message in messages:
                    found = coordinates_in(readable_headers(message))
                    if found is not None:
                        index.add(*found)
    finally:
        reader.close()
