"""Reads the rows of many keys at once, a few requests at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from connectors.tablestore.row_reader import ReadCell, Value
from connectors.tablestore.rows_api import MAX_ROWS, Found, RowsApi
from connectors.verify.history import History

_REQUESTS = 4  # at a time: as many as the SDK has connections
T = TypeVar("T")

Keyed = tuple[History, list[ReadCell]]
"""A history and the cells of its key."""
Series = tuple[str, str, tuple[tuple[str, str], ...]]


class Lookup:
    """Finds the rows of histories."""

    def __init__(self, rows: RowsApi) -> None:
        self._rows = rows
        self._pool = ThreadPoolExecutor(_REQUESTS, thread_name_prefix="verify")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def of_rows(
        self, table: str, keyed: Iterable[Keyed]
    ) -> Iterator[tuple[History, Sequence[Found]]]:
        """The row of each history of a wide-column table, if there is one. Raises StopRun."""

        def read(some: list[Keyed]) -> list[tuple[History, Sequence[Found]]]:
            keys = [[(cell.name, cell.value) for cell in key] for _, key in some]
            found = self._rows.rows(table, keys)
            return [
                (history, () if row is None else (row,))
                for (history, _), row in zip(some, found, strict=True)
            ]

        for pairs in self._at_once(read, _batches(keyed, MAX_ROWS)):
            yield from pairs

    def of_points(
        self, table: str, keyed: Iterable[Keyed]
    ) -> Iterator[tuple[History, Sequence[Found]]]:
        """The points of each history of a time series table. Raises StopRun."""
        by_series: dict[Series, list[tuple[int, History]]] = {}
        for history, key in keyed:
            series, at = _series_of(key)
            by_series.setdefault(series, []).append((at, history))

        def read(
            some: tuple[Series, list[tuple[int, History]]],
        ) -> list[tuple[History, Sequence[Found]]]:
            (measurement, source, tags), points = some
            points.sort(key=lambda one: one[0])
            found = self._rows.points(
                table, (measurement, source, dict(tags)), points[0][0], points[-1][0] + 1
            )
            return [(history, found.get(at, ())) for at, history in points]

        for pairs in self._at_once(read, by_series.items()):
            yield from pairs

    def _at_once(
        self, read: Callable[[T], list[tuple[History, Sequence[Found]]]], all_of: Iterable[T]
    ) -> Iterator[list[tuple[History, Sequence[Found]]]]:
        waiting: list[Future[list[tuple[History, Sequence[Found]]]]] = []
        for each in all_of:
            waiting.append(self._pool.submit(read, each))
            if len(waiting) > _REQUESTS:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _series_of(key: list[ReadCell]) -> tuple[Series, int]:
    """The series of a point and its time in us."""
    named: dict[str, Value] = {cell.name: cell.value for cell in key}
    time = named.pop("_time")
    measurement = str(named.pop("_m_name"))
    source = str(named.pop("_data_source", "") or "")
    tags = tuple((name, str(value)) for name, value in sorted(named.items()))
    return (measurement, source, tags), time if isinstance(time, int) else 0


def _batches(keyed: Iterable[Keyed], size: int) -> Iterator[list[Keyed]]:
    each = iter(keyed)
    while some := [*islice(each, size)]:
        yield some
