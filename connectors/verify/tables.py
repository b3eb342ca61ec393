"""What a judgement needs to know of a table: its columns that no record determines, its life."""

from __future__ import annotations

import time

from connectors.errors import StopRun
from connectors.run.backoff import Backoff
from connectors.settings.tables import SEARCH_TIMESTAMP, TableSettings
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.verdicts import RequestFailed, Retry
from connectors.verify.judge import TableView

_PATIENCE = 60.0  # seconds


def view_of(name: str, rules: TableSettings, api: TablesApi) -> TableView:
    """Ask for the table. Raises StopRun when it is missing, or nothing answers for a minute."""
    is_point = rules.mode == "timeseries"
    life = _time_to_live(name, is_point, api)
    # The time of the mapping, which is another one here.
    ignored = (SEARCH_TIMESTAMP,) if rules.search_timestamp == "local" else ()
    return TableView(
        name, is_point=is_point, ignored=ignored, time_to_live=-1 if life is None else life
    )


def _time_to_live(name: str, is_point: bool, api: TablesApi) -> int | None:
    backoff, deadline = Backoff(0.1, 5.0), time.monotonic() + _PATIENCE
    while True:
        try:
            if is_point:
                return api.describe_timeseries(name).time_to_live
            return api.describe(name).time_to_live
        except RequestFailed as failed:
            verdict = failed.verdict
            if not isinstance(verdict, Retry) or time.monotonic() > deadline:
                raise StopRun(
                    f"table {name}: {getattr(verdict, 'reason', verdict)}\n  remedy: check "
                    "[mapping], and that the flow has made the table; `tablestore-sync check`"
                ) from None
        time.sleep(backoff.next_wait())
