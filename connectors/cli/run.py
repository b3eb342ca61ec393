"""`tablestore-sync run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.options import ConfigOption, StateOption

EXAMPLES = (
    "tablestore-sync run",
    "tablestore-sync run --config orders.toml -r orders-state --workers 2",
    "tablestore-sync run --flow my_flows.orders",
)


def run(
    config: ConfigOption = None,
    state: StateOption = Path("state"),
    flow: Annotated[
        str, typer.Option(metavar="MODULE", help="The page of the flow, such as one of your own.")
    ] = "flows.sync",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Worker threads; one unless given."),
    ] = None,
) -> None:
    """Move the topics into their tables, until SIGTERM or SIGINT.

    It goes on where the last run with the same recovery folder has stopped.
    """
    from connectors.cli.flow_process import become  # noqa: PLC0415

    become(flow, config, lambda _: state, {}, [] if workers is None else ["-w", str(workers)])
