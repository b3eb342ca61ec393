"""Runs the checks side by side, and gives up on those that take too long."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from connectors.errors import ConfigError, StopRun, raised_at
from connectors.preflight.finding import Finding, failed

log = logging.getLogger("sync.check")

_THREADS = 8


class Check(NamedTuple):
    """One thing to look at. Its function may block, and may raise StopRun or ConfigError."""

    group: str
    name: str
    look: Callable[[], list[Finding]]


class Group(NamedTuple):
    """The findings of one group, in the order of its checks."""

    name: str
    findings: list[Finding]


def run_checks(checks: Sequence[Check], seconds: float) -> list[Group]:
    """The findings of all checks by group, after `seconds` at the latest.

    A check that has not returned by then has failed.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(checks)):
        waiting.put(number)
    found: dict[int, list[Finding]] = {}

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            found[number] = _look(checks[number])

    # Daemons: one that hangs must not keep the process.
    threads = [
        threading.Thread(target=work, daemon=True) for _ in range(min(_THREADS, len(checks)))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    groups: dict[str, Group] = {}
    for number, check in enumerate(checks):
        group = groups.setdefault(check.group, Group(check.group, []))
        late = failed(
            check.name,
            f"no answer within {seconds:g} s\n  remedy: look at the other findings first; "
            "--timeout gives it more time",
        )
        group.findings.extend(found.get(number, [late]))
    return [*groups.values()]


def _look(check: Check) -> list[Finding]:
    try:
        return check.look()
    except (StopRun, ConfigError) as error:
        return [failed(check.name, error)]
    except Exception as error:
        log.exception("check of %s", check.name)
        return [
            failed(
                check.name,
                f"unexpected {raised_at(error)}\n  remedy: please report this as a bug",
            )
        ]
