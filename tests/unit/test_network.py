"""What the errors of sockets and TLS mean."""

import errno
import socket
import ssl

import pytest

from connectors.network import causes, trouble_of


def wrapped(error: Exception) -> Exception:
    """As a library would raise it: as an argument, and as the cause."""
    try:
        raise RuntimeError("outer", error)
    except RuntimeError as outer:
        return outer


def tls(reason: str) -> ssl.SSLError:
    """An error as OpenSSL raises it."""
    error = ssl.SSLError(1, f"[SSL: {reason}] words (_ssl.c:1000)")
    error.reason = reason
    return error


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped])
@pytest.mark.parametrize(
    ("error", "kind", "is_final"),
    [
        (tls("CERTIFICATE_VERIFY_FAILED"), "certificate", True),
        (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "certificate", True),
        (tls("WRONG_VERSION_NUMBER"), "no_tls", True),
        (tls("RECORD_LAYER_FAILURE"), "no_tls", True),
        (tls("UNEXPECTED_EOF_WHILE_READING"), "other", False),
        (socket.gaierror(-2, "Name or service not known"), "name", False),
        (UnicodeError("label empty or too long"), "name", False),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "closed_port", False),
        (OSError(errno.ECONNREFUSED, "Multiple exceptions"), "closed_port", False),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "other", False),
        (TimeoutError(), "other", False),
    ],
)
def test_kinds(wrap: object, error: Exception, kind: str, is_final: bool) -> None:
    """However deep it is wrapped; only what waiting cannot mend is final."""
    assert callable(wrap)
    found = trouble_of(wrap(error))
    assert (found.kind, found.is_final) == (kind, is_final)


def test_a_ring_of_causes_ends() -> None:
    """Exceptions may name each other."""
    one, other = RuntimeError(), RuntimeError()
    one.__cause__, other.__cause__ = other, one
    assert causes(one) == [one, other]
