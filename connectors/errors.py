"""The exceptions that are raised in one room and handled in another."""

from __future__ import annotations

import traceback
from pathlib import Path


class StopRun(Exception):  # noqa: N818 - it is an order to the run, worded for its user
    """Ends the run without moving an offset. The text is what the user sees."""


class NoAnswer(StopRun):
    """A stop that may pass by itself: the brokers do not answer.

    A supervisor starts a run again that was stopped by it, once the run has worked before.
    """


class ConfigError(Exception):
    """The configuration cannot be used; the text says which key, why, and where it came from."""


class Rejection(Exception):  # noqa: N818 - it is a verdict on a record, not a failure of the run
    """Raised while a record is decoded, transformed or mapped: this record cannot go on."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def raised_at(error: BaseException) -> str:
    """Class, file and line of an error that was caught, such as "KeyError at steps.py:12".

    Never its text, which may hold a record's values.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
