"""The whole of a verification: Kafka is read once, then the tables, part by part.

What a record becomes is worked out by the very steps of a flow. Its rows go to files that are
divided by key, so that memory does not grow with the number of records but by a byte for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from connectors.inspect.preview import Preview
from connectors.kafka.ranges import Range, RangeReader
from connectors.records import Chunk, Message, Row
from connectors.settings import Settings
from connectors.tablestore.client import Client
from connectors.tablestore.rows_api import Found, RowsApi
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.verify.changes import NO_ORDINAL, Change, Spill, Standing
from connectors.verify.dead_letters import DeadLetterIndex, index_of
from connectors.verify.history import History, note, row_of
from connectors.verify.judge import Judge, TableView
from connectors.verify.lookup import Lookup
from connectors.verify.outcomes import Finding, Outcome, Outcomes
from connectors.verify.tables import view_of

Progress = Callable[[int, int], None]
"""(done, of): records read, then parts of the tables compared."""

_SHARES = 10_000
GENERATED = "the service makes a part of its key (auto_increment)"
NOT_KEPT = "rejected, and [errors] keeps no dead letters that could be looked up"


class Verification:
    """Compares ranges of topics with the tables of a flow."""

    def __init__(
        self, settings: Settings, ranges: Sequence[Range], sample: float, folder: Path, keep: int
    ) -> None:
        """`sample` is the share of keys in percent; `keep` how many findings are kept.

        `folder` is an empty one, for files as large as the rows. Raises StopRun.
        """
        self._settings = settings
        self._ranges = ranges
        self._sample = round(sample / 100 * _SHARES)
        self._preview = Preview(settings)
        self._points = PointEncoder()
        client = Client(settings.tablestore)
        self._rows, self._api = RowsApi(client), TablesApi(client)
        self.outcomes = Outcomes(folder / "coordinates", keep)
        self._spill = Spill(folder)
        self._tables: list[str] = []
        self._numbers: dict[str, int] = {}
        self._views: dict[int, TableView] = {}
        self._keeps = settings.errors.tolerance == "all" and settings.errors.keeps_records

    def read(self, on_progress: Progress) -> None:
        """Read the ranges, and the dead letters of their records. Raises StopRun."""
        dead = index_of(self._settings, self._ranges, self._rows)
        of = sum(max(0, one.end - one.first) for one in self._ranges)
        done = 0
        reader = RangeReader(self._settings.kafka)
        try:
            for source, one in enumerate(self._ranges):
                for messages in reader.read(one):
                    self._take(source, one, messages, dead)
                    done += len(messages)
                    on_progress(done, of)
        finally:
            reader.close()

    def compare(self, on_progress: Progress) -> None:
        """Compare the rows with the tables. Raises StopRun."""
        lookup = Lookup(self._rows)
        judge = Judge(self.outcomes, time.time_ns() // 1_000_000)
        try:
            for number, changes in enumerate(self._spill.parts(), 1):
                for table, histories in self._histories(changes).items():
                    view = self._view(table)
                    for history, rows in self._found(lookup, view, histories):
                        judge.judge(history, view, rows)
                on_progress(number, self._spill.number)
        finally:
            lookup.close()

    def findings(self) -> Iterator[Finding]:
        """The findings that were kept, in the order of reading."""
        for ordinal, (outcome, table, why) in sorted(self.outcomes.problems.items()):
            source, offset = self.outcomes.coordinates_of(ordinal)
            one = self._ranges[source]
            yield Finding(one.topic, one.partition, offset, outcome, table, why)

    def _take(
        self, source: int, one: Range, messages: Sequence[Message], dead: DeadLetterIndex
    ) -> None:
        """What the records of some messages become."""
        first, last = messages[0].offset(), messages[-1].offset()
        dead_offsets = dead.between(source, first, last)
        records = {message.offset(): self._record(source, one, message) for message in messages}
        filtered = {*records}
        for _, (segments, rejections) in self._preview.rows_of(
            Chunk(one.topic, one.partition, messages)
        ):
            for rejected in rejections:
                filtered.discard(rejected.offset)
                self._reject(records[rejected.offset], one, rejected.offset, dead_offsets)
            for segment in segments:
                for row in segment.rows():
                    filtered.discard(row.offset)
                    self._add(source, one, records[row.offset], row, dead_offsets)
        for offset in filtered:
            record = records[offset]
            if record.is_sampled:
                outcome = Outcome.DEAD_LETTERED if offset in dead_offsets else Outcome.FILTERED
                self._note(record, outcome)

    def _record(self, source: int, one: Range, message: Message) -> _Record:
        offset = message.offset()
        kind, moment = message.timestamp()
        ordinal = self.outcomes.add(source, offset) if offset < one.last else NO_ORDINAL
        sampled = self._is_sampled(b"%d %d" % (source, offset))
        return _Record(ordinal, moment if kind else 0, sampled)

    def _is_sampled(self, group: bytes) -> bool:
        return self._sample >= _SHARES or crc32(group + b"sample") % _SHARES < self._sample

    def _note(self, record: _Record, outcome: Outcome, why: str = "") -> None:
        if record.ordinal != NO_ORDINAL:
            self.outcomes.note(record.ordinal, outcome, why=why)

    def _reject(self, record: _Record, one: Range, offset: int, dead_offsets: set[int]) -> None:
        """A record that cannot become a row must have a dead letter."""
        if not record.is_sampled:
            return
        if offset in dead_offsets:
            self._note(record, Outcome.DEAD_LETTERED)
        elif one.committed is not None and offset >= one.committed:
            self._note(record, Outcome.PENDING)
        elif self._keeps:
            self._note(record, Outcome.MISSING, "rejected, and there is no dead letter of it")
        else:
            self._note(record, Outcome.UNVERIFIABLE, NOT_KEPT)

    def _add(
        self, source: int, one: Range, record: _Record, row: Row, dead_offsets: set[int]
    ) -> None:
        table = self._number(row.table)
        is_point = self._settings.rules_of(row.table).mode == "timeseries"
        # Points of a series are read together.
        group = self._points.series_of(row.identity) if is_point else row.identity
        if not self._is_sampled(b"%d " % table + row.identity):
            return
        standing = Standing.APPLIED
        if row.offset in dead_offsets:
            standing = Standing.DEAD_LETTERED
        elif one.committed is not None and row.offset >= one.committed:
            standing = Standing.PENDING
        change = Change(
            record.ordinal,
            source,
            table,
            row.operation,
            standing,
            record.time,
            row.identity,
            row.wire,
        )
        self._spill.add(change, group)

    def _number(self, table: str) -> int:
        number = self._numbers.get(table)
        if number is None:
            number = self._numbers[table] = len(self._tables)
            self._tables.append(table)
        return number

    def _view(self, table: int) -> TableView:
        if table not in self._views:
            name = self._tables[table]
            self._views[table] = view_of(name, self._settings.rules_of(name), self._api)
        return self._views[table]

    def _histories(self, changes: Iterable[Change]) -> dict[int, list[History]]:
        """The histories of the keys of one part, by table."""
        found: dict[tuple[int, bytes], History] = {}
        for change in changes:
            key = change.table, change.identity
            history = found.get(key)
            if history is None:
                is_point = self._view(change.table).is_point
                history = found[key] = History(is_point, self.outcomes)
            history.add(change)
        by_table: dict[int, list[History]] = {}
        for (table, _), history in found.items():
            by_table.setdefault(table, []).append(history)
        return by_table

    def _found(
        self, lookup: Lookup, view: TableView, histories: Sequence[History]
    ) -> Iterator[tuple[History, Sequence[Found]]]:
        keyed = []
        for history in histories:
            change = history.newest
            key = row_of(change, view.is_point).key
            if any(cell.type == "auto_increment" for cell in key):
                note(self.outcomes, change, Outcome.UNVERIFIABLE, view.name, GENERATED)
            else:
                keyed.append((history, key))
        read = lookup.of_points if view.is_point else lookup.of_rows
        return read(view.name, keyed)


class _Record(NamedTuple):
    """A record of Kafka while its rows are collected."""

    ordinal: int
    time: int
    is_sampled: bool
