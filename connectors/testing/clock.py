"""A clock that a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

# Any time does; a fixed one makes every run of a test the same.
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Clock:
    """Stands still until a test moves it; what a flow under test takes for the time."""

    def __init__(self, start: datetime = _START) -> None:
        """Start the clock at `start`, a time with a time zone."""
        self._start = self._now = start

    def now(self) -> datetime:
        """The time of the clock, with its time zone."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self._now - self._start).total_seconds()

    def milliseconds(self) -> int:
        """The time in ms since 1970, as Kafka has it."""
        return int(self._now.timestamp() * 1000)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`."""
        self._now += timedelta(seconds=seconds)

    def advance_to(self, time: datetime) -> None:
        """Let time pass up to `time`; nothing happens where it is past."""
        self._now = max(self._now, time)
