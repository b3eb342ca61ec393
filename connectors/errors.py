"""The exceptions that cross the borders between the parts of the application."""

from __future__ import annotations


class StopRun(Exception):  # noqa: N818 - it is an order to the run, worded for its user
    """Ends the run without moving an offset. The text is what the user sees."""


class ConfigError(Exception):
    """The configuration cannot be used; the text says which key, why, and where it came from."""


class Rejection(Exception):  # noqa: N818 - it is a verdict on a record, not a failure of the run
    """Raised while a record is decoded, transformed or mapped: this record cannot go on."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
