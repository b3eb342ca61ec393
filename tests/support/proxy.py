"""An HTTP proxy of one process: CONNECT for https, the whole URL for http; names as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urlsplit


class HttpProxy:
    """Listens on 127.0.0.1 while it is used as a context.

    `hosts` are (host, port) by the name that is asked for; with `authorization` it wants that
    header of each request.
    """

    def __init__(
        self, hosts: Mapping[str, tuple[str, int]], authorization: str | None = None
    ) -> None:
        self.heads: list[str] = []
        self._hosts = hosts
        self._authorization = authorization
        self._server = socket.create_server(("127.0.0.1", 0))

    @property
    def address(self) -> str:
        """The address of the proxy, as `host:port`."""
        host, port = self._server.getsockname()[:2]
        return f"{host}:{port}"

    def __enter__(self) -> HttpProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                self._serve_requests(client)
        except OSError:
            pass

    def _serve_requests(self, client: socket.socket) -> None:
        there: socket.socket | None = None
        while True:
            head, rest = _read_head(client)
            if not head:
                return
            self.heads.append(head)
            method, target, _ = head.split("\r\n")[0].split(" ")
            wanted = f"proxy-authorization: {self._authorization}".lower()
            if self._authorization is not None and wanted not in head.lower():
                client.sendall(b"HTTP/1.1 407 Denied\r\nContent-Length: 0\r\n\r\n")
                return
            if method == "CONNECT":
                there = self._connect(client, target.rpartition(":")[0])
                if there is not None:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _pump_both(client, there)
                return
            url = urlsplit(target)
            if there is None:
                there = self._connect(client, url.hostname or "")
                if there is None:
                    return
                threading.Thread(target=_pump, args=(there, client), daemon=True).start()
            body = rest + _read_rest(client, head, len(rest))
            path = url.path + (f"?{url.query}" if url.query else "")
            lines = head.split("\r\n")
            kept = [line for line in lines[1:] if not line.lower().startswith("proxy-")]
            there.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *kept]).encode() + b"\r\n\r\n")
            there.sendall(body)

    def _connect(self, client: socket.socket, name: str) -> socket.socket | None:
        address = self._hosts.get(name.strip("[]"))
        if address is None:
            client.sendall(b"HTTP/1.1 502 No such host\r\nContent-Length: 0\r\n\r\n")
            return None
        return socket.create_connection(address)


def _read_head(client: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return "", b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _read_rest(client: socket.socket, head: str, got: int) -> bytes:
    lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    wanted = int(lengths[0].partition(":")[2]) if lengths else 0
    data = b""
    while got + len(data) < wanted:
        data += client.recv(65536)
    return data


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _pump_both(one: socket.socket, other: socket.socket) -> None:
    thread = threading.Thread(target=_pump, args=(other, one), daemon=True)
    thread.start()
    _pump(one, other)
    thread.join()
