"""Time series tables before their first point: compared with the configuration, or created."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from connectors.errors import StopRun
from connectors.settings.tables import TableSettings
from connectors.tablestore.tables_api import TablesApi, TimeseriesShape

log = logging.getLogger("sync.tablestore")

# Calls until there is an answer: (what, call, code of a failure that gives None).
CallApi = Callable[[str, Callable[[], Any], str], Any]

_MISSING = "OTSObjectNotExist"
_MEASUREMENT, _SOURCE, _TAGS = "_m_name", "_data_source", "_tags"


class TimeseriesTable:
    """One table, and the rules that it is compared with [put-timeseries-data]."""

    def __init__(
        self, name: str, rules: TableSettings, tables_api: TablesApi, call: CallApi
    ) -> None:
        self._name = name
        self._rules = rules
        self._api = tables_api
        self._call = call

    def ensure(self, instance: str) -> bool:
        """Compare it with its rules, or create it. True when it was created. Raises StopRun."""
        if self.check() is not None:
            return False
        if not self._rules.auto_create:
            raise StopRun(
                f"time series table {self._name} does not exist in instance {instance}.\n"
                f"  remedy: create it, or set auto_create = true in [tables.{self._name}]"
            )
        self._call(
            f"CreateTimeseriesTable {self._name}",
            lambda: self._api.create_timeseries(self._name, self._rules),
            "OTSObjectAlreadyExist",  # another process created it first
        )
        log.info("created time series table %s", self._name)
        return True

    def check(self) -> TimeseriesShape | None:
        """What the table is, compared with its rules; None when it is missing. Raises StopRun."""
        shape = self._describe()
        if shape is not None:
            self._compare(shape)
        elif self._is_wide():
            raise StopRun(
                f"table {self._name} is a wide-column table, and the configuration says mode "
                "timeseries.\n  remedy: correct the mode, or write to another table"
            )
        return shape

    def _describe(self) -> TimeseriesShape | None:
        shape: TimeseriesShape | None = self._call(
            f"DescribeTimeseriesTable {self._name}",
            lambda: self._api.describe_timeseries(self._name),
            _MISSING,
        )
        return shape

    def _is_wide(self) -> bool:
        return None is not self._call(
            f"DescribeTable {self._name}", lambda: self._api.describe(self._name), _MISSING
        )

    def _compare(self, shape: TimeseriesShape) -> None:
        self._compare_keys(shape)
        rules, points = self._rules, self._rules.timeseries
        pairs = [
            ("time_to_live", rules, rules.time_to_live, shape.time_to_live),
            (
                "timeseries.metadata_time_to_live",
                points,
                points.metadata_time_to_live,
                shape.metadata_time_to_live,
            ),
        ]
        for option, section, wanted, found in pairs:
            # Unset options are not compared; the table's value stays.
            if option.rpartition(".")[2] not in section.model_fields_set or found in (None, wanted):
                continue
            differs = f"{option} of table {self._name} is {_seconds(found)}, and {_seconds(wanted)}"
            differs += " in the configuration"
            if found != -1 and (wanted == -1 or found < wanted):
                raise StopRun(
                    f"{differs}: data would vanish early.\n"
                    "  remedy: correct the option, or update the table"
                )
            log.warning("%s: the longer value of the table stays", differs)
        if "metadata_updates" in points.model_fields_set and shape.metadata_updates not in (
            None,
            points.metadata_updates,
        ):
            log.warning(
                "timeseries.metadata_updates of table %s is %s, not as configured",
                self._name,
                str(shape.metadata_updates).lower(),
            )

    def _compare_keys(self, shape: TimeseriesShape) -> None:
        """Raise StopRun for a table whose keys the configured series do not fill."""
        if shape.field_keys:
            self._wrong(
                f"has fields as part of its points' key ({', '.join(shape.field_keys)})",
                "points of equal series and time replace each other here, and would not there",
            )
        if not shape.keys:
            return
        points = self._rules.timeseries
        if _MEASUREMENT not in shape.keys:
            self._wrong("has no key column _m_name", "every point has a measurement")
        if _SOURCE not in shape.keys and (points.data_source or points.data_source_field):
            self._wrong("has no key column _data_source", "remove data_source of its options")
        own = {*shape.keys} - {_MEASUREMENT, _SOURCE, _TAGS}
        if points.tags_field is None and own - {*points.tags}:
            missing = ", ".join(sorted(own - {*points.tags}))
            self._wrong(f"has the key columns {missing}", "name them in tags")
        if _TAGS not in shape.keys and (points.tags_field or {*points.tags} - own):
            self._wrong("has no key column _tags", "only its own key columns can be tags")

    def _wrong(self, what: str, why: str) -> None:
        raise StopRun(
            f"time series table {self._name} {what}: {why}.\n"
            "  remedy: correct [tables.NAME.timeseries], or write to another table"
        )


def _seconds(time_to_live: int | None) -> str:
    return "for ever" if time_to_live == -1 else f"{time_to_live} s"
