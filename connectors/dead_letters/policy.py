"""The error policy: stops on, or passes on, every record that cannot be written [connect-dlq].

Records that were not decoded or mapped and rows that the service rejected both arrive here through
the sink, so a snapshot waits for dead letters as it waits for rows.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from connectors.dead_letters.destinations import Destination
from connectors.errors import StopRun
from connectors.records import DeadLetter
from connectors.run.accounting import ShardCounts
from connectors.run.context import Run

log = logging.getLogger("sync.rejected")


class ErrorPolicy:
    """Stops at the first rejection, or sends dead letters on until there are too many."""

    def __init__(self, run: Run, destination: Destination) -> None:
        self._run = run
        self._tolerate = run.settings.errors.tolerance == "all"
        self._destination = destination
        self._limit = RejectionLimit(run)

    def prepare(self) -> None:
        """Check or create the destination, before a record is read. Blocks. Raises StopRun."""
        if self._tolerate:
            self._destination.prepare()

    def close(self) -> None:
        """Close the destination."""
        self._destination.close()

    async def handle(
        self, dead_letters: Sequence[DeadLetter], shard_counts: ShardCounts | None = None
    ) -> None:
        """Send the dead letters to the destination; return when it has confirmed and counted them.

        Raises StopRun under tolerance none, whose text has the reason and no payload; beyond the
        limits of [errors]; and when the destination rejects one for good.
        """
        if not self._tolerate:
            first = min(dead_letters, key=_coordinates)
            raise StopRun(
                f"{first.coordinates}: rejected ({first.stage}, {first.code}): {first.reason}\n"
                "  remedy: correct the mapping or the producer and start again (the run goes on "
                'from this record), or set errors.tolerance = "all"'
            )
        self._limit.check(dead_letters)
        await self._destination.send(dead_letters)
        self._run.counts.reject(dead_letters, self._run.settings.errors.dead_letters, shard_counts)


class RejectionLimit:
    """Stops the run when so many records are rejected that the stream or mapping must be wrong."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._total = 0
        # Records read when dead letters came last, and for each time before that: (records read
        # since the time before it, dead letters), oldest first.
        self._read = 0
        self._recent: deque[tuple[int, int]] = deque()
        self._recent_read = self._recent_rejected = 0

    def check(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Count these dead letters. Raises StopRun when the limits of [errors] are exceeded."""
        settings = self._run.settings.errors
        self._total += len(dead_letters)
        if settings.max_rejected is not None and self._total > settings.max_rejected:
            raise self._stop(
                dead_letters,
                f"{self._total} records were rejected, and errors.max_rejected is "
                f"{settings.max_rejected}",
            )
        share = settings.max_rejected_share
        if share is None:
            return
        read = self._run.counts.snapshot()["read"]
        self._recent.append((read - self._read, len(dead_letters)))
        self._recent_read += read - self._read
        self._recent_rejected += len(dead_letters)
        self._read = read
        while self._recent_read - self._recent[0][0] >= settings.max_rejected_window:
            old_read, old_rejected = self._recent.popleft()
            self._recent_read -= old_read
            self._recent_rejected -= old_rejected
        if (
            self._recent_read >= settings.max_rejected_window
            and self._recent_rejected > share * self._recent_read
        ):
            raise self._stop(
                dead_letters,
                f"{self._recent_rejected} of the last {self._recent_read} records were rejected, "
                f"and errors.max_rejected_share is {share:g}",
            )

    def _stop(self, dead_letters: Sequence[DeadLetter], what: str) -> StopRun:
        first = min(dead_letters, key=_coordinates)
        return StopRun(
            f"{what}. The last: {first.coordinates}: {first.stage}, {first.code}: {first.reason}\n"
            "  remedy: correct the mapping or the producer and start again (the run goes on from "
            "there), or raise the limit"
        )


def _coordinates(dead_letter: DeadLetter) -> tuple[str, int, int]:
    return dead_letter.topic, dead_letter.partition, dead_letter.offset
