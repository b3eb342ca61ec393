"""Kafka topics into Tablestore tables, as steps of Bytewax flows.

The names listed here are the public ones: a flow's page and the tests of its steps need no others.
Each is imported when it is first used, so that importing one part does not import all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors import steps, testing
    from connectors.errors import ConfigError, Rejection, StopRun
    from connectors.records import UNAVAILABLE, PlainMessage, Record
    from connectors.run.start import start

__all__ = [
    "UNAVAILABLE",
    "ConfigError",
    "PlainMessage",
    "Record",
    "Rejection",
    "StopRun",
    "start",
    "steps",
    "testing",
]


def __getattr__(name: str) -> Any:
    """Import a public name."""
    found: Any
    if name in ("ConfigError", "Rejection", "StopRun"):
        from connectors import errors  # noqa: PLC0415

        found = getattr(errors, name)
    elif name in ("UNAVAILABLE", "PlainMessage", "Record"):
        from connectors import records  # noqa: PLC0415

        found = getattr(records, name)
    elif name == "start":
        from connectors.run.start import start as found  # noqa: PLC0415
    elif name == "steps":
        import connectors.steps as found  # noqa: PLC0415
    elif name == "testing":
        import connectors.testing as found  # noqa: PLC0415
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names."""
    return __all__
