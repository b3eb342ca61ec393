"""Refusals that do not depend on the rate: to write more slowly would not avoid them.

A service that is short of capacity refuses little once it gets no more than it takes. One that
refuses a share of the requests whatever comes, such as while it moves a partition, would be written
more and more slowly: each refusal would cut the rate once more. So shares are compared: when the
rate has fallen, and as large a share is refused as before, it goes back to what it was.
"""

from __future__ import annotations

from collections import deque

_SETTLING = 1.0  # seconds in which a rate is found, where there is one
_HALF = 20  # requests that are compared with as many before them
_MIN_SHARE, _MAX_SHARE = 0.1, 0.7
_FALL = 3.0  # of the rate meanwhile, at least
_UNCHANGED = 0.7  # of the former share, at least, is refused still
_VALID = 10.0  # seconds, after which it is found out again
_TOLERATED = 1.5  # times the share that was found


class RandomThrottles:
    """Finds out whether the refusals that throttle a table are of this sort."""

    def __init__(self, now: float) -> None:
        """The rate falls from `now` on: at first because a service refuses most of it."""
        self._from = now + _SETTLING
        # Of the last answers: whether the request was refused, and the rate at that time.
        self._answers: deque[tuple[bool, float]] = deque(maxlen=2 * _HALF)
        self._share = 0.0
        self._until = float("-inf")

    def tolerated(self, now: float) -> float:
        """The share of rows that may be refused without the rate going down; usually 0."""
        return _TOLERATED * self._share if now < self._until else 0.0

    def note(self, is_throttled: bool, rate: float, now: float) -> float | None:
        """Count an answer at this rate in rows a second; the rate to go back to, if any."""
        if now < self._from:
            return None
        answers = self._answers
        answers.append((is_throttled, rate))
        if now < self._until or len(answers) < 2 * _HALF or answers[0][1] < rate * _FALL:
            return None
        throttled = [each for each, _ in answers]
        former, latter = sum(throttled[:_HALF]) / _HALF, sum(throttled[_HALF:]) / _HALF
        if not (
            _MIN_SHARE <= former <= _MAX_SHARE
            and max(_MIN_SHARE, former * _UNCHANGED) <= latter <= _MAX_SHARE
        ):
            return None
        self._share = (former + latter) / 2
        self._until = now + _VALID
        found = answers[0][1]
        answers.clear()
        return found
