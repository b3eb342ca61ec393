"""What a run waits for at the moment: a throttled table, a registry or brokers that are away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

# Seconds beyond the next try in which a wait still explains a standstill: the try takes a while.
_TRY_TAKES = 60.0


class Wait(NamedTuple):
    """A service, or a table of it, that an operation waits for."""

    service: str
    """tablestore, registry or kafka."""
    subject: str
    """Such as the table's name; empty for the service as a whole."""
    code: str
    """The service's own code of the last failure; empty when it has none."""
    reason: str
    """What failed last, without a value of a record."""
    seconds: float
    """Since it began."""
    waiting: int
    """How many operations wait; 0 just after one has been tried again."""


class _Entry:
    def __init__(self, since: float) -> None:
        self.since = since
        self.waiting = 0
        self.code = self.reason = ""
        self.left_at = since
        self.linger = 0.0
        self.expires = since


class Waits:
    """The operations of a run that wait for a service. Thread-safe. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], _Entry] = {}

    def enter(self, service: str, subject: str = "") -> None:
        """One more operation waits for this."""
        now = self._clock()
        with self._lock:
            entry = self._entries.get((service, subject))
            if entry is None or not self._is_current(entry, now):
                entry = self._entries[service, subject] = _Entry(now)
            entry.waiting += 1

    def because(
        self,
        service: str,
        subject: str,
        reason: str,
        code: str = "",
        linger: float = 0.0,
        next_try: float = 0.0,
    ) -> None:
        """Why an operation that has entered waits, and in how many seconds its next try begins.

        One that begins less than `linger` seconds after the last has left is the same wait.
        """
        with self._lock:
            entry = self._entries[service, subject]
            entry.reason, entry.code, entry.linger = reason, code, linger
            entry.expires = max(entry.expires, self._clock() + next_try + _TRY_TAKES)

    def touch(self, service: str, subject: str, reason: str, code: str, linger: float) -> None:
        """Note a wait of no operation by itself, which lasts for `linger` seconds from now."""
        self.enter(service, subject)
        self.because(service, subject, reason, code, linger)
        self.leave(service, subject)

    def leave(self, service: str, subject: str = "") -> None:
        """An operation that has entered waits no more."""
        with self._lock:
            entry = self._entries[service, subject]
            entry.waiting -= 1
            entry.left_at = self._clock()
            if not entry.waiting and not entry.linger:
                del self._entries[service, subject]

    def current(self) -> list[Wait]:
        """What is waited for now, what has waited longest first."""
        now = self._clock()
        with self._lock:
            self._entries = {k: e for k, e in self._entries.items() if self._is_current(e, now)}
            found = [
                Wait(*key, entry.code, entry.reason, now - entry.since, entry.waiting)
                for key, entry in self._entries.items()
            ]
        return sorted(found, key=lambda wait: -wait.seconds)

    def reasons(self) -> list[str]:
        """What the watchdog accepts as the reason of a standstill.

        A wait whose next try should have been over for long is none.
        """
        now = self._clock()
        with self._lock:
            return [
                entry.reason
                for entry in self._entries.values()
                if self._is_current(entry, now) and now < entry.expires
            ]

    def waiting_for(self, service: str) -> int:
        """How many operations wait for a service now."""
        return sum(wait.waiting for wait in self.current() if wait.service == service)

    @staticmethod
    def _is_current(entry: _Entry, now: float) -> bool:
        return entry.waiting > 0 or now - entry.left_at < entry.linger


class OperationWait:
    """The wait of one operation, if it has to wait; use as a context manager."""

    def __init__(self, waits: Waits, service: str, subject: str) -> None:
        self._waits = waits
        self._service = service
        self._subject = subject
        self._entered = False

    def __enter__(self) -> OperationWait:
        return self

    def because(self, reason: str, next_try: float) -> None:
        """It waits, for this reason; its next try begins in `next_try` seconds."""
        if not self._entered:
            self._entered = True
            self._waits.enter(self._service, self._subject)
        self._waits.because(self._service, self._subject, reason, next_try=next_try)

    def __exit__(self, *_: object) -> None:
        if self._entered:
            self._waits.leave(self._service, self._subject)
