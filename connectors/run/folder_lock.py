"""Who uses a recovery folder: a lock for each process of a run, and one for its supervisor.

The system gives a lock back when its process ends, however that ends, so a lock that is held is
never left over.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from connectors.errors import StopRun

log = logging.getLogger("sync")

_SUPERVISED = " (its supervisor has ended; it drains)"


def prepare(path: Path) -> None:
    """Create the folder when it is missing. Raises StopRun for one that others can write to."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as error:
        raise unusable(path, error) from None
    if mode & 0o022:
        raise StopRun(
            f"recovery folder {path} can be written by others (mode {mode & 0o777:o}): "
            "its content is run as code.\n  remedy: chmod 700 it, or name a folder "
            "inside of it, which is then created with the right mode"
        )


def warn_of_readers(path: Path) -> None:
    """Log when others may look into the folder. They cannot use its sockets, which are 0600."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        log.warning(
            "recovery folder %s can be read by others (mode %o): rows may wait in it: chmod 700 it",
            path,
            mode,
        )


def lock_process(path: Path, process: int, supervised: bool) -> IO[str]:
    """The lock of process number `process` of a run; keep the file open.

    `supervised`: its supervisor has that of the whole run. Raises StopRun when another run uses the
    folder.
    """
    try:
        lock = (path / f"process-{process}.lock").open("a+")
    except OSError as error:
        raise unusable(path, error) from None
    holder = None if supervised else supervisor_of(path)
    if holder is not None or not _take(lock):
        who = f"process {process}; pid {_owner(lock)}" if holder is None else holder
        forget(lock)
        raise in_use(path, who)
    try:
        _note(lock, f"{os.getpid()}{_SUPERVISED if supervised else ''}")
    except OSError as error:
        forget(lock)
        raise unusable(path, error) from None
    return lock


def lock_supervisor(path: Path, host: int) -> IO[str]:
    """The lock of the supervisor of a host; keep the file open. Raises StopRun as above."""
    try:
        lock = (path / _supervisor_file(host)).open("a+")
        if not _take(lock):
            who = f"the supervisor with pid {_owner(lock)}"
            lock.close()
            raise in_use(path, who)
        _note(lock, str(os.getpid()))
    except OSError as error:
        raise unusable(path, error) from None
    return lock


def lock_stopped(path: Path) -> list[IO[str]]:
    """The locks of all processes of a stopped run; keep them open. Raises StopRun when it runs."""
    holder = supervisor_of(path)
    if holder is not None:
        raise in_use(path, holder)
    names = {file.name for file in path.glob("process-*.lock")} | {"process-0.lock"}
    locks: list[IO[str]] = []
    try:
        for name in sorted(names):
            locks.append((path / name).open("a+"))
            if not _take(locks[-1]):
                raise in_use(path, f"pid {_owner(locks[-1])}")
    except OSError as error:
        raise unusable(path, error) from None
    except StopRun:
        for lock in locks:
            forget(lock)
        raise
    return locks


def supervisor_of(path: Path) -> str | None:
    """The supervisor that has the folder, in words; None when there is none."""
    for file in sorted(path.glob("supervisor*.lock")):
        with file.open("r") as lock:
            if not _try(lock, fcntl.LOCK_SH):
                return f"the supervisor with pid {_owner(lock)}"
    return None


def other_hosts(path: Path) -> bool:
    """Whether supervisors of hosts other than the first use the folder too."""
    for file in path.glob("supervisor-*.lock"):
        with file.open("r") as lock:
            if not _try(lock, fcntl.LOCK_SH):
                return True
    return False


def was_shared(path: Path, host: int) -> bool:
    """Whether the supervisor of this host has ever used the folder, and not one of its own."""
    return (path / _supervisor_file(host)).exists()


def processes_of(path: Path) -> dict[int, str]:
    """The processes that have a lock of the folder, by number: pid, and what it does."""
    found = {}
    for file in sorted(path.glob("process-*.lock")):
        number = file.stem.removeprefix("process-")
        if number.isdigit():
            with file.open("r") as lock:
                if not _try(lock, fcntl.LOCK_SH):
                    found[int(number)] = _owner(lock)
    return found


def drains_alone(owner: str) -> bool:
    """Whether a process of `processes_of` belonged to a supervisor that has ended."""
    return owner.endswith(_SUPERVISED)


def in_use(path: Path, who: str) -> StopRun:
    """The stop for a folder that another run uses."""
    return StopRun(
        f"recovery folder {path} is in use by another run ({who}): two runs on one folder would "
        "overwrite each other's offsets.\n"
        "  remedy: stop the other run, or give this one a folder of its own with -r"
    )


def unusable(path: Path, error: OSError) -> StopRun:
    """The stop for a folder that cannot be used."""
    return StopRun(
        f"recovery folder {path} cannot be used: {error.strerror or error}\n  remedy: it is a "
        "folder on a local disk that this user may write to, with room on it; correct that, or "
        "name another one with -r"
    )


def forget(lock: IO[str]) -> None:
    """Release a lock by closing its file."""
    with suppress(OSError):  # what it could not write it writes again as it is closed
        lock.close()


def _supervisor_file(host: int) -> str:
    return f"supervisor-{host}.lock" if host else "supervisor.lock"


def _take(file: IO[str]) -> bool:
    """Take a lock; another process may hold it for a moment to see whether it is free."""
    for _ in range(5):
        if _try(file):
            return True
        time.sleep(0.02)
    return False


def _try(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note(lock: IO[str], text: str) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()


def _owner(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"
