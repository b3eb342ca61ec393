"""The processes of a measurement: start them, watch their resources, end them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from localkafka import child

ROOT = Path(__file__).resolve().parents[1]
_TICK = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 60.0


class MeasurementError(RuntimeError):
    """Raised for a run without figures: it failed or hung, or rows are missing."""


class Watched:
    """A child process whose use of the machine is read from /proc (Linux only)."""

    def __init__(
        self, program: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            child.command([sys.executable, *program]),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._proc = Path(f"/proc/{self._process.pid}")
        self._peak = 0.0

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def family(self) -> list[int]:
        """The ids of the process and of all that it has started, which still run."""
        found = [self._process.pid]
        for each in found:
            with contextlib.suppress(OSError):  # it has just ended
                for task in Path(f"/proc/{each}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found

    def peak_mib(self) -> float:
        """The highest resident memory seen so far, in MiB."""
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self._peak = int(line.split()[1]) / 1024
        return self._peak

    def threads(self) -> int:
        """The present number of its threads."""
        return len([*(self._proc / "task").iterdir()])

    def open_files(self) -> int:
        """The present number of its open files."""
        return len([*(self._proc / "fd").iterdir()])

    def log(self) -> str:
        """Its output on stdout and stderr."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> int:
        """Send SIGTERM, wait, and return the exit code. Raises MeasurementError when it hangs."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return the exit code. Raises MeasurementError when it hangs."""
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"does not end within {_STOP_SECONDS:g} s") from None

    def end(self) -> None:
        """Kill the process if it still runs."""
        if self.running:
            self._process.kill()
        self._process.wait()
        self._log.close()


@contextmanager
def watched(
    program: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Watched]:
    """Start `python PROGRAM...` in the root folder of the project, and end it afterwards."""
    process = Watched(program, environment)
    try:
        yield process
    finally:
        process.end()


class ConstantServer:
    """The constant-response server as seen from the outside."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)

    def counts(self, distinct: bool = False) -> dict[str, int]:
        """The rows, requests and bytes that it has received; optionally also the different keys."""
        self._connection.request("GET", "/-/stats?distinct" if distinct else "/-/stats")
        found: dict[str, int] = json.loads(self._connection.getresponse().read())
        return found

    def delays(self, skip: int) -> list[float]:
        """Milliseconds from the times in the rows to their requests, without the first rows."""
        self._connection.request("GET", "/-/delays")
        found: list[float] = json.loads(self._connection.getresponse().read())
        return found[skip:]


@contextmanager
def constant_server(latency_ms: float, *options: str) -> Iterator[ConstantServer]:
    """Start the server in a process of its own, with further options of its command line."""
    process = subprocess.Popen(
        child.command(
            [sys.executable, "-m", "bench.constant_server", "--latency", str(latency_ms), *options]
        ),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        line = process.stdout.readline()
        if not line.startswith("ready "):
            raise MeasurementError("the constant-response server did not start")
        yield ConstantServer(line.split()[1])
    finally:
        process.kill()
        process.wait()
