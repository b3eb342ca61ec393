"""Tables before their first row: compared with the configuration, and created when missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.run.retry import RetryLoop, TransientFailure
from connectors.settings.tables import TableSettings
from connectors.settings.tablestore_limits import MAX_DEFINED_COLUMNS
from connectors.tablestore.tables_api import TablesApi, TableShape
from connectors.tablestore.timeseries.tables import TimeseriesTable
from connectors.tablestore.verdicts import Reject, RequestFailed, Retry, Stop, Verdict

log = logging.getLogger("sync.tablestore")
T = TypeVar("T")


class TableChecks:
    """Checks each table once per process, and creates missing ones. Its methods may block."""

    def __init__(
        self,
        tables_api: TablesApi,
        run: Run,
        choose_encoding: Callable[[str], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`choose_encoding` is called with each time series table, to ask how to send points."""
        self._api = tables_api
        self._run = run
        self._choose_encoding = choose_encoding
        self._clock = clock
        self._lock = threading.Lock()
        # Tables for which `ensure` has passed.
        self.checked: set[str] = set()
        # The time by which a table that was created here must be usable.
        self._usable_by: dict[str, float] = {}

    def ensure(
        self, table: str, given: TableSettings | None = None, option: str | None = None
    ) -> None:
        """Compare the table with its rules, or create it. Blocks. Raises StopRun.

        `given` and `option` are for a table that no topic goes to: its rules, and the option that
        creates it.
        """
        with self._lock:
            if table in self.checked:
                return
            rules = given or self._run.settings.rules_of(table)
            if rules.mode == "timeseries":
                self._ensure_timeseries(table, rules)
            else:
                self._ensure_rows(table, rules, option)
            self.checked.add(table)

    def exists(self, table: str) -> bool:
        """Whether the table is there, of whatever shape. Blocks. Raises StopRun."""
        if table in self.checked:
            return True
        if self._run.settings.rules_of(table).mode == "timeseries":
            found: object = self._call(
                f"DescribeTimeseriesTable {table}",
                lambda: self._api.describe_timeseries(table),
                "OTSObjectNotExist",
            )
            return found is not None
        return self._describe(table) is not None

    def is_being_created(self, table: str) -> bool:
        """True while a table that this run created may not be usable yet.

        For some seconds, up to a minute, the service answers that it does not exist.
        """
        usable_by = self._usable_by.get(table)
        return usable_by is not None and self._clock() < usable_by

    def revise(self, verdict: Verdict, code: str, tables: Collection[str]) -> Verdict:
        """The verdict on rows of `tables`; Retry where a table is missing that is being created."""
        if code == "OTSObjectNotExist":
            created = sorted(filter(self.is_being_created, tables))
            if created:
                return Retry(f"table {', '.join(created)} is being created")
        return verdict

    def _ensure_rows(self, table: str, rules: TableSettings, option: str | None) -> None:
        shape = self._describe(table)
        if shape is None:
            self._create(table, rules, option)
            shape = self._describe(table)
        if shape is not None:
            compare(table, rules, shape)

    def _ensure_timeseries(self, table: str, rules: TableSettings) -> None:
        timeseries = TimeseriesTable(table, rules, self._api, self._call)
        if timeseries.ensure(self._run.settings.tablestore.instance):
            self._note_created(table)
        choose = self._choose_encoding
        if choose is None:
            return

        def ask() -> None:
            try:
                choose(table)
            except RequestFailed as failed:
                verdict = self.revise(failed.verdict, failed.code, {table})
                raise RequestFailed(verdict, failed.code) from None

        self._call(f"PutTimeseriesData {table}", ask)

    def _note_created(self, table: str) -> None:
        self._usable_by[table] = self._clock() + self._run.settings.tablestore.ready_timeout

    def _describe(self, table: str) -> TableShape | None:
        """The table's shape; None when it does not exist, or is not described yet."""
        return self._call(
            f"DescribeTable {table}", lambda: self._api.describe(table), "OTSObjectNotExist"
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
        if listed > MAX_DEFINED_COLUMNS:
            log.info(
                "table %s: %d of %d listed columns are defined (the limit); all are written",
                table,
                MAX_DEFINED_COLUMNS,
                listed,
            )
        defined = min(listed, MAX_DEFINED_COLUMNS)
        self._call(
            f"CreateTable {table}",
            lambda: self._api.create(table, rules, defined),
            "OTSObjectAlreadyExist",  # another process created it first
        )
        self._note_created(table)
        log.info("created table %s with the key %s", table, _key(rules.key_columns))

    def _call(self, what: str, call: Callable[[], T], none_code: str = "") -> T | None:
        return call_tables_api(self._run, what, call, none_code)


def call_tables_api(
    run: Run,
    what: str,
    call: Callable[[], T],
    none_code: str = "",
    remedy: str = "",
    logger: logging.Logger = log,
) -> T | None:
    """Call until there is an answer; return it, or None for a failure with `none_code`.

    Raises StopRun when the service rejects the call, and RunEnded when the run drains before there
    is an answer. Texts begin with `what`.
    """

    def attempt() -> T | None:
        try:
            return call()
        except RequestFailed as failed:
            verdict = failed.verdict
            if none_code and failed.code == none_code:
                return None
            if isinstance(verdict, Retry):
                raise TransientFailure(f"{what}: {verdict.reason}") from None
            reason = verdict.reason if isinstance(verdict, (Stop, Reject)) else str(verdict)
            raise StopRun(f"{what}: {reason}{f' ({remedy})' if remedy else ''}") from None

    settings = run.settings.tablestore
    return RetryLoop(run, settings.retry_initial, settings.retry_max, logger).call(attempt)


def _key(columns: tuple[tuple[str, str], ...]) -> str:
    return "(" + ", ".join(f"{name} {key_type}" for name, key_type in columns) + ")"


def compare(table: str, rules: TableSettings, shape: TableShape) -> None:
    """Raise StopRun if the table and its rules differ."""
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
    """Raise StopRun if the table does not allow how its rows are written [limits]."""
    versions = rules.version != "none"
    if (versions or rules.insert_mode == "update") and not shape.allows_updates:
        cause = f"version {rules.version}" if versions else "insert_mode update"
        raise StopRun(
            f"table {table} allows no updates (allow_update is false), and {cause} needs them.\n"
            "  remedy: allow updates (UpdateTable), set insert_mode = put and version = none, or "
            "write to another table"
        )
    if versions and shape.deviation is not None and shape.deviation < rules.deviation:
        raise StopRun(
            f"table {table} allows versions that differ from the present by {shape.deviation} s at "
            f"most (max_time_deviation), and the configuration needs {rules.deviation} s: records "
            "of older versions would be rejected.\n"
            f"  remedy: raise its max_time_deviation to {rules.deviation} (UpdateTable), or "
            f"set max_version_deviation = {shape.deviation} in [table] or [tables.{table}]: older "
            "records are then rejected one by one"
        )
