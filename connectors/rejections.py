"""The end of the road of every record that cannot be written: the configured tolerance.

Both kinds arrive here, through the sink, so a snapshot waits for them as it waits for rows: what
was not decoded or mapped, and single rows that the service refused.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from connectors.dead_letters import Destination
from connectors.outcomes import StopRun
from connectors.records import DeadLetter
from connectors.run.context import Run
from connectors.run.counts import LaneCount

log = logging.getLogger("sync.rejected")


class Rejections:
    """Stops at the first rejection, or sends it on, until there are too many."""

    def __init__(self, run: Run, destination: Destination) -> None:
        self._run = run
        self._tolerate = run.settings.errors.tolerance == "all"
        self._destination = destination
        self._brake = Brake(run)

    def prepare(self) -> None:
        """Make sure of the destination, before a record is read. Raises StopRun."""
        if self._tolerate:
            self._destination.prepare()

    def close(self) -> None:
        """Let the destination go."""
        self._destination.close()

    async def take(self, letters: list[DeadLetter], lane: LaneCount | None = None) -> None:
        """Settle the letters; when this returns their records are accounted for.

        Raises StopRun under tolerance none. Reasons hold no payload.
        """
        if not self._tolerate:
            first = min(letters, key=_place)
            raise StopRun(
                f"{first.coordinates}: rejected ({first.stage}, {first.code}): {first.reason}\n"
                "  remedy: mend the mapping or the producer and start again (the run goes on "
                'there), or set errors.tolerance = "all"'
            )
        self._brake.check(letters)
        await self._destination.send(letters)
        self._run.counts.reject(letters, self._run.settings.errors.dead_letters, lane)


class Brake:
    """Ends the run when so much is rejected that the stream or the mapping must be wrong."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._total = 0
        self._read = 0  # when letters came last
        # (records read since the letters before, letters), oldest first.
        self._recent: deque[tuple[int, int]] = deque()
        self._recent_read = self._recent_rejected = 0

    def check(self, letters: Sequence[DeadLetter]) -> None:
        """Count these letters in. Raises StopRun when they are too many."""
        settings = self._run.settings.errors
        self._total += len(letters)
        if settings.most_rejected is not None and self._total > settings.most_rejected:
            raise self._stop(
                letters,
                f"{self._total} records were rejected, and errors.most_rejected is "
                f"{settings.most_rejected}",
            )
        share = settings.most_rejected_share
        if share is None:
            return
        read = self._run.counts.snapshot()["read"]
        self._recent.append((read - self._read, len(letters)))
        self._recent_read += read - self._read
        self._recent_rejected += len(letters)
        self._read = read
        while self._recent_read - self._recent[0][0] >= settings.most_rejected_of:
            old_read, old_rejected = self._recent.popleft()
            self._recent_read -= old_read
            self._recent_rejected -= old_rejected
        if (
            self._recent_read >= settings.most_rejected_of
            and self._recent_rejected > share * self._recent_read
        ):
            raise self._stop(
                letters,
                f"{self._recent_rejected} of the last {self._recent_read} records were rejected, "
                f"and errors.most_rejected_share is {share:g}",
            )

    def _stop(self, letters: Sequence[DeadLetter], what: str) -> StopRun:
        first = min(letters, key=_place)
        return StopRun(
            f"{what}. The last: {first.coordinates}: {first.stage}, {first.code}: {first.reason}\n"
            "  remedy: mend the mapping or the producer and start again (the run goes on there), "
            "or raise the limit"
        )


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return letter.topic, letter.partition, letter.offset


class Logged:
    """Dead letters to the log: place and reason, and the record itself only where asked for."""

    def __init__(self, run: Run) -> None:
        self._payload = run.settings.errors.log_payload

    def prepare(self) -> None:
        """There is nothing to make sure of."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Tell each."""
        for letter in letters:
            payload = ""
            if self._payload and letter.original is not None:
                payload = f" [key {letter.original[1]!r}, value {letter.original[2]!r}]"
            log.warning(
                "%s: %s, %s: %s%s",
                letter.coordinates,
                letter.stage,
                letter.code,
                letter.reason,
                payload,
            )

    def close(self) -> None:
        """There is nothing to let go."""


class Ignored:
    """Dead letters that are only counted."""

    def prepare(self) -> None:
        """There is nothing to make sure of."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """There is nothing to let go."""
