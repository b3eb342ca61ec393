"""The line between a process of a run and the supervisor that has started it.

It is a pair of sockets whose end in the process has its number in $SYNC_SUPERVISOR. The process
says what it does each second, and how it ends; it answers commands. When the supervisor is gone
the process drains, so that nothing goes on unwatched.

What a process would print at its end goes to the supervisor instead: only that knows whether
it is the cause or a consequence of the end of another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
from collections.abc import Mapping
from typing import Any

from connectors.control.protocol import Handler, answer, encode
from connectors.run.context import Run
from connectors.run.ends import EndKind
from connectors.run.environment import PAUSED, SUPERVISOR
from connectors.run.operate import state_of

BEAT = 1.0  # seconds
_MARGIN = 10.0  # seconds beyond the deadline of a drain, which ends it from within
_PATIENCE = 5.0  # seconds until a supervisor that does not read is given up


class SupervisorLink:
    """The end of the connection to the supervisor that a process of the flow holds."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(_PATIENCE)
        self._lock = threading.Lock()
        self._ended = False

    @classmethod
    def inherited(cls) -> SupervisorLink | None:
        """That of this process; None when no supervisor has started it."""
        text = os.environ.get(SUPERVISOR, "")
        try:
            number = int(text)
            return cls(socket.socket(fileno=number)) if number > 2 else None
        except (ValueError, OSError):
            return None

    def serve(self, run: Run, handlers: Mapping[str, Handler]) -> None:
        """Report each second what the run does, and answer commands, in a thread of its own."""
        self.say("started")
        threading.Thread(
            target=self._loop, args=(run, handlers), name="supervisor", daemon=True
        ).start()

    def say(self, event: str, **fields: Any) -> None:
        """Send an event. A supervisor that is gone is no error."""
        self._send(encode({"event": event, **fields}))

    def end(self, kind: EndKind, text: str) -> None:
        """Report to the supervisor why this process ends."""
        self.say("end", kind=kind, text=text)

    def _send(self, line: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._connection.sendall(line)

    def _loop(self, run: Run, handlers: Mapping[str, Handler]) -> None:
        pending = b""
        while True:
            self.say("beat", **_beat(run))
            readable, _, _ = select.select([self._connection], [], [], BEAT)
            if not readable:
                continue
            try:
                received = self._connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                received = b""
            if not received:
                self._end_alone(run)
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                self._send(answer(line, handlers))

    def _end_alone(self, run: Run) -> None:
        """Drain. No supervisor is left to end the process if it cannot drain, so it ends itself."""
        run.drain("its supervisor has ended")
        if run.formed:  # else it waits for the others, and nothing was read
            threading.Event().wait(run.settings.shutdown.deadline + _MARGIN)
        os._exit(1)


def _beat(run: Run) -> dict[str, Any]:
    """What the watchdog looks at. `work` changes with every record and every new try."""
    counts = run.counts.snapshot()
    return {
        "state": state_of(run),
        "formed": run.formed,
        "epochs": run.meters.snapshots,
        "work": sum(counts.values()),
        "waits": run.waits.reasons(),
        "restart": run.restart,
        "drained": run.drain_reason is not None and run.formed and run.meters.has_ended(),
    }


def keep_over_exec(run: Run) -> None:
    """What the process that starts again in this one's place is to know."""
    os.environ[PAUSED] = json.dumps(run.paused)


def was_paused() -> bool:
    """Whether the run was paused before this process, or its predecessor, started."""
    return os.environ.get(PAUSED) == "true"
