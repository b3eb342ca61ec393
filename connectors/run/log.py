"""The log of a run: one line an event to stderr, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from connectors.control.protocol import CommandError
from connectors.settings.operation import LogSettings

log = logging.getLogger("sync")

LEVELS = ("debug", "info", "warning", "error")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """An object a line: time (UTC), level, logger, message, pid; process in a cluster.

    An event may bring more in its attribute `fields`; a traceback is in `exception`.
    """

    def __init__(self, process: int | None = None) -> None:
        """`process` is the number of this process in its cluster."""
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if self._process is not None:
            line["process"] = self._process
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging() -> None:
    """Text to stderr, unless the program that embeds the flow has its own logging."""
    if log.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_TEXT))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def apply(settings: LogSettings, process: int | None = None) -> None:
    """The form and level of [log], for what `configure_logging` has set up.

    `process` is the number of this process, where there are several.
    """
    if not log.handlers:
        return
    set_level(settings.level)
    for handler in log.handlers:
        if settings.format == "json":
            handler.setFormatter(JsonFormatter(process))
        elif process is not None:
            handler.setFormatter(logging.Formatter(_TEXT.replace(": ", f"[{process}]: ", 1)))


def set_level(level: str) -> None:
    """Log events of this level and above. Raises CommandError for a word that is none of LEVELS."""
    if level not in LEVELS:
        raise CommandError(f"level: one of {', '.join(LEVELS)} is needed")
    log.setLevel(level.upper())


def is_json() -> bool:
    """Whether lines are JSON."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in log.handlers)


def say(text: str, fields: Mapping[str, Any]) -> None:
    """Write a line that is to come whatever the level is: as text, or as JSON with its fields."""
    if not is_json():
        sys.stderr.write(f"sync: {text}\n")
        return
    record = log.makeRecord(log.name, logging.INFO, __file__, 0, text, (), None)
    record.fields = fields
    for handler in log.handlers:
        handler.handle(record)


def report_counts(state: str, counts: Mapping[str, int], notes: Sequence[str]) -> None:
    """Write counts to stderr in one line, and before it the notes, a line each."""
    for note in notes:
        say(note, {})
    text = " ".join(f"{name}={number}" for name, number in counts.items())
    say(f"{state}: {text}", {"counts": dict(counts)})
