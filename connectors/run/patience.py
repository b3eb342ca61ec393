"""Waiting for something outside that does not answer, for as long as the run goes on."""

from __future__ import annotations

import logging
import time

from connectors.backoff import Backoff
from connectors.outcomes import StopRun
from connectors.run.context import Run

log = logging.getLogger("sync")

_FIRST, _MOST = 0.1, 5.0  # seconds


class Patience:
    """Called on each failure; returns when it may be tried again.

    Meanwhile nothing is read, and nothing is lost: offsets stay where they are.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._backoff = Backoff(_FIRST, _MOST)
        self._last = 0.0

    def wait(self, reason: str) -> None:
        """Sleep. Raises StopRun when the run ends while it waits, or what failed elsewhere."""
        now = time.monotonic()
        if now - self._last > 4 * _MOST:  # another trouble
            self._backoff = Backoff(_FIRST, _MOST)
        until = now + self._backoff.wait()
        if self._backoff.worth_telling():
            log.warning("%s; trying again", reason)
        while True:
            self._run.check()
            if self._run.drain_reason is not None:
                raise StopRun(
                    f"{reason}: no answer before the run was ended ({self._run.drain_reason}).\n"
                    "  remedy: nothing is lost; the next start goes on from the last snapshot"
                )
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.1))
        self._last = time.monotonic()
