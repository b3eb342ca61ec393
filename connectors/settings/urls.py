"""URLs of HTTP services and their proxies, checked with the settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]
    getproxies_environment,
    proxy_bypass_environment,
)


def check_url(text: str, allow_plain_http: bool) -> None:
    """Raise ValueError, with the reason, unless a URL has only scheme, host, port and path.

    Unless `allow_plain_http`, http is allowed only for this machine.
    """
    if not text.isprintable() or " " in text or "@" in text.partition("//")[2].partition("/")[0]:
        raise ValueError("holds blanks or a user name: it is scheme, host, port, path")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError("has an illegal host or port: the port is 1 to 65535") from None
    if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
        raise ValueError("is not an http or https URL")
    try:
        url.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("has an illegal host") from None
    if "?" in text or "#" in text:
        raise ValueError("holds more than scheme, host, port and path")
    if "," in url.netloc:
        raise ValueError("holds several hosts")
    if url.scheme == "http" and not allow_plain_http and not is_loopback(url.hostname):
        raise ValueError(
            "must be https: over http anyone on the network path can read and change the traffic. "
            "http is only for 127.0.0.1 and localhost, or with allow_plain_http = true"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own name or address for itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def proxy_of(url: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The HTTP proxy for a checked URL, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or None.

    The lower-case names win. This machine is never reached through a proxy. Raises ValueError for a
    proxy that is not an http URL.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    found = _proxies(environ)
    proxy = found.get(parts.scheme)
    if not proxy or is_loopback(host):
        return None
    default = 443 if parts.scheme == "https" else 80
    if proxy_bypass_environment(f"{host}:{parts.port or default}", found):
        return None
    name = f"{parts.scheme.upper()}_PROXY"
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        there = urlsplit(proxy)
        usable = there.scheme == "http" and bool(there.hostname) and there.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"{name} is not a usable proxy: it is http://host:port, with user and password "
            "if it needs them"
        )
    return proxy


def _proxies(environ: Mapping[str, str] | None) -> dict[str, str]:
    if environ is None:
        return getproxies_environment()
    found = {}
    for name in (*sorted(filter(str.isupper, environ)), *sorted(filter(str.islower, environ))):
        if name.lower().endswith("_proxy"):
            found[name.lower().removesuffix("_proxy")] = environ[name]
    return found
