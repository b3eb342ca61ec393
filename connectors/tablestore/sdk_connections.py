"""The connections of the official SDK, with the same authorities and proxy as ours."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3

_MAX_CONNECTIONS = 4


def sdk_pool(endpoint: str, timeout: float, proxy: str | None) -> urllib3.PoolManager:
    """The connection pool for the SDK; `proxy` is the URL of an HTTP proxy."""
    options: dict[str, Any] = {"timeout": timeout, "maxsize": _MAX_CONNECTIONS, "block": True}
    if urlsplit(endpoint).scheme == "https":
        options["ssl_context"] = ssl.create_default_context()
    if proxy is None:
        return urllib3.PoolManager(1, **options)
    parts = urlsplit(proxy)
    headers = {}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=user)
    there = f"http://{parts.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(there, 1, proxy_headers=headers, **options)
