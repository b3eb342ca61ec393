"""How many requests of a slow table are in flight.

A service that takes what comes and answers later and later is asked for less before requests time
out, which would be sent again. As long as there is always a request waiting at the service, its
rate does not depend on how many wait.
"""

from __future__ import annotations

import math

# Seconds of an answer that is slow, and how many times the usual answer it takes.
SLOW = 1.0
_SLOW_TIMES = 4.0
# How fast the usual answer follows answers that take longer.
_FOLLOW = 0.002
# Without having been reached for so many seconds, or at so many requests, the limit is given up.
_UNUSED = 30.0
_MANY = 64


class InFlightLimit:
    """Additive increase, multiplicative decrease: +1 a round trip, halved once a round trip."""

    def __init__(self) -> None:
        self.limit = math.inf
        self._set_at = self._reached_at = -math.inf
        self._is_reached = False
        self.usual = math.inf
        """Seconds of the usual answer: the fastest, while there is no limit."""

    @property
    def is_on(self) -> bool:
        """Whether there is a limit."""
        return self.limit < math.inf

    def has_room(self, in_flight: int, now: float) -> bool:
        """Whether one more request may be sent."""
        if in_flight < self.limit:
            return True
        self._is_reached, self._reached_at = True, now
        return False

    def answered(self, sent_at: float, in_flight: int, now: float, timed_out: bool = False) -> None:
        """A request of `sent_at` was answered, or was not in time; it is one of `in_flight`."""
        seconds = now - sent_at
        if seconds < self.usual:
            self.usual = seconds
        else:
            self.usual += (seconds - self.usual) * _FOLLOW
        if timed_out or seconds > max(SLOW, _SLOW_TIMES * self.usual):
            if sent_at >= self._set_at:
                self.limit = max(1.0, math.floor(min(self.limit, in_flight) / 2))
                self._set_at = self._reached_at = now
        elif self.is_on:
            if self._is_reached:
                self._is_reached = False
                self.limit += 1 / self.limit
            if self.limit >= _MANY or now - self._reached_at > _UNUSED:
                self.limit = math.inf
