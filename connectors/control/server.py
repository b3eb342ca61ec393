"""The socket of a run: one thread answers, one line after the other.

The socket has mode 0600, and its folder can be written by the owner only. In addition, the process
that connects must belong to that owner or to root [unix-sockets].
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from connectors.control.protocol import MAX_REQUEST, CommandError, Handler, answer, encode

_PATIENCE = 10.0  # seconds without a line, after which a connection is closed
_PEER = struct.Struct("3i")  # pid, uid, gid


class ControlServer:
    """Answers commands until it is closed."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        """Listen at `path`, which may be left from a run before. Raises OSError."""
        self._path = path
        self._handlers = handlers
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._closed = threading.Event()
        try:
            os.fchmod(self._socket.fileno(), 0o600)  # the mode that the socket file gets
            path.unlink(missing_ok=True)
            with short_path(path) as short:
                self._socket.bind(short)
            path.chmod(0o600)
            self._socket.listen(16)
            self._identity = _identity(path)
        except BaseException:
            self._socket.close()
            raise
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    def close(self) -> None:
        """Answer no more, and take the socket away unless it is another run's by now."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with contextlib.suppress(OSError):
            if _identity(self._path) == self._identity:
                self._path.unlink()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:  # as when the process has no file left to give
                self._closed.wait(0.1)
                continue
            # Each in a thread of its own: one that connects and says nothing holds up no other.
            threading.Thread(
                target=self._talk, args=(connection,), name="control-client", daemon=True
            ).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_PATIENCE)
            if not _is_owner(connection):
                return
            pending = b""
            while not self._closed.is_set():
                received = connection.recv(65536)
                if not received:
                    return
                *lines, pending = (pending + received).split(b"\n")
                for line in lines:
                    connection.sendall(self._answer(line))
                if len(pending) > MAX_REQUEST:
                    connection.sendall(encode({"ok": False, "error": "the request is too long"}))
                    return

    def _answer(self, line: bytes) -> bytes:
        if len(line) > MAX_REQUEST:
            return encode({"ok": False, "error": "the request is too long"})
        try:
            return answer(line, self._handlers)
        except Exception as error:  # noqa: BLE001 - the boundary of this thread
            text = f"the command failed: {type(error).__name__}: {error}"
            return encode({"ok": False, "error": text})


def _identity(path: Path) -> tuple[int, int]:
    """Of a file; the number of one that was removed may be given to the next."""
    found = path.stat()
    return found.st_ino, found.st_ctime_ns


def _is_owner(connection: socket.socket) -> bool:
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(found)
    return user in (0, os.geteuid())


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A path of at most 108 bytes to the same file, as sockets need one [unix-sockets].

    Raises OSError when its folder does not exist.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


__all__ = ["CommandError", "ControlServer", "short_path"]
