"""The command `tablestore-sync run`: the folder, the lock, the socket, and the supervisor."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from connectors.control.client import supervisor_socket
from connectors.control.server import ControlServer
from connectors.errors import StopRun
from connectors.run import folder_lock
from connectors.run.environment import CHILD_ENVIRONMENT, PAUSED, STORE_ELSEWHERE
from connectors.run.folder_description import describe_folder
from connectors.run.log import apply, configure_logging
from connectors.run.meters import RESTARTS_VARIABLE
from connectors.settings import ENV_PREFIX, Settings
from connectors.supervisor.child import Child
from connectors.supervisor.operate import handlers
from connectors.supervisor.plan import RunPlan
from connectors.supervisor.supervisor import Supervisor

if TYPE_CHECKING:
    from connectors.http_api.server import Endpoint

log = logging.getLogger("sync.supervisor")

_LOOK = 0.2  # seconds


def run(plan: RunPlan, settings: Settings) -> int:
    """Run until the end of the run and return its exit code.

    Raises StopRun when the recovery folder is in use, or cannot be used.
    """
    configure_logging()
    apply(settings.log)
    folder_lock.prepare(plan.folder)
    lock = folder_lock.lock_supervisor(plan.folder, plan.host)
    try:
        check_changed_offsets(plan)
        return _run(plan, settings)
    finally:
        folder_lock.forget(lock)


def check_changed_offsets(plan: RunPlan) -> None:
    """Offsets that `offsets` has changed are in this folder, and other hosts read theirs.

    Raises StopRun where they would not take effect.
    """
    others = range(1, len(plan.hosts))
    if plan.host or all(folder_lock.was_shared(plan.folder, host) for host in others):
        return
    changed = describe_folder(plan.folder).changed_offsets
    if changed:
        raise StopRun(
            f"recovery folder {plan.folder} has changed offsets that the other hosts do not know "
            f"({', '.join(changed)})\n  remedy: apply them on this host alone: "
            f"`tablestore-sync run -r {plan.folder}` without --hosts, then `tablestore-sync drain "
            f"-r {plan.folder}` once it reads. After that start all hosts as before"
        )


def _run(plan: RunPlan, settings: Settings) -> int:
    changed = threading.Event()
    has_endpoint = settings.http.port is not None
    launcher = Launcher(plan, changed, has_endpoint)

    def wait(seconds: float) -> None:
        changed.wait(seconds)
        changed.clear()

    settle = 2.0 * plan.snapshot_seconds + settings.window.age if len(plan.hosts) > 1 else None
    supervisor = Supervisor(
        settings.supervisor, settings.shutdown.deadline, launcher.launch, settle=settle, wait=wait
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: supervisor.handle_signal(number))

    def report_counts(*_: object) -> None:
        for process in supervisor.processes:
            process.signal(signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, report_counts)
    await_former_processes(plan, settings.shutdown.deadline, lambda: supervisor.draining)
    server = None
    folder_lock.warn_of_readers(plan.folder)
    path = supervisor_socket(plan.folder, plan.host)
    try:
        server = ControlServer(path, handlers(supervisor, launcher.set_level))
    except OSError as error:
        log.warning("no commands to this run: socket %s: %s", path, error.strerror or error)
    try:
        endpoint = _serve(plan, settings) if has_endpoint else None
        try:
            return supervisor.run()
        finally:
            if endpoint is not None:
                endpoint.stop()
    finally:
        if server is not None:
            server.close()


def _serve(plan: RunPlan, settings: Settings) -> Endpoint | None:
    # Its imports take some time and memory, which those do not pay who do not use it.
    from connectors.http_api.run_endpoint import serve_run  # noqa: PLC0415

    numbers = range(plan.first, plan.first + plan.processes)
    return serve_run(plan.folder, settings.http, numbers)


class Launcher:
    """Starts the processes of a run on this host."""

    def __init__(self, plan: RunPlan, changed: threading.Event, has_endpoint: bool = False) -> None:
        """`changed` is set when a process has news.

        `has_endpoint`: the supervisor listens for the whole run, and asks the processes.
        """
        self._plan = plan
        self._has_endpoint = has_endpoint
        self._starts = 0
        self._changed = changed
        self._level: str | None = None

    def set_level(self, level: str) -> None:
        """Processes that are started from now on log events of this level and above."""
        self._level = level

    def launch(self, paused: bool) -> Sequence[Child]:
        """Start all processes. Raises OSError, and then none is left."""
        plan = self._plan
        environment = {
            **os.environ,
            PAUSED: "true" if paused else "false",
            STORE_ELSEWHERE: "true" if plan.host else "false",
            RESTARTS_VARIABLE: str(self._starts),
            **(CHILD_ENVIRONMENT if self._has_endpoint else {}),
        }
        self._starts += 1
        if self._level is not None:
            environment[f"{ENV_PREFIX}LOG__LEVEL"] = self._level
        for number in range(plan.first, plan.first + plan.processes):
            # What a process that was killed has left of the panics of its end: a consequence.
            (plan.folder / f"process-{number}.stderr").unlink(missing_ok=True)
        started: list[Child] = []
        try:
            for number, program in enumerate(plan.programs(), plan.first):
                started.append(Child(number, program, environment, self._changed, time.monotonic))
        except OSError:
            for child in started:
                child.kill()
                child.close()
            raise
        return started


def await_former_processes(
    plan: RunPlan,
    seconds: float,
    give_up: Callable[[], bool],
    *,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait for processes whose supervisor was killed: they drain by themselves.

    Raises StopRun for those of a run without a supervisor, and for those that are not gone after
    twice so many `seconds`.
    """
    until, said = clock() + 2 * seconds, False
    mine = range(plan.first, plan.first + plan.processes)
    while True:
        found = folder_lock.processes_of(plan.folder)
        if plan.hosts:  # those of other hosts may share the folder
            found = {number: owner for number, owner in found.items() if number in mine}
        if not found or give_up():
            return
        number, owner = next(iter(found.items()))
        who = f"process {number}; pid {owner}"
        if not all(map(folder_lock.drains_alone, found.values())) or clock() > until:
            raise folder_lock.in_use(plan.folder, who)
        if not said:
            said = True
            log.info("waiting for the end of the run before: %s", who)
        sleep(_LOOK)
