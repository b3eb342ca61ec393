"""Whether the processes of a run are stuck, by what they report of themselves.

Snapshots are a barrier for all processes [bytewax-recovery]: where one of them does not go on, no
epoch is closed anywhere. A run that waits for a service closes none either, but says for what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from connectors.settings.operation import SupervisorSettings

# Times the deadline for the forming of a cluster, after several starts that came to none.
_MAX_PATIENCE = 5.0


class Watched(Protocol):
    """What a process has reported, and when, in seconds of the supervisor's clock."""

    number: int
    pid: int
    formed: bool
    forming_since: float
    last_heard: float
    epochs: int
    work: int
    waits: Sequence[str]


class Watchdog:
    """Watches one start of the processes."""

    def __init__(
        self, settings: SupervisorSettings, clock: Callable[[], float], unformed_starts: int = 0
    ) -> None:
        """`unformed_starts`: so many starts just before have not come to a cluster.

        Each gives this one more time, since on a slow machine, or where hosts start at different
        moments, the same deadline would be missed for ever.
        """
        self._settings = settings
        self._patience = min(_MAX_PATIENCE, 1.5**unformed_starts)
        self._clock = clock
        self._progress: tuple[int, ...] = ()
        self._since = clock()

    def stuck(self, processes: Sequence[Watched]) -> str | None:
        """Why they are stuck; None while they are not."""
        now, limit = self._clock(), self._settings.progress_deadline
        forming = [process for process in processes if not process.formed]
        within = self._settings.forming_deadline * self._patience
        late = [process for process in forming if now - process.forming_since > within]
        if late and not any(process.waits for process in processes):
            return (
                f"the processes of the run have not found each other within {within:g} s "
                f"(supervisor.forming_deadline): {_names(late)} {_still(late)}"
            )
        silent = [process for process in processes if now - process.last_heard > limit]
        if silent and not forming:
            return (
                f"{_names(silent)} gave no sign of life for {limit:g} s "
                f"(supervisor.progress_deadline){_stopped(silent)}"
            )
        progress = tuple(
            number for process in processes for number in (process.epochs, process.work)
        )
        if forming or progress != self._progress or any(process.waits for process in processes):
            self._progress, self._since = progress, now
        if now - self._since > limit:
            return (
                f"no snapshot was completed for {limit:g} s (supervisor.progress_deadline), and "
                "no process says that it waits for something"
            )
        return None


def _names(processes: Sequence[Watched]) -> str:
    return ", ".join(f"process {process.number} (pid {process.pid})" for process in processes)


def _still(processes: Sequence[Watched]) -> str:
    stopped = _stopped(processes)
    return f"did not get so far{stopped}" if stopped else "still waited for the others"


def _stopped(processes: Sequence[Watched]) -> str:
    """Which of them are stopped by a signal, as the system says."""
    found = [process.pid for process in processes if _state(process.pid) in ("T", "t")]
    return f"; stopped by a signal: pid {', '.join(map(str, found))}" if found else ""


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
