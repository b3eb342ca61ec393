"""Which columns and versions of a row a read returns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from emulator import errors, limits
from emulator.errors import invalid
from emulator.filters import Test, parse_filter
from emulator.rows import StoredRow, Versions, iterate_cells, row_size, versions_size
from emulator.tables import Table
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

Cells = list[tuple[bytes, int, bytes]]
_NO_END = (1 << 63) - 1


class ReadRequest(Protocol):
    """The fields GetRow, GetRange and each table of BatchGetRow have in common."""

    @property
    def columns_to_get(self) -> Iterable[str]: ...  # noqa: D102
    @property
    def time_range(self) -> wire.TimeRange: ...  # noqa: D102

    table_name: str
    max_versions: int
    filter: bytes
    start_column: str
    end_column: str

    def HasField(self, field_name: str) -> bool: ...  # noqa: D102, N802


@dataclass
class Selection:
    """A checked read request."""

    columns: frozenset[bytes]
    begin: int
    end: int
    max_versions: int
    test: Test | None
    page: tuple[int, int] | None
    start_column: bytes
    end_column: bytes
    key_columns_count: bool

    def select(
        self, table: Table, key: list[pb.KeyCell], row: StoredRow, is_range: bool = False
    ) -> tuple[Cells | None, int]:
        """Return the cells to answer with, None when the row is left out, and the bytes read.

        A filter looks at a row that has been read: it saves none of its cost.
        """
        cells = self._versions(table, row.cells)
        if self.page is not None:
            names = sorted(cells)[self.page[0] : self.page[0] + self.page[1]]
            cells = {name: cells[name] for name in names}
        found = list(iterate_cells(cells))
        size = row_size(key, found)
        if table.max_versions > 1 or table.time_to_live >= 0:  # else versions cost nothing
            size += versions_size(table, len(found))
        if self.test is not None and not self.test(dict(key), cells):
            return None, size
        if not cells and self.columns:  # a choice of versions alone leaves the bare key
            named = self.key_columns_count and bool(self.columns & table.key_names)
            if not named or is_range:
                return None, size
        return found, size

    def _versions(self, table: Table, cells: Versions) -> Versions:
        keep = min(self.max_versions, table.max_versions)
        selected: Versions = {}
        for name, versions in cells.items():
            if self.columns and name not in self.columns:
                continue
            if name < self.start_column or (self.end_column and name >= self.end_column):
                continue
            stamps = [stamp for stamp in versions if self.begin <= stamp < self.end]
            if len(stamps) > keep:
                stamps = sorted(stamps, reverse=True)[:keep]
            if stamps:
                selected[name] = {stamp: versions[stamp] for stamp in stamps}
        return selected


def _time_range(message: wire.TimeRange, missing: str) -> tuple[int, int]:
    has_start, has_end = message.HasField("start_time"), message.HasField("end_time")
    if message.HasField("specific_time"):
        if has_start or has_end:
            raise invalid("Specific tiemstamp and time range cannot be given at the same time.")
        if message.specific_time < 0:
            raise invalid("Specific timestamp cannot be less than 0.")
        return message.specific_time, message.specific_time + 1
    if has_start != has_end:
        raise invalid("Start and end time must be given at the same time.")
    if not has_start:
        raise invalid(missing)
    for stamp in (message.start_time, message.end_time):
        if stamp < 0:
            raise invalid("Timestamp must be in range [0, INT64_MAX/1000).")
    return message.start_time, message.end_time


def _columns(names: Iterable[str], inner: bool) -> frozenset[bytes]:
    columns = frozenset(name.encode() for name in names)
    for name in columns:
        if not limits.is_column_name(name, inner):
            raise limits.column_name_error(name)
    if len(columns) > limits.COLUMNS_PER_READ:
        raise invalid(
            "The number of columns from the request exceeds the limit, limit count: "
            f"{limits.COLUMNS_PER_READ}, column count: {len(columns)}."
        )
    return columns


def parse_selection(request: ReadRequest, key_columns_count: bool) -> Selection:
    """Check a read request; raises 400 for one the service refuses.

    The filter is checked before the versions, as the official Java tests expect.
    """
    inner = limits.is_inner(request.table_name)
    columns = _columns(request.columns_to_get, inner)
    test, page = parse_filter(request.filter, inner) if request.filter else (None, None)
    is_batch = isinstance(request, wire.TableInBatchGetRowRequest)
    missing = errors.NO_VERSION_CONDITION_IN_BATCH if is_batch else errors.NO_VERSION_CONDITION
    has_range, has_versions = request.HasField("time_range"), request.HasField("max_versions")
    if not has_range and not has_versions:
        raise invalid(missing)
    begin, end = _time_range(request.time_range, missing) if has_range else (0, _NO_END)
    if has_versions and request.time_range.HasField("specific_time"):
        raise invalid("Specific tiemstamp and max versions cannot be given at the same time.")
    if has_versions and request.max_versions <= 0:
        raise invalid(
            f"Invalid max versions: {request.max_versions}. Reason: Max versions must be positive."
        )
    return Selection(
        columns=columns,
        begin=begin,
        end=end,
        max_versions=request.max_versions if has_versions else _NO_END,
        test=test,
        page=page,
        start_column=request.start_column.encode(),
        end_column=request.end_column.encode(),
        key_columns_count=key_columns_count,
    )


def parse_export(request: wire.BulkExportRequest) -> Selection:
    """Check a BulkExport, which reads the newest versions; raises 400 for one that is refused."""
    inner = limits.is_inner(request.table_name)
    columns = _columns(request.columns_to_get, inner)
    test, page = parse_filter(request.filter, inner) if request.filter else (None, None)
    return Selection(
        columns=columns,
        begin=0,
        end=_NO_END,
        max_versions=1,
        test=test,
        page=page,
        start_column=b"",
        end_column=b"",
        key_columns_count=True,
    )
