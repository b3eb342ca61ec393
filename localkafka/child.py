"""Starts a program that the system ends when its starter ends, for whatever reason.

A test run that is killed with SIGKILL cannot clean up, so its children have to. Linux sends the
"parent death signal" (prctl(2), PR_SET_PDEATHSIG); it survives execve, so this module sets it and
then becomes the wanted program. On other systems the program is started without it.

The signal is tied to the *thread* that started the child (prctl(2), notes): start long-lived
children from the main thread.

Run as: python -m localkafka.child PARENT_PID PROGRAM [ARGUMENT ...]
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def command(program: Sequence[str]) -> list[str]:
    """The command line that starts `program` tied to the calling process."""
    if not sys.platform.startswith("linux"):
        return list(program)
    # By path, not by module name: the child's working directory may be anywhere.
    return [sys.executable, str(Path(__file__).resolve()), str(os.getpid()), *program]


def tie_to_parent(parent: int) -> None:
    """Let the system kill this process when its parent ends; leave at once if it has ended."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def _main() -> None:
    tie_to_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the caller's own program


if __name__ == "__main__":
    _main()
