"""Requests to a Schema Registry, which may have several URLs, and the meaning of each answer.

An answer is one of four: a schema; the registry's statement that it does not have it (`Missing`);
trouble that may go away (`Trouble`), for which the next URL is asked and then all of them again;
and a fault that only an operator can correct (`Final`), which stops the run when no URL works. An
unexpected answer is checked by a second request: where the registry answers that one, the first
answer concerns a single schema and must not stop the run.
"""

from __future__ import annotations

import base64
import json
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3

from connectors.errors import StopRun
from connectors.network import causes, trouble_of
from connectors.settings.formats import RegistrySettings
from connectors.settings.urls import proxy_of

log = logging.getLogger("sync.formats")

Wait = Callable[[str], None]
"""Called with the reason when the registry does not answer; returns when it may be tried again."""

_MAX_BYTES = 16 << 20  # of an answer
# Every registry answers this with a schema, or with its own error code.
_PROBE = "/schemas/ids/1"
_NAME = "schema registry (format.registry.url)"
_CREDENTIALS = (
    "set format.registry.username and password, or token, to those of a user who may read schemas"
)
_ADDRESS = "set format.registry.url to that of the registry, with its path if it has one"
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429)


class SchemaError(Exception):
    """An invalid schema; the text says where in it and what is wrong."""


class Missing(NamedTuple):
    """The registry does not have a schema, or does not hand it out to these credentials."""

    reason: str
    """Such as "which the registry does not know"."""
    is_denied: bool = False
    """Whether it exists, but not for these credentials."""


class Trouble(NamedTuple):
    """A fault that may go away by itself: ask again later."""

    text: str


class Final(NamedTuple):
    """A fault that an operator must correct. The text has the remedy."""

    text: str
    may_pass: bool = True
    """Whether it counts as passing once the registry has answered; else it is always final."""


Found = Mapping[str, Any]


class _Unexpected(NamedTuple):
    """An answer that no registry gives to a valid request."""

    what: str
    final: Final | Trouble
    """The fault if it turns out that there is no registry."""


class RegistryClient:
    """The registry behind all URLs. The one that answered last is asked first."""

    def __init__(self, settings: RegistrySettings, wait: Wait | None = None) -> None:
        """Without `wait`, trouble is an error.

        Raises StopRun for files that cannot be read, and a proxy that cannot be used.
        """
        self._wait = wait
        tls: dict[str, Any] = {}
        if any(_is_https(url) for url in settings.urls):
            tls["ssl_context"] = _tls(settings)
        self._servers = [_Server(url, settings, tls) for url in settings.urls]

    def get(self, path: str) -> Found | Missing:
        """The answer to a path. Waits until there is one. Raises StopRun."""
        while True:
            answer = self._ask_all(path)
            if not isinstance(answer, Trouble):
                return answer
            if self._wait is None:
                raise RuntimeError(f"{_NAME}: {answer.text}")
            self._wait(f"{_NAME}: {answer.text}")

    def check(self) -> None:
        """Ask each URL once, before the first record. Raises StopRun where none can be used.

        Trouble that may go away is logged with its remedy, and waited for when a record needs a
        schema.
        """
        finals = []
        for url, answer in self.probe():
            if isinstance(answer, Final):
                finals.append(answer)
            if answer is not None:
                log.warning("%s: %s: %s", _NAME, url, answer.text)
        if len(finals) == len(self._servers):
            raise StopRun(f"schema registry: {finals[0].text}")

    def probe(self) -> list[tuple[str, Trouble | Final | None]]:
        """Ask each URL once: what stands against using it, or None where nothing is known."""
        return [(server.url, server.probe()) for server in self._servers]

    def _ask_all(self, path: str) -> Found | Missing | Trouble:
        word: Missing | None = None
        troubles: list[str] = []
        finals: list[Final] = []
        for server in [*self._servers]:
            answer = server.ask(path)
            if isinstance(answer, Missing):
                # A replica that lags behind; another one may have it.
                word = word or answer
            elif isinstance(answer, Trouble):
                troubles.append(f"{server.url}: {answer.text}")
            elif isinstance(answer, Final):
                finals.append(answer)
                troubles.append(f"{server.url}: {answer.text}")
            else:
                self._servers.remove(server)
                self._servers.insert(0, server)
                return answer
        if word is not None:
            return word
        if len(finals) == len(self._servers):
            raise StopRun(f"schema registry: {finals[0].text}")
        return Trouble("; ".join(troubles))


class _Server:
    """One URL of the registry."""

    def __init__(self, url: str, settings: RegistrySettings, tls: dict[str, Any]) -> None:
        self.url = url.rstrip("/")
        self._settings = settings
        self._authorization = _authorization(settings)
        self._pool = _pool(url, settings, tls)
        # A path that it has answered with a schema, which proves that it is a registry.
        self._witness: str | None = None

    def ask(self, path: str) -> Found | Missing | Trouble | Final:
        """The answer of this server to a request for `path`, or why there is none."""
        answer = self._once(path)
        if isinstance(answer, _Unexpected):
            if self._answers_otherwise(path):
                return Missing(f"for which the registry answers {answer.what}")
            answer = answer.final
        elif isinstance(answer, Missing) and answer.is_denied:
            # If it still hands out another schema, it only withholds this one.
            if not self._answers_otherwise(path, with_schema=True):
                return _denied(403)
        elif not isinstance(answer, (Missing, Trouble, Final)):
            self._witness = path
        if isinstance(answer, Final) and answer.may_pass and self._witness is not None:
            return Trouble(answer.text)
        return answer

    def probe(self) -> Trouble | Final | None:
        """Return why the server cannot be used, or None if no reason is known."""
        answer = self._once(_PROBE)
        if isinstance(answer, _Unexpected):
            return Final(_no_registry(answer.what)) if answer.what[:4] != "HTTP" else answer.final
        return answer if isinstance(answer, (Trouble, Final)) else None

    def _answers_otherwise(self, path: str, with_schema: bool = False) -> bool:
        """Whether another request gets a registry's answer."""
        other = self._witness or _PROBE
        if other == path or (with_schema and self._witness is None):
            return False
        answer = self._once(other)
        if isinstance(answer, Missing):
            return not answer.is_denied and not with_schema
        return not isinstance(answer, (Trouble, Final, _Unexpected))

    def _once(self, path: str) -> Found | Missing | Trouble | Final | _Unexpected:
        answer = self._request(path)
        if not isinstance(answer, (Trouble, Final)) and answer[0] in (401, 403):
            try:
                present = _authorization(self._settings)
            except StopRun:  # it is being rewritten
                present = self._authorization
            if present != self._authorization:  # the secret's file was rewritten
                self._authorization = present
                answer = self._request(path)
        if isinstance(answer, (Trouble, Final)):
            return answer
        return _judge(*answer)

    def _request(self, path: str) -> tuple[int, bytes] | Trouble | Final:
        headers = {"accept": "application/vnd.schemaregistry.v1+json", **self._authorization}
        try:
            answer = self._pool.request(
                "GET", self.url + path, headers=headers, redirect=False, preload_content=False
            )
            try:
                return answer.status, answer.read(_MAX_BYTES + 1)
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return _trouble(error)


def _judge(status: int, body: bytes) -> Found | Missing | Trouble | Final | _Unexpected:
    """The meaning of an answer on its own."""
    if status == 200 and len(body) > _MAX_BYTES:
        raise SchemaError("it is too large")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    code = found.get("error_code") if isinstance(found, dict) else None
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    if status == 200:
        if isinstance(found, dict) and isinstance(found.get("schema"), str):
            return found
        what = "holds no schema" if found is not None else "is not JSON"
        return _Unexpected(f"what {what}", Trouble(f"the answer {what}: {_ADDRESS}"))
    if status == 401 or (status == 403 and code is None):
        return _denied(status)
    if status == 403:
        return Missing("which these credentials may not read", is_denied=True)
    if status == 407:
        return Final(
            "HTTP 407: the proxy asks for credentials.\n  remedy: put user and password into "
            "HTTPS_PROXY or HTTP_PROXY, or set format.registry.proxy_from_environment = false",
            may_pass=False,
        )
    if status in _REDIRECTS:
        return _Unexpected(
            f"HTTP {status}",
            Final(
                f"HTTP {status}: it redirects to another address.\n  remedy: set "
                "format.registry.url to that one"
            ),
        )
    if status in _PASSING or status >= 500:
        return Trouble(f"HTTP {status}")
    if status == 404 and code is not None and 40400 < code < 40500:
        return Missing("which the registry does not know")
    return _Unexpected(
        f"HTTP {status}" + ("" if code is None else f" ({code})"),
        Final(_no_registry(f"HTTP {status}, without a Schema Registry's error code")),
    )


def _no_registry(what: str) -> str:
    return f"{what}: there is none at this address.\n  remedy: {_ADDRESS}"


def _denied(status: int) -> Final:
    return Final(
        f"HTTP {status}: it does not accept these credentials.\n  remedy: {_CREDENTIALS}",
        may_pass=False,
    )


def _trouble(error: Exception) -> Trouble | Final:
    """Whether a request that got no answer may be tried again (Trouble) or not (Final)."""
    trouble = trouble_of(error)
    if trouble.kind == "certificate":
        return Final(
            f"{trouble.text}\n  remedy: set format.registry.ca_file to the authority of the "
            "registry's certificate, and certificate_file where it asks for ours"
        )
    if trouble.kind == "no_tls":
        return Final(
            f"{trouble.text}.\n  remedy: begin format.registry.url with http:// (on another host "
            "with allow_plain_http = true), or name the registry's TLS port"
        )
    if trouble.kind == "name":
        return Trouble(
            f"{trouble.text}; correct format.registry.url, or this machine's name resolution"
        )
    if trouble.kind == "closed_port":
        return Trouble(f"{trouble.text}; start the registry, or correct format.registry.url")
    name = type(error).__name__
    if isinstance(error, urllib3.exceptions.ProxyError):
        return Trouble(
            f"{name}: the proxy of HTTPS_PROXY or HTTP_PROXY does not let us through; set "
            "format.registry.proxy_from_environment = false to do without it"
        )
    if any("BadStatusLine" in repr(cause) for cause in causes(error)):
        return Trouble(
            f"{name}: no HTTP answer; where the port speaks TLS, begin format.registry.url with "
            "https://"
        )
    return Trouble(f"{name} {trouble.text}".strip())


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _pool(url: str, settings: RegistrySettings, tls: dict[str, Any]) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "num_pools": 2,
        "timeout": urllib3.Timeout(total=settings.timeout),
        "retries": False,
        **(tls if _is_https(url) else {}),
    }
    try:
        proxy = proxy_of(url) if settings.proxy_from_environment else None
    except ValueError as error:
        raise StopRun(
            f"schema registry: {error}\n  remedy: correct it, or set "
            "format.registry.proxy_from_environment = false"
        ) from None
    if proxy is None:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy)
    headers = {}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=user)
    return urllib3.ProxyManager(
        f"http://{parts.netloc.rpartition('@')[2]}", proxy_headers=headers, **options
    )


def _tls(settings: RegistrySettings) -> ssl.SSLContext:
    option, file = "ca_file", settings.ca_file
    try:
        context = ssl.create_default_context(cafile=str(file) if file else None)
        if settings.certificate_file is not None:
            option, file = "certificate_file", settings.certificate_file
            context.load_cert_chain(str(file), str(settings.certificate_key_file))
    except (OSError, ValueError) as error:  # an ssl.SSLError is one
        reason = getattr(error, "reason", None) or type(error).__name__
        raise StopRun(
            f"format.registry.{option}: cannot use {file}: {reason}\n  remedy: it is a file of "
            "certificates in PEM, which the run may read, with the key that belongs to it"
        ) from None
    return context


def _authorization(settings: RegistrySettings) -> dict[str, str]:
    def secret(given: Any, file: Any) -> str | None:
        if given is not None:
            return str(given.get_secret_value())
        if file is None:
            return None
        try:
            return str(file.read_text("utf-8-sig")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StopRun(
                f"format.registry: cannot read {file}: {type(error).__name__}\n  remedy: correct "
                "the path or its permissions"
            ) from None

    token = secret(settings.token, settings.token_file)
    if token is not None:
        if not token.isascii() or not token.isprintable():
            raise StopRun(
                "format.registry: the token holds line breaks or characters that no token has.\n"
                "  remedy: put the token there and nothing else"
            )
        return {"authorization": f"Bearer {token}"}
    password = secret(settings.password, settings.password_file)
    if password is not None:
        both = f"{settings.username}:{password}".encode()
        return {"authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}
