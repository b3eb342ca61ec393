"""What the operator's commands do in a supervised run: the supervisor passes them on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.control.protocol import CommandError, Handler, Request, text_of
from connectors.run.log import set_level
from connectors.supervisor.supervisor import Process, Supervisor

log = logging.getLogger("sync.supervisor")


def handlers(supervisor: Supervisor, on_level: Callable[[str], None]) -> Mapping[str, Handler]:
    """The commands, by name. `on_level` learns the level that later processes are to have."""

    def pause(_: Request) -> str:
        supervisor.paused = True
        _all(supervisor, "pause")
        return "paused"

    def resume(_: Request) -> str:
        supervisor.paused = False
        _all(supervisor, "resume")
        return "resumed"

    def drain(_: Request) -> str:
        log.info("draining: a command")
        supervisor.drain()
        return "draining"

    def level(request: Request) -> str:
        word = text_of(request, "level")
        set_level(word)
        on_level(word)
        _all(supervisor, "log-level", level=word)
        return word

    return {
        "ping": lambda _: "pong",
        "status": lambda _: _status(supervisor),
        "pause": pause,
        "resume": resume,
        "drain": drain,
        "log-level": level,
    }


def _all(supervisor: Supervisor, command: str, **arguments: Any) -> list[Any]:
    """The answers of all processes. Raises CommandError for the first that has none."""

    def ask(process: Process) -> Any:
        # One that starts learns of a pause and of the level as it starts.
        return process.ask(command, **arguments) if process.started else None

    processes = supervisor.processes
    if not processes:
        return []
    with ThreadPoolExecutor(len(processes)) as pool:
        return [answer for answer in pool.map(ask, processes) if answer is not None]


def _status(supervisor: Supervisor) -> dict[str, Any]:
    def ask(process: Process) -> dict[str, Any]:
        where = {"process": process.number, "pid": process.pid}
        if not process.started:
            return {**where, "state": "starting"}
        try:
            status: dict[str, Any] = process.ask("status")["processes"][0]
        except CommandError as error:
            return {**where, "state": "silent", "error": str(error)}
        return {**status, "process": process.number}

    processes = supervisor.processes
    found: list[dict[str, Any]] = []
    if processes:
        with ThreadPoolExecutor(len(processes)) as pool:
            found = [*pool.map(ask, processes)]
    return {"supervisor": supervisor.status(), "processes": found}
