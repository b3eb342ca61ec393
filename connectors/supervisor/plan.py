"""Which processes a run has on this host, and the command line of each."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import ConfigError

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\]:,;]+):(\d{1,5})")
_MAX_PROCESSES = 256


@dataclass(frozen=True)
class RunPlan:
    """What was asked for: processes of this host, all hosts, and where the state is."""

    folder: Path
    flow: str = "flows.sync"
    processes: int = 1
    workers: int | None = None
    snapshot_seconds: int = 5
    hosts: tuple[str, ...] = ()
    host: int = 0

    def __post_init__(self) -> None:
        """Raises ConfigError for what cannot be."""
        for name, value in (("--processes", self.processes), ("--workers", self.workers or 1)):
            if not 1 <= value <= _MAX_PROCESSES:
                raise ConfigError(
                    f"{name}: a number from 1 to {_MAX_PROCESSES} is needed, not {value}"
                )
        if self.snapshot_seconds < 0:
            raise ConfigError("--snapshot-interval: a number of seconds is needed")
        if self.hosts and not 0 <= self.host < len(self.hosts):
            raise ConfigError(
                f"--host-index: there are {len(self.hosts)} hosts, so it is from 0 to "
                f"{len(self.hosts) - 1}"
            )

    @property
    def first(self) -> int:
        """The number of the first process of this host; each host has as many."""
        return self.host * self.processes

    @property
    def is_cluster(self) -> bool:
        """Whether there are several processes, here or elsewhere."""
        return max(1, len(self.hosts)) * self.processes > 1

    def programs(self) -> list[list[str]]:
        """The command line of each process of this host. On one host, with ports that are free."""
        recovery = ["-r", str(self.folder), "-s", str(self.snapshot_seconds), "-b", "0"]
        workers = [] if self.workers is None else ["-w", str(self.workers)]
        program = [sys.executable, "-m", "bytewax.run", self.flow, *recovery, *workers]
        if not self.is_cluster:
            return [program]
        addresses = ";".join(self.addresses())
        numbers = range(self.first, self.first + self.processes)
        return [[*program, "-i", str(number), "-a", addresses] for number in numbers]

    def addresses(self) -> list[str]:
        """The address of every process of the run, by its number."""
        if not self.hosts:
            return [f"127.0.0.1:{port}" for port in free_ports(self.processes)]
        addresses = []
        for address in self.hosts:
            host, _, port = address.rpartition(":")
            addresses += [f"{host}:{int(port) + each}" for each in range(self.processes)]
        return addresses


def parse_hosts(text: str, processes: int) -> tuple[str, ...]:
    """The addresses in `a:port,b:port`. Raises ConfigError.

    A host's processes take as many ports, from its port on.
    """
    hosts = tuple(part.strip() for part in text.split(","))
    taken: set[tuple[str, int]] = set()
    for address in hosts:
        found = _ADDRESS.fullmatch(address)
        last = int(found[2]) + processes - 1 if found else 0
        if found is None or not 0 < int(found[2]) <= last <= 65_535:
            raise ConfigError(
                f"--hosts: {address!r} is no address with a port\n  remedy: name every host in "
                "the same order everywhere, such as --hosts 10.0.0.1:2101,10.0.0.2:2101"
            )
        ports = {(found[1], port) for port in range(int(found[2]), last + 1)}
        if ports & taken:
            raise ConfigError(
                f"--hosts: {address} has ports in common with another one: a host's {processes} "
                "processes take as many, from its port on"
            )
        taken |= ports
    return hosts


def free_ports(number: int) -> Sequence[int]:
    """Ports of the loopback address that are free at the moment."""
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
