"""Rare calls about tables, made by the official SDK: describe, create, read and mark dead letters.

All of them block, and raise RequestFailed with a verdict for whatever the SDK raises.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from tablestore.error import OTSClientError, OTSServiceError
from tablestore.metadata import (
    INF_MAX,
    PK_AUTO_INCR,
    BatchWriteRowRequest,
    CapacityUnit,
    ComparatorType,
    Condition,
    CreateTimeseriesTableRequest,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    SingleColumnCondition,
    TableInBatchWriteRowItem,
    TableMeta,
    TableOptions,
    TimeseriesMetaOptions,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
    UpdateRowItem,
)
from urllib3.exceptions import HTTPError

from connectors.errors import raised_at
from connectors.settings.tables import TableSettings
from connectors.tablestore.client import Client
from connectors.tablestore.http import no_connection
from connectors.tablestore.verdicts import RequestFailed, Retry, judge

_TO_SDK = {
    "string": "STRING",
    "integer": "INTEGER",
    "binary": "BINARY",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
}
_FROM_SDK = {sdk_type: ours for ours, sdk_type in _TO_SDK.items()}


class TableShape(NamedTuple):
    """A wide-column table as it is described. Types are named as in config.toml."""

    primary_key: tuple[tuple[str, str], ...]
    """(name, type) of the key columns in order; `auto_increment` is such a column's type."""
    defined: tuple[tuple[str, str], ...]
    """(name, type) of the defined columns."""
    deviation: int | None = None
    """Seconds that the version of a cell may differ from the present; None where not described."""
    allows_updates: bool = True
    time_to_live: int | None = None
    """Seconds, -1 for ever; None where not described, as for the next."""
    max_versions: int | None = None


class TimeseriesShape(NamedTuple):
    """A time series table as it is described. Times to live are in seconds, -1 for ever."""

    time_to_live: int
    metadata_time_to_live: int | None
    """None if the service does not describe it; so is the next one."""
    metadata_updates: bool | None
    keys: tuple[str, ...]
    """The columns of its series' key; empty for the usual three."""
    field_keys: tuple[str, ...]
    """The fields that are part of a point's key."""


class TablesApi:
    """The calls about tables of one instance."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def describe(self, table: str) -> TableShape:
        """DescribeTable. A missing table raises the code OTSObjectNotExist."""
        found = self._call("describe_table", table)
        meta, options = found.table_meta, found.table_options
        return TableShape(
            tuple(_key_column(*column) for column in meta.schema_of_primary_key),
            tuple((name, _FROM_SDK.get(sdk, sdk)) for name, sdk in meta.defined_columns or ()),
            None if options is None else options.max_time_deviation,
            options is None or options.allow_update is not False,
            None if options is None else options.time_to_live,
            None if options is None else options.max_version,
        )

    def create(self, table: str, rules: TableSettings, defined: int) -> None:
        """CreateTable, with the first `defined` of the listed columns defined.

        A table that exists raises the code OTSObjectAlreadyExist.
        """
        columns = [] if rules.columns == "all" else [(c.name, c.type) for c in rules.columns]
        meta = TableMeta(
            table,
            [_sdk_key_column(name, key_type) for name, key_type in rules.key_columns],
            [(name, _TO_SDK[column_type]) for name, column_type in columns[:defined]],
        )
        options = TableOptions(rules.time_to_live, rules.max_versions, rules.deviation)
        self._call("create_table", meta, options, ReservedThroughput(CapacityUnit(0, 0)))

    def rows_from(
        self, table: str, start: Sequence[tuple[str, Any]], limit: int
    ) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """GetRange from a key (inclusive): (key values, columns) of 1 to `limit` rows.

        An empty list when there are none.
        """
        end = [(name, INF_MAX) for name, _ in start]
        token: Any = list(start)
        while token is not None:
            _, token, rows, _ = self._call("get_range", table, "FORWARD", token, end, None, limit)
            if rows:
                return [
                    (
                        tuple(value for _, value, *_ in row.primary_key),
                        {name: value for name, value, *_ in row.attribute_columns},
                    )
                    for row in rows
                ]
        return []

    def mark_replayed(
        self, table: str, dead_letters: Sequence[tuple[tuple[str, int], int]], time_ms: int
    ) -> None:
        """Set the column `replayed` of dead letters whose `replays` is still the given number.

        `dead_letters` is ((topic_partition, offset), replays) of each.
        """
        items = []
        for (topic_partition, offset), replays in dead_letters:
            same = SingleColumnCondition("replays", replays, ComparatorType.EQUAL, False)
            key = [("topic_partition", topic_partition), ("offset", offset)]
            row = Row(key, {"PUT": [("replayed", time_ms)]})
            exists = Condition(RowExistenceExpectation.EXPECT_EXIST, same)
            items.append(UpdateRowItem(row, exists))
        request = BatchWriteRowRequest()
        request.add(TableInBatchWriteRowItem(table, items))
        for row in self._call("batch_write_row", request).get_failed_of_update():
            if row.error_code != "OTSConditionCheckFail":
                verdict = judge(200, row.error_code, row.error_message)
                raise RequestFailed(verdict, row.error_code)

    def try_write(self, table: str, key: Sequence[tuple[str, Any]]) -> None:
        """Ask to change a row under a condition that no row fulfils, so that nothing is written.

        The row must exist and have, in a column of a random name, a random text; and all that the
        change would do is to delete that column. Raises RequestFailed for any answer but that the
        condition does not hold.
        """
        column = f"check_{secrets.token_hex(16)}"
        never = SingleColumnCondition(column, secrets.token_hex(16), ComparatorType.EQUAL, False)
        condition = Condition(RowExistenceExpectation.EXPECT_EXIST, never)
        item = UpdateRowItem(Row(list(key), {"DELETE_ALL": [column]}), condition)
        request = BatchWriteRowRequest()
        request.add(TableInBatchWriteRowItem(table, [item]))
        for row in self._call("batch_write_row", request).get_failed_of_update():
            if row.error_code != "OTSConditionCheckFail":
                verdict = judge(200, row.error_code, row.error_message)
                raise RequestFailed(verdict, row.error_code)

    def describe_timeseries(self, table: str) -> TimeseriesShape:
        """DescribeTimeseriesTable; a missing table as in `describe`."""
        meta = self._call("describe_timeseries_table", table).table_meta
        options = meta.timeseries_meta_options
        return TimeseriesShape(
            meta.timeseries_table_options.time_to_live,
            options.meta_time_to_live,
            options.allow_update_attributes,
            tuple(meta.timeseries_keys or ()),
            tuple(str(column[0]) for column in meta.field_primary_keys or ()),
        )

    def create_timeseries(self, table: str, rules: TableSettings) -> None:
        """CreateTimeseriesTable; a table that exists as in `create`."""
        points = rules.timeseries
        meta = TimeseriesTableMeta(
            table,
            TimeseriesTableOptions(rules.time_to_live),
            TimeseriesMetaOptions(points.metadata_time_to_live, points.metadata_updates),
        )
        self._call("create_timeseries_table", CreateTimeseriesTableRequest(meta))

    def _call(self, method: str, *arguments: Any) -> Any:
        return sdk_call(self._client, method, *arguments)


def sdk_call(client: Client, method: str, *arguments: Any) -> Any:
    """What a method of the SDK returns. Raises RequestFailed for whatever it raises."""
    try:
        answer = getattr(client.sdk, method)(*arguments)
    except (OTSServiceError, OTSClientError) as error:
        raise client.request_failed(error) from None
    except HTTPError as error:  # the SDK does not wrap network failures
        raise client.transport_failed(no_connection(client.where, error)) from None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - nor those of its parsers, of any class
        reason = f"unreadable answer to {method}: {raised_at(error)}"
        raise RequestFailed(Retry(reason)) from None
    client.has_answered = True
    return answer


def _sdk_key_column(name: str, key_type: str) -> tuple[Any, ...]:
    if key_type == "auto_increment":
        return name, "INTEGER", PK_AUTO_INCR
    return name, _TO_SDK[key_type]


def _key_column(name: str, sdk_type: str, option: object = None) -> tuple[str, str]:
    if option is PK_AUTO_INCR:
        return name, "auto_increment"
    return name, _FROM_SDK.get(sdk_type, sdk_type)
