"""A TCP proxy whose connections can be reset on demand."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: closing sends a reset instead of an end."""


class TcpProxy:
    """Listens on a free port of 127.0.0.1 and hands all through to another, while it is open."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> int:
        """Reset every connection, at both ends; returns how many there were."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            _shut(each)
            each.close()
        return len(sockets) // 2

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets |= {client, there}
            for pair in ((client, there), (there, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            _shut(each)
        with self._lock:
            self._sockets -= {source, sink}


def _shut(one: socket.socket) -> None:
    """Wake up who waits at it; it may be closed already."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
