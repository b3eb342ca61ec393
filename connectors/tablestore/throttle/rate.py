"""How fast a throttled table is written: its rate is found from refusals.

A service that takes N rows a second refuses the rest. Between two refusals it has taken all that it
could, so the rows that it took meanwhile, by the seconds between, are its rate. A refusal sets the
rate to a little below that; afterwards it grows, slowly at first, then faster and faster, so that a
limit that is lifted is noticed within seconds and a limit that stays costs few refusals
(docs/decisions/throttling.md).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from connectors.tablestore.throttle.random_throttles import RandomThrottles

# Of the rate that was found, what is used at first.
_MARGIN = 0.98
# Growth of the rate, a second: it doubles each second after a refusal, up to the maximum. While the
# rate is only a guess it begins with more.
_GROWTH, _MAX_GROWTH = 0.02, 1.5
_SEARCH_GROWTH, _GUESS_SECONDS = 0.7, 5.0
# Seconds of the rate that one request takes, and that may be saved up.
PIECE, _BURST = 0.05, 0.1
# Seconds between two refusals from which a rate is measured: in the long run, and when more is
# throttled than taken.
_LONG, _SHORT = 1.0, 0.04
# Requests in turn of which nothing is taken, from which the rate is cut.
_NOTHING = 3
_OUTAGE, _AWAY = 6, 2.0  # and seconds, from which the table is taken to be away
_FEW = 5  # rows of a request until then, at least
_MIN_RATE = 0.5
# While some requests get through, the rate does not fall below this, and not below a share of the
# rows that were accepted in the last seconds: so many answers come that it is found out soon
# whether refusals depend on the rate at all.
_LEAST_RATE, _LEAST_SHARE = 100.0, 0.5
_SECONDS = 3.0
# What the rate falls to while nothing is taken, and its growth a second afterwards.
_LOST_RATE, _LOST_GROWTH = 20.0, 3.0
# While nothing has shown a limit, the rate does not fall below this.
_UNKNOWN_RATE = 5.0
# The share of a second's rows that may be throttled without the rate going down.
_TOLERATED = 0.02
_NOTES = 0.02  # seconds between two notes of refusals


class Bucket:
    """Units that come at a rate; what was taken beyond them has to come first."""

    def __init__(self, rate: float, now: float) -> None:
        """`rate` in units a second."""
        self.rate = rate
        self._level = 0.0
        self._at = now

    def level(self, now: float) -> float:
        """The units that there are, at most those of a tenth of a second and at least one."""
        if now > self._at:
            size = max(1.0, self.rate * _BURST)
            self._level = min(size, self._level + (now - self._at) * self.rate)
            self._at = now
        return self._level

    def take(self, units: float) -> None:
        """Take units, of which there may be fewer."""
        self._level -= units

    def wait(self, units: float, now: float) -> float:
        """Seconds until there are so many units, 0 when there are."""
        missing = min(units, max(1.0, self.rate * _BURST)) - self.level(now)
        return 0.0 if missing <= 1e-9 else missing / self.rate


class Pauses(Protocol):
    """Growing pauses, such as those of `run.retry.Backoff`."""

    tries: int
    """How many there were; set to 0 to begin again."""

    def next_wait(self) -> float:
        """Seconds."""
        ...


class RateControl:
    """The rate of one table in rows a second, from its first refusal on."""

    def __init__(self, rate: float, now: float, pauses: Pauses) -> None:
        """`rate` is what the table took before the first refusal; `pauses` are those to make."""
        self._bucket = Bucket(max(rate, _MIN_RATE), now)
        self._pauses = pauses
        self._paused_until = now
        self._accepted = self._throttled = 0
        # When, and the rows accepted (and throttled) by then: of refusals, and of the last answers.
        self._throttles: deque[tuple[float, int]] = deque()
        self._notes: deque[tuple[float, int, int]] = deque([(now, 0, 0)])
        self._throttled_at = self._last_throttle_at = self._grown_at = self._accepted_at = now
        self._nothing = 0
        self._heavy = 0
        self._is_away = False  # nothing has got through for some time
        self._is_lost = False  # the rate was halved until something got through
        self._is_binding = False
        self._is_guess = True  # the rate was not measured
        self._guessed_at = now
        self._random = RandomThrottles(rate, now)
        # When, and the rows accepted by then: some seconds ago, and after that.
        self._former = self._latest = (now, 0)
        self.bound_at = now
        """When the rate last made a request wait."""

    @property
    def rate(self) -> float:
        """Rows a second at present."""
        return self._bucket.rate

    @property
    def throttled_at(self) -> float:
        """When the last refusal came."""
        return self._last_throttle_at

    def grant(self, rows: int, in_flight: int, now: float) -> tuple[int, float]:
        """How many of `rows` may be sent now, while `in_flight` requests have no answer yet.

        Where none, the seconds until some may; infinite until the next answer.
        """
        self._grow(now)
        if now < self._paused_until:
            return 0, self._paused_until - now
        piece = min(rows, max(1, math.floor(self.rate * PIECE)))
        if self._nothing:
            # One request finds out for all; something smaller may get through.
            if in_flight:
                return 0, math.inf
            least = 1 if self._nothing > _NOTHING else _FEW
            piece = min(rows, max(least, piece >> 2 * min(self._nothing, 8)))
            self._bucket.take(piece)
            return piece, 0.0
        seconds = self._bucket.wait(piece, now)
        if seconds > 0:
            self._is_binding, self.bound_at = True, now
            return 0, seconds
        self._bucket.take(piece)
        return piece, 0.0

    def answered(self, sent_at: float, accepted: int, throttled: int, now: float) -> None:
        """A request of `sent_at` was answered: the rows that were accepted and throttled."""
        self._note(sent_at, accepted, throttled, now)
        if not throttled:
            self._nothing = self._heavy = 0
            self._pauses.tries = 0
            return
        self._last_throttle_at = now
        if sent_at < self._throttled_at:
            return  # it was on its way when the rate was last set
        if self._lately()[1] <= self._random.tolerated(now):
            return
        self._nothing = 0 if accepted else self._nothing + 1
        self._heavy = self._heavy + 1 if throttled > accepted else 0
        if not accepted or self._lately()[1] > _TOLERATED:
            rate = self._measured(accepted / (accepted + throttled), now)
            self._is_away = self._nothing >= _OUTAGE and now - self._accepted_at > _AWAY
            least = _MIN_RATE if self._is_away else self._least_rate(now)
            self._bucket.rate = max(min(self.rate, least), min(self.rate, rate))
        refusals = self._throttles
        if not refusals or now - refusals[-1][0] >= _NOTES:
            refusals.append((now, self._accepted))
        while len(refusals) > 2 and now - refusals[1][0] >= _LONG:
            refusals.popleft()
        self._throttled_at = self._grown_at = now
        if accepted or self._nothing == 1:
            self._is_lost = False
        if accepted:
            self._pauses.tries = 0
        else:
            self._paused_until = now + self._pauses.next_wait()

    def _note(self, sent_at: float, accepted: int, throttled: int, now: float) -> None:
        """Count the rows of an answer; where refusals seem to be at random, try another rate."""
        self._accepted += accepted
        self._throttled += throttled
        if accepted:
            self._accepted_at = now
            if self._is_away:
                self._is_away, self._is_guess, self._guessed_at = False, True, now
                self._bucket.rate = max(self.rate, _LOST_RATE)
        self._notes.append((now, self._accepted, self._throttled))
        while len(self._notes) > 1 and now - self._notes[1][0] >= _LONG:
            self._notes.popleft()
        if now - self._latest[0] >= _SECONDS:
            self._former, self._latest = self._latest, (now, self._accepted)
        tried = self._random.note(sent_at, accepted, throttled, self.rate, now)
        if tried is not None:
            self._bucket.level(now)
            self._bucket.rate = tried
            self._grown_at = now
            self._nothing = self._heavy = 0

    def _least_rate(self, now: float) -> float:
        at, accepted = self._former
        taken = (self._accepted - accepted) / max(now - at, _LONG)
        least = _MIN_RATE if self._random.is_limit(now) else _UNKNOWN_RATE
        return max(least, min(_LEAST_RATE, _LEAST_SHARE * taken))

    def _lately(self) -> tuple[int, float]:
        """The rows that were accepted in the last second, and the share that was throttled."""
        _, accepted, throttled = self._notes[0]
        accepted, throttled = self._accepted - accepted, self._throttled - throttled
        return accepted, throttled / max(1, accepted + throttled)

    def _measured(self, share: float, now: float) -> float:
        """The rate that the service has shown; `share` is what it took of the last request."""
        lately = self._lately()[0] / max(now - self._notes[0][0], _LONG)
        if self._nothing >= _NOTHING:
            self._is_lost = True
            return max(min(self.rate, _LOST_RATE), self.rate / 4, lately)
        wanted = _SHORT if self._heavy >= 2 and not self._nothing else _LONG
        for at, accepted in reversed(self._throttles):
            if now - at >= wanted:
                self._is_guess = self._is_guess and now - at < _LONG
                found = (self._accepted - accepted) / (now - at)
                return _MARGIN * max(found, min(lately, self.rate * share))
        return self.rate if self._nothing else self.rate * max(share, 0.5)

    def _grow(self, now: float) -> None:
        seconds = now - self._grown_at
        if seconds < 0.01:
            return
        self._grown_at = now
        self._bucket.level(now)  # what came at the rate until now
        if self._is_binding and not self._random.is_trying:
            since = min(now - self._throttled_at, 30.0)
            is_guess = self._is_guess and now - self._guessed_at < _GUESS_SECONDS
            first = _SEARCH_GROWTH if is_guess else _GROWTH
            growth = _LOST_GROWTH if self._is_lost else min(_MAX_GROWTH, first * 2.0**since)
            self._bucket.rate *= math.exp(growth * min(seconds, 1.0))
            self._is_binding = False
