"""`tablestore-sync log-level`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from connectors.cli.options import StateOption
from connectors.cli.output import say

EXAMPLES = ("tablestore-sync log-level debug -r state",)


def log_level(
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Argument(metavar="LEVEL", help="Events of this level and above are logged."),
    ],
    state: StateOption = Path("state"),
) -> None:
    """Change the level of a run's log, until the run ends."""
    from connectors.control import commands  # noqa: PLC0415

    say([commands.log_level(state, level)])
