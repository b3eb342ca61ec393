"""`Finding`: one line of the list that `check` prints."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "failed", "skipped"]
_REMEDY = "\n  remedy: "


class Finding(NamedTuple):
    """The result of one check."""

    name: str
    """What was looked at, such as "topic orders"."""
    status: Status
    text: str
    remedy: str = ""
    grant: str = ""
    """A command or a policy that grants what is missing, to be copied."""


def failed(name: str, error: Exception | str, grant: str = "") -> Finding:
    """The finding of a StopRun or ConfigError, whose text ends with the remedy."""
    text, _, remedy = str(error).partition(_REMEDY)
    return Finding(name, "failed", text, remedy, grant)
