"""Asks the run of a recovery folder: its supervisor, or each of its processes."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.control.protocol import MAX_ANSWER, CommandError, encode, result_of
from connectors.control.server import short_path

# Of the supervisors, one a host, and of processes without one.
SUPERVISOR = re.compile(r"control(-\d+)?\.sock")
PROCESS = re.compile(r"process-\d+\.sock")
_PATIENCE = 30.0  # seconds


def supervisor_socket(folder: Path, host: int = 0) -> Path:
    """The socket of a host's supervisor."""
    return folder / (f"control-{host}.sock" if host else "control.sock")


def process_socket(folder: Path, process: int) -> Path:
    """The socket of a process that no supervisor has started."""
    return folder / f"process-{process}.sock"


def ask_all(folder: Path, command: str, **arguments: Any) -> list[Any]:
    """The results of a command, of each supervisor or else of each process of the folder's run.

    Raises CommandError when no run answers, or one answers with an error.
    """
    for kind in (SUPERVISOR, PROCESS):
        found = [path for path in _sockets(folder) if kind.fullmatch(path.name)]
        answers = [answer for path in found if (answer := _ask(path, command, arguments))]
        if answers:
            return [result_of(answer) for answer in answers]
    raise CommandError(
        f"no run goes on with recovery folder {folder}\n  remedy: name the run's folder with -r, "
        "or start it"
    )


def is_running(folder: Path) -> bool:
    """Whether a run answers on the control socket of this recovery folder."""
    try:
        return bool(ask_all(folder, "ping"))
    except CommandError:
        return False


def _sockets(folder: Path) -> list[Path]:
    try:
        mode = folder.stat().st_mode
        found = sorted(path for path in folder.iterdir() if stat.S_ISSOCK(path.lstat().st_mode))
    except OSError as error:
        raise CommandError(
            f"recovery folder {folder} cannot be read: {error.strerror}\n  remedy: name the run's "
            "folder with -r"
        ) from None
    if mode & 0o022:
        raise CommandError(
            f"recovery folder {folder} can be written by others (mode {mode & 0o777:o}): its "
            "sockets may belong to any program.\n  remedy: chmod 700 it"
        )
    return found


def _ask(path: Path, command: str, arguments: Mapping[str, Any]) -> bytes | None:
    """The line of the answer; None where no process listens any more."""
    if path.lstat().st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        raise CommandError(f"{path} belongs to another user\n  remedy: run this as that user")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            with short_path(path) as short:
                connection.connect(short)
        except (ConnectionError, FileNotFoundError):
            return None  # left by a run that was killed
        except OSError as error:
            raise _silent(path, error) from None
        try:
            connection.sendall(encode({"command": command, **arguments}))
            received = b""
            while not received.endswith(b"\n"):
                more = connection.recv(1 << 20)
                if not more:
                    return None  # the run has just ended
                received += more
                if len(received) > MAX_ANSWER:
                    raise CommandError(f"{path}: the answer is too long")
        except TimeoutError:
            raise _silent(path, TimeoutError(f"no answer within {_PATIENCE:g} s")) from None
        except OSError:
            return None
        return received


def _silent(path: Path, error: OSError) -> CommandError:
    return CommandError(
        f"the run does not answer at {path}: {error.strerror or error}\n  remedy: look whether "
        "its process is stopped (SIGCONT lets it go on) or of another user"
    )
