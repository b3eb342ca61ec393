"""When one of several hosts may leave a run that goes on.

The processes of a run end by themselves only once those of all hosts drain, since each writes rows
that others have read. A host that drains alone reads no more; as soon as all that it has read is
written and in a snapshot, its processes are of no use but to the others, and may be ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

# Seconds beyond two snapshots and the age of batches.
_MARGIN = 3.0
LEFT = (
    "drained: this host has left the run, and what it has read is not read again. The other hosts "
    "start again and wait for it: start it again, drain them too, or start them with a shorter "
    "list of hosts"
)
LEFT_BEHIND = (
    "drained, and another host ended before this one: nothing is lost, and what was read since the "
    "last snapshot is read again by the next run"
)


class Draining(Protocol):
    """What a process reports of its drain."""

    drained: bool
    waits: Sequence[str]


class Leave:
    """Decides when this host has drained and may leave a run on several hosts."""

    def __init__(self, settle: float | None, clock: Callable[[], float]) -> None:
        """`settle`: seconds from the last record that was read until it is in a snapshot.

        None in a run on one host, which no host can leave.
        """
        self._settle = settle
        self._clock = clock
        self._since: float | None = None  # nothing is read here, and nothing waited for

    @property
    def is_possible(self) -> bool:
        """Whether the run goes on on other hosts."""
        return self._settle is not None

    def is_due(self, processes: Sequence[Draining], is_late: bool) -> bool:
        """Whether the host may leave; `is_late`: the drain takes longer than it may."""
        if self._settle is None or not all(process.drained for process in processes):
            self._since = None
            return False
        now = self._clock()
        if self._since is None or any(process.waits for process in processes):
            self._since = now
        return is_late or now - self._since > self._settle + _MARGIN
