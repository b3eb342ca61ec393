"""Tables before their first row: compared with the configuration, and created when missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.run.retry import Backoff
from connectors.settings.tables import TableSettings
from connectors.tablestore.client import Client, TableShape
from connectors.tablestore.timeseries.tables import TimeseriesTable
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop

log = logging.getLogger("sync.tablestore")
T = TypeVar("T")

# Defined columns a table, the service's limit; the other listed columns are written all the same.
MOST_DEFINED = 32


class Schema:
    """Makes sure of each table once a process."""

    def __init__(
        self, client: Client, run: Run, choose: Callable[[str], None] | None = None
    ) -> None:
        """`choose` is told the first time series table, to ask in which form points go there."""
        self._client = client
        self._run = run
        self._choose = choose
        self._lock = threading.Lock()
        self._sure: set[str] = set()
        self._made: dict[str, float] = {}

    def sure_of(self, table: str) -> bool:
        """True when `ensure` has passed for the table."""
        return table in self._sure

    def ensure(
        self, table: str, given: TableSettings | None = None, option: str | None = None
    ) -> None:
        """Compare the table with its rules, or create it. Blocks. Raises StopRun.

        A table that is no topic's has given rules, and an option of its own that creates it.
        """
        with self._lock:
            if table in self._sure:
                return
            rules = given or self._run.settings.rules_of(table)
            if rules.mode == "timeseries":
                self._ensure_timeseries(table, rules)
            else:
                self._ensure_rows(table, rules, option)
            self._sure.add(table)

    def still_coming(self, table: str) -> bool:
        """True while a table made by this run may not be usable yet.

        For some seconds, up to a minute, the service answers that it does not exist.
        """
        made = self._made.get(table)
        return made is not None and time.monotonic() < made

    def _ensure_rows(self, table: str, rules: TableSettings, option: str | None) -> None:
        shape = self._describe(table)
        if shape is None:
            self._create(table, rules, option)
            shape = self._describe(table)
        if shape is not None:
            _compare(table, rules, shape)

    def _ensure_timeseries(self, table: str, rules: TableSettings) -> None:
        timeseries = TimeseriesTable(table, rules, self._client, self._persistently)
        if timeseries.ensure(self._run.settings.tablestore.instance):
            self._coming(table)
        if self._choose is not None:
            self._persistently(f"PutTimeseriesData {table}", lambda: self._choose_by(table), {})

    def _choose_by(self, table: str) -> None:
        """Raises RequestFailed."""
        try:
            if self._choose is not None:
                self._choose(table)
        except RequestFailed as failed:
            if failed.code == "OTSObjectNotExist" and self.still_coming(table):
                raise RequestFailed(Retry(f"table {table} is being made"), failed.code) from None
            raise

    def _coming(self, table: str) -> None:
        """Note that the table was made a moment ago."""
        self._made[table] = time.monotonic() + self._run.settings.tablestore.ready_timeout

    def _describe(self, table: str) -> TableShape | None:
        """The table's shape; None when it does not exist, or does not show yet."""
        return self._persistently(
            f"DescribeTable {table}",
            lambda: self._client.describe(table),
            {"OTSObjectNotExist": None},
        )

    def _create(self, table: str, rules: TableSettings, option: str | None) -> None:
        if not rules.auto_create:
            option = option or f"auto_create = true in [table] or [tables.{table}]"
            raise StopRun(
                f"table {table} does not exist in instance "
                f"{self._run.settings.tablestore.instance}.\n  remedy: create it with the key "
                f"{_key(rules.key_columns)}, or set {option}"
            )
        listed = 0 if rules.columns == "all" else len(rules.columns)
        if listed > MOST_DEFINED:
            log.info(
                "table %s: %d of %d listed columns are defined (the limit); all are written",
                table,
                MOST_DEFINED,
                listed,
            )
        defined = min(listed, MOST_DEFINED)
        self._persistently(
            f"CreateTable {table}",
            lambda: self._client.create(table, rules, defined),
            {"OTSObjectAlreadyExist": None},  # another worker was quicker
        )
        self._coming(table)
        log.info("created table %s with the key %s", table, _key(rules.key_columns))

    def _persistently(self, what: str, call: Callable[[], T], answers: dict[str, None]) -> T | None:
        """Call until it is answered. Raises StopRun on a refusal."""
        settings = self._run.settings.tablestore
        backoff = Backoff(settings.retry_initial, settings.retry_max)
        while True:
            try:
                return call()
            except RequestFailed as failed:
                verdict = failed.verdict
                if failed.code in answers:
                    return None
                if not isinstance(verdict, Retry):
                    reason = verdict.reason if isinstance(verdict, (Stop, Reject)) else str(verdict)
                    raise StopRun(f"{what}: {reason}") from None
                self._run.check()
                if self._run.drain_reason is not None:
                    raise StopRun(
                        f"{what}: no answer before the run was ended ({verdict.reason})"
                    ) from None
                wait = backoff.wait()
                if backoff.worth_telling():
                    log.warning("%s: %s; trying again", what, verdict.reason)
                time.sleep(wait)


def _key(columns: tuple[tuple[str, str], ...]) -> str:
    return "(" + ", ".join(f"{name} {kind}" for name, kind in columns) + ")"


def _compare(table: str, rules: TableSettings, shape: TableShape) -> None:
    if shape.primary_key != rules.key_columns:
        raise StopRun(
            f"table {table} has the primary key {_key(shape.primary_key)}, and the configuration "
            f"says {_key(rules.key_columns)} (primary_key_mode {rules.primary_key_mode}).\n"
            "  remedy: correct primary_key (names, order and types), or write to another table"
        )
    _compare_writes(table, rules, shape)
    if rules.columns == "all":
        return
    defined = dict(shape.defined)
    wrong = [
        f"{column.name} is {defined[column.name]} in the table, {column.type} in the configuration"
        for column in rules.columns
        if defined.get(column.name, column.type) != column.type
    ]
    if wrong:
        raise StopRun(f"table {table}: {'; '.join(wrong)}.\n  remedy: correct the types in columns")


def _compare_writes(table: str, rules: TableSettings, shape: TableShape) -> None:
    """Raises StopRun where the table would refuse how its rows are written."""
    versions = rules.version != "none"
    if (versions or rules.insert_mode == "update") and not shape.takes_updates:
        cause = f"version {rules.version}" if versions else "insert_mode update"
        raise StopRun(
            f"table {table} takes no updates (allow_update is false), and {cause} needs them.\n"
            "  remedy: allow updates (UpdateTable), set insert_mode = put and version = none, or "
            "write to another table"
        )
    if versions and shape.deviation is not None and shape.deviation < rules.deviation:
        raise StopRun(
            f"table {table} takes versions that lie at most {shape.deviation} s away from the "
            f"present (max_time_deviation), and the configuration needs {rules.deviation} s: "
            "records of older versions would be refused.\n"
            f"  remedy: raise its max_time_deviation to {rules.deviation} (UpdateTable), or "
            f"set max_version_deviation = {shape.deviation} in [table] or [tables.{table}]: older "
            "records are then rejected one by one"
        )
