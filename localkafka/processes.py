"""Child processes that never outlive their starter: start one, and stop it in order."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from localkafka import child

_POLL_SECONDS = 0.02


def start(
    program: Sequence[str],
    out: IO[bytes],
    err: IO[bytes] | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program` tied to this process, in a session of its own: a Ctrl-C does not reach it.

    It writes to `out`, and where `err` is given its stderr to that. `environment` is its whole
    environment; without one it has that of this process. It has no stdin.
    """
    return subprocess.Popen(
        child.command(program),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT if err is None else err,
        start_new_session=True,
    )


def stop(
    process: subprocess.Popen[bytes],
    seconds: float,
    is_urgent: Callable[[], bool] = lambda: False,
) -> int:
    """End a process by SIGTERM, or SIGKILL after `seconds` or once it is urgent: its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline or is_urgent():
            process.kill()
            break
        time.sleep(_POLL_SECONDS)
    return process.wait()
