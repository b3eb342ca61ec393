"""Refusals that do not depend on the rate: to write more slowly would not avoid them.

A service that is short of capacity takes no more rows when more are sent, and refuses few when
fewer are sent. One that refuses a share of the rows whatever comes, such as while it moves a
partition, takes a share of all that is sent. So where a share is refused for longer than it takes
to find a rate, a multiple of the rate is tried for a moment: when as many times more rows are
taken, and no larger share is refused, the refusals are at random, and the next multiple is tried.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_SETTLING = 1.0  # seconds in which a rate is found, where there is one
# A look is so many answers, and takes so many seconds at least: services may count by the second.
_ANSWERS, _SECONDS, _FIRST_SECONDS = 12, 1.0, 2.0
_MIN_SHARE, _MAX_SHARE = 0.1, 0.8  # in two looks in turn, until more is tried
_STEADY = 0.6  # of the rate at its begin, at least, is that at the end of a look that counts
# Of the rate, what is tried: at first with little that may be refused in vain.
_FIRST, _NEXT = 2.0, 4.0
_CLEARLY, _CLEAR_SECONDS = 0.1, 0.3  # a larger share, after which such a trial ends early
_FOLLOWED = 0.65  # of the multiple, the times as many rows that are taken, at least
_STEPS = 2  # in turn, by which refusals are found to be at random
_VALID = 10.0  # seconds, from the last look with such a share on
_MIN_PAUSE, _MAX_PAUSE = 4.0, 128.0  # seconds after a trial that has shown a limit


class _Look(NamedTuple):
    """What was seen at one rate."""

    rate: float
    taken: float
    """Rows a second that were accepted."""
    share: float
    """Of the rows that were sent, which were refused."""


class RandomThrottles:
    """Finds out whether the refusals that throttle a table are of this sort."""

    def __init__(self, rate: float, now: float) -> None:
        """`rate` is that before the first refusal: more is not tried."""
        self._usual_rate = rate
        self._next_trial = now + _SETTLING
        self._pause = _MIN_PAUSE
        self._steps = 0
        self._former: _Look | None = None
        self._before: _Look | None = None
        """While more is tried: what was seen before."""
        self._share = 0.0
        self._until = float("-inf")
        self._begin(now)

    def _begin(self, now: float) -> None:
        """Begin a look: of requests that are sent from now on, at the present rate."""
        self._sent_from, self._from = now, math.inf
        self._answers = self._accepted = 0
        self._throttled = 0.0
        self._first_rate = 0.0

    def tolerated(self, now: float) -> float:
        """The share of rows that may be refused without the rate going down; usually 0."""
        if self._before is not None:
            return 1.0
        return _between(self._share, 0.5) if now < self._until else 0.0

    @property
    def is_trying(self) -> bool:
        """Whether more is tried, and the rate is to stay what it is."""
        return self._before is not None

    def is_limit(self, now: float) -> bool:
        """Whether a trial has lately shown that the refusals do depend on the rate."""
        return self._pause > _MIN_PAUSE and now < self._next_trial

    def note(
        self, sent_at: float, accepted: int, throttled: int, rate: float, now: float
    ) -> float | None:
        """Count the rows of an answer at this rate in rows a second; the rate to set, if any."""
        if sent_at < self._sent_from:
            return None
        if self._from == math.inf:
            self._from, self._first_rate = now, rate
        self._answers += 1
        self._accepted += accepted
        # Requests are small after a refusal, so each counts as much as another one.
        self._throttled += throttled / max(1, accepted + throttled)
        share = self._throttled / self._answers
        before, seconds = self._before, now - self._from
        if self._answers < _ANSWERS:
            return None
        if before is None or self._steps:
            least = _SECONDS
        else:
            is_clear = share > self._limit(before) + _CLEARLY
            least = _CLEAR_SECONDS if is_clear else _FIRST_SECONDS
        if seconds < least:
            return None
        is_steady = rate >= _STEADY * self._first_rate
        look = _Look(rate, self._accepted / seconds, share)
        self._begin(now)
        if before is not None:
            return self._try(before, look, now)
        return self._watch(look, now) if is_steady else None

    def _limit(self, before: _Look) -> float:
        """The share that speaks for a limit: it would refuse all that is beyond it.

        This is half way between the former share and 1 - (1 - share) / multiple.
        """
        multiple = _NEXT if self._steps else _FIRST
        return _between(before.share, 0.5 * (1 - 1 / multiple))

    def _watch(self, look: _Look, now: float) -> float | None:
        if now < self._until:
            if look.share > _between(self._share, 0.5):
                self._until = now
            elif look.share >= self._share / 2:
                self._until = now + _VALID
            return None
        former, self._former = self._former, look
        if not (_MIN_SHARE <= look.share <= _MAX_SHARE and now >= self._next_trial):
            return None
        if former is None or not _MIN_SHARE <= former.share <= _MAX_SHARE:
            return None
        taken, share = min(former.taken, look.taken), max(former.share, look.share)
        self._before, self._steps = _Look(look.rate, taken, share), 0
        return look.rate * _FIRST

    def _try(self, before: _Look, look: _Look, now: float) -> float | None:
        self._before = self._former = None
        multiple = _NEXT if self._steps else _FIRST
        is_throttled = look.share > self._limit(before)
        has_followed = look.taken >= _FOLLOWED * multiple * before.taken
        if has_followed and not is_throttled:
            self._steps += 1
            if look.rate < self._usual_rate:
                self._before = look
                return look.rate * _NEXT
        elif self._steps < _STEPS:
            self._next_trial = now + self._pause
            self._pause = min(self._pause * 2, _MAX_PAUSE)
            return before.rate
        self._share, self._until, self._pause = before.share, now + _VALID, _MIN_PAUSE
        return before.rate if is_throttled else None


def _between(share: float, part: float) -> float:
    """A share that is larger than `share` by this part of what is missing to all."""
    return share + (1 - share) * part
