"""A child process whose output goes to files and which never outlives the test."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from localkafka import processes
from tests.support.wait import PATIENCE, until

ROOT = Path(__file__).parents[2]


class ChildProcess:
    """A Python program in a process of its own, started at once; use as a context manager.

    Start it from the main thread: the system ends it together with the thread that started it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        env: Mapping[str, str] | None = None,
        name: str = "child",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out = folder / f"{name}.out"
        self.err = folder / f"{name}.err"
        self.name = name
        self._folder = folder
        self._env = dict(env or {})
        self.run(arguments)

    def run(self, arguments: Sequence[str]) -> None:
        """Start the program; its output begins again."""
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = processes.start(
                [sys.executable, *arguments],
                out,
                err,
                self._folder,
                {
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "PYTHONFAULTHANDLER": "1",
                    "PYTHONUNBUFFERED": "1",
                    "RUST_BACKTRACE": "0",
                    **self._env,
                },
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still running."""
        return self.process.poll() is None

    def text(self) -> str:
        """All that it has written so far, stdout before stderr."""
        parts = (
            path.read_text(encoding="utf-8", errors="replace") for path in (self.out, self.err)
        )
        return "".join(parts)

    def wait_for(self, words: str, within: float = PATIENCE) -> str:
        """Wait for a line that contains `words` and return it; fails if the process ends before."""

        def found() -> str | None:
            ended = not self.alive
            line = next((line for line in self.text().splitlines() if words in line), None)
            assert line or not ended, f"{self.name} ended without {words!r}:\n{self.text()}"
            return line

        return until(found, lambda: f"{words!r} from {self.name}:\n{self.text()}", within)

    def wait(self, within: float = PATIENCE) -> int:
        """Exit code; a process that does not end is killed with a stack dump in its output."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(10)
            raise AssertionError(
                f"{self.name} did not end within {within:g} s:\n{self.text()}"
            ) from None

    def terminate(self) -> None:
        """Send SIGTERM to the process."""
        self.process.terminate()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def memory(self) -> int:
        """The resident memory of the process now, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name} has no memory: it has ended")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
