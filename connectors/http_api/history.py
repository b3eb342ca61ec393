"""The counts of the last half hour, one point every few seconds."""

from __future__ import annotations

import time
from collections import deque

from connectors.http_api.models import History, Point
from connectors.run.health import Observed

INTERVAL = 5.0  # seconds
_POINTS = 361  # half an hour, both ends included


class Sampler:
    """Keeps points. `sample` is called every INTERVAL seconds."""

    def __init__(self, run: Observed) -> None:
        self._run = run
        self._points: deque[Point] = deque(maxlen=_POINTS)

    def sample(self) -> None:
        """Add a point with the present values to the history."""
        run = self._run
        counts = run.counts.account()
        now, unix_now = run.clock(), time.time()
        meters = run.meters
        lags = [one.lag_records for one in meters.partitions]
        ages = [one.lag_seconds(now, unix_now) for one in meters.partitions]
        known = [lag for lag in lags if lag is not None]
        self._points.append(
            Point(
                time=unix_now // INTERVAL * INTERVAL,
                read=counts["read"],
                written=counts["written"],
                rejected=counts["rejected"],
                retried=counts["retried"],
                bytes=sum(table.bytes for table in meters.tables().values()),
                lag_records=sum(known) if known else None,
                lag_seconds=max((age for age in ages if age is not None), default=None),
            )
        )

    def history(self) -> History:
        """The points that are kept, oldest first."""
        return History(interval_seconds=INTERVAL, points=[*self._points])
