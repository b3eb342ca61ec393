"""Starts the processes of a run, and starts all of them again when one ends or they are stuck.

Nothing depends on how a process ends: offsets and waiting rows are in the recovery folder, and the
next start goes on from the last snapshot. So whatever is in doubt is ended and started again. Only
an ordered stop is final, since a restart would meet it again, and a drain.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connectors.control.protocol import CommandError
from connectors.run.backoff import Backoff
from connectors.run.log import report_counts
from connectors.settings.operation import SupervisorSettings
from connectors.supervisor.ends import ProcessEnd, cause_of
from connectors.supervisor.leave import LEFT, LEFT_BEHIND, Draining, Leave
from connectors.supervisor.watchdog import Watchdog, Watched

log = logging.getLogger("sync.supervisor")

_TICK = 0.2  # seconds between two looks, where nothing wakes it
# Seconds in which the others follow a process that has failed, before they are killed.
_CONSEQUENCES = 5.0
# Another program was faster than this run; the next start looks for other ports.
_PORT_TAKEN = "Address already in use"
# What a drain may take beyond its own deadline, which ends it from within.
_DRAIN_MARGIN = 15.0
# After a start that has worked for this long, the next restart waits as the first one does.
_GOOD_AFTER = 60.0


class Process(Watched, Draining, Protocol):
    """A process of the run."""

    state: str
    restarts: bool
    started: bool
    counts: Mapping[str, int] | None
    notes: Sequence[str]

    def poll(self) -> ProcessEnd | None:
        """How the process ended, or None while it is alive."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal, by its number, to the process."""
        ...

    def kill(self) -> None:
        """Kill the process at once."""
        ...

    def ask(self, command: str, **arguments: Any) -> Any:
        """The result of a command. Raises CommandError."""
        ...

    def close(self) -> None:
        """It has ended, and is not needed any more."""
        ...


class Supervisor:
    """Runs until the run drains, or stops for good."""

    def __init__(
        self,
        settings: SupervisorSettings,
        drain_deadline: float,
        launch: Callable[[bool], Sequence[Process]],
        *,
        settle: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        """`drain_deadline` is shutdown.deadline; `launch` starts all processes, paused or not.

        `settle` is that of `Leave`.
        `wait` returns after so many seconds, or sooner when there is news of a process.
        """
        self._settings = settings
        self._drain_deadline = drain_deadline
        self._launch = launch
        self._clock = clock
        self._wait = wait
        self._backoff = backoff or Backoff(
            settings.backoff_initial, max(settings.backoff_initial, settings.backoff_max)
        )
        self.processes: Sequence[Process] = ()
        self.began = clock()
        self.paused = False
        self.restarts = 0
        self.last_restart: str | None = None
        self.state = "running"
        self._has_worked = False
        self._unformed_starts = 0  # in a row
        self._leave = Leave(settle, clock)
        self._has_left = False  # the run, which goes on on other hosts
        self._signals: list[int] = []
        self._drain_since: float | None = None
        self._passed_on = 0  # of the signals

    def handle_signal(self, number: int) -> None:
        """The first signal drains; the second ends everything at once."""
        self._signals.append(number)

    def drain(self) -> None:
        """As the first signal; a second call changes nothing."""
        if not self._signals:
            self.handle_signal(signal.SIGTERM)

    @property
    def draining(self) -> bool:
        """Whether a signal or a command has ended the run."""
        return bool(self._signals)

    def status(self) -> dict[str, Any]:
        """What the run does as a whole: state, age in seconds, restarts and why the last one."""
        state = self.state
        if state == "running" and self.paused:
            state = "paused"
        return {
            "pid": os.getpid(),
            "state": "draining" if self.draining else state,
            "seconds": round(self._clock() - self.began, 1),
            "restarts": self.restarts,
            "last_restart": self.last_restart,
        }

    def run(self) -> int:
        """Return the exit code of the run: 0 after a drain, 1 after a stop, 128 + signal."""
        while not self.draining:
            code = self._attempt()
            if code is not None:
                return code
            self._pause()
        log.info("drained: no process was running")
        return 0

    def _attempt(self) -> int | None:
        """One start of all processes, until all have ended; None to start them again."""
        self.state = "running"
        try:
            self.processes = self._launch(self.paused)
        except OSError as error:
            self._again(f"the processes cannot be started: {error.strerror or error}")
            return None
        pids = ", ".join(str(process.pid) for process in self.processes)
        number = len(self.processes)
        log.info("started %s (pid %s)", f"{number} processes" if number > 1 else "1 process", pids)
        stuck = self._watch()
        ends = self._end_all(stuck is not None)
        worked = any(process.formed for process in self.processes)
        self._unformed_starts = 0 if worked else self._unformed_starts + 1
        unread = all(self._had_read_nothing(end) for end in ends)
        for process in self.processes:
            process.close()
        self._report(ends)
        if self.draining and unread and len(self._signals) == 1:
            return 0
        return self._outcome(ends, stuck, worked)

    def _watch(self) -> str | None:
        """Return when a process has ended, or all are to be ended: then the reason."""
        watchdog = Watchdog(self._settings, self._clock, self._unformed_starts)
        formed_at: float | None = None
        while not any(process.poll() for process in self.processes):
            self._pass_signals_on()
            if self._drain_since is not None:
                # Nothing was read before they have found each other, and until then they hear
                # no signal.
                formed = any(process.formed for process in self.processes)
                limit = self._drain_deadline + _DRAIN_MARGIN if formed else _CONSEQUENCES
                is_late = self._clock() - self._drain_since > limit
                if self._leave.is_due(self.processes, is_late):
                    self._has_left = True
                    return "the other hosts go on"
                if is_late:
                    return f"the drain was not done within {limit:g} s"
            else:
                stuck = watchdog.stuck(self.processes)
                if stuck is not None:
                    return stuck
            self._spread_restart()
            self._keep_paused()
            if all(process.formed for process in self.processes):
                formed_at = self._clock() if formed_at is None else formed_at
                if any(process.epochs for process in self.processes):
                    self._has_worked = True
                    if self._clock() - formed_at > _GOOD_AFTER:
                        self._backoff.tries = 0
            self._wait(_TICK)
        return None

    def _pass_signals_on(self) -> None:
        while self._passed_on < len(self._signals):
            number = self._signals[self._passed_on]
            self._passed_on += 1
            if self._drain_since is None:
                self._drain_since = self._clock()
                self.state = "draining"
            for process in self.processes:
                process.signal(number)

    def _spread_restart(self) -> None:
        """One process has found new partitions, and drains to read them: so do the others."""
        restarting = any(process.restarts for process in self.processes)
        if restarting and not self.draining:
            for process in self.processes:
                if process.state in ("running", "paused"):
                    process.state = "draining"
                    reason = "another process found new partitions"
                    with contextlib.suppress(CommandError):  # asked again at the next look
                        process.ask("drain", reason=reason, restart=True)

    def _keep_paused(self) -> None:
        """One that was just starting, or has started again, has missed a command."""
        wrong, command, right = (
            ("running", "pause", "paused") if self.paused else ("paused", "resume", "running")
        )
        for process in self.processes:
            if process.state == wrong:
                process.state = right  # until it says otherwise
                with contextlib.suppress(CommandError):
                    process.ask(command)

    def _end_all(self, now: bool) -> list[ProcessEnd]:
        """How each process ended, in the order in which they did; `now`: kill them."""
        ends: list[ProcessEnd] = []
        seen: set[int] = set()
        deadline = self._clock()
        if not now:
            ended = [end for process in self.processes if (end := process.poll())]
            clean = all(end.code == 0 for end in ended)
            deadline += self._drain_deadline + _DRAIN_MARGIN if clean else _CONSEQUENCES
        while True:
            for process in self.processes:
                end = process.poll()
                if end is not None and end.number not in seen:
                    seen.add(end.number)
                    ends.append(end)
                    if end.code:
                        deadline = min(deadline, self._clock() + _CONSEQUENCES)
            if len(ends) == len(self.processes):
                return ends
            self._pass_signals_on()
            if self._clock() >= deadline:
                for process in self.processes:
                    process.kill()
            self._wait(_TICK)

    def _had_read_nothing(self, end: ProcessEnd) -> bool:
        """Whether a process ended cleanly, or in a drain before it could handle the signal."""
        formed = any(process.formed for process in self.processes if process.number == end.number)
        by_our_signal = -end.code in self._signals
        return end.code == 0 or by_our_signal or (end.killed and not formed)

    def _report(self, ends: Sequence[ProcessEnd]) -> None:
        """The counts of all processes together, as the last lines of this start."""
        total: dict[str, int] = {}
        for process in self.processes:
            for name, number in (process.counts or {}).items():
                total[name] = total.get(name, 0) + number
        notes = [note for process in self.processes for note in process.notes]
        if total:
            clean = all(end.code == 0 for end in ends)
            report_counts("ended" if clean else "failed", total, notes)

    def _outcome(self, ends: Sequence[ProcessEnd], stuck: str | None, worked: bool) -> int | None:
        if all(end.code == 0 for end in ends):
            return 0
        if len(self._signals) > 1:
            return 128 + self._signals[-1]
        if self._has_left:
            log.info(LEFT)
            return 0
        cause = cause_of(ends)
        if self.draining and self._leave.is_possible and cause.rank == "peer":
            log.warning(LEFT_BEHIND)
            return 0
        why = f"process {cause.number} (pid {cause.pid}) {cause.why}"
        if stuck is not None:
            why = f"the processes were ended: {stuck}"
        elif cause.rank == "error":
            why = f"{why}\n{cause.text}"
        if _PORT_TAKEN in cause.text:
            self._again(f"process {cause.number} (pid {cause.pid}): {_PORT_TAKEN}")
            return None
        final = cause.rank == "stop" or (cause.rank == "passing" and not self._has_worked)
        # What fails before it is heard of, or before the steps are built, fails again.
        broken = cause.rank in ("error", "code") and not (worked or self._has_worked)
        if final or broken or self.draining:
            log.error("%s", why)
            return cause.code if 0 < cause.code < 128 else 1
        self._again(why)
        return None

    def _again(self, why: str) -> None:
        """All are started again, for this reason."""
        self.restarts += 1
        self.last_restart = why

    def _pause(self) -> None:
        """Wait before the next start, with the reason in the log."""
        seconds = self._backoff.next_wait()
        self.state = "restarting"
        self.processes = ()
        first, _, more = (self.last_restart or "").partition("\n")
        log.error(
            "%s; starting all again in %.1f s (restart %d)%s",
            first,
            seconds,
            self.restarts,
            f"\n{more}" if more else "",
        )
        until = self._clock() + seconds
        while not self.draining and self._clock() < until:
            self._wait(min(_TICK, max(0.0, until - self._clock())))
