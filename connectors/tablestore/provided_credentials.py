"""Access keys from Alibaba's own credentials package: roles and other keys that expire.

The package refreshes a key before it expires (some a quarter of an hour). It does so when it is
asked, and blocks meanwhile; so a thread asks it, and requests use what the thread has got last.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings
from connectors.tablestore.credentials import Credentials

log = logging.getLogger("sync.tablestore")

# Seconds between two requests for a key and between two warnings; tries of the first request.
_INTERVAL = 15.0
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
        self._warned_at = float("-inf")

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
                        f"  remedy: {_REMEDIES[self._kind]}"
                    ) from None
                self._sleep(2.0**number / 4)
        raise AssertionError("unreachable")

    def _get(self) -> Credentials:
        found = self._fetch()
        key_id, secret = found.get_access_key_id(), found.get_access_key_secret()
        token = found.get_security_token()
        if not key_id or not secret:
            raise ValueError("it is empty")
        for value in (key_id, secret, token or ""):
            if not value.isascii() or any(character.isspace() for character in value):
                raise ValueError("it has characters that no key has")
        return Credentials(key_id, secret, token or None)

    def _follow(self) -> None:
        while True:
            self._sleep(self._interval)
            self.look()

    def look(self) -> None:
        """Ask for the present key; the one before stays while there is no answer."""
        try:
            self._current = self._get()
        except Exception as error:  # noqa: BLE001 - the boundary to the package
            now = time.monotonic()
            if now - self._warned_at >= _WARN_INTERVAL:
                self._warned_at = now
                log.warning(
                    "tablestore.credentials %s: keeping the present access key: %s",
                    self._kind,
                    _said(error),
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
    # The package prints to stderr.
    logging.getLogger("credentials").setLevel(logging.CRITICAL + 1)
    makers: dict[str, Callable[[], Any]] = {
        "default": kinds.DefaultCredentialsProvider,
        "ecs_ram_role": lambda: kinds.EcsRamRoleCredentialsProvider(
            role_name=settings.credentials_role
        ),
        "oidc": kinds.OIDCRoleArnCredentialsProvider,
        "uri": kinds.URLCredentialsProvider,
        "profile": kinds.ProfileCredentialsProvider,
    }
    try:
        made = makers[kind]()
    except Exception as error:  # noqa: BLE001 - the boundary to the package
        raise StopRun(
            f"tablestore.credentials {kind}: {_said(error)}\n  remedy: {_REMEDIES[kind]}"
        ) from None
    return ProvidedCredentials(kind, made.get_credentials)


def _said(error: Exception) -> str:
    """Class and text of an error, in one line; the package's texts hold no key."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
