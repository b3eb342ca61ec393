"""Retries of transient failures: one loop, in a blocking and an asyncio form, without a last try.

An attempt raises `TransientFailure` if it may be repeated. Waits double from try to try, with
jitter, so that operations that failed together do not retry together. A lasting failure is logged,
at most once in ten seconds.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from connectors.errors import StopRun
from connectors.run.backoff import Backoff
from connectors.run.context import Run

__all__ = ["Backoff", "OutageWait", "RetryLoop", "RunEnded", "TransientFailure"]

T = TypeVar("T")

# Seconds between two looks at the run while a worker waits.
_LOOK = 0.1
# Waits of an outage of something that every record needs, in seconds.
_OUTAGE_INITIAL, _OUTAGE_MAX = 0.1, 5.0
# How long the next try of it may take, after which it counts as answered.
_OUTAGE_LINGER = 15.0


class TransientFailure(Exception):  # noqa: N818 - it asks for another try
    """Raised by an attempt that may be repeated; the text says what failed and why."""

    def __init__(
        self, text: str, *, subject: str = "", code: str = "", linger: float = 0.0
    ) -> None:
        """`subject` is what is waited for, such as a table; `code` is the service's own.

        `linger`: a wait that begins so many seconds after this one is the same, as `Waits` has it.
        """
        super().__init__(text)
        self.subject = subject
        self.code = code
        self.linger = linger


class RunEnded(StopRun):
    """Raised while waiting for another try, when the run drains: there was no answer."""


class RetryLoop:
    """Tries one operation until it succeeds. Each operation has a loop of its own.

    Nothing is read meanwhile and nothing is lost: offsets stay where they are.
    """

    def __init__(
        self,
        run: Run,
        initial: float,
        maximum: float,
        logger: logging.Logger,
        *,
        service: str = "tablestore",
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """The waits grow from `initial` to `maximum` seconds; `service` is what is waited for.

        Clock and sleep are the run's unless given.
        """
        self._run = run
        self._logger = logger
        self._service = service
        # What is waited for, as long as it is.
        self._subject: str | None = None
        self._clock = clock or run.clock
        self._sleep = sleep or run.sleep
        self._backoff = Backoff(initial, maximum, clock=self._clock, uniform=uniform)

    def call(self, attempt: Callable[[], T]) -> T:
        """Try until the attempt succeeds; return its result.

        Raises RunEnded on a drain, what failed elsewhere in the run, and any other exception of the
        attempt.
        """
        try:
            while True:
                try:
                    return attempt()
                except TransientFailure as failure:
                    self._block(self._note(failure), str(failure))
        finally:
            self._over()

    async def call_async(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """As `call`, in the writing loop; it goes on during a drain, as rows must be written.

        Raises what failed elsewhere in the run, and any other exception of the attempt.
        """
        try:
            while True:
                try:
                    return await attempt()
                except TransientFailure as failure:
                    self._run.check()
                    await asyncio.sleep(self._note(failure))
        finally:
            self._over()

    def _block(self, seconds: float, reason: str) -> None:
        """Wait for the next try. Raises RunEnded on a drain, or what failed elsewhere."""
        until = self._clock() + seconds
        while True:
            self._run.check()
            if self._run.drain_reason is not None:
                raise RunEnded(
                    f"{reason}: no answer before the run was ended ({self._run.drain_reason}).\n"
                    "  remedy: nothing is lost; the next start goes on from the last snapshot"
                )
            left = until - self._clock()
            if left <= 0:
                return
            self._sleep(min(left, _LOOK))

    def _note(self, failure: TransientFailure) -> float:
        """Make it known that the run waits, and why; return the seconds until the next try."""
        seconds, waits, reason = self._backoff.next_wait(), self._run.waits, str(failure)
        if self._subject != failure.subject:
            self._over()
            self._subject = failure.subject
            waits.enter(self._service, failure.subject)
        waits.because(self._service, failure.subject, reason, failure.code, failure.linger, seconds)
        if self._backoff.should_log():
            self._logger.warning("%s; trying again (try %d)", reason, self._backoff.tries + 1)
        return seconds

    def _over(self) -> None:
        if self._subject is not None:
            self._run.waits.leave(self._service, self._subject)
            self._subject = None


class OutageWait(RetryLoop):
    """Waits for a service that many operations share; after a quiet time the waits start over."""

    def __init__(
        self,
        run: Run,
        *,
        service: str = "registry",
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(
            run,
            _OUTAGE_INITIAL,
            _OUTAGE_MAX,
            logging.getLogger("sync"),
            service=service,
            clock=clock,
            sleep=sleep,
        )
        self._last_wait = float("-inf")

    def wait(self, reason: str) -> None:
        """Block until the next try. Raises RunEnded on a drain, or what failed elsewhere."""
        if self._clock() - self._last_wait > 4 * _OUTAGE_MAX:
            self._backoff.tries = 0
        # The answer is not seen here: the wait ends by itself some time after the last try.
        seconds = self._note(TransientFailure(reason, linger=_OUTAGE_LINGER))
        try:
            self._block(seconds, reason)
        finally:
            self._over()
        self._last_wait = self._clock()
