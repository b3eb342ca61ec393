"""`tablestore-sync status`."""

from __future__ import annotations

from pathlib import Path

from connectors.cli.options import JsonOption, StateOption
from connectors.cli.output import say, say_json

EXAMPLES = ("tablestore-sync status", "tablestore-sync status -r orders-state --json")


def status(state: StateOption = Path("state"), as_json: JsonOption = False) -> None:
    """Print what a run does: its processes, offsets with their lag, counts, rejections and waits.

    The run is found by its recovery folder, supervised or not; of a cluster, all of it answers.
    """
    from connectors.control import commands  # noqa: PLC0415

    found = commands.status(state)
    if as_json:
        say_json(found)
    else:
        say(commands.status_lines(found))
