"""Regular expressions of clients, with a time limit: a bad one must not block other clients.

Python's matcher backtracks, and a pattern such as `^(a+)+$` can take years on a short text. The
matcher looks for signals while it works, so a timer of the process's own CPU time ends it.
"""

import re
import signal
from collections.abc import Callable

from emulator.errors import invalid

_SECONDS = 1.0
"""CPU time that one pattern may take in one request."""
_is_limited = False


def limit() -> None:
    """Limit every pattern from now on; for the main thread, where the system has such timers."""
    global _is_limited  # noqa: PLW0603 - a signal handler belongs to the whole process
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGVTALRM, _give_up)
        _is_limited = True


def _give_up(_number: int, _frame: object) -> None:
    raise invalid("The regex in value transfer rule takes too long.")


def searcher(regex: str) -> tuple[Callable[[str], re.Match[str] | None], int]:
    """Return the search of a pattern and how many groups it has; raises 400 for no pattern."""
    try:
        pattern = re.compile(regex)
    except (re.error, RecursionError, OverflowError):
        raise invalid("Invalid regex in value transfer rule.") from None
    if not _is_limited:
        return pattern.search, pattern.groups
    left = _SECONDS

    def search(text: str) -> re.Match[str] | None:
        nonlocal left
        signal.setitimer(signal.ITIMER_VIRTUAL, max(left, 0.001))
        try:
            return pattern.search(text)
        finally:
            left = signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]

    return search, pattern.groups
