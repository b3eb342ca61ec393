"""What was sent to one table: rows and requests by outcome, bytes, and how long requests took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

# Tables and codes that are counted apart: either may come from data or from the service.
MAX_LABELS = 200
OTHER = "other"
# Bytes of a row for which the service counts one capacity unit [capacity-units].
UNIT = 4096
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Histogram:
    """Counts of values up to each bound, and above the last one."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def quantile(self, share: float) -> float | None:
        """The bound that so large a share of the values does not pass; None without values.

        Of values above the last bound it is that bound.
        """
        left = share * sum(self.counts)
        if not left:
            return None
        for bound, count in zip(self.bounds, self.counts, strict=False):
            left -= count
            if left <= 0:
                return bound
        return self.bounds[-1]


class TableMeter:
    """What was sent to a table."""

    def __init__(self) -> None:
        self.bytes = 0  # of encoded rows, repeated tries included
        self.written_bytes = 0  # of encoded rows that were written
        self.units = 0  # write capacity units of these, each row of its own
        self.durations = Histogram(DURATIONS)
        self._requests: dict[str, int] = {}
        self._rows: dict[tuple[str, str], int] = {}

    def request(self, code: str, seconds: float, size: int) -> None:
        """A request with rows of this table had this code; `size` are the bytes of its rows."""
        self.bytes += size
        self.durations.observe(seconds)
        requests = self._requests
        if code not in requests and len(requests) >= MAX_LABELS:
            code = OTHER
        requests[code] = requests.get(code, 0) + 1

    def rows(self, outcome: str, code: str, number: int) -> None:
        """So many rows of a request were written, or are retried, rejected or stopped."""
        rows = self._rows
        if (outcome, code) not in rows and len(rows) >= MAX_LABELS:
            code = OTHER
        rows[outcome, code] = rows.get((outcome, code), 0) + number

    def written(self, size: int, sizes: Sequence[Sequence[int]]) -> None:
        """Rows with these sizes were written, `size` bytes of encoded rows together.

        Units are reckoned from encoded rows, which are a little larger than what the service
        counts, names and values.
        """
        self.written_bytes += size
        for some in sizes:
            if some:
                small = max(some) <= UNIT
                self.units += len(some) if small else sum([-(-each // UNIT) for each in some])

    def requests_by_code(self) -> dict[str, int]:
        """How many requests had each code; OK is one of them."""
        return self._requests.copy()

    def rows_by_outcome(self) -> dict[tuple[str, str], int]:
        """How many rows had each (outcome, code)."""
        return self._rows.copy()
