"""Where dead letters go: the interface of a destination, and the two that keep no record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from connectors.records import DeadLetter
from connectors.run.context import Run

log = logging.getLogger("sync.rejected")


class Destination(Protocol):
    """Where dead letters go.

    settings.errors.DEAD_LETTER_DESTINATIONS names the class of each; it is made of the run and the
    writer of its tables, before the run begins, and connects to nothing before `prepare`.
    """

    def prepare(self) -> None:
        """Check that it exists, or create it, before a record is read. Blocks. Raises StopRun."""
        ...

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when the destination has confirmed every dead letter.

        Transient failures are retried without end. Raises StopRun for what is rejected for good.
        """
        ...

    def close(self) -> None:
        """Release connections. What is not confirmed may be dropped: it is read again."""
        ...


class LogDestination:
    """Logs coordinates and reason; key and value only with errors.log_payload."""

    def __init__(self, run: Run, _writer: object = None) -> None:
        self._payload = run.settings.errors.log_payload

    def prepare(self) -> None:
        """Do nothing: a log needs no check before the run."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Log one warning for each dead letter."""
        for dead_letter in dead_letters:
            payload = ""
            if self._payload and dead_letter.original is not None:
                payload = f" [key {dead_letter.original[1]!r}, value {dead_letter.original[2]!r}]"
            log.warning(
                "%s: %s, %s: %s%s",
                dead_letter.coordinates,
                dead_letter.stage,
                dead_letter.code,
                dead_letter.reason,
                payload,
            )

    def close(self) -> None:
        """Do nothing: a log holds nothing to release."""


class DiscardDestination:
    """Drops them: the error policy has counted them (errors.dead_letters = "ignore")."""

    def __init__(self, _run: Run, _writer: object = None) -> None:
        """Take what every destination is made of; this one needs neither."""

    def prepare(self) -> None:
        """Do nothing: this destination needs no check before the run."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Do nothing: this destination sends no dead letters."""

    def close(self) -> None:
        """Do nothing: this destination holds nothing to release."""
