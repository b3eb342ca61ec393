"""Warns of ports that strangers may reach: those of the cluster, the endpoint, Bytewax's own API.

Bytewax's processes send each other pickled items, without a password and not encrypted: who reaches
such a port can run code in the process [bytewax-recovery]. So addresses outside of this machine and
of private networks are warned of.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

_API = "BYTEWAX_DATAFLOW_API_ENABLED"


def exposures(
    addresses: str | None,
    process: int | None,
    environ: Mapping[str, str],
    resolve: Callable[[str], list[str]] | None = None,
) -> list[str]:
    """A text for each port of this process that the internet may reach.

    `addresses` are those of the cluster in the order of its processes, as `-a` has them. `resolve`
    gives the addresses of a name; the system's resolver unless given.
    """
    found = []
    if addresses is not None:
        every = addresses.split(";")
        number = process or 0
        own = every[number] if number < len(every) else ""
        host = own.rpartition(":")[0].strip("[] ")
        if is_public(host, resolve):
            found.append(
                f"cluster: process {number} listens on {own}, which is no address of a private "
                "network. Who reaches that port can run code in this process: Bytewax neither "
                "encrypts nor authenticates it\n  remedy: take an address of a private network, or "
                "let a firewall admit the run's own hosts only"
            )
    if _API in environ:
        port = environ.get("BYTEWAX_DATAFLOW_API_PORT", "3030")
        found.append(
            f"{_API} is set, whatever to: Bytewax's own API listens on port {port} of all "
            "addresses, without a password\n  remedy: unset it; http.port gives an endpoint of "
            "this software"
        )
    return found


def endpoint_exposure(
    host: str, port: int, resolve: Callable[[str], list[str]] | None = None
) -> str | None:
    """The text for an HTTP endpoint that the internet may reach; None for another one."""
    if not is_public(host, resolve):
        return None
    return (
        f"http: the endpoint listens on {host} port {port}, which is not only an address of this "
        "machine or a private network, and has no password\n  remedy: set http.host to such an "
        "address, or let a firewall admit your monitoring only"
    )


def is_public(host: str, resolve: Callable[[str], list[str]] | None = None) -> bool:
    """Whether a host is an address outside of private networks, or all addresses of a machine.

    A name that cannot be resolved is not.
    """
    texts = [host]
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        texts = (resolve or _resolved)(host)
    found = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
    return any(one.is_unspecified or one.is_global for one in found)


def _resolved(host: str) -> list[str]:
    with suppress(OSError, UnicodeError):
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None)]
    return []
