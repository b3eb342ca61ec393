"""The three programs of the demo as child processes, which must not outlive it.

Each is in a session of its own, so that a Ctrl-C in the terminal reaches only the demo, which then
ends them in order; and each is tied to the demo (localkafka/child.py), so that on Linux they end
even when the demo is killed by SIGKILL.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from demo.interruption import Interruption
from localkafka import processes

ROOT = Path(__file__).resolve().parent.parent
"""The folder that the packages and config.toml are in."""

_POLL_SECONDS = 0.02
_READY_SECONDS = 30.0
_TAIL_LINES = 15


class ChildFailedError(RuntimeError):
    """A program did not start, ended unexpectedly or failed; the text has its last lines."""


class Child:
    """One program, writing to one log file."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        log: Path,
        interruption: Interruption,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m MODULE...` in ROOT, with variables on top of the demo's own."""
        self.name = name
        self.log = log
        self._interruption = interruption
        with log.open("wb") as output:
            self._process = processes.start(
                [sys.executable, "-m", *module],
                output,
                folder=ROOT,
                environment={**_clean_environment(), **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_ready(self) -> str:
        """Wait for the line `ready ADDRESS` and return the address.

        Raises ChildFailedError when the program ends or says nothing for 30 seconds.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            for line in self.lines():
                if line.startswith("ready "):
                    return line.removeprefix("ready ").strip()
            self.check()
            self._interruption.pause(_POLL_SECONDS)
        raise ChildFailedError(f"{self.name} was not ready within 30 s.\n{self._last_words()}")

    def wait_end(self, seconds: float) -> None:
        """Wait until it has ended by itself. Raises ChildFailedError unless with exit code 0."""
        deadline = time.monotonic() + seconds
        while (code := self._process.poll()) is None and time.monotonic() < deadline:
            self._interruption.pause(_POLL_SECONDS)
        if code != 0:
            how = f"not within {seconds:.0f} s" if code is None else f"with exit code {code}"
            raise ChildFailedError(f"{self.name} ended {how}.\n{self._last_words()}")

    def lines(self) -> list[str]:
        """The complete lines of the log so far."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return text[: text.rfind("\n") + 1].splitlines()

    def check(self) -> None:
        """Raise ChildFailedError when the program has ended."""
        code = self._process.poll()
        if code is not None:
            raise ChildFailedError(
                f"{self.name} ended by itself, exit code {code}.\n{self._last_words()}"
            )

    def stop(self, seconds: float) -> int:
        """End it by SIGTERM, and by SIGKILL after `seconds` or on the user's second Ctrl-C."""
        return processes.stop(self._process, seconds, lambda: self._interruption.urgent)

    def stop_well(self, seconds: float) -> None:
        """As `stop`, but raise ChildFailedError if the exit code is not 0."""
        code = self.stop(seconds)
        if code != 0:
            raise ChildFailedError(
                f"{self.name} did not end well, exit code {code}.\n{self._last_words()}"
            )

    def _last_words(self) -> str:
        tail = "\n".join(f"    {line}" for line in self.lines()[-_TAIL_LINES:])
        return f"Its last lines, of {self.log}:\n{tail or '    (none)'}"


class Children:
    """The running programs; leaving the block ends them, the last started first."""

    _GRACE_SECONDS = 5.0

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._running: list[Child] = []

    def start(
        self,
        name: str,
        module: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start one more; the arguments are those of Child."""
        self._interruption.check()
        started = Child(name, module, log, self._interruption, environment)
        self._running.append(started)
        return started

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._running:
            self._running.pop().stop(self._GRACE_SECONDS)


def _clean_environment() -> dict[str, str]:
    """The environment without variables that would reconfigure the flow."""
    foreign = ("SYNC_", "ALIBABA_CLOUD_", "BYTEWAX_", "PYTHONPATH", "PYTHONUNBUFFERED")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONUNBUFFERED": "1"}
