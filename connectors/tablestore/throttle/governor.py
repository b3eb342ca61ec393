"""The governor of a table: whether a request to it may be sent now, and of how many rows.

It is off until the service throttles the table, or answers slowly, or when the table has limits of
its own; then all shards ask it for their turn. Everything of it belongs to the loop that writes.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from connectors.run.accounting import Counts, ThrottleNumbers
from connectors.run.read_limits import ReadLimits
from connectors.run.recent_writes import RecentWrites
from connectors.run.retry import Backoff
from connectors.tablestore.throttle.in_flight import SLOW, InFlightLimit
from connectors.tablestore.throttle.rate import PIECE, Bucket, RateControl
from connectors.tablestore.throttle.slow_start import SlowStart

log = logging.getLogger("sync.tablestore")

# Seconds without a refusal, and without a wait for the rate, after which there is none any more.
_QUIET, _UNBOUND = 30.0, 10.0
_MIN_START = 1000.0  # rows a second, where nothing is known
_LOOK = 0.5  # seconds between two looks at the run while a batch waits
_LOG_INTERVAL = 10.0
_QUIET_THROTTLES = 3  # before the first log line


class Limits(NamedTuple):
    """What the options of a table allow each second; None: no limit."""

    rows: float | None = None
    units: float | None = None


class Grant(NamedTuple):
    """Leave to send a request."""

    rows: int
    units: float
    """Capacity units that it is reckoned to take."""


class Governor:
    """How fast one table is written."""

    def __init__(
        self,
        table: str,
        limits: Limits,
        counts: Counts,
        read_limits: ReadLimits,
        new_pauses: Callable[[], Backoff],
        clock: Callable[[], float] = time.monotonic,
        on: set[str] | None = None,
    ) -> None:
        """`on` are the tables whose governors are on: this one adds and removes its own."""
        self._table = table
        self._on = set() if on is None else on
        self._counts = counts
        self._read_limits = read_limits
        self._new_pauses = new_pauses
        self.clock = clock
        now = clock()
        self._rows = None if limits.rows is None else Bucket(limits.rows, now)
        self._units = None if limits.units is None else Bucket(limits.units, now)
        self._units_per_row = 1.0
        self._used = 0.0
        self._rate: RateControl | None = None
        self._in_flight_limit = InFlightLimit()
        self.in_flight = 0  # requests
        self._waiting: deque[asyncio.Event] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.recent = RecentWrites(now)
        """What the table has taken of late."""
        self._throttles = 0
        self._logged_at = -math.inf
        self._numbers: ThrottleNumbers | None = None
        self.slow_start: SlowStart | None = SlowStart()
        """Until enough of the first requests were written, or one was throttled."""
        self.has_limits = limits != Limits()
        self.is_on = self.has_limits
        """Whether requests have to ask for their turn."""
        if self.is_on:
            self._changed()

    @property
    def rate(self) -> float:
        """The rows a second that are written at most; infinite without a limit."""
        rates = [math.inf if self._rate is None else self._rate.rate]
        if self._rows is not None:
            rates.append(self._rows.rate)
        if self._units is not None:
            rates.append(self._units.rate / self._units_per_row)
        return min(rates)

    async def start(self) -> None:
        """Wait until one more of the first requests may be sent."""
        while self.slow_start is not None and not self.slow_start.has_room(self.in_flight):
            await self.slow_start.wait()

    async def turn(self, rows: int, check: Callable[[], None]) -> Grant:
        """Wait for the turn to send some of `rows`, in the order of asking: how many.

        Raises what `check` raises while it waits.
        """
        asked_at = self.clock()
        if not self._waiting:
            granted, seconds = self._grant(rows, asked_at)
            if granted is not None:
                return granted
            self._wake_in(seconds)
        turn = asyncio.Event()
        self._waiting.append(turn)
        try:
            while True:
                await turn.wait()
                turn.clear()
                check()
                granted, seconds = self._grant(rows, self.clock())
                if granted is not None:
                    return granted
                self._wake_in(seconds)
        finally:
            self._waiting.remove(turn)
            self._wake()
            if self._numbers is not None:
                self._numbers.waited += self.clock() - asked_at

    def sent(self) -> float:
        """A request is sent; returns when."""
        self.in_flight += 1
        return self.clock()

    def written(self, sent_at: float, rows: int, units: float = 0.0) -> None:
        """All rows of a request are written; `units` of its grant."""
        now = self.clock()
        self.recent.written(rows, now - sent_at, now)
        if self.is_on or now - sent_at > SLOW:
            self._answered(sent_at, rows, 0, units, now)
        self._landed(is_written=True)

    def answered(
        self, sent_at: float, accepted: int, throttled: int, reason: str, units: float = 0.0
    ) -> None:
        """A request was answered: the rows that were not throttled, those that were, and why."""
        now = self.clock()
        self.recent.written(accepted, now - sent_at, now)
        if throttled:
            self._throttles += 1
            if self._rate is None:
                self._begin(sent_at, now)
        self._answered(sent_at, accepted, throttled, units, now)
        self._landed(is_written=accepted > 0, is_throttled=throttled > 0)
        if throttled:
            if self._numbers is not None:
                self._numbers.requests += 1
            self._log(reason, now)

    def failed(self, sent_at: float, is_slow: bool) -> None:
        """A request has no answer that says how many rows the table takes.

        `is_slow`: the service did not answer it in time.
        """
        now = self.clock()
        if is_slow:
            self._in_flight_limit.answered(sent_at, self.in_flight, now, timed_out=True)
        self._landed(is_written=False)
        if is_slow or self.is_on:
            self._changed()

    def _landed(self, is_written: bool, is_throttled: bool = False) -> None:
        self.in_flight -= 1
        if self.slow_start is not None:
            self.slow_start.answered(self.in_flight, is_written, is_throttled)
            if self.slow_start.is_over:
                self.slow_start = None

    def used(self, units: int) -> None:
        """The answer to a request names the capacity units that it took; `answered` follows."""
        self._used += units

    def _grant(self, rows: int, now: float) -> tuple[Grant | None, float]:
        """Leave to send some of `rows`, or the seconds until there may be; at most infinite."""
        if not self._in_flight_limit.has_room(self.in_flight, now):
            return None, math.inf
        if self._rows is not None:
            rows = min(rows, max(1, math.floor(self._rows.rate * PIECE)))
            seconds = self._rows.wait(rows, now)
            if seconds > 0:
                return None, seconds
        if self._units is not None:
            each = self._units_per_row
            rows = min(rows, max(1, math.floor(self._units.rate * PIECE / each)))
            seconds = self._units.wait(rows * each, now)
            if seconds > 0:
                return None, seconds
        if self._rate is not None:
            rows, seconds = self._rate.grant(rows, self.in_flight, now)
            if not rows:
                return None, seconds
        units = 0.0
        if self._rows is not None:
            self._rows.take(rows)
        if self._units is not None:
            units = rows * self._units_per_row
            self._units.take(units)
        return Grant(rows, units), 0.0

    def _answered(
        self, sent_at: float, accepted: int, throttled: int, units: float, now: float
    ) -> None:
        if self._rate is not None:
            self._rate.answered(sent_at, accepted, throttled, now)
        limit = self._in_flight_limit
        if not limit.is_on:
            limit.usual = min(limit.usual, self.recent.fastest)
        if not throttled:
            self._in_flight_limit.answered(sent_at, self.in_flight, now)
        if self._rows is not None and throttled:
            self._rows.take(-throttled)
        if self._units is not None:
            # What the service names takes the place of what was reckoned.
            if self._used or not accepted:
                self._units.take(self._used - units)
            if self._used and accepted:
                self._units_per_row = max(0.01, self._used / accepted)
            self._used = 0.0
        rate = self._rate
        if rate is not None and now - rate.throttled_at > _QUIET and now - rate.bound_at > _UNBOUND:
            self._rate = None
            self._throttles = 0
            log.info("table %s is not throttled any more", self._table)
        self._changed()

    def _begin(self, sent_at: float, now: float) -> None:
        """The first refusal: begin with the rate of the last seconds."""
        rate = max(self.recent.rate(now), _MIN_START)
        self._rate = RateControl(rate, sent_at, self._new_pauses())

    def _changed(self) -> None:
        is_throttled = self._rate is not None or self._in_flight_limit.is_on
        self.is_on = self.has_limits or is_throttled
        (self._on.add if self.is_on else self._on.discard)(self._table)
        if self.is_on or self._numbers is not None:
            self._show(is_throttled)
        self._wake()

    def _show(self, is_throttled: bool) -> None:
        if self._numbers is None:
            self._numbers = self._counts.throttle(self._table)
        numbers, limit, rate = self._numbers, self._in_flight_limit.limit, self.rate
        numbers.is_throttled = is_throttled
        numbers.in_flight_limit = 0 if limit == math.inf else int(limit)
        numbers.rate_limit = 0.0 if rate == math.inf else rate
        self._read_limits.limit(self._table, rate if rate < math.inf else None)

    def _log(self, reason: str, now: float) -> None:
        if self._throttles >= _QUIET_THROTTLES and now - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = now
            log.warning(
                "table %s is throttled, %.0f rows/s are written now: %s",
                self._table,
                min(self.rate, 1e9),
                reason,
            )

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(seconds, _LOOK), self._wake)

    def _wake(self) -> None:
        """Let the first that waits try again."""
        if self._waiting:
            self._waiting[0].set()
