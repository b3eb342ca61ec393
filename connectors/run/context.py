"""`Run`: what the steps of a flow share in one process."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable

from connectors.run.accounting import Counts
from connectors.run.recovery import RecoveryFolder
from connectors.settings import Settings

log = logging.getLogger("sync")


class Run:
    """Settings, counts and the state of the end of one run, shared by its workers in a process.

    A run ends in one of three ways: it drains (`drain`), the flow raises, or it fails in the
    background (`fail`), which the next step that looks raises.
    """

    def __init__(self, flow_id: str, settings: Settings, recovery: RecoveryFolder | None) -> None:
        self.flow_id = flow_id
        self.settings = settings
        # Of the topics themselves, where the settings were fitted to a flow that reads another.
        self.origin = settings.kafka
        self.recovery = recovery
        self.counts = Counts()
        self.failure: BaseException | None = None
        self.drain_reason: str | None = None
        self.restart = False
        self.deadline: float | None = None
        # (topic, partition) -> next offset to read, as last snapshotted by the source.
        self.snapshot_offsets: dict[tuple[str, int], int] = {}
        # Whether the run ends when every partition was read to its end, and those that are not yet.
        self.ends_when_read = False
        self.unread: set[str] = set()
        # A dry run: where it began is where the next one begins.
        self.leaves_no_trace = False
        self.at_clean_end: list[Callable[[], None]] = []
        # A signal may come while its own thread holds it.
        self._lock = threading.RLock()

    def drain(self, reason: str, restart: bool = False) -> None:
        """Stop reading; what was read is written and snapshotted, then the run ends cleanly."""
        with self._lock:
            if self.drain_reason is not None:
                # A signal during a drain for a restart: end, and stay ended.
                self.restart = self.restart and restart
                return
            self.deadline = time.monotonic() + self.settings.shutdown.deadline
            self.restart = restart
            self.drain_reason = reason
        log.info("draining: %s", reason)

    def read_to_end(self, part: str) -> None:
        """A partition has no more records for now."""
        self.unread.discard(part)
        if self.ends_when_read and not self.unread:
            self.drain("everything is read")

    def fail(self, error: BaseException) -> None:
        """Note what went wrong in the background; the first counts."""
        with self._lock:
            if self.failure is None:
                self.failure = error

    def check(self) -> None:
        """Raise what failed in the background, if anything did."""
        if self.failure is not None:
            raise self.failure

    @property
    def overdue(self) -> bool:
        """True when a drain has used up its time."""
        return self.deadline is not None and time.monotonic() > self.deadline


def configure_logging() -> None:
    """One line an event to stderr, unless the program that embeds the flow has its own logging."""
    if log.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
