"""`tablestore-sync pause`, `resume` and `drain`: to a run that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.options import StateOption
from connectors.cli.output import say

PAUSE_EXAMPLES = ("tablestore-sync pause -r state",)
RESUME_EXAMPLES = ("tablestore-sync resume -r state",)
DRAIN_EXAMPLES = ("tablestore-sync drain -r state",)
YesOption = Annotated[bool, typer.Option("--yes", help="For scripts: this command never asks.")]


def pause(state: StateOption = Path("state"), yes: YesOption = False) -> None:  # noqa: ARG001
    """Have a run read nothing until `resume`. What was read is written, and snapshots go on."""
    from connectors.control import commands  # noqa: PLC0415

    say([commands.pause(state)])


def resume(state: StateOption = Path("state"), yes: YesOption = False) -> None:  # noqa: ARG001
    """Resume reading in a run that was paused."""
    from connectors.control import commands  # noqa: PLC0415

    say([commands.resume(state)])


def drain(state: StateOption = Path("state"), yes: YesOption = False) -> None:  # noqa: ARG001
    """End a run as SIGTERM does: what was read is written, and its exit code is 0."""
    from connectors.control import commands  # noqa: PLC0415

    say([commands.drain(state)])
