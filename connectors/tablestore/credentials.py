"""Access keys: from the environment, or from files that may be rewritten during the run."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from connectors.errors import StopRun
from connectors.settings.writing import TablestoreSettings

log = logging.getLogger("sync.tablestore")

_VARIABLES = {
    "access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "security_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
}


class Credentials:
    """One access key, with the getters that the SDK calls. It shows nothing when printed."""

    __slots__ = ("_id", "_secret", "_token")

    def __init__(self, key_id: str, secret: str, token: str | None) -> None:
        self._id = key_id
        self._secret = secret
        self._token = token

    def __repr__(self) -> str:
        return "Credentials(**********)"

    def get_access_key_id(self) -> str:
        """The access key id, the public part of the credentials."""
        return self._id

    def get_access_key_secret(self) -> str:
        """The access key secret."""
        return self._secret

    def get_security_token(self) -> str | None:
        """The token of a temporary key, or None."""
        return self._token


class CredentialsSource:
    """Reads the access key; the client asks for it with every request.

    A file wins over its variable. Files are read again when they change, so keys can rotate.
    Raises StopRun, naming the variable and the option, when a part is missing.
    """

    def __init__(
        self, settings: TablestoreSettings, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._environ = environ
        self._files = {
            "access_key_id": settings.access_key_id_file,
            "access_key_secret": settings.access_key_secret_file,
            "security_token": settings.security_token_file,
        }
        self._warned_at: tuple[int, ...] = ()
        self._stamp = self._stamps()
        self._current = self._read()

    def __repr__(self) -> str:
        return "CredentialsSource(**********)"

    def get_credentials(self) -> Credentials:
        """The credentials that are valid now."""
        if self._stamp:
            stamp = self._stamps()
            if stamp != self._stamp:
                try:
                    self._current = self._read()
                    self._stamp = stamp
                except StopRun as error:
                    # It may be half rewritten: use the old key until the new one is complete.
                    if self._warned_at != stamp:
                        log.warning("keeping the present access key: %s", error)
                        self._warned_at = stamp
        return self._current

    def _stamps(self) -> tuple[int, ...]:
        return tuple(_stamp(file) for file in self._files.values() if file is not None)

    def _read(self) -> Credentials:
        token = self._part("security_token")
        return Credentials(
            self._required("access_key_id"), self._required("access_key_secret"), token or None
        )

    def _required(self, name: str) -> str:
        value = self._part(name)
        if not value:
            raise StopRun(
                f"no Tablestore {name.replace('_', ' ')}.\n  remedy: set {_VARIABLES[name]} in the "
                f"environment, or name a file in tablestore.{name}_file"
            )
        return value

    def _part(self, name: str) -> str:
        file: Path | None = self._files[name]
        where = _VARIABLES[name] if file is None else f"tablestore.{name}_file ({file})"
        if file is None:
            value = self._environ.get(_VARIABLES[name], "").strip()
        else:
            try:
                value = file.read_text("utf-8-sig").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise StopRun(f"{where} cannot be read: {type(error).__name__}") from None
        # It travels in an HTTP header.
        if not value.isascii() or any(character.isspace() for character in value):
            raise StopRun(
                f"{where} holds blanks, line breaks or characters that no key has.\n  remedy: put "
                "the key there and nothing else"
            )
        return value


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
