"""A process of a run, as its supervisor sees it."""

from __future__ import annotations

import contextlib
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.control.protocol import CommandError, decode, encode, result_of
from connectors.run.environment import SUPERVISOR
from connectors.supervisor.ends import ProcessEnd

_ANSWER_WITHIN = 10.0  # seconds


class Child:
    """Started at once, in a session of its own: a Ctrl-C at the terminal does not reach it."""

    def __init__(
        self,
        number: int,
        program: Sequence[str],
        environment: Mapping[str, str],
        changed: threading.Event,
        clock: Callable[[], float],
    ) -> None:
        """`changed` is set when there is something new to look at. Raises OSError."""
        self.number = number
        self._clock = clock
        self._changed = changed
        self.forming_since = self.last_heard = clock()
        self.formed = self.restarts = self.drained = False
        self.epochs = self.work = 0
        self.waits: Sequence[str] = ()
        self.state = "starting"
        self.started = False
        self.counts: Mapping[str, int] | None = None
        self.notes: Sequence[str] = ()
        self._said: tuple[str, str] | None = None
        self._killed = False
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._asking = threading.Lock()
        self._connection, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                program,
                env={**environment, SUPERVISOR: str(descriptor)},
                stdin=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, name=f"process-{number}", daemon=True)
        self._reader.start()

    def poll(self) -> ProcessEnd | None:
        """How the process ended, or None while it is alive."""
        code = self._process.poll()
        if code is None:
            return None
        self._reader.join(5)  # what it has said before its end
        kind, text = self._said or (None, "")
        return ProcessEnd(self.number, self.pid, code, kind, text, self._killed)

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process at once, even if it is suspended."""
        if self._process.poll() is None:
            self._killed = True
            self.signal(signal.SIGKILL)

    def close(self) -> None:
        """Give back what it has cost, once it has ended."""
        self._process.wait()
        self._reader.join(5)
        self._connection.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """The result of a command. Raises CommandError without an answer, or with an error."""
        with self._asking:
            while not self._answers.empty():
                self._answers.get()
            try:
                self._connection.sendall(encode({"command": command, **arguments}))
                return result_of(self._answers.get(timeout=_ANSWER_WITHIN))
            except (OSError, queue.Empty):
                raise CommandError(
                    f"process {self.number} (pid {self.pid}) does not answer"
                ) from None

    def _read(self) -> None:
        pending = b""
        while True:
            try:
                received = self._connection.recv(1 << 20)
            except OSError:
                received = b""
            if not received:
                self._changed.set()
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                with contextlib.suppress(CommandError):
                    message = decode(line)
                    self.last_heard = self._clock()
                    if "event" in message:
                        self._note(message)
                    else:
                        self._answers.put(line)

    def _note(self, message: Mapping[str, Any]) -> None:
        event = message["event"]
        if event == "started":
            if self.started:  # it has started again by itself, for new partitions
                self.forming_since = self._clock()
            self.started, self.formed = True, False
            self.restarts = self.drained = False
        elif event == "beat":
            self.formed = message["formed"]
            self.state = message["state"]
            self.restarts = message["restart"]
            self.drained = message["drained"]
            self.epochs, self.work = message["epochs"], message["work"]
            self.waits = message["waits"]
        elif event == "end":
            self._said = message["kind"], message["text"]
        elif event == "counts":
            self.counts, self.notes = message["counts"], message["notes"]
        self._changed.set()
