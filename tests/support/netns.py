"""Hosts as network namespaces: each with an address of its own, on a link that can be cut.

Run as a program, it enters a namespace and becomes another program:
python netns.py /run/netns/NAME PROGRAM [ARGUMENT ...]
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_CLONE_NEWNET = 0x40000000


def why_not() -> str | None:
    """Why this machine cannot have namespaces; None when it can."""
    if shutil.which("ip") is None:
        return "the program ip is missing"
    name = f"probe-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if done.returncode:
        return f"no right to make network namespaces: {done.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


class Network:
    """Some hosts; use as a context manager. `addresses` are theirs."""

    def __init__(self, hosts: int, services: Sequence[int]) -> None:
        """`services` are ports of this machine's 127.0.0.1, which each host has on its own."""
        self._name = f"sync-{os.getpid()}"
        self._switch = f"{self._name}-switch"
        self._services = services
        self._listeners: list[socket.socket] = []
        self.addresses = [f"10.77.0.{host + 1}" for host in range(hosts)]

    def __enter__(self) -> "Network":
        try:
            self._make()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for listener in self._listeners:
            listener.close()
        names = [self._switch, *(self._host(host) for host in range(len(self.addresses)))]
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def program(self, host: int, program: Sequence[str]) -> list[str]:
        """The arguments of Python with which a program of Python runs on a host."""
        return [__file__, f"/run/netns/{self._host(host)}", sys.executable, *program]

    def cut(self, host: int) -> None:
        """What is sent to a host or by it is lost from now on, without a word."""
        self._ip("-n", self._switch, "link", "set", f"to{host}", "down")

    def mend(self, host: int) -> None:
        """Restore the network link of a host."""
        self._ip("-n", self._switch, "link", "set", f"to{host}", "up")

    def _host(self, host: int) -> str:
        return f"{self._name}-{host}"

    def _make(self) -> None:
        self._ip("netns", "add", self._switch)
        self._ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        self._ip("-n", self._switch, "link", "set", "bridge", "up")
        for host, address in enumerate(self.addresses):
            name, port = self._host(host), f"to{host}"
            self._ip("netns", "add", name)
            ends = ("type", "veth", "peer", "name", port, "netns", self._switch)
            self._ip("-n", name, "link", "add", "eth0", *ends)
            self._ip("-n", self._switch, "link", "set", port, "master", "bridge", "up")
            self._ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                self._ip("-n", name, "link", "set", device, "up")
            for service in self._services:
                self._offer(name, service)

    def _offer(self, name: str, port: int) -> None:
        """What connects to the port on the host comes to that port of this machine."""
        made: list[socket.socket] = []

        def listen() -> None:
            enter(f"/run/netns/{name}")  # this thread alone
            made.append(socket.create_server(("127.0.0.1", port)))

        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
        self._listeners += made
        threading.Thread(target=_accept, args=(made[0], port), daemon=True).start()

    @staticmethod
    def _ip(*arguments: str) -> None:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def enter(path: str) -> None:
    """Move this thread into a network namespace. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(path).open("rb") as namespace:
        if libc.setns(namespace.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    enter(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
