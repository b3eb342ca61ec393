"""Tokens for SASL OAUTHBEARER from a function of the user, for the Kafka client.

The client's extension module turns an exception of its callback, or an unexpected result, into
errors that cannot be handled. So nothing is raised here, and every result is checked.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from connectors.errors import raised_at
from connectors.settings.user_functions import find_function

log = logging.getLogger("sync.kafka")

Token = tuple[Any, ...]
_TRIES = 4
# The token if there is none: brokers deny it, and the client asks again.
_NO_TOKEN, _NO_TOKEN_FOR = "no-token", 6.0
_LEGAL = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def oauth_callback(
    name: str,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[str], object]:
    """The client's oauth_cb, which calls the function of this name.

    Raises StopRun if there is no such function. If the function fails, the last token is used as
    long as it is valid. A failure is logged with the line or the type, never with the content of a
    token.
    """
    function = find_function(name, "kafka.oauth_function")
    last: list[Token] = []

    def token(config: str) -> object:
        for number in range(_TRIES):
            try:
                answer = function(config)
                problem = _problem(answer, clock())
            except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
                problem = f"it raised {raised_at(error)}"
            else:
                if problem is None:
                    last[:] = [answer]
                    return answer
            log.warning("kafka.oauth_function %s: %s", name, problem)
            if last and last[0][1] > clock() + 1:
                return last[0]
            if number < _TRIES - 1:
                sleep(2.0**number / 4)
        log.error(
            "kafka.oauth_function %s returns no token: brokers will deny the login\n  remedy: "
            "correct the function; it returns (token, expiry in seconds since 1970)",
            name,
        )
        return _NO_TOKEN, clock() + _NO_TOKEN_FOR

    return token


def _problem(answer: Any, now: float) -> str | None:
    """What is wrong with a result of the function; None if nothing is."""
    if not isinstance(answer, tuple) or not 2 <= len(answer) <= 4:
        return "it did not return (token, expiry), with 2 to 4 elements"
    token, expiry, *more = answer
    if not isinstance(token, str) or not _LEGAL.fullmatch(token):
        return "the token is not text of the characters that a bearer token may have"
    if not isinstance(expiry, (int, float)) or isinstance(expiry, bool):
        return "the expiry is not a number of seconds since 1970"
    if not now < expiry < now + 1e9:
        return "the expiry is in the past or not in seconds since 1970"
    if more and not isinstance(more[0], str):
        return "the principal is not text"
    extensions = more[1] if len(more) > 1 else {}
    if not isinstance(extensions, dict) or not all(
        isinstance(name, str) and name.isascii() and name.isalpha() and isinstance(value, str)
        for name, value in extensions.items()
    ):
        return "the extensions are not a table of texts"
    return None
