"""Access keys from Alibaba's own credentials package: roles and other keys that expire.

The package refreshes a key before it expires (some a quarter of an hour). It does so when it is
asked, and blocks meanwhile; so a thread asks it, and requests use what the thread has got last.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import Credentials

log = logging.getLogger("sync.tablestore")

# Seconds between two requests for a key, between two when requests are denied, and between two
# warnings; tries of the first request.
_INTERVAL = 15.0
_DENIED_INTERVAL = 1.0
_WARN_INTERVAL = 300.0
_FIRST_TRIES = 5
_REMEDIES = {
    "default": "see the package's documentation for where it looks for a key",
    "ecs_ram_role": "attach a RAM role to this ECS instance, or name it in "
    "tablestore.credentials_role",
    "oidc": "run in a pod of ACK with RRSA: it sets ALIBABA_CLOUD_ROLE_ARN, "
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "uri": "set ALIBABA_CLOUD_CREDENTIALS_URI to where keys are handed out",
    "profile": "set ALIBABA_CLOUD_CREDENTIALS_FILE and ALIBABA_CLOUD_PROFILE, or write "
    "~/.alibabacloud/credentials.ini",
}
# Of the package's texts: what the provider answered, which may be a key; the code in it; and what
# of a URL may be secret.
_ANSWER = re.compile(r",?\s*result:.*", re.DOTALL)
_CODE = re.compile(r'"Code"\s*:\s*"([A-Za-z0-9_.]{1,80})"')
_SECRETS_OF_URL = re.compile(r"(?<=//)[^/\s@]*@|\?[^\s,)]*")

Fetch = Callable[[], Any]
"""The present key, as the package's object with getters."""


class ProvidedCredentials:
    """The present key of a provider; the client asks for it with every request."""

    def __init__(
        self,
        kind: str,
        fetch: Fetch,
        *,
        interval: float = _INTERVAL,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`kind` is the value of tablestore.credentials. Nothing is requested yet."""
        self._kind = kind
        self._fetch = fetch
        self._interval = interval
        self._sleep = sleep
        self._lock = threading.Lock()
        self._current: Credentials | None = None
        self._expires: int | None = None
        self._warned_at = self._looked_at = float("-inf")

    def __repr__(self) -> str:
        return "ProvidedCredentials(**********)"

    def get_credentials(self) -> Credentials:
        """The present key. The first call blocks, and raises StopRun when there is none."""
        current = self._current
        if current is not None:
            return current
        with self._lock:
            if self._current is None:
                self._current = self._first()
                threading.Thread(target=self._follow, name="credentials", daemon=True).start()
            return self._current

    def _first(self) -> Credentials:
        for number in range(_FIRST_TRIES):
            try:
                return self._get()
            except Exception as error:  # noqa: BLE001 - the boundary to the package
                if number == _FIRST_TRIES - 1:
                    raise StopRun(
                        f"tablestore.credentials {self._kind}: no access key: {_said(error)}\n"
                        f"  remedy: {_remedy(self._kind)}"
                    ) from None
                self._sleep(2.0**number / 4)
        raise AssertionError("unreachable")

    def _get(self) -> Credentials:
        found = self._fetch()
        key_id, secret = found.get_access_key_id(), found.get_access_key_secret()
        token = found.get_security_token()
        if not key_id or not secret:
            raise _NoKeyError("it is empty")
        for value in (key_id, secret, token or ""):
            if not isinstance(value, str):
                raise _NoKeyError("it is no text")
            if not value.isascii() or any(character.isspace() for character in value):
                raise _NoKeyError("it has characters that no key has")
        self._expires = _expiration(found)
        return Credentials(key_id, secret, token or None)

    def _follow(self) -> None:
        while True:
            self._sleep(self._interval)
            self.look()

    def look(self) -> None:
        """Ask for the present key; the one before stays while there is no answer."""
        self._looked_at = time.monotonic()
        try:
            self._current = self._get()
        except Exception as error:  # noqa: BLE001 - the boundary to the package
            self._warn(_said(error))
        else:
            if self.has_expired:
                self._warn("it has expired, and there is no newer one")

    def look_again(self) -> None:
        """Ask again since a request was denied, unless that was a moment ago. Blocks."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _DENIED_INTERVAL:
                self.look()

    @property
    def has_expired(self) -> bool:
        """Whether the present key is past its end, as its provider has given no newer one."""
        return self._expires is not None and self._expires <= time.time()

    @property
    def expired_text(self) -> str:
        """Why requests are denied meanwhile, with the remedy."""
        return (
            f"the access key has expired, and tablestore.credentials {self._kind} gives no newer "
            f"one ({_remedy(self._kind)})"
        )

    def _warn(self, why: str) -> None:
        now = time.monotonic()
        if now - self._warned_at >= _WARN_INTERVAL:
            self._warned_at = now
            log.warning(
                "tablestore.credentials %s: keeping the present access key: %s\n  remedy: %s",
                self._kind,
                why,
                _remedy(self._kind),
            )


def provided(settings: TablestoreSettings) -> ProvidedCredentials:
    """The credentials that the settings name. Raises StopRun where the package is not installed."""
    kind = settings.credentials
    try:
        from alibabacloud_credentials import provider as kinds  # noqa: PLC0415
    except ImportError:
        raise StopRun(
            f"tablestore.credentials {kind} needs Alibaba's credentials package.\n  remedy: "
            "install it: pip install 'bytewax-tablestore[credentials]', or in a checkout pip "
            "install alibabacloud-credentials"
        ) from None
    # They print to stderr by themselves, what was answered too.
    for name in ("credentials", "alibabacloud-tea"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    makers: dict[str, Callable[[], Any]] = {
        "default": kinds.DefaultCredentialsProvider,
        "ecs_ram_role": lambda: kinds.EcsRamRoleCredentialsProvider(
            role_name=settings.credentials_role
        ),
        "oidc": kinds.OIDCRoleArnCredentialsProvider,
        "uri": kinds.URLCredentialsProvider,
        "profile": lambda: _ProfileFile(kinds.ProfileCredentialsProvider),
    }
    try:
        made = makers[kind]()
    except Exception as error:  # noqa: BLE001 - the boundary to the package
        raise StopRun(
            f"tablestore.credentials {kind}: {_said(error)}\n  remedy: {_remedy(kind)}"
        ) from None
    return ProvidedCredentials(kind, made.get_credentials)


class _ProfileFile:
    """A profile's provider, made again when its file has changed: it reads the file once."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made = make()
        self._file = Path(self._made._profile_file)
        self._stamp = self._stamp_now()

    def get_credentials(self) -> Any:
        """The credentials of the profile; its file is read again if it has changed."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            self._made, self._stamp = self._make(), stamp
        return self._made.get_credentials()

    def _stamp_now(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0


class _NoKeyError(Exception):
    """What is wrong with a key, without the key."""


def _expiration(found: Any) -> int | None:
    """When the key of a provider ends, in seconds since 1970; None where it does not say."""
    expires = getattr(found, "get_expiration", lambda: None)()
    return expires if isinstance(expires, int) and expires > 0 else None


def _remedy(kind: str) -> str:
    remedy = _REMEDIES[kind]
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        if os.environ.get(name) or os.environ.get(name.lower()):
            return (
                f"{remedy}; and since {name} is set, Alibaba's package asks there, whatever "
                "NO_PROXY says: let that proxy pass its requests, or unset it for this process"
            )
    return remedy


def _said(error: Exception) -> str:
    """What an error says, in one line, without what was answered or sent: keys and tokens."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, _NoKeyError):
        return text
    if isinstance(error, OSError) and error.filename:
        return f"{name}: {error.filename}"
    spoken = name in ("CredentialException", "RetryError") or type(error) is ValueError
    if not spoken or text.startswith("time data"):
        # The texts of parsers quote what they read.
        what = "is not JSON" if isinstance(error, json.JSONDecodeError) else f"is no key ({name})"
        return f"what it found {what}"
    code = _CODE.search(text)
    text = _SECRETS_OF_URL.sub("", _ANSWER.sub("", text))
    return f"{name}: {' '.join(text.split())[:300]}{f' ({code[1]})' if code else ''}"
