"""Why there is no connection: what the errors of sockets and TLS mean."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Literal, NamedTuple

Kind = Literal["certificate", "no_tls", "name", "closed_port", "other"]
# OpenSSL's texts for bytes that are not TLS, which differ between its versions.
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


class ConnectionTrouble(NamedTuple):
    """Why a connection could not be made."""

    kind: Kind
    text: str
    """Such as "TLS: CERTIFICATE_VERIFY_FAILED"; "" for an error of unknown meaning."""

    @property
    def is_final(self) -> bool:
        """Whether waiting is useless, if there has never been a connection."""
        return self.kind in ("certificate", "no_tls")


def trouble_of(error: BaseException) -> ConnectionTrouble:
    """The trouble of the first error in a chain of causes that has a known meaning."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLError):
            reason = str(cause.reason or type(cause).__name__)
            if "CERT" in reason or isinstance(cause, ssl.SSLCertVerificationError):
                return ConnectionTrouble("certificate", f"TLS: {reason}")
            if reason in _NO_TLS:
                return ConnectionTrouble("no_tls", f"TLS: {reason}: the port does not speak TLS")
            return ConnectionTrouble("other", f"TLS: {reason}")
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return ConnectionTrouble("name", "the host's name does not resolve")
        if getattr(cause, "errno", None) == errno.ECONNREFUSED:
            return ConnectionTrouble("closed_port", "nothing listens there")
    return ConnectionTrouble("other", "")


def causes(error: BaseException) -> list[BaseException]:
    """An error with the errors behind it: its arguments, its reason and its causes."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found
