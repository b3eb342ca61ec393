"""A step: what one transform does with one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from connectors.records import Record
from connectors.settings import Settings
from connectors.settings.tables import TableSettings

Step = Callable[[Record], Iterable[Record]]
"""The records that a record becomes; raises Rejection for one that the transform does not take."""
MakeStep = Callable[[Any, Settings, str], Step]
"""(the transform's own settings, all settings, the option's name for texts) -> its step.

Raises StopRun where the configuration cannot be carried out."""


class Made(list[Record]):
    """The records that one becomes in all transforms."""

    __slots__ = ("dropped",)

    def __init__(self, records: Iterable[Record], dropped: int) -> None:
        """`dropped`: how many records transforms dropped, be it this one or one made of it."""
        super().__init__(records)
        self.dropped = dropped


def by_table(settings: Settings, make: Callable[[TableSettings], Step]) -> Step:
    """A step that depends on the rules of a record's table, and is made once for each table.

    A record's table is the one that a step before named, or that of its topic.
    """
    made: dict[str, Step] = {}
    of_topics: dict[str, Step] = {}

    def step_of(table: str) -> Step:
        if table not in made:
            made[table] = make(settings.rules_of(table))
        return made[table]

    def step(record: Record) -> Iterable[Record]:
        if record.table:
            return step_of(record.table)(record)
        topic = record.topic
        found = of_topics.get(topic)
        if found is None:
            found = of_topics[topic] = step_of(settings.table_of(topic))
        return found(record)

    return step
