"""`Run`: what the steps of a flow share in one process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import wraps
from typing import ParamSpec, TypeVar

from connectors.errors import StopRun
from connectors.run import flow_metrics, metrics
from connectors.run.accounting import Counts
from connectors.run.meters import Meters
from connectors.run.read_limits import ReadLimits
from connectors.run.recovery import RecoveryFolder
from connectors.run.waits import Waits
from connectors.settings import Settings
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync")

Clock = Callable[[], float]
Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def utc_now() -> datetime:
    """The time of this machine's clock, which may jump."""
    return datetime.now(timezone.utc)


class Run:
    """Settings, counts and the end of one run, shared by its workers in a process.

    A run ends in one of three ways: it drains (`drain`), a step raises, or something fails in the
    background (`fail`), which the next step that calls `check` raises.
    """

    def __init__(
        self,
        flow_id: str,
        settings: Settings,
        recovery: RecoveryFolder | None,
        *,
        topics_kafka: KafkaSettings | None = None,
        single_process: bool = True,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`topics_kafka` is [kafka] as configured, where a replay's `settings` have another one.

        `single_process`: the run is not part of a cluster. `clock` returns seconds, `now` the time
        by which Bytewax wakes sources and batchers, and `sleep` blocks for seconds.
        """
        self.flow_id = flow_id
        self.settings = settings
        self.topics_kafka = settings.kafka if topics_kafka is None else topics_kafka
        self.recovery = recovery
        self.counts = Counts(single_process)
        self.clock = clock
        self.now = now
        self.sleep = sleep
        self.meters = Meters(clock)
        self.waits = Waits(clock)
        self.read_limits = ReadLimits(settings.window.age, clock)
        metrics.export(self.counts)
        flow_metrics.export(self)
        # Whether this process is the run's alone, as under `python -m bytewax.run`.
        self.owns_process = False
        # A replay or a backfill: the flow of the same configuration may run too.
        self.beside_another = False
        # The processes have found each other, and the steps are being built.
        self.formed = False
        # By the operator: nothing is read, and snapshots go on.
        self.paused = False
        self._failure: BaseException | None = None
        self._drain_reason: str | None = None
        self._restart = False
        self._deadline: float | None = None
        # From topics, with their numbers of partitions, to those that can be read.
        self.readable_topics: Callable[[Mapping[str, int]], dict[str, int]] = dict
        self._checks: list[Callable[[], None]] = []
        self._checks_lock = threading.Lock()
        self._finalizers: list[Callable[[], None]] = []
        # A signal may come while its own thread holds it.
        self._lock = threading.RLock()

    @property
    def failure(self) -> BaseException | None:
        """The first failure in the background; None without one."""
        return self._failure

    @property
    def drain_reason(self) -> str | None:
        """Why the run drains; None while it does not."""
        return self._drain_reason

    @property
    def restart(self) -> bool:
        """True when the process is to start again after the drain."""
        return self._restart

    @property
    def overdue(self) -> bool:
        """True when a drain has taken longer than shutdown.deadline."""
        return self._deadline is not None and self.clock() > self._deadline

    def drain(self, reason: str, restart: bool = False) -> None:
        """Stop reading; what was read is written and in a snapshot before the run ends cleanly."""
        with self._lock:
            if self._drain_reason is not None:
                # A signal during a drain for a restart: end, and do not restart.
                self._restart = self._restart and restart
                return
            self._deadline = self.clock() + self.settings.shutdown.deadline
            self._restart = restart
            self._drain_reason = reason
        log.info("draining: %s", reason)

    def fail(self, error: BaseException) -> None:
        """Note an error of the background; only the first one is kept."""
        with self._lock:
            if self._failure is None:
                self._failure = error

    def noting(self, function: Callable[Given, Returned]) -> Callable[Given, Returned]:
        """The function, whose exceptions are noted as by `fail` before Bytewax gets them.

        In a cluster Bytewax may raise the consequence instead: that a connection is lost.
        """

        @wraps(function)
        def call(*args: Given.args, **named: Given.kwargs) -> Returned:
            try:
                return function(*args, **named)
            except StopIteration:
                raise
            except BaseException as error:
                self.fail(error)
                raise

        return call

    def check(self) -> None:
        """Raise the error that `fail` noted, if any."""
        if self._failure is not None:
            raise self._failure

    def on_start(self, check: Callable[[], None]) -> None:
        """Register a function to call before the first record; it may raise StopRun."""
        self._checks.append(check)

    def check_start(self) -> None:
        """Call the functions that `on_start` registered, each once. Raises StopRun."""
        # Not the lock that a signal's handler takes: a check may block.
        with self._checks_lock:
            while self._checks:
                self._checks.pop(0)()

    def on_clean_end(self, finalizer: Callable[[], None]) -> None:
        """Register a function to call after the flow has ended without an error."""
        self._finalizers.append(finalizer)

    def finish(self) -> None:
        """After a clean end: call the finalizers in their order, then verify the counts.

        A StopRun of a finalizer is logged: everything is written by then.
        """
        for finalizer in self._finalizers:
            try:
                finalizer()
            except StopRun as error:
                log.warning("after the end: %s", error)
        self.counts.verify_end()
