"""The instance, its clock, each table against its rules, and the permission to write.

Permission is tried by a request that cannot write anything: a change under a condition that no row
fulfils, or a point that no series can have.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from connectors.errors import StopRun
from connectors.preflight.finding import Finding, failed
from connectors.preflight.runner import Check
from connectors.settings import Settings
from connectors.settings.tables import TableSettings
from connectors.tablestore.client import Client
from connectors.tablestore.table_checks import compare
from connectors.tablestore.tables_api import TablesApi, TableShape, TimeseriesShape
from connectors.tablestore.timeseries.requests import PointRequests
from connectors.tablestore.timeseries.tables import TimeseriesTable
from connectors.tablestore.verdicts import RequestFailed

T = TypeVar("T")
_GROUP = "Tablestore"
_MISSING = "OTSObjectNotExist"
_DENIED = "OTSNoPermissionAccess"
# Seconds between this machine's clock and the service's that it denies [error-codes], and from
# which we warn: the Date header has whole seconds, and the answer is a moment old.
_MAX_SKEW, _LARGE_SKEW = 900, 30
_ROWS = ("ots:BatchWriteRow", "ots:DescribeTable")
_POINTS = ("ots:PutTimeseriesData", "ots:DescribeTimeseriesTable")


def tablestore_checks(settings: Settings) -> list[Check]:
    """The checks of the instance, and of each table that is known."""
    looks = _TablestoreLooks(settings)
    checks = [
        Check(_GROUP, "credentials", looks.credentials),
        Check(_GROUP, "clock", looks.clock),
    ]
    checks += [
        Check(_GROUP, f"table {table}", _bound(looks.table, table))
        for table in settings.known_tables()
    ]
    if settings.errors.tolerance == "all" and settings.errors.dead_letters == "tablestore":
        name = f"dead-letter table {settings.dead_letters.table}"
        checks.append(Check("Dead letters", name, looks.dead_letters))
    return checks


def policy(instance: str, table: str, actions: tuple[str, ...]) -> str:
    """The RAM policy that allows actions on a table [ram-policy]."""
    statement = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": [f"acs:ots:*:*:instance/{instance.lower()}/table/{table}"],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def _bound(look: Callable[[str], list[Finding]], table: str) -> Callable[[], list[Finding]]:
    return lambda: look(table)


class _TablestoreLooks:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def credentials(self) -> list[Finding]:
        Client(self._settings.tablestore)  # raises StopRun where a part is missing
        words = {
            "keys": "an access key from the environment or files",
            "default": "what Alibaba's package finds",
        }
        source = self._settings.tablestore.credentials
        text = words.get(source, f"from {source}")
        return [Finding("credentials", "ok", f"{text}; whether they hold is seen at the tables")]

    def clock(self) -> list[Finding]:
        try:
            there = Client(self._settings.tablestore).service_time()
        except RequestFailed as failure:
            return [_failure("endpoint", failure)]
        reached = Finding("endpoint", "ok", f"{self._settings.tablestore.endpoint} answers")
        if there is None:
            text = "the endpoint's answer has no date"
            return [reached, Finding("clock", "skipped", text)]
        skew = time.time() - there
        off = abs(skew)
        text = f"{off:.0f} s {'ahead of' if skew > 0 else 'behind'} the service"
        remedy = "set this machine's clock, best by NTP: the service denies requests from 15 "
        remedy += "minutes on, and versions of cells are compared with its clock"
        if off > _MAX_SKEW:
            return [reached, Finding("clock", "failed", text, remedy)]
        if off > _LARGE_SKEW:
            return [reached, Finding("clock", "warning", text, remedy)]
        return [reached, Finding("clock", "ok", "within a few seconds of the service")]

    def table(self, table: str) -> list[Finding]:
        rules = self._settings.rules_of(table)
        if rules.mode == "timeseries":
            return self._timeseries(table, rules)
        return self._wide(table, rules, f"table {table}")

    def dead_letters(self) -> list[Finding]:
        table = self._settings.dead_letters.table
        rules = TableSettings(auto_create=self._settings.errors.auto_create)
        return self._wide(table, rules, f"dead-letter table {table}", "errors.auto_create = true")

    def _wide(self, table: str, rules: TableSettings, name: str, option: str = "") -> list[Finding]:
        tables_api = TablesApi(Client(self._settings.tablestore))
        actions = (*_ROWS, "ots:CreateTable") if rules.auto_create else _ROWS
        grant = policy(self._settings.tablestore.instance, table, actions)
        try:
            shape = tables_api.describe(table)
        except RequestFailed as failure:
            return [self._not_described(name, table, rules, failure, grant, option)]
        try:
            compare(table, rules, shape)
        except StopRun as stop:
            return [failed(name, stop)]
        findings = [_described(name, rules, shape)]
        may_write = f"permission to write to {table}"
        if not shape.allows_updates:
            text = "not tried: a table without updates has no change that cannot succeed"
            return [*findings, Finding(may_write, "skipped", text)]
        key = [(column, _random_value(key_type)) for column, key_type in shape.primary_key]
        try:
            tables_api.try_write(table, key)
        except RequestFailed as failure:
            return [*findings, _failure(may_write, failure, grant)]
        text = "granted (tried by a change whose condition no row fulfils)"
        return [*findings, Finding(may_write, "ok", text)]

    def _timeseries(self, table: str, rules: TableSettings) -> list[Finding]:
        name = f"time series table {table}"
        client = Client(self._settings.tablestore)
        actions = (*_POINTS, "ots:CreateTimeseriesTable") if rules.auto_create else _POINTS
        grant = policy(self._settings.tablestore.instance, table, actions)

        def call(_what: str, api: Callable[[], Any], none_code: str) -> Any:
            try:
                return api()
            except RequestFailed as failure:
                if failure.code == none_code:
                    return None
                raise

        try:
            shape = TimeseriesTable(table, rules, TablesApi(client), call).check()
        except RequestFailed as failure:
            return [_failure(name, failure, grant)]
        if shape is None:
            return [_missing(name, rules, f"auto_create = true in [tables.{table}]")]
        findings = [Finding(name, "ok", _series_text(shape))]
        may_write = f"permission to write to {table}"
        try:
            PointRequests(client, "flatbuffers").try_write(table)
        except RequestFailed as failure:
            return [*findings, _failure(may_write, failure, grant)]
        text = "granted (tried by a point that no series can have)"
        return [*findings, Finding(may_write, "ok", text)]

    def _not_described(
        self,
        name: str,
        table: str,
        rules: TableSettings,
        failure: RequestFailed,
        grant: str,
        option: str,
    ) -> Finding:
        if failure.code != _MISSING:
            return _failure(name, failure, grant)
        return _missing(name, rules, option or f"auto_create = true in [table] or [tables.{table}]")


def _failure(name: str, failure: RequestFailed, grant: str = "") -> Finding:
    reason = getattr(failure.verdict, "reason", failure.code)
    found = failed(name, reason, grant if failure.code == _DENIED else "")
    if found.remedy:
        return found
    return found._replace(remedy="try again; it may pass by itself, and a run waits for that")


def _missing(name: str, rules: TableSettings, option: str) -> Finding:
    if rules.auto_create:
        return Finding(name, "ok", "does not exist; it is created at the start")
    key = ", ".join(f"{column} {key_type}" for column, key_type in rules.key_columns)
    with_key = "" if rules.mode == "timeseries" else f" with the key ({key})"
    return Finding(name, "failed", "does not exist", f"create it{with_key}, or set {option}")


def _described(name: str, rules: TableSettings, shape: TableShape) -> Finding:
    """A table that fits: what it is, and what differs without harm from what would be created."""
    key = ", ".join(f"{column} {key_type}" for column, key_type in shape.primary_key)
    live = "for ever" if shape.time_to_live in (None, -1) else f"for {shape.time_to_live} s"
    text = f"is there: key ({key}); rows live {live}; versions {shape.max_versions}"
    if shape.deviation is not None:
        text += f", which may differ from the present by {shape.deviation} s"
    differs = [
        f"{option} is {found} in the table, {wanted} in the configuration"
        for option, wanted, found in (
            ("time_to_live", rules.time_to_live, shape.time_to_live),
            ("max_versions", rules.max_versions, shape.max_versions),
        )
        if option in rules.model_fields_set and found not in (None, wanted)
    ]
    if differs:
        remedy = "the table's value holds; change the table (UpdateTable), or the option"
        return Finding(name, "warning", f"{text}; {'; '.join(differs)}", remedy)
    return Finding(name, "ok", text)


def _series_text(shape: TimeseriesShape) -> str:
    live = "for ever" if shape.time_to_live == -1 else f"for {shape.time_to_live} s"
    return f"is there: points live {live}"


def _random_value(key_type: str) -> Any:
    """A value that no key is likely to have; the condition holds for no row all the same."""
    if key_type in ("integer", "auto_increment"):
        return secrets.randbits(62)
    if key_type == "binary":
        return bytearray(secrets.token_bytes(16))
    return f"check_{secrets.token_hex(16)}"
