"""Why there is no connection: what errors of sockets and TLS mean, whoever raised them."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Literal, NamedTuple

Kind = Literal["certificate", "no_tls", "name", "closed_port", "other"]
# What OpenSSL says of bytes that are no TLS; the words differ between its versions.
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


class ConnectionTrouble(NamedTuple):
    """What stood in the way of a connection."""

    kind: Kind
    text: str
    """Such as "TLS: CERTIFICATE_VERIFY_FAILED"; "" of another kind."""

    @property
    def is_final(self) -> bool:
        """Whether waiting does not mend it, where there has never been a connection."""
        return self.kind in ("certificate", "no_tls")


def trouble_of(error: BaseException) -> ConnectionTrouble:
    """The first cause in the chain of an error that says something."""
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
    """The error and all that is behind it: its arguments, its reason and its causes."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found
