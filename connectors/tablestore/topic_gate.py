"""Topics that a pattern finds and whose table cannot take them: they wait, the others go on.

A topic is not read as long as its table does not exist and is not to be created, or its table's
name is illegal. Each is reported once with its remedy. The tables are looked up again whenever the
topics are; when one has appeared, the run drains and starts again, as for any new topic.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from connectors.errors import StopRun
from connectors.run import metrics
from connectors.run.context import Run
from connectors.settings import NAME
from connectors.settings.kafka import KafkaSettings
from connectors.tablestore.table_checks import TableChecks

log = logging.getLogger("sync.tablestore")


class TopicGate:
    """Selects the topics whose records can be written."""

    def __init__(self, run: Run, new_checks: Callable[[], TableChecks]) -> None:
        """`new_checks` is called when a table must be looked up; nothing is connected before."""
        self._run = run
        self._new_checks = new_checks
        self._checks: TableChecks | None = None
        self._lock = threading.Lock()
        # Topics that may be read, and why the others wait.
        self._admitted: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._is_first = True

    @classmethod
    def needed_for(cls, run: Run) -> bool:
        """Whether topics may be found whose tables are not checked otherwise."""
        settings = run.settings
        # Where records name their table themselves, that of the topic may not be needed.
        names_tables = settings.mapping.route_tables or any(
            transform.type == "function" for transform in settings.transforms
        )
        return waits(settings.kafka) and not names_tables

    def __call__(self, topics: Mapping[str, int]) -> dict[str, int]:
        """Those of the topics (with their numbers of partitions) that can be read.

        Blocks. Raises StopRun at the first look when there are topics, and none of them can.
        """
        with self._lock:
            found = {topic: count for topic, count in topics.items() if self._admits(topic)}
            first, self._is_first = self._is_first, False
            self._waiting = {topic: why for topic, why in self._waiting.items() if topic in topics}
            metrics.export_waiting([*self._waiting])
            self._run.meters.waiting_topics = self._waiting.copy()
            if first and topics and not found:
                raise StopRun(next(iter(self._waiting.values())))
            return found

    def _admits(self, topic: str) -> bool:
        if topic in self._admitted:
            return True
        why = self._why_not(topic)
        if why is None:
            if self._waiting.pop(topic, None) is not None:
                log.info("topic %s: its table is there now", topic)
            self._admitted.add(topic)
            return True
        if topic not in self._waiting and self._run.drain_reason is None:
            log.warning("topic %s waits: %s", topic, why)
        self._waiting[topic] = why
        return False

    def _why_not(self, topic: str) -> str | None:
        """Why a topic cannot be read, with the remedy; None if it can."""
        settings = self._run.settings
        table = settings.table_of(topic)
        if not NAME.fullmatch(table):
            return (
                f"topic {topic} would go to table {table!r}, which is not a table name.\n  remedy: "
                "give it a table in [mapping.topics], change the rules of [mapping], or leave it "
                "out of kafka.topics_pattern, and start again"
            )
        if settings.rules_of(table).auto_create:
            return None
        if self._checks is None:
            self._checks = self._new_checks()
        try:
            if self._checks.exists(table):
                return None
        except StopRun as stop:
            if self._is_first:
                raise
            return str(stop)
        return (
            f"table {table} does not exist in instance {settings.tablestore.instance}.\n  remedy: "
            f"create it, set auto_create = true in [table] or [tables.{table}], or leave the topic "
            "out of kafka.topics_pattern"
        )


def waits(settings: KafkaSettings) -> bool:
    """Whether a topic without a table waits."""
    return settings.topics_pattern is not None and settings.topic_without_table == "wait"
