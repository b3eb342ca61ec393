"""Why a run ended, from what Bytewax raises: the text for the user, if the cause is known."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from connectors.errors import ConfigError, NoAnswer, StopRun

# stop: an ordered stop. passing: one that may pass by itself. peer: the consequence of the end of
# another process. error: the cause is not known.
EndKind = Literal["stop", "passing", "peer", "error"]

_NOTHING_LOST = "nothing is lost; the next start goes on from the last snapshot"
_STORE = (
    "the recovery folder cannot be used: {}\n  remedy: its part-*.sqlite3 files belong together: "
    "restore all of them from one backup, or start with a new folder (-r)"
)
_FULL = "make room on the disk of the recovery folder, and start again"
# SQLite's text, which Rust passes on: the cause, and the remedy.
_SQLITE = (
    (("DiskFull", "database or disk is full"), "its disk is full", _FULL),
    (
        ("ReadOnly", "readonly database"),
        "it is read-only",
        "mount its disk so that the run may write, or correct its permissions, and start again",
    ),
    (
        ("SystemIoFailure", "disk I/O error"),
        "its disk does not take what is written, as when it is full, over quota or broken",
        f"{_FULL}, and look at the system's log",
    ),
    (
        ("CannotOpen", "unable to open database file"),
        "a file of it cannot be opened",
        "correct its permissions, or mount its disk, and start again",
    ),
    (
        ("DatabaseBusy", "DatabaseLocked", "database is locked"),
        "another program uses its files",
        "stop that program, keep the folder on a local disk, and start again",
    ),
)
_DISK = {
    errno.ENOSPC: ("the disk is full", "make room on it, and start again"),
    errno.EDQUOT: ("the disk's quota is used up", "make room on it, and start again"),
    errno.EROFS: ("the disk is read-only", "mount it so that the run may write, and start again"),
    errno.EIO: ("the disk has failed", "look at the system's log, and start again"),
}
# The text of timely, Bytewax's engine, when a connection to a peer breaks.
_PEER = re.compile(r"(Send|Recv) thread panic|timely communication error", re.IGNORECASE)
_PEER_ENDED = (
    "another process of this run has ended, or the connection to it is broken.\n  remedy: "
    "its own log says why; start all processes again, which a supervisor does by itself; "
    f"{_NOTHING_LOST}"
)


def reason_of(error: BaseException, printed: str, recovery: Path | None) -> str | None:
    """The text for a stop whose cause is known; None for any other.

    Bytewax wraps what a step raises, so the chain of causes is searched; `printed` is what Rust has
    printed about its panics.
    """
    chain = [*_chain(error)]
    for cause in chain:
        if isinstance(cause, (StopRun, ConfigError)):
            return str(cause)
    for cause in chain:
        if type(cause).__module__ == "bytewax.recovery" or "is not a database" in str(cause):
            return _STORE.format(f"{type(cause).__name__}: {cause}")
        if isinstance(cause, OSError) and cause.errno in _DISK:
            where = cause.filename or recovery or "a file"
            problem, remedy = _DISK[cause.errno]
            return f"{where} cannot be written: {problem}.\n  remedy: {remedy}; {_NOTHING_LOST}"
    said = "\n".join([*map(str, chain), printed])
    if "SqliteFailure" in said or "sqlite" in said.lower():
        for words, problem, remedy in _SQLITE:
            if any(word in said for word in words):
                name = "" if recovery is None else f" {recovery}"
                return (
                    f"the recovery folder{name} cannot be written: {problem}.\n  remedy: {remedy}; "
                    f"{_NOTHING_LOST}"
                )
    if _PEER.search(said):
        return _PEER_ENDED
    return None


def kind_of(error: BaseException, reason: str | None) -> EndKind:
    """What kind of end it is, by the error and what `reason_of` has found."""
    if reason is None:
        return "error"
    if reason == _PEER_ENDED:
        return "peer"
    return "passing" if any(isinstance(each, NoAnswer) for each in _chain(error)) else "stop"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
