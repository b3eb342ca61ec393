"""The end of the road of every record that cannot be written: the configured tolerance.

Both kinds arrive here, through the sink, so a snapshot waits for them as it waits for rows: what
was not decoded or mapped, and single rows that the service refused.
"""

from __future__ import annotations

import logging

from connectors.outcomes import StopRun
from connectors.records import DeadLetter
from connectors.run.context import Run

log = logging.getLogger("sync.rejected")


class Rejections:
    """Stops at the first rejection, or logs, or counts it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tolerate = run.settings.errors.tolerance == "all"
        self._log = run.settings.errors.dead_letters == "log"

    async def take(self, letters: list[DeadLetter]) -> None:
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
        if self._log:
            for letter in letters:
                log.warning(
                    "%s: %s, %s: %s", letter.coordinates, letter.stage, letter.code, letter.reason
                )
        self._run.counts.add("rejected", len(letters))


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return letter.topic, letter.partition, letter.offset
