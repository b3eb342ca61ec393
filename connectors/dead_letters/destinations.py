"""Where dead letters go: the interface of a destination, and the two that keep no record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from connectors.records import DeadLetter
from connectors.run.context import Run

log = logging.getLogger("sync.rejected")


class Destination(Protocol):
    """Where dead letters go."""

    def prepare(self) -> None:
        """Make sure that it is there, before a record is read. Blocks. Raises StopRun."""
        ...

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when every dead letter is confirmed.

        Transient trouble is tried again without end. Raises StopRun for what is refused for good.
        """
        ...

    def close(self) -> None:
        """Let go; nothing is promised here."""
        ...


class LogDestination:
    """Dead letters to the log: place and reason, and the record itself only where asked for."""

    def __init__(self, run: Run) -> None:
        self._payload = run.settings.errors.log_payload

    def prepare(self) -> None:
        """There is nothing to make sure of."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Tell each."""
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
        """There is nothing to let go."""


class DiscardDestination:
    """Dead letters that are only counted."""

    def prepare(self) -> None:
        """There is nothing to make sure of."""

    async def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """There is nothing to let go."""
