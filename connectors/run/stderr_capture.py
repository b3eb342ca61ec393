"""Holds back what Rust prints about a panic until it is known why the run ends.

Every error that reaches Bytewax, including our ordered stops, makes Rust write lines of its own to
file descriptor 2 before the cause can be explained. So descriptor 2 becomes a file in the recovery
folder, and Python writes to the terminal through another descriptor. A thread copies everything to
the terminal except panics. At the end panics are dropped if the cause is known, and printed if it
is not. A process that is killed by a signal leaves the file as it is: nothing in it is lost, and
the next start prints what was not copied. Python's faulthandler writes to the terminal directly.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import sys
import threading
from pathlib import Path
from typing import IO

# Seconds between two checks of the file, and for which a panic is held back: the run ends by then.
_INTERVAL = 0.1
_HOLD = 10.0
_MAX_LEFT = 64 << 10  # bytes of the previous run that are printed
_PANIC = re.compile(r"^(thread '.*panicked at |--- PyO3 is resuming a panic|Rust panic)")


class StderrCapture:
    """Copies descriptor 2 to the terminal while a run lives, except for panics."""

    def __init__(self, file: Path, dropped: re.Pattern[str] | None = None) -> None:
        """Redirect descriptor 2. Raises OSError, with nothing changed, without a file.

        Lines that begin as `dropped` says are not copied. With it descriptor 1 is redirected too,
        since Rust writes some of them there: what is left of these lines goes to stderr.
        """
        self._file = file
        self._dropped = dropped
        self._left = _left_by_the_former_run(file)
        self._writer = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._reader = file.open("rb")
        self._python = sys.stderr
        sys.stderr.flush()
        self._terminal = os.dup(2)
        self._lock = threading.Lock()
        self._pending = b""
        # Panics, and since when they are held back in steps of the interval.
        self._held = ""
        self._held_for = 0
        self._is_panic = False
        self._ended = threading.Event()
        self._stderr: IO[str] = os.fdopen(
            os.dup(self._terminal), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        sys.stderr = self._stderr
        # A crash shows its stack at once, whatever else has not been copied yet.
        faulthandler.enable(file=self._terminal)
        os.dup2(self._writer, 2)
        self._stdout = None if dropped is None else _StdoutCapture(self._writer)
        if self._left:
            self._print(f"sync: on stderr of the run before, which was killed: {self._left}\n")
        threading.Thread(target=self._copy, name="stderr", daemon=True).start()

    @property
    def held(self) -> str:
        """The text of the panics that are held back."""
        with self._lock:
            self._look()
            return self._held

    def end(self, known: bool) -> None:
        """Give descriptor 2 back. Panics are printed unless the cause of the end is `known`."""
        if self._ended.is_set():
            return
        self._ended.set()
        with self._lock:
            self._look()
            if self._pending:
                self._sort(self._pending.decode("utf-8", "replace"))
                self._pending = b""
            if not known:
                self._release()
        sys.stderr.flush()
        os.dup2(self._terminal, 2)
        sys.stderr = self._python
        faulthandler.enable(file=2)
        if self._stdout is not None:
            self._stdout.end()
        os.close(self._writer)
        self._reader.close()
        # Code that kept the stream, such as a log handler, goes on using it.
        with contextlib.suppress(OSError):
            self._file.unlink()

    def _copy(self) -> None:
        while not self._ended.wait(_INTERVAL):
            with self._lock:
                if self._ended.is_set():
                    return
                self._look()
                if self._held:
                    self._held_for += 1
                    if self._held_for * _INTERVAL >= _HOLD:  # the run does not end by it
                        self._release()

    def _look(self) -> None:
        """Print what is new, and hold panics back. Whole lines only."""
        if self._reader.closed:
            return
        data = self._pending + self._reader.read()
        whole, newline, self._pending = data.rpartition(b"\n")
        if newline:
            self._sort((whole + newline).decode("utf-8", "replace"))

    def _sort(self, text: str) -> None:
        passed = []
        for line in text.splitlines(keepends=True):
            if _PANIC.match(line):
                self._is_panic = True
            if self._is_panic:
                self._held += line
                self._is_panic = bool(line.strip())  # a blank line ends it
            elif self._dropped is not None and self._dropped.match(line):
                continue
            elif line.strip() or not self._held:
                passed.append(line)
        if passed:
            self._print("".join(passed))

    def _release(self) -> None:
        if self._held:
            self._print(self._held)
        self._held, self._held_for = "", 0

    def _print(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._terminal, data) :]


class _StdoutCapture:
    """Rust writes into a file what it would write to stdout; Python goes on as before."""

    def __init__(self, writer: int) -> None:
        sys.stdout.flush()
        self._python = sys.stdout
        self._terminal = os.dup(1)
        self._own: IO[str] = os.fdopen(
            os.dup(1), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        sys.stdout = self._own
        os.dup2(writer, 1)

    def end(self) -> None:
        """Restore the original standard output, descriptor 1."""
        with contextlib.suppress(OSError):  # its reader may be gone
            self._own.flush()
        sys.stdout = self._python
        os.dup2(self._terminal, 1)
        os.close(self._terminal)


def _left_by_the_former_run(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError:
        return ""
    return data[-_MAX_LEFT:].decode("utf-8", "replace").strip()
