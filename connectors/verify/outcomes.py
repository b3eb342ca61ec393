"""What can be said of a record, and the count of it over all records."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple


class Outcome(IntEnum):
    """What is known of a record. Of its rows, the one with the greatest number decides."""

    NOT_SAMPLED = 0
    FILTERED = 1
    SUPERSEDED = 2
    RIGHT = 3
    DEAD_LETTERED = 4
    PENDING = 5
    UNVERIFIABLE = 6
    MISSING = 7
    DIFFERS = 8


MEANINGS = {
    Outcome.RIGHT: "its row is in the table, with its values; or is gone where it deletes",
    Outcome.SUPERSEDED: "a later record of its key decides the row",
    Outcome.FILTERED: "dropped by a transform",
    Outcome.DEAD_LETTERED: "its dead letter is in the dead-letter topic or table",
    Outcome.PENDING: "not written yet: the flow's group has not committed its offset",
    Outcome.UNVERIFIABLE: "the table cannot say",
    Outcome.MISSING: "neither its row nor its dead letter is there",
    Outcome.DIFFERS: "its row has other values",
}
FINDINGS = (Outcome.MISSING, Outcome.DIFFERS)
"""What needs attention."""


class Problem(NamedTuple):
    """Why a record is not simply right."""

    outcome: Outcome
    table: str
    why: str


class Finding(NamedTuple):
    """A record that needs attention."""

    topic: str
    partition: int
    offset: int
    outcome: Outcome
    table: str
    why: str


class Coordinates(NamedTuple):
    """A record's place in Kafka, with its partition as an index of the ranges that are read."""

    source: int
    offset: int


class Outcomes:
    """The outcome of each record by its ordinal: a byte a record, and its coordinates on disk.

    So ten million records take 10 MB of memory.
    """

    _WIDTH = 12

    def __init__(self, file: Path, keep: int) -> None:
        """`file` holds the coordinates; the problems of `keep` records are kept."""
        self._outcomes = bytearray()
        self._coordinates = file.open("w+b")
        self._keep = keep
        self.problems: dict[int, Problem] = {}
        self.reasons: Counter[str] = Counter()
        """Why rows cannot be verified: the number of rows of each reason."""

    def add(self, source: int, offset: int) -> int:
        """Take the next record; returns its ordinal."""
        self._outcomes.append(Outcome.NOT_SAMPLED)
        self._coordinates.write(source.to_bytes(4, "little") + offset.to_bytes(8, "little"))
        return len(self._outcomes) - 1

    def note(self, ordinal: int, outcome: Outcome, table: str = "", why: str = "") -> None:
        """Something is known of a row of a record, or of the record."""
        if outcome == Outcome.UNVERIFIABLE:
            self.reasons[why] += 1
        if outcome <= self._outcomes[ordinal]:
            return
        self._outcomes[ordinal] = outcome
        if outcome in FINDINGS and (len(self.problems) < self._keep or ordinal in self.problems):
            self.problems[ordinal] = Problem(outcome, table, why)

    def counts(self) -> dict[Outcome, int]:
        """How many records have each outcome, with those of none."""
        found = array("B", bytes(self._outcomes))
        numbers = Counter(found)
        return {outcome: numbers.get(int(outcome), 0) for outcome in Outcome}

    def coordinates_of(self, ordinal: int) -> Coordinates:
        """Return the topic, partition and offset of a record."""
        self._coordinates.flush()
        self._coordinates.seek(ordinal * self._WIDTH)
        return _parsed(self._coordinates.read(self._WIDTH))

    def all(self) -> Iterator[tuple[Coordinates, Outcome]]:
        """Each record in the order of reading."""
        self._coordinates.flush()
        self._coordinates.seek(0)
        for outcome in self._outcomes:
            yield _parsed(self._coordinates.read(self._WIDTH)), Outcome(outcome)

    def close(self) -> None:
        """Close the file."""
        self._coordinates.close()

    def __len__(self) -> int:
        return len(self._outcomes)


def _parsed(data: bytes) -> Coordinates:
    return Coordinates(int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little"))
