"""Which of the processes that ended is the cause, and what is to be done about it.

When one process of a cluster ends, the others lose their connections and end as well, often before
the first is gone. So all are waited for, and the one that has the best reason of its own counts.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import NamedTuple

# From cause to consequence. killed: by the supervisor.
_RANKS = ("stop", "passing", "error", "signal", "code", "peer", "killed", "clean")
_OUT_OF_MEMORY = "; the kernel does that where memory runs out: see its log"


class ProcessEnd(NamedTuple):
    """How a process ended: its exit code, what it reported, and whether it was killed."""

    number: int
    pid: int
    code: int  # the exit code; of a signal, its number below zero
    kind: str | None  # as the process said it itself (run/ends.py)
    text: str
    killed: bool  # by the supervisor

    @property
    def rank(self) -> str:
        """The kind of end, one of _RANKS: an earlier one is more likely the cause of others."""
        if self.killed:
            return "killed"
        if self.kind is not None and self.code != 0:
            return self.kind
        if self.code == 0:
            return "clean"
        return "signal" if self.code < 0 else "code"

    @property
    def why(self) -> str:
        """The reason, for people; the first line is short."""
        rank = self.rank
        if rank in ("stop", "passing"):
            return f"stopped: {self.text}"
        if rank == "error":
            return "ended by an error that is not known, which is a fault of this software"
        if rank == "signal":
            name = signal_name(-self.code)
            return f"was ended by {name}{_OUT_OF_MEMORY if name == 'SIGKILL' else ''}"
        if rank == "peer":
            return "lost its connection to another process: see the log of the other hosts"
        if rank == "killed":
            return "was ended by its supervisor"
        return f"ended with exit code {self.code}"


def cause_of(ends: Sequence[ProcessEnd]) -> ProcessEnd:
    """The end that the others follow from; `ends` are in the order in which they were seen."""
    return min(ends, key=lambda end: _RANKS.index(end.rank))


def signal_name(number: int) -> str:
    """The name of a signal number, such as SIGKILL."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
