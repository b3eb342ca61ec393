"""Options of a run as a service: its log, and what `tablestore-sync run` does for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.settings.section import Section

LogLevel = Literal["debug", "info", "warning", "error"]


class LogSettings(Section):
    """The log, which goes to stderr."""

    format: Literal["text", "json"] = Field(
        "text",
        description="text: a line an event. json: one JSON object a line, with time, level, "
        "logger, message, pid, and process in a cluster.",
    )
    level: LogLevel = Field(
        "info",
        description="Events of this level and above. `tablestore-sync log-level` changes it while "
        "the run goes on.",
    )


class SupervisorSettings(Section):
    """How `tablestore-sync run` watches the processes of a run. Plain bytewax.run ignores it."""

    backoff_initial: float = Field(
        1.0, gt=0, le=3600, description="Seconds before the first restart; they double each time."
    )
    backoff_max: float = Field(
        60.0, gt=0, le=86_400, description="Seconds before a restart, at most."
    )
    forming_deadline: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds that the processes may take to start and to find each other; after "
        "starts that came to no cluster it is longer, up to five times.",
    )
    progress_deadline: float = Field(
        120.0,
        gt=0,
        le=86_400,
        description="Seconds without a completed snapshot, and without a wait that is known, or "
        "without a sign of life of a process, after which all are ended and started again. Well "
        "above the seconds between two snapshots.",
    )
