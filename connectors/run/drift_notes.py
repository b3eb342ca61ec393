"""What has been noticed of the fields of topics: each difference once, for metrics and page."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal, NamedTuple

Kind = Literal["new", "gone", "type"]
# Names of fields may be data, so their number has no bound.
_MAX_NOTES = 200
_MAX_NAME = 100


class DriftNote(NamedTuple):
    """One difference of a topic's records; never a value of one."""

    topic: str
    field: str
    """Printable, and cut where it is long."""
    kind: Kind
    text: str


class DriftNotes:
    """Thread-safe: every worker looks at the records of its own partitions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[tuple[str, Kind]] = Counter()
        self._notes: dict[tuple[str, str, Kind], DriftNote] = {}

    def note(self, topic: str, kind: Kind, field: str, text: str) -> None:
        """A field of a topic is new, gone, or of another type, as the text says."""
        key = (topic, field, kind)
        with self._lock:
            if key in self._notes:
                return  # another worker has noticed it too
            self._numbers[topic, kind] += 1
            if len(self._notes) < _MAX_NOTES:
                self._notes[key] = DriftNote(topic, shown(field), kind, text)

    def numbers(self) -> dict[tuple[str, Kind], int]:
        """Return how many fields have drifted, by topic and kind of drift."""
        with self._lock:
            return dict(self._numbers)

    def all(self) -> list[DriftNote]:
        """The first 200, in the order in which they were noticed."""
        with self._lock:
            return [*self._notes.values()]


def shown(field: str) -> str:
    """A field's name for a message: escaped and cut short if it is long or not printable."""
    return field if field.isprintable() and len(field) <= _MAX_NAME else ascii(field)[:_MAX_NAME]
